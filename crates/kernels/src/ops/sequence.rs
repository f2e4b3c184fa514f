//! A recurrent layer as one differentiable operation.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, TensorMetadata};

use super::cpu::{CpuBackend, StridedValues, TensorFloat, by_type};
use super::layer_kernels::{LayerKernels, LayerTensors};
use super::saved::{Saved, register_gradients, split_autodiff};
use super::traits::{SequenceOps, SequenceSpec};
use crate::cpu::kernel_cell::{KernelCell, by_cell};
use crate::cpu::sequence::{self, Cell, ForwardCache, Input, Layer, SequenceShape};
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::view::MatrixView;

impl<B: CpuBackend> LayerKernels for B {
    fn forward(spec: SequenceSpec, ids: Option<&[u32]>, tensors: &LayerTensors<B>) -> (FloatTensor<B>, Saved) {
        by_type!(tensors[0].dtype(), T => by_cell!(spec.cell, cell => {
            let (output, cache) = run::<B, T, _>(cell, spec, ids, tensors);
            (output, Saved::new(cache))
        }))
    }

    fn backward(
        spec: SequenceSpec,
        ids: Option<&[u32]>,
        tensors: &LayerTensors<B>,
        saved: Saved,
        gradient: FloatTensor<B>,
    ) -> [Option<FloatTensor<B>>; 6] {
        let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
        by_type!(gradient.dtype(), T => by_cell!(spec.cell, cell => {
            let values = LayerValues::<T>::new::<B>(tensors);
            let gradient = B::values::<T>(&gradient);
            let gradients = values.with(spec, ids, |input, layer| {
                let (cache, gradient) = (saved.take::<ForwardCache<T>>(), gradient.contiguous());
                sequence::backward(SimdLevel::selected(), cell, cache, input, layer, &gradient)
            });
            let sequence::Gradients { input, kernel, recurrent, bias, hidden, cell_state } = gradients;
            let mut shapes = shapes.iter();
            [input, kernel, recurrent, bias, hidden, cell_state].map(|values| {
                let shape = shapes.next().expect("one shape per tensor");
                (!values.is_empty()).then(|| B::from_values(values, shape))
            })
        }))
    }
}

/// The tensors' values.
struct LayerValues<'a, T: TensorFloat> {
    input: StridedValues<'a, T>,
    kernel: StridedValues<'a, T>,
    recurrent: StridedValues<'a, T>,
    bias: StridedValues<'a, T>,
    hidden: StridedValues<'a, T>,
    cell_state: StridedValues<'a, T>,
    keep_state: StridedValues<'a, T>,
}

impl<'a, T: TensorFloat> LayerValues<'a, T> {
    fn new<B: CpuBackend>(tensors: &'a LayerTensors<B>) -> Self {
        let [input, kernel, recurrent, bias, hidden, cell_state, keep_state] = tensors.each_ref().map(B::values);
        Self { input, kernel, recurrent, bias, hidden, cell_state, keep_state }
    }

    /// Calls `body` with the layer and its input as a kernel takes them.
    fn with<R>(&self, spec: SequenceSpec, ids: Option<&[u32]>, body: impl FnOnce(Input<T>, Layer<T>) -> R) -> R {
        let (input, bias) = (self.input.contiguous(), self.bias.contiguous());
        let keep_state = spec.has_resets.then(|| self.keep_state.contiguous());
        let kernel = self.kernel.matrix();
        let rows = MatrixView::dense(&input, kernel.rows);
        let input = match ids {
            Some(ids) => Input::Ids(rows, ids),
            None => Input::Vectors(rows),
        };
        let layer = Layer {
            kernel,
            recurrent: self.recurrent.matrix(),
            bias: &bias,
            hidden: self.hidden.matrix(),
            cell_state: matches!(spec.cell, KernelCell::Lstm).then(|| self.cell_state.matrix()),
            keep_state: keep_state.as_deref(),
            operands: spec.operands,
        };
        body(input, layer)
    }
}

fn run<B: CpuBackend, T: TensorFloat, C: Cell<T>>(
    cell: C,
    spec: SequenceSpec,
    ids: Option<&[u32]>,
    tensors: &LayerTensors<B>,
) -> (FloatTensor<B>, ForwardCache<T>) {
    let values = LayerValues::<T>::new::<B>(tensors);
    let [batch, time] = spec.batch_and_time;
    let (output, cache, shape) = values.with(spec, ids, |input, layer| {
        let (inputs, units) = (layer.kernel.rows, layer.recurrent.rows);
        let shape = SequenceShape { batch, time, inputs, units };
        let (output, cache) = sequence::forward(SimdLevel::selected(), cell, shape, input, layer, spec.all_steps);
        (output, cache, shape)
    });
    let slots = shape.slots(spec.all_steps, C::HAS_CELL_STATE);
    (B::from_values(output, &[batch, slots, shape.units]), cache)
}

/// What the graph holds from the forward to the backward pass.
#[derive(Clone, Debug)]
struct State<B: Backend> {
    spec: SequenceSpec,
    ids: Option<Arc<[u32]>>,
    tensors: LayerTensors<B>,
    saved: Saved,
}

#[derive(Debug)]
struct SequenceBackward;

impl<B: LayerKernels> Backward<B, 7> for SequenceBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 7>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let State { spec, ids, tensors, saved } = ops.state;
        let [input, kernel, recurrent, bias, hidden, cell_state] =
            B::backward(spec, ids.as_deref(), &tensors, saved, gradient);
        let gradients = [input, kernel, recurrent, bias, hidden, cell_state, None];
        register_gradients::<B, 7>(grads, parents, gradients);
    }
}

impl<B: LayerKernels + SequenceOps, C: CheckpointStrategy> SequenceOps for Autodiff<B, C> {
    fn sequence(
        spec: SequenceSpec,
        ids: Option<Arc<[u32]>>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell_state: FloatTensor<Self>,
        keep_state: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let tensors = [input, kernel, recurrent, bias, hidden, cell_state, keep_state];
        let (tensors, guards) = split_autodiff::<B, C, 7>(tensors);
        let prepared = SequenceBackward.prepare::<C>(guards).compute_bound().stateful();
        let (output, saved) = B::forward(spec, ids.as_deref(), &tensors);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(State { spec, ids, tensors, saved }, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
