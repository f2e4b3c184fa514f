//! Gated recurrent unit (Cho et al. 2014), with the reset gate before or after the product.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::{CellState, GruWeights, Input, Pass, gru_sequence};

use crate::init::{Initialization, Initializer};

/// The weights of a GRU layer from `D` inputs to `H` units.
///
/// ```text
/// a    = x W + b                       three blocks of H columns: z, r, n
/// z, r = σ(a_z + h U_z + b′_z), σ(a_r + h U_r + b′_r)     what to keep, what to reset
/// n    = tanh(a_n + r ∘ (h U_n + b′_n))     reset after the product, as in Keras and PyTorch
/// n    = tanh(a_n + (r ∘ h) U_n)            reset before it, as in Cho et al.; b′ is absent
/// h′   = z ∘ h + (1 − z) ∘ n
/// ```
///
/// There is no cell state and no output gate. The order of the blocks is Keras's; PyTorch keeps r
/// before z.
#[derive(Module, Debug)]
pub struct Gru {
    /// W, `[D, 3H]`.
    pub kernel: Param<Tensor<2>>,
    /// U, `[H, 3H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// b, `[3H]`.
    pub bias: Param<Tensor<1>>,
    /// b′, `[3H]`, where the reset gate acts after the product; none where it acts before.
    pub recurrent_bias: Option<Param<Tensor<1>>>,
}

impl Gru {
    /// Fresh weights as Keras draws them: Glorot uniform over all of W, orthogonal over all of U,
    /// zero biases.
    pub fn new(inputs: usize, units: usize, reset_after: bool, weights: &Initialization) -> Self {
        let zeros = |name: &str| weights.vector(name, vec![0.0; 3 * units]);
        let recurrent = [units, 3 * units];
        Self {
            kernel: weights.matrix("kernel", [inputs, 3 * units], Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix(
                "recurrent_kernel",
                recurrent,
                Initializer::Orthogonal,
            ),
            bias: zeros("bias"),
            recurrent_bias: reset_after.then(|| zeros("recurrent_bias")),
        }
    }

    /// Over whole sequences, with U = `recurrent`.
    pub(super) fn run(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        pass: &Pass,
    ) -> (Tensor<3>, CellState) {
        let (kernel, bias) = (self.kernel.val(), self.bias.val());
        let recurrent_bias = self.recurrent_bias.as_ref().map(Param::val);
        let weights = GruWeights { kernel, recurrent, bias, recurrent_bias };
        gru_sequence(input, weights, state, pass)
    }
}
