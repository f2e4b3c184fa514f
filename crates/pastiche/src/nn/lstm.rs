//! The LSTM with the interface of `burn::nn::Lstm`.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Initializer, Module, ModuleDisplay};
use burn::nn::activation::{Activation, ActivationConfig};
use burn::nn::{GateController, LstmState};
use burn::tensor::{Device, Tensor};
use kernels::{CellState, Input, LstmWeights, SequenceOptions, lstm_sequence};

use super::gates::{GateWeights, pays_to_concatenate};

/// The configuration of an [`Lstm`]; the same fields, methods and JSON as `burn::nn::LstmConfig`.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// D, the number of inputs per step.
    pub d_input: usize,
    /// H, the number of hidden units.
    pub d_hidden: usize,
    /// Whether the gates have biases: one for the input and one for the hidden state.
    pub bias: bool,
    /// The distribution of all initial weights and biases.
    #[config(default = "Initializer::XavierNormal{gain:1.0}")]
    pub initializer: Initializer,
    /// Whether inputs and outputs are `[N, T, …]`; otherwise they are `[T, N, …]`.
    #[config(default = true)]
    pub batch_first: bool,
    /// Whether the sequence is read from its last step to its first.
    #[config(default = false)]
    pub reverse: bool,
    /// The largest absolute value of the cell state, if it is limited. Computed by Burn.
    pub clip: Option<f64>,
    /// Whether the forget gate is `1 − i` instead of a gate with its own weights. If so, computed by Burn.
    #[config(default = false)]
    pub input_forget: bool,
    /// The activation of the input, forget and output gates. Any other than σ is computed by Burn.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub gate_activation: ActivationConfig,
    /// The activation of the cell candidate. Any other than tanh is computed by Burn.
    #[config(default = "ActivationConfig::Tanh")]
    pub cell_activation: ActivationConfig,
    /// The activation of the cell state before the output. Any other than tanh is computed by Burn.
    #[config(default = "ActivationConfig::Tanh")]
    pub hidden_activation: ActivationConfig,
}

impl LstmConfig {
    /// The module with initial weights.
    pub fn init(&self, device: &Device) -> Lstm {
        let Self { d_input, d_hidden, bias, ref initializer, .. } = *self;
        let gate = || GateController::new(d_input, d_hidden, bias, initializer.clone(), device);
        Lstm {
            input_gate: gate(),
            forget_gate: (!self.input_forget).then(gate),
            output_gate: gate(),
            cell_gate: gate(),
            d_hidden,
            batch_first: self.batch_first,
            reverse: self.reverse,
            clip: self.clip,
            input_forget: self.input_forget,
            gate_activation: self.gate_activation.init(device),
            cell_activation: self.cell_activation.init(device),
            hidden_activation: self.hidden_activation.init(device),
        }
    }
}

/// An LSTM with the fields, shapes and records of `burn::nn::Lstm`, computed by a fused kernel.
///
/// ```text
/// i, f, o = σ(x Wᵢ + bᵢ + h Uᵢ + b′ᵢ), …      input, forget and output gate
/// g       = tanh(x W_g + b_g + h U_g + b′_g)   cell candidate
/// c′      = f ∘ c + i ∘ g
/// h′      = o ∘ tanh(c′)
/// ```
///
/// W and b are in the `input_transform` of each gate, U and b′ in its `hidden_transform`. Made by [`LstmConfig`], or
/// converted from Burn's module with `Lstm::from`.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Lstm {
    /// The gate i, which limits what is added to the cell state.
    pub input_gate: GateController,
    /// The gate f, which limits what is kept of the cell state; none with `input_forget`.
    pub forget_gate: Option<GateController>,
    /// The gate o, which limits the output.
    pub output_gate: GateController,
    /// The cell candidate g.
    pub cell_gate: GateController,
    /// H, the number of hidden units.
    pub d_hidden: usize,
    /// Whether inputs and outputs are `[N, T, …]`; otherwise they are `[T, N, …]`.
    pub batch_first: bool,
    /// Whether the sequence is read from its last step to its first.
    pub reverse: bool,
    /// The largest absolute value of the cell state, if it is limited.
    pub clip: Option<f64>,
    /// Whether the forget gate is `1 − i`.
    pub input_forget: bool,
    /// The activation of the input, forget and output gates.
    pub gate_activation: Activation,
    /// The activation of the cell candidate.
    pub cell_activation: Activation,
    /// The activation of the cell state before the output.
    pub hidden_activation: Activation,
}

