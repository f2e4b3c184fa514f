//! What a backend implements for a recurrent layer: its two kernels.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::saved::Saved;
use super::traits::SequenceSpec;

/// Input, W, U, biases, h, c, and where the state is kept.
pub(super) type LayerTensors<B> = [FloatTensor<B>; 7];

/// A backend with kernels for the forward and the backward pass of a layer.
pub(super) trait LayerKernels: Backend {
    /// The output of the layer, and what its backward pass needs.
    fn forward(spec: SequenceSpec, ids: Option<&[u32]>, tensors: &LayerTensors<Self>) -> (FloatTensor<Self>, Saved);

    /// The gradients of all tensors but the last; none of c, if the cell has none.
    fn backward(
        spec: SequenceSpec,
        ids: Option<&[u32]>,
        tensors: &LayerTensors<Self>,
        saved: Saved,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 6];
}
