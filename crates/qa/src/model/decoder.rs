//! The decoder: recurrent layers over the question, attention over the sentence, and an output layer with a copy
//! mechanism. The attention context is not fed back into the recurrent layers, so a whole question is one fused
//! sequence, and its attention one batched matrix product.

use burn::module::Module;
use burn::tensor::{Int, Tensor, s};
use kernels::{Input, KernelMode};
use models::cell::CellState;
use models::dense::Dense;
use models::dropout::{DropoutKey, DropoutSite};
use models::embedding::Embedding;
use models::output_layer::OutputLayer;
use models::stack::{ForwardOptions, Stack, State};

use super::attention::{Attention, AttentionOutput, Keys};
use super::copy;
use super::encoder::EncoderOutput;
use crate::data::{AnswerBatch, QuestionTargets, SentenceBatch};

/// Computes the state before the first word. The names of the variants are part of parameter paths.
#[derive(Module, Debug)]
pub(crate) enum InitialState {
    /// tanh of a dense layer of the encoder's final outputs and the answer vector.
    Bridge(Dense),
    /// The final states of layers that read the encoder outputs of the answer again (Foster 2019, chapter 7).
    Again(Stack),
}

/// The layers of the decoder.
#[derive(Module, Debug)]
pub(crate) struct Decoder {
    pub start: InitialState,
    /// The recurrent layers.
    pub stack: Stack,
    pub attention: Option<Attention>,
    /// r = tanh([h; context; answer] W + b), the input of the output layer; of h alone without attention.
    pub readout: Dense,
    /// The gate between generating and copying; `None` without copying.
    pub gate: Option<Dense>,
    pub output: OutputLayer,
    /// λ, the weight of the coverage loss.
    #[module(skip)]
    pub coverage: f64,
    #[module(skip)]
    pub dropout: f64,
}

/// The state between two words of N questions, and what attention needs of their sentences.
#[derive(Clone, Debug)]
pub struct DecoderState {
    state: State,
    keys: Option<Keys>,
    /// The coverage: the sum of the attention weights so far, `[N, 1, S]`.
    coverage: Option<Tensor<3>>,
    /// The answer vector: the mean of the encoder outputs of the answer, `[N, E]`.
    answer: Tensor<2>,
}

impl DecoderState {
    /// The states of these rows, in this order; a row may occur several times. The attention keys are not
    /// moved: each new row must belong to the same sentence as the old row at its index.
    #[must_use]
    pub fn select_states(self, rows: Tensor<1, Int>) -> Self {
        let select = |tensor: Tensor<2>| tensor.select(0, rows.clone());
        let cell = |cell: CellState| CellState { hidden: select(cell.hidden), cell: cell.cell.map(select) };
        Self {
            state: self.state.into_iter().map(cell).collect(),
            coverage: self.coverage.map(|coverage| coverage.select(0, rows.clone())),
            answer: self.answer.select(0, rows.clone()),
            keys: self.keys,
        }
    }

    /// The same with the attention keys: the rows may belong to any sentences.
    #[must_use]
    pub fn select_rows(self, rows: Tensor<1, Int>) -> Self {
        let keys = self.keys.clone().map(|keys| keys.select_rows(rows.clone()));
        Self { keys, ..self.select_states(rows) }
    }
}

/// The prediction of the next word, for N rows.
#[derive(Clone, Debug)]
pub struct NextWord {
    /// Logits over the decoder's vocabulary, `[N, W]`.
    pub logits: Tensor<2>,
    /// With copying: the logit of the gate (higher: generate rather than copy), `[N]`, and the attention weights,
    /// `[N, S]`.
    pub copy: Option<(Tensor<1>, Tensor<2>)>,
}

/// The output of recurrent layers and attention, for R rows.
struct DecoderOutput {
    /// h, context and answer vector, `[R, H + 2E]`; only h without attention.
    joined: Tensor<2>,
    /// The attention weights, `[R, S]`.
    weights: Option<Tensor<2>>,
    /// The coverage loss, `[R]`.
    coverage_loss: Option<Tensor<1>>,
}

