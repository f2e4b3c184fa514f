//! Every cell, stack and encoder, in f64 and f32.

use burn::tensor::{DType, Device};

use super::fixtures::assert_every_case;

#[test]
fn outputs_states_and_gradients_are_the_frameworks_own() {
    assert_every_case(&Device::flex(), &[(DType::F64, 1e-9), (DType::F32, 1e-5)]);
}
