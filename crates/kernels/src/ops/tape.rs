//! What a graph keeps of a way there until it goes back.

use std::any::Any;
use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::NodeGuard;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// A kernel's tape, of whatever numbers.
#[derive(Clone)]
pub(super) struct Kept(Arc<dyn Any + Send + Sync>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    pub fn new<T: Any + Send + Sync>(tape: T) -> Self {
        Self(Arc::new(tape))
    }

    /// The tape, which is used up.
    ///
    /// # Panics
    /// If it is another one, or somebody else holds it too: a graph is gone back through once.
    pub fn take<T: Any + Send + Sync>(self) -> T {
        let tape = self.0.downcast::<T>().expect("the tape of the same kernel's way there");
        Arc::into_inner(tape).expect("a graph is gone back through once, by one thread")
    }
}

/// The tensors of a differentiable operation, and what holds their places in the graph.
pub(super) fn parts<B: Backend, C, const N: usize>(
    tensors: [FloatTensor<Autodiff<B, C>>; N],
) -> ([FloatTensor<B>; N], [NodeGuard; N])
where
    C: burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy,
{
    let mut guards = Vec::with_capacity(N);
    let tensors = tensors.map(|tensor| {
        let (tensor, guard) = tensor.into_parts();
        guards.push(guard);
        tensor
    });
    let guards = guards.try_into();
    (tensors, guards.unwrap_or_else(|_| unreachable!("one guard a tensor")))
}

/// Hands each gradient to its tensor's place in the graph, where somebody wants it.
pub(super) fn register<B: Backend, const N: usize>(
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
