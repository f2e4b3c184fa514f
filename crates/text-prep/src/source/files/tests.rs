//! Tests of reading files together.
