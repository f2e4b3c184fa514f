//! The interface of a recurrent cell: inputs and a state go in, hidden states and a state come out.

use burn::module::Param;
use burn::tensor::Tensor;
use kernels::inference::KernelCell;
use kernels::{CellState, Input, SequenceOptions};

/// What is known of a cell without its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellSpec {
    /// Blocks of H columns in W and U.
    pub gates: usize,
    /// Bias vectors: 2 if the recurrent product has its own, else 1.
    pub biases: usize,
    /// About how many values the forward pass saves for the backward pass, per unit, row and step.
    pub activations_per_unit: usize,
    /// The class of the layer in Keras, as in `SimpleRNN`.
    pub keras_class: &'static str,
    /// The default name of the layer in Keras, as in `simple_rnn`.
    pub keras_name: &'static str,
    /// The order of the blocks in PyTorch, by their index here; its own inverse.
    pub pytorch_order: &'static [usize],
}

/// Mutable access to the weights of a cell.
pub struct CellWeightsMut<'a> {
    /// W.
    pub kernel: &'a mut Param<Tensor<2>>,
    /// U.
    pub recurrent_kernel: &'a mut Param<Tensor<2>>,
    /// b.
    pub bias: &'a mut Param<Tensor<1>>,
    /// b′, where the recurrent product has its own bias.
    pub recurrent_bias: Option<&'a mut Param<Tensor<1>>>,
    /// The matrices besides W and U.
    pub other_matrices: Vec<&'a mut Param<Tensor<2>>>,
}

/// A recurrent cell from `D` inputs to `H` units.
pub trait RecurrentCell {
    /// W, `[D, gates · H]`.
    fn kernel(&self) -> &Param<Tensor<2>>;

    /// U, `[H, gates · H]`.
    fn recurrent_kernel(&self) -> &Param<Tensor<2>>;

    /// b, `[gates · H]`.
    fn bias(&self) -> &Param<Tensor<1>>;

    /// b′, `[gates · H]`, where the recurrent product has its own bias.
    fn recurrent_bias(&self) -> Option<&Param<Tensor<1>>> {
        None
    }

    /// The weights, to be replaced, without the gains and biases of normalisation.
    fn weights_mut(&mut self) -> CellWeightsMut<'_>;

    /// H.
    fn units(&self) -> usize {
        self.recurrent_kernel().lazy_shape()[0]
    }

    /// The zero state before the first step, for `batch` rows, in the dtype and on the device of the
    /// weights.
    fn init_state(&self, batch: usize) -> CellState {
        let weights = self.recurrent_kernel().val();
        let hidden = Tensor::zeros([batch, self.units()], (&weights.device(), weights.dtype()));
        CellState { hidden, cell: None }
    }

    /// Runs over whole sequences, with `recurrent` instead of U. Returns the hidden states `[N, T, H]`
    /// (or the last one, `[N, 1, H]`) and the state after the last step.
    ///
    /// # Panics
    /// If the state is of another cell.
    fn forward(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        options: &SequenceOptions,
    ) -> (Tensor<3>, CellState);

    /// The equations and the bias vector of the inference kernel; `None` if the cell has no such kernel.
    fn inference_kernel(&self) -> Option<(KernelCell, Vec<f32>)>;
}

/// The values of a tensor, row by row.
///
/// # Panics
/// If the device fails to return them.
pub(crate) fn f32_values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    kernels::f32_values(tensor).expect("the device returns the weights")
}