impl ModuleDisplay for Lstm {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, _] = self.input_gate.input_transform.weight.shape().dims();
        let bias = self.input_gate.input_transform.bias.is_some();
        content.add("d_input", &d_input).add("d_hidden", &self.d_hidden).add("bias", &bias).optional()
    }
}

impl Lstm {
    /// Runs over whole sequences: from `batched_input` `[N, T, D]` and the state before the first step (zeros if
    /// none is given) to the hidden states of all steps, `[N, T, H]`, and the state after the last step. Both parts
    /// of a state are `[N, H]`. Without `batch_first`, sequences are `[T, N, …]`; with `reverse`, the last step is
    /// the first in time.
    ///
    /// # Panics
    /// If sizes do not match.
    pub fn forward(&self, batched_input: Tensor<3>, state: Option<LstmState<2>>) -> (Tensor<3>, LstmState<2>) {
        let Some(gates) = self.kernel_gates(&batched_input) else {
            return burn::nn::Lstm::from(self.clone()).forward(batched_input, state);
        };
        let GateWeights { kernel, recurrent, bias, recurrent_bias } = GateWeights::concatenate(gates);
        let input = if self.batch_first { batched_input } else { batched_input.swap_dims(0, 1) };
        let input = if self.reverse { input.flip([1]) } else { input };
        let (batch, units) = (input.dims()[0], recurrent.dims()[0]);
        let (cell, hidden) = state.map_or_else(
            || {
                let zeros = Tensor::zeros([batch, units], (&input.device(), recurrent.dtype()));
                (zeros.clone(), zeros)
            },
            LstmState::unpack,
        );
        let weights = LstmWeights { kernel, recurrent, bias: bias + recurrent_bias };
        let state = CellState { hidden, cell: Some(cell) };
        let (output, after) = lstm_sequence(Input::Vectors(input), weights, state, &SequenceOptions::default());
        let output = if self.reverse { output.flip([1]) } else { output };
        let output = if self.batch_first { output } else { output.swap_dims(0, 1) };
        (output, LstmState::new(after.cell.expect("an LSTM has a cell state"), after.hidden))
    }

    /// Burn's forward pass over single steps; see `burn::nn::Lstm::forward_iter`.
    pub fn forward_iter<I: Iterator<Item = (usize, Tensor<3>)>>(
        &self,
        input_timestep_iter: I,
        state: Option<LstmState<2>>,
        batch_size: usize,
        seq_length: usize,
        device: &Device,
    ) -> (Tensor<3>, LstmState<2>) {
        let lstm = burn::nn::Lstm::from(self.clone());
        lstm.forward_iter(input_timestep_iter, state, batch_size, seq_length, device)
    }

    /// The gates in the order of the kernel, i, f, g, o; `None` if Burn's forward pass is to be used.
    pub(super) fn kernel_gates(&self, input: &Tensor<3>) -> Option<[&GateController; 4]> {
        let activations = (&self.gate_activation, &self.cell_activation, &self.hidden_activation);
        let supported = matches!(activations, (Activation::Sigmoid(_), Activation::Tanh(_), Activation::Tanh(_)))
            && self.clip.is_none()
            && !self.input_forget
            && pays_to_concatenate(&self.input_gate, input, input.dims()[usize::from(self.batch_first)]);
        let forget_gate = self.forget_gate.as_ref().filter(|_| supported)?;
        Some([&self.input_gate, forget_gate, &self.cell_gate, &self.output_gate])
    }
}

/// Converts between two structs with the fields of an LSTM.
macro_rules! impl_from {
    ($from:ty => $to:ty) => {
        /// The same module with the same parameters.
        impl From<$from> for $to {
            fn from(lstm: $from) -> Self {
                Self {
                    input_gate: lstm.input_gate,
                    forget_gate: lstm.forget_gate,
                    output_gate: lstm.output_gate,
                    cell_gate: lstm.cell_gate,
                    d_hidden: lstm.d_hidden,
                    batch_first: lstm.batch_first,
                    reverse: lstm.reverse,
                    clip: lstm.clip,
                    input_forget: lstm.input_forget,
                    gate_activation: lstm.gate_activation,
                    cell_activation: lstm.cell_activation,
                    hidden_activation: lstm.hidden_activation,
                }
            }
        }
    };
}

impl_from!(burn::nn::Lstm => Lstm);
impl_from!(Lstm => burn::nn::Lstm);
