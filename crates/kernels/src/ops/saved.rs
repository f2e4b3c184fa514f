//! What a custom operation saves in the autodiff graph between its forward and its backward pass.

use std::any::Any;
use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::NodeGuard;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// A kernel's forward cache, of any type.
#[derive(Clone)]
pub(super) struct Saved(Arc<dyn Any + Send + Sync>);

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Saved")
    }
}

impl Saved {
    pub fn new<T: Any + Send + Sync>(cache: T) -> Self {
        Self(Arc::new(cache))
    }

    /// The forward cache, which the backward pass consumes.
    ///
    /// # Panics
    /// If it is of another type, or there is another reference to it: a graph has one backward pass.
    pub fn take<T: Any + Send + Sync>(self) -> T {
        let cache = self.0.downcast::<T>().expect("saved by the forward pass of the same kernel");
        Arc::into_inner(cache).expect("a graph has one backward pass, on one thread")
    }
}

/// Splits the tensors of a differentiable operation into the inner backend's tensors and their graph nodes.
pub(super) fn split_autodiff<B: Backend, C: CheckpointStrategy, const N: usize>(
    tensors: [FloatTensor<Autodiff<B, C>>; N],
) -> ([FloatTensor<B>; N], [NodeGuard; N]) {
    let mut guards = Vec::with_capacity(N);
    let tensors = tensors.map(|tensor| {
        let (tensor, guard) = tensor.into_parts();
        guards.push(guard);
        tensor
    });
    let guards = guards.try_into();
    (tensors, guards.unwrap_or_else(|_| unreachable!("one guard per tensor")))
}

/// Registers each gradient with its parent node, if the parent needs one.
pub(super) fn register_gradients<B: Backend, const N: usize>(
    grads: &mut Gradients,
    parents: [Option<NodeId>; N],
    gradients: [Option<FloatTensor<B>>; N],
) {
    for (parent, gradient) in parents.into_iter().zip(gradients) {
        if let (Some(parent), Some(gradient)) = (parent, gradient) {
            grads.register::<B>(parent, gradient);
        }
    }
}
