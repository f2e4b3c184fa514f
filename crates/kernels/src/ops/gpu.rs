//! Recurrent layers on Burn's CubeCL backend.

use burn::backend::tensor::FloatTensor;
use burn_cubecl::CubeBackend;

use super::layer_kernels::{LayerKernels, LayerTensors};
use super::saved::Saved;
use super::traits::SequenceSpec;
use crate::cube::sequence::{self, Layer};

fn layer(spec: SequenceSpec, tensors: &LayerTensors<CubeBackend>) -> Layer {
    let SequenceSpec { cell, batch_and_time, all_steps, has_resets, .. } = spec;
    let [input, kernel, recurrent, bias, hidden, cell_state, keep_state] = tensors.clone();
    let keep_state = has_resets.then_some(keep_state);
    Layer { cell, batch_and_time, all_steps, input, kernel, recurrent, bias, hidden, cell_state, keep_state }
}

/// Takes vectors only: ids are looked up before, since they are in GPU memory like the table.
impl LayerKernels for CubeBackend {
    fn forward(spec: SequenceSpec, ids: Option<&[u32]>, tensors: &LayerTensors<Self>) -> (FloatTensor<Self>, Saved) {
        assert!(ids.is_none(), "a layer on a GPU takes vectors, not ids");
        let (output, cache) = sequence::forward(layer(spec, tensors));
        (output, Saved::new(cache))
    }

    fn backward(
        spec: SequenceSpec,
        _ids: Option<&[u32]>,
        tensors: &LayerTensors<Self>,
        saved: Saved,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 6] {
        sequence::backward(layer(spec, tensors), saved.take(), gradient)
    }
}