impl Decoder {
    /// Sets fused kernels or Burn's own operations for all layers and the loss.
    pub fn set_kernels(&mut self, kernels: KernelMode) {
        if let InitialState::Again(stack) = &mut self.start {
            stack.kernels = kernels;
        }
        (self.stack.kernels, self.output.kernels) = (kernels, kernels);
    }

    /// The state before the first word of questions about `answers`.
    pub fn init_state(&self, encoded: EncoderOutput, sentences: &SentenceBatch, answers: &AnswerBatch) -> DecoderState {
        let EncoderOutput { states, last } = encoded;
        let answer = masked_mean(states.clone(), answers.mask.clone());
        let state = match &self.start {
            InitialState::Bridge(bridge) => {
                let hidden = bridge.forward(Tensor::cat(vec![last, answer.clone()], 1)).tanh();
                let mut end = 0;
                let mut cell = |zeros: CellState| {
                    let units = zeros.hidden.dims()[1];
                    end += units;
                    let hidden = hidden.clone().slice(s![.., end - units..end]);
                    CellState { hidden, cell: zeros.cell }
                };
                self.stack.init_state(sentences.ids.dims()[0]).into_iter().map(&mut cell).collect()
            }
            InitialState::Again(stack) => {
                let [batch, time, width] = states.dims();
                let max_len = answers.word_rows.dims()[0] / batch;
                let rows = states.clone().reshape([batch * time, width]);
                let words = rows.select(0, answers.word_rows.clone());
                last_states(stack, Input::Vectors(words.reshape([batch, max_len, width])), answers.last_rows.clone())
            }
        };
        let attention = self.attention.as_ref();
        let keys = attention.map(|attention| attention.keys(states, sentences.mask.clone()));
        DecoderState { state, keys, coverage: None, answer }
    }

    /// `−ln p` of each of R targets, in nats; in training (with `dropout`) plus λ times the coverage loss.
    pub fn loss(
        &self,
        embedding: &Embedding,
        table: Tensor<2>,
        state: DecoderState,
        targets: &QuestionTargets,
        dropout: Option<DropoutKey>,
    ) -> Tensor<1> {
        let input = Input::Ids { table, ids: targets.inputs.clone() };
        let (output, _) = self.forward(input, state, Some(&targets.unpadded_rows), dropout);
        let ids = targets.ids.clone();
        let mut readout = self.readout.forward(output.joined.clone()).tanh();
        if let Some(key) = dropout {
            readout = key.masks(DropoutSite::Output, self.dropout).drop(readout);
        }
        let vocab_loss = self.output.loss(readout, embedding, ids);
        let loss = match (&self.gate, output.weights) {
            (Some(gate), Some(weights)) => {
                let gate = gate.forward(output.joined).squeeze_dim(1);
                let QuestionTargets { in_vocab, copy_mask, .. } = targets.clone();
                copy::loss(gate, vocab_loss, in_vocab, weights, copy_mask)
            }
            _ => vocab_loss,
        };
        match output.coverage_loss.filter(|_| dropout.is_some()) {
            Some(coverage_loss) => loss + coverage_loss.mul_scalar(self.coverage),
            None => loss,
        }
    }

    /// The predictions after `words` `[N]`, and the state after them.
    pub fn forward_step(
        &self,
        embedding: &Embedding,
        words: Tensor<1, Int>,
        state: DecoderState,
    ) -> (NextWord, DecoderState) {
        let (output, state) = self.forward(embedding.layer_input(words.unsqueeze_dim(1), None), state, None, None);
        (self.predict(embedding, output), state)
    }

