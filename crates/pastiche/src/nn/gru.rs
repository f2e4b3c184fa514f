//! The GRU with the interface of `burn::nn::Gru`.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Initializer, Module, ModuleDisplay};
use burn::nn::GateController;
use burn::nn::activation::{Activation, ActivationConfig};
use burn::tensor::{Device, Tensor};
use kernels::{CellState, GruWeights, Input, SequenceOptions, gru_sequence};

use super::gates::{GateWeights, pays_to_concatenate};

/// The configuration of a [`Gru`]; the same fields, methods and JSON as `burn::nn::GruConfig`.
#[derive(Config, Debug)]
pub struct GruConfig {
    /// D, the number of inputs per step.
    pub d_input: usize,
    /// H, the number of hidden units.
    pub d_hidden: usize,
    /// Whether the gates have biases: one for the input and one for the hidden state.
    pub bias: bool,
    /// Whether the reset gate is applied after the product with the recurrent weights, as in PyTorch and Keras, or
    /// before it. There is a kernel for the former.
    #[config(default = "true")]
    pub reset_after: bool,
    /// The distribution of all initial weights and biases.
    #[config(default = "Initializer::XavierNormal{gain:1.0}")]
    pub initializer: Initializer,
    /// The activation of the update and reset gates. Any other than σ is computed by Burn.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub gate_activation: ActivationConfig,
    /// The activation of the candidate state. Any other than tanh is computed by Burn.
    #[config(default = "ActivationConfig::Tanh")]
    pub hidden_activation: ActivationConfig,
    /// The largest absolute value of the hidden state, if it is limited. Computed by Burn.
    pub clip: Option<f64>,
}

impl GruConfig {
    /// The module with initial weights.
    pub fn init(&self, device: &Device) -> Gru {
        let Self { d_input, d_hidden, bias, ref initializer, .. } = *self;
        let gate = || GateController::new(d_input, d_hidden, bias, initializer.clone(), device);
        Gru {
            update_gate: gate(),
            reset_gate: gate(),
            new_gate: gate(),
            d_hidden,
            reset_after: self.reset_after,
            gate_activation: self.gate_activation.init(device),
            hidden_activation: self.hidden_activation.init(device),
            clip: self.clip,
        }
    }
}

/// A GRU with the fields, shapes and records of `burn::nn::Gru`, computed by a fused kernel.
///
/// ```text
/// z, r = σ(x W_z + b_z + h U_z + b′_z), …       update and reset gate
/// n    = tanh(x W_n + b_n + r ∘ (h U_n + b′_n))  candidate, with `reset_after`
/// n    = tanh(x W_n + b_n + (r ∘ h) U_n + b′_n)  candidate, without it
/// h′   = z ∘ h + (1 − z) ∘ n
/// ```
///
/// W and b are in the `input_transform` of each gate, U and b′ in its `hidden_transform`. Made by [`GruConfig`], or
/// converted from Burn's module with `Gru::from`.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Gru {
    /// The gate z, which limits what is kept of the hidden state.
    pub update_gate: GateController,
    /// The gate r, which limits what the candidate reads of the hidden state.
    pub reset_gate: GateController,
    /// The candidate state n.
    pub new_gate: GateController,
    /// H, the number of hidden units.
    pub d_hidden: usize,
    /// Whether the reset gate is applied after the product with the recurrent weights.
    pub reset_after: bool,
    /// The activation of the update and reset gates.
    pub gate_activation: Activation,
    /// The activation of the candidate state.
    pub hidden_activation: Activation,
    /// The largest absolute value of the hidden state, if it is limited.
    pub clip: Option<f64>,
}

impl ModuleDisplay for Gru {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, _] = self.update_gate.input_transform.weight.shape().dims();
        let bias = self.update_gate.input_transform.bias.is_some();
        content
            .add("d_input", &d_input)
            .add("d_hidden", &self.d_hidden)
            .add("bias", &bias)
            .add("reset_after", &self.reset_after)
            .optional()
    }
}

impl Gru {
    /// Runs over whole sequences: from `batched_input` `[N, T, D]` and the hidden state before the first step
    /// `[N, H]` (zeros if none is given) to the hidden states of all steps, `[N, T, H]`.
    ///
    /// # Panics
    /// If sizes do not match.
    pub fn forward(&self, batched_input: Tensor<3>, state: Option<Tensor<2>>) -> Tensor<3> {
        if !self.uses_kernels(&batched_input) {
            return burn::nn::Gru::from(self.clone()).forward(batched_input, state);
        }
        let gates = GateWeights::concatenate([&self.update_gate, &self.reset_gate, &self.new_gate]);
        let GateWeights { kernel, recurrent, bias, recurrent_bias } = gates;
        let hidden = state.unwrap_or_else(|| {
            let shape = [batched_input.dims()[0], recurrent.dims()[0]];
            Tensor::zeros(shape, (&batched_input.device(), recurrent.dtype()))
        });
        let (bias, recurrent_bias) = if self.reset_after {
            (bias, Some(recurrent_bias))
        } else {
            // No gate acts between the two biases: their sum is one bias.
            (bias + recurrent_bias, None)
        };
        let weights = GruWeights { kernel, recurrent, bias, recurrent_bias };
        let state = CellState { hidden, cell: None };
        gru_sequence(Input::Vectors(batched_input), weights, state, &SequenceOptions::default()).0
    }

    /// Whether the equations of `kernels` are to be used, not Burn's forward pass.
    pub(super) fn uses_kernels(&self, input: &Tensor<3>) -> bool {
        let activations = (&self.gate_activation, &self.hidden_activation);
        matches!(activations, (Activation::Sigmoid(_), Activation::Tanh(_)))
            && self.clip.is_none()
            && pays_to_concatenate(&self.update_gate, input, input.dims()[1])
    }
}

/// Converts between two structs with the fields of a GRU.
macro_rules! impl_from {
    ($from:ty => $to:ty) => {
        /// The same module with the same parameters.
        impl From<$from> for $to {
            fn from(gru: $from) -> Self {
                Self {
                    update_gate: gru.update_gate,
                    reset_gate: gru.reset_gate,
                    new_gate: gru.new_gate,
                    d_hidden: gru.d_hidden,
                    reset_after: gru.reset_after,
                    gate_activation: gru.gate_activation,
                    hidden_activation: gru.hidden_activation,
                    clip: gru.clip,
                }
            }
        }
    };
}

impl_from!(burn::nn::Gru => Gru);
impl_from!(Gru => burn::nn::Gru);
