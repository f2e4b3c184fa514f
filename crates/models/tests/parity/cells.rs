//! Every cell, stack and bidirectional layer, in f64 and f32.

use burn::tensor::{DType, Device};

use super::fixtures::assert_every_case;

#[test]
fn outputs_states_and_gradients_are_those_of_the_frameworks() {
    assert_every_case(&Device::flex(), &[(DType::F64, 1e-9), (DType::F32, 1e-5)]);
}