    /// The predictions at the rows of `targets`, given the earlier target words (teacher forcing).
    pub fn forward_targets(&self, embedding: &Embedding, state: DecoderState, targets: &QuestionTargets) -> NextWord {
        let input = embedding.layer_input(targets.inputs.clone(), None);
        let (output, _) = self.forward(input, state, Some(&targets.unpadded_rows), None);
        self.predict(embedding, output)
    }

    fn predict(&self, embedding: &Embedding, output: DecoderOutput) -> NextWord {
        let readout = self.readout.forward(output.joined.clone()).tanh();
        let gate = self.gate.as_ref().map(|gate| gate.forward(output.joined).squeeze_dim(1));
        NextWord { logits: self.output.forward(readout, embedding), copy: gate.zip(output.weights) }
    }

    /// The output for `input` at all steps, or at `rows` of `[N · T]`, and the state after the last step.
    fn forward(
        &self,
        input: Input,
        state: DecoderState,
        rows: Option<&Tensor<1, Int>>,
        dropout: Option<DropoutKey>,
    ) -> (DecoderOutput, DecoderState) {
        let DecoderState { state, keys, coverage, answer } = state;
        let options = ForwardOptions { dropout, ..ForwardOptions::default() };
        let (mut hidden, state) = self.stack.forward(input, state, &options);
        if let Some(key) = dropout {
            hidden = key.masks(DropoutSite::Input, self.dropout).drop(hidden);
        }
        let flat = |steps: Tensor<3>| {
            let steps: Tensor<2> = steps.flatten(0, 1);
            match rows {
                Some(rows) => steps.select(0, rows.clone()),
                None => steps,
            }
        };
        let (Some(attention), Some(keys)) = (&self.attention, keys) else {
            let output = DecoderOutput { joined: flat(hidden), weights: None, coverage_loss: None };
            return (output, DecoderState { state, keys: None, coverage: None, answer });
        };
        let AttentionOutput { weights, coverage_before, coverage } = attention.forward(hidden.clone(), &keys, coverage);
        let context = weights.clone().matmul(keys.states.clone());
        // Σ min(a, c) over the sentence (See, Liu and Manning 2017, eq. 12).
        let coverage_loss = coverage_before.map(|before| {
            let min = before.clone().mask_where(weights.clone().lower(before), weights.clone());
            flat(min).sum_dim(1).squeeze_dim(1)
        });
        let [batch, time, _] = hidden.dims();
        let answers = answer.clone().unsqueeze_dim::<3>(1).expand([batch, time, answer.dims()[1]]);
        let output = DecoderOutput {
            joined: flat(Tensor::cat(vec![hidden, context, answers], 2)),
            weights: Some(flat(weights)),
            coverage_loss,
        };
        (output, DecoderState { state, keys: Some(keys), coverage, answer })
    }
}

/// The mean of the states `[N, S, E]` at the positions where `mask` `[N, S]` is 1.
fn masked_mean(states: Tensor<3>, mask: Tensor<2>) -> Tensor<2> {
    let count = mask.clone().sum_dim(1).clamp_min(1.0);
    mask.unsqueeze_dim::<3>(1).matmul(states).squeeze_dim::<2>(1) / count
}

/// The states of all layers after the last step of each sequence that is not padding: rows `last` of `[N · T]`.
///
/// # Panics
/// If a cell has a cell state: kernels return it only after step T.
fn last_states(stack: &Stack, input: Input, last: Tensor<1, Int>) -> State {
    let [batch, time] = input.batch_and_time();
    let mut input = input;
    let mut states = State::new();
    for layer in &stack.layers {
        let single = Stack { layers: vec![layer.clone()], ..stack.clone() };
        let start = single.init_state(batch);
        assert!(start.iter().all(|state| state.cell.is_none()), "cell states are not supported");
        let (hidden, _) = single.forward(input, start, &ForwardOptions::default());
        let rows = hidden.clone().reshape([batch * time, hidden.dims()[2]]);
        states.push(CellState { hidden: rows.select(0, last.clone()), cell: None });
        input = Input::Vectors(hidden);
    }
    states
}
