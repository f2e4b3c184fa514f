//! Gated recurrent unit (Cho et al. 2014), with the reset gate before or after the matrix product.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::inference::KernelCell;
use kernels::{CellState, GruWeights, Input, SequenceOptions, gru_sequence};

use super::recurrent_cell::{CellSpec, CellWeightsMut, RecurrentCell, f32_values};
use crate::init::{Initialization, Initializer};

/// The weights of a GRU layer from `D` inputs to `H` units.
///
/// ```text
/// a    = x W + b                       three blocks of H columns: z, r, n
/// z, r = σ(a_z + h U_z + b′_z), σ(a_r + h U_r + b′_r)     update and reset gate
/// n    = tanh(a_n + r ∘ (h U_n + b′_n))     reset after the product, as in Keras and PyTorch
/// n    = tanh(a_n + (r ∘ h) U_n)            reset before it, as in Cho et al.; without b′
/// h′   = z ∘ h + (1 − z) ∘ n
/// ```
///
/// There is no cell state and no output gate. The order of the blocks is Keras's; PyTorch has r
/// before z.
#[derive(Module, Debug)]
pub struct Gru {
    /// W, `[D, 3H]`.
    pub kernel: Param<Tensor<2>>,
    /// U, `[H, 3H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// b, `[3H]`.
    pub bias: Param<Tensor<1>>,
    /// b′, `[3H]`, if the reset gate is applied after the product.
    pub recurrent_bias: Option<Param<Tensor<1>>>,
}

impl Gru {
    /// Initial weights as in Keras: Glorot uniform over all of W, orthogonal over all of U, zero
    /// biases.
    pub fn new(inputs: usize, units: usize, reset_after: bool, weights: &Initialization) -> Self {
        let zeros = |name: &str| weights.vector(name, vec![0.0; 3 * units]);
        let (kernel, recurrent) = ([inputs, 3 * units], [units, 3 * units]);
        Self {
            kernel: weights.matrix("kernel", kernel, Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix("recurrent_kernel", recurrent, Initializer::Orthogonal),
            bias: zeros("bias"),
            recurrent_bias: reset_after.then(|| zeros("recurrent_bias")),
        }
    }

    pub(super) const fn spec(reset_after: bool) -> CellSpec {
        CellSpec {
            gates: 3,
            biases: if reset_after { 2 } else { 1 },
            // Three gates before and after their activation, two sums, three products, the state.
            activations_per_unit: 12,
            keras_class: "GRU",
            keras_name: "gru",
            pytorch_order: &[1, 0, 2],
        }
    }
}

impl RecurrentCell for Gru {
    fn kernel(&self) -> &Param<Tensor<2>> {
        &self.kernel
    }

    fn recurrent_kernel(&self) -> &Param<Tensor<2>> {
        &self.recurrent_kernel
    }

    fn bias(&self) -> &Param<Tensor<1>> {
        &self.bias
    }

    fn recurrent_bias(&self) -> Option<&Param<Tensor<1>>> {
        self.recurrent_bias.as_ref()
    }

    fn weights_mut(&mut self) -> CellWeightsMut<'_> {
        let Self { kernel, recurrent_kernel, bias, recurrent_bias } = self;
        let recurrent_bias = recurrent_bias.as_mut();
        CellWeightsMut { kernel, recurrent_kernel, bias, recurrent_bias, other_matrices: Vec::new() }
    }

    fn forward(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        options: &SequenceOptions,
    ) -> (Tensor<3>, CellState) {
        let (kernel, bias) = (self.kernel.val(), self.bias.val());
        let recurrent_bias = self.recurrent_bias.as_ref().map(Param::val);
        let weights = GruWeights { kernel, recurrent, bias, recurrent_bias };
        gru_sequence(input, weights, state, options)
    }

    /// The kernel's bias vector is `[b_n, b_z + b′_z, b_r + b′_r, b′_n]`.
    fn inference_kernel(&self) -> Option<(KernelCell, Vec<f32>)> {
        let recurrent = f32_values(self.recurrent_bias.as_ref()?.val());
        let bias = f32_values(self.bias.val());
        let gates = 2 * self.units();
        let sums = bias.iter().zip(&recurrent).take(gates).map(|(input, state)| input + state);
        let candidate = bias[gates..].iter().copied();
        let biases = candidate.chain(sums).chain(recurrent[gates..].iter().copied());
        Some((KernelCell::Gru, biases.collect()))
    }
}
