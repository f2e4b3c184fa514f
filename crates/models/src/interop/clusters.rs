//! The clusters of an adaptive softmax in PyTorch's layout: the names and shapes of `nn.AdaptiveLogSoftmaxWithLoss`, whose head
//! has a bias (`head_bias=True`).

use super::array::{Array, Tensors, array, set};
use super::layout::Layout;
use super::strict_loader::StrictLoader;
use crate::error::{Error, Result};
use crate::output_layer::OutputLayer;
use crate::token_cluster::TokenCluster;

/// The names of projection and kernel of the cluster at `index`.
fn names(index: usize) -> [String; 2] {
    [0, 1].map(|part| format!("output.tail.{index}.{part}.weight"))
}

/// Rejects an adaptive softmax for Keras.
pub(super) fn check(output: &OutputLayer, layout: Layout) -> Result<()> {
    if layout == Layout::Keras && !output.clusters.is_empty() {
        let expected = "softmax: Keras has no adaptive softmax; PyTorch's layout has one";
        return Err(Error::out_of_range("model.output", "adaptive", expected));
    }
    Ok(())
}

/// Fills the clusters of `output`.
pub(super) fn import(output: &mut OutputLayer, loader: &mut StrictLoader) {
    for (index, TokenCluster { projection, kernel }) in output.clusters.iter_mut().enumerate() {
        for (name, weights) in names(index).iter().zip([projection, kernel]) {
            let [inputs, outputs] = weights.lazy_shape().dims();
            set(weights, loader.take(name, &[outputs, inputs]).map(Array::transposed));
        }
    }
}

/// Adds the clusters of `output`.
pub(super) fn export(output: &OutputLayer, tensors: &mut Tensors) -> Result<()> {
    for (index, TokenCluster { projection, kernel }) in output.clusters.iter().enumerate() {
        for (name, weights) in names(index).into_iter().zip([projection, kernel]) {
            tensors.insert(name, array(weights)?.transposed());
        }
    }
    Ok(())
}
