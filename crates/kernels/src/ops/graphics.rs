//! The kernels as operations of Burn's one backend for graphics processors.

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn_cubecl::CubeBackend;

use super::sequence::{Tensors, Ways};
use super::tape::Kept;
use super::{Layers, Plan, Updates};
use crate::cpu::optimizer::{Adam, Rmsprop};
use crate::cube::{optimizer, sequence};

fn layer(plan: Plan, tensors: &Tensors<CubeBackend>) -> sequence::Layer {
    let Plan { equations, steps, every } = plan;
    let [input, kernel, recurrent, bias, hidden, memory] = tensors.clone();
    sequence::Layer { equations, steps, every, input, kernel, recurrent, bias, hidden, memory }
}

/// Ids are looked up before: they lie in the same memory as the table.
impl Ways for CubeBackend {
    fn forward(
        plan: Plan,
        ids: Option<&[u32]>,
        tensors: &Tensors<Self>,
    ) -> (FloatTensor<Self>, Kept) {
        assert!(ids.is_none(), "a graphics processor's layer reads vectors");
        let (output, tape) = sequence::forward(layer(plan, tensors));
        (output, Kept::new(tape))
    }

    fn backward(
        plan: Plan,
        _ids: Option<&[u32]>,
        tensors: &Tensors<Self>,
        tape: Kept,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 6] {
        sequence::backward(layer(plan, tensors), tape.take(), gradient)
    }
}

impl Layers for CubeBackend {
    fn sequence(
        plan: Plan,
        ids: Option<Arc<[u32]>>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        memory: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let tensors = [input, kernel, recurrent, bias, hidden, memory];
        Self::forward(plan, ids.as_deref(), &tensors).0
    }
}

impl Updates for CubeBackend {
    fn rmsprop(
        config: Rmsprop,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        square: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        optimizer::rmsprop(config, weights, gradient, square)
    }

    fn adam(
        config: Adam,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        optimizer::adam(config, weights, gradient, mean, square)
    }
}
