//! The gates of Burn's recurrent modules in the layout of the kernels: the weights of all gates side by side.

use burn::nn::{GateController, Linear};
use burn::tensor::{DType, Tensor};

/// The weights of G gates from `D` inputs to `H` units, differentiable with respect to the gates' parameters.
pub(super) struct GateWeights {
    /// `[D, G · H]`.
    pub kernel: Tensor<2>,
    /// `[H, G · H]`.
    pub recurrent: Tensor<2>,
    /// `[G · H]`; zero for gates without a bias.
    pub bias: Tensor<1>,
    /// The biases of the recurrent products, likewise.
    pub recurrent_bias: Tensor<1>,
}

impl GateWeights {
    /// The weights of these gates, in this order.
    pub fn concatenate<const G: usize>(gates: [&GateController; G]) -> Self {
        let (kernel, bias) = side_by_side(gates.map(|gate| &gate.input_transform));
        let (recurrent, recurrent_bias) = side_by_side(gates.map(|gate| &gate.hidden_transform));
        Self { kernel, recurrent, bias, recurrent_bias }
    }
}

fn side_by_side<const G: usize>(transforms: [&Linear; G]) -> (Tensor<2>, Tensor<1>) {
    let weights = transforms.map(|transform| transform.weight.val());
    let bias = |(transform, weight): (&Linear, &Tensor<2>)| match &transform.bias {
        Some(bias) => bias.val(),
        None => Tensor::zeros([weight.dims()[1]], (&weight.device(), weight.dtype())),
    };
    let biases = transforms.into_iter().zip(&weights).map(bias).collect();
    (Tensor::cat(weights.into(), 1), Tensor::cat(biases, 0))
}

/// Whether to concatenate the weights for an input of `time` steps: if they are floating-point numbers, not quantized
/// ones, and there are several steps. For a single step, copying the weights takes longer than the products with them.
pub(super) fn pays_to_concatenate(gate: &GateController, input: &Tensor<3>, time: usize) -> bool {
    let dtype = gate.input_transform.weight.val().dtype();
    let is_float = matches!(dtype, DType::F64 | DType::F32 | DType::Flex32 | DType::F16 | DType::BF16);
    is_float && time > 1 && !input.dims().contains(&0)
}
