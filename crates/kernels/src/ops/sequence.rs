//! A recurrent layer as one operation.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, TensorMetadata};

use super::Layers;
use super::host::{Float, Host, Lent, by_type};
use super::tape::{Kept, parts, register};
use crate::cpu::equations::{Equations, by_cell};
use crate::cpu::processor::Processor;
use crate::cpu::sequence::{self, Cell, Input, Layer, Tape};
use crate::cpu::shape::Shape;
use crate::cpu::view::View;

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// By which equations.
    pub equations: Equations,
    /// N and T.
    pub steps: [usize; 2],
    /// All hidden states, or only the last.
    pub every: bool,
}

/// Input, W, U, biases, h, c.
pub(super) type Tensors<B> = [FloatTensor<B>; 6];

/// A backend with kernels for both ways through a layer.
pub(super) trait Ways: Backend {
    /// What the layer hands on, and its tape.
    fn forward(
        plan: Plan,
        ids: Option<&[u32]>,
        tensors: &Tensors<Self>,
    ) -> (FloatTensor<Self>, Kept);

    /// The gradients of all tensors; none of c, if there is none.
    fn backward(
        plan: Plan,
        ids: Option<&[u32]>,
        tensors: &Tensors<Self>,
        tape: Kept,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 6];
}

impl<B: Host> Ways for B {
    fn forward(plan: Plan, ids: Option<&[u32]>, tensors: &Tensors<B>) -> (FloatTensor<B>, Kept) {
        by_type!(tensors[0].dtype(), T => by_cell!(plan.equations, cell => {
            let (output, tape) = run::<B, T, _>(cell, plan, ids, tensors);
            (output, Kept::new(tape))
        }))
    }

    fn backward(
        plan: Plan,
        ids: Option<&[u32]>,
        tensors: &Tensors<B>,
        tape: Kept,
        gradient: FloatTensor<B>,
    ) -> [Option<FloatTensor<B>>; 6] {
        let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
        by_type!(gradient.dtype(), T => by_cell!(plan.equations, cell => {
            let memory = matches!(plan.equations, Equations::Lstm);
            let lends = Lends::<T>::new::<B>(tensors);
            let gradient = B::lend::<T>(&gradient);
            let gradients = lends.with(ids, memory, |input, layer| {
                let (tape, gradient) = (tape.take::<Tape<T>>(), gradient.dense());
                sequence::backward(Processor::best(), cell, tape, input, layer, &gradient)
            });
            let sequence::Gradients { input, kernel, recurrent, bias, hidden, memory: c } = gradients;
            let mut shapes = shapes.iter();
            [input, kernel, recurrent, bias, hidden, c].map(|numbers| {
                let shape = shapes.next().expect("as many shapes as tensors");
                (!numbers.is_empty()).then(|| B::give(numbers, shape))
            })
        }))
    }
}

/// The tensors' numbers as a kernel takes them.
struct Lends<'a, T: Float> {
    input: Lent<'a, T>,
    kernel: Lent<'a, T>,
    recurrent: Lent<'a, T>,
    bias: Lent<'a, T>,
    hidden: Lent<'a, T>,
    memory: Lent<'a, T>,
}

impl<'a, T: Float> Lends<'a, T> {
    fn new<B: Host>(tensors: &'a Tensors<B>) -> Self {
        let [input, kernel, recurrent, bias, hidden, memory] = tensors.each_ref().map(B::lend);
        Self { input, kernel, recurrent, bias, hidden, memory }
    }

    /// Calls `body` with the layer and its input.
    fn with<R>(
        &self,
        ids: Option<&[u32]>,
        memory: bool,
        body: impl FnOnce(Input<T>, Layer<T>) -> R,
    ) -> R {
        let (input, bias) = (self.input.dense(), self.bias.dense());
        let kernel = self.kernel.matrix();
        let rows = View::dense(&input, kernel.rows);
        let input = match ids {
            Some(ids) => Input::Ids(rows, ids),
            None => Input::Vectors(rows),
        };
        let layer = Layer {
            kernel,
            recurrent: self.recurrent.matrix(),
            bias: &bias,
            hidden: self.hidden.matrix(),
            memory: memory.then(|| self.memory.matrix()),
        };
        body(input, layer)
    }
}

fn run<B: Host, T: Float, C: Cell<T>>(
    cell: C,
    plan: Plan,
    ids: Option<&[u32]>,
    tensors: &Tensors<B>,
) -> (FloatTensor<B>, Tape<T>) {
    let lends = Lends::<T>::new::<B>(tensors);
    let [batch, time] = plan.steps;
    let (numbers, tape, shape) = lends.with(ids, C::MEMORY, |input, layer| {
        let (inputs, units) = (layer.kernel.rows, layer.recurrent.rows);
        let shape = Shape { batch, time, inputs, units };
        let processor = Processor::best();
        let (numbers, tape) = sequence::forward(processor, cell, shape, input, layer, plan.every);
        (numbers, tape, shape)
    });
    let slots = sequence::slots(&shape, plan.every, C::MEMORY);
    (B::give(numbers, &[batch, slots, shape.units]), tape)
}

/// What the graph keeps between the two ways.
#[derive(Clone, Debug)]
struct State<B: Backend> {
    plan: Plan,
    ids: Option<Arc<[u32]>>,
    tensors: Tensors<B>,
    tape: Kept,
}

#[derive(Debug)]
struct Return;

impl<B: Ways> Backward<B, 6> for Return {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let State { plan, ids, tensors, tape } = ops.state;
        let gradients = B::backward(plan, ids.as_deref(), &tensors, tape, gradient);
        register::<B, 6>(grads, parents, gradients);
    }
}

impl<B: Ways + Layers, C: CheckpointStrategy> Layers for Autodiff<B, C> {
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
        let (tensors, guards) = parts::<B, C, 6>([input, kernel, recurrent, bias, hidden, memory]);
        let prepared = Return.prepare::<C>(guards).compute_bound().stateful();
        let (output, tape) = B::forward(plan, ids.as_deref(), &tensors);
        match prepared {
            OpsKind::Tracked(prepared) => {
                prepared.finish(State { plan, ids, tensors, tape }, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
