//! Tests of subwords against the crate `tokenizers` and simple reference implementations.
