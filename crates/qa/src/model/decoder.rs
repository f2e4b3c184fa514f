//! Writes questions: layers that go from word to word, look at the sentence, and choose or copy.

use crate::data::{Answers, Sentences, Targets};
use burn::module::Module;
use burn::tensor::{Int, Tensor, s};
use kernels::Input;

use crate::model::attention::{Attention, Keys, Looked};
use crate::model::copy;
use crate::model::encoder::Read;
use models::cell::CellState;
use models::dense::Dense;
use models::dropout::{DropoutKey, Place};
use models::embedding::Embedding;
use models::output::Output;
use models::stack::{Reading, Stack, State};

/// Where the state before the first word comes from.
#[derive(Module, Debug)]
pub(crate) enum Start {
    /// tanh of a dense layer over what the encoder knew at its ends and the mean of the answer's states.
    Bridge(Dense),
    /// The states of the answer, read once more (the book's).
    Again(Stack),
}

/// The writing layers.
#[derive(Module, Debug)]
pub(crate) struct Writer {
    pub start: Start,
    /// The recurrence.
    pub stack: Stack,
    pub attention: Option<Attention>,
    /// r = tanh([h; context; answer] W + b), what the output layer reads; of h alone without attention.
    pub readout: Dense,
    /// Whether to choose or to copy, where words can be copied.
    pub gate: Option<Dense>,
    pub output: Output,
    /// λ, what looking twice costs.
    #[module(skip)]
    pub coverage: f64,
    #[module(skip)]
    pub dropout: f64,
}

/// What is remembered between two words, and what is looked at: the wave that goes through the writing
/// layers.
#[derive(Clone, Debug)]
pub struct Wave {
    state: State,
    keys: Option<Keys>,
    covered: Option<Tensor<3>>,
    /// The mean of the answer's states, `[N, E]`.
    answer: Tensor<2>,
}

impl Wave {
    /// The waves of these rows, in this order, some maybe several times. What is looked at stays where it
    /// is: rows must come from the same sentences as before.
    pub fn picked(self, rows: Tensor<1, Int>) -> Self {
        let pick = |tensor: Tensor<2>| tensor.select(0, rows.clone());
        let cell = |cell: CellState| CellState {
            hidden: pick(cell.hidden),
            memory: cell.memory.map(pick),
        };
        Self {
            state: self.state.into_iter().map(cell).collect(),
            covered: self.covered.map(|covered| covered.select(0, rows.clone())),
            answer: self.answer.select(0, rows.clone()),
            keys: self.keys,
        }
    }

    /// The wave of each of these rows with what it looks at, some maybe several times.
    pub fn repeated(self, rows: Tensor<1, Int>) -> Self {
        let keys = self.keys.clone().map(|keys| keys.picked(rows.clone()));
        Self { keys, ..self.picked(rows) }
    }
}

/// What the next word may be, one row a wave.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Of the vocabulary, before the softmax, `[N, V]`.
    pub logits: Tensor<2>,
    /// Whether to choose rather than copy, before the sigmoid, `[N]`, and from where to copy, `[N, S]`.
    pub copy: Option<(Tensor<1>, Tensor<2>)>,
}

/// A step's h, context and answer `[R, H + 2E]`, and what was looked at `[R, S]`.
struct Seen {
    joined: Tensor<2>,
    shares: Option<Tensor<2>>,
    /// What looking twice costs, `[R]`.
    twice: Option<Tensor<1>>,
}

impl Writer {
    /// The wave before the first word of questions about `answers` in what was `read`.
    pub fn begin(&self, read: Read, sentences: &Sentences, answers: &Answers) -> Wave {
        let Read { states, end } = read;
        let answer = mean(states.clone(), answers.inside.clone());
        let state = match &self.start {
            Start::Bridge(bridge) => {
                let known = Tensor::cat(vec![end, answer.clone()], 1);
                let hidden = bridge.forward(known).tanh();
                let mut at = 0;
                let mut cell = |before: CellState| {
                    let units = before.hidden.dims()[1];
                    at += units;
                    let hidden = hidden.clone().slice(s![.., at - units..at]);
                    CellState { hidden, memory: before.memory }
                };
                let start = self.stack.start(sentences.words.dims()[0]);
                start.into_iter().map(&mut cell).collect()
            }
            Start::Again(again) => {
                let [batch, time, width] = states.dims();
                let longest = answers.words.dims()[0] / batch;
                let rows = states.clone().reshape([batch * time, width]);
                let words = rows.select(0, answers.words.clone());
                let words = Input::Vectors(words.reshape([batch, longest, width]));
                last_states(again, words, answers.last.clone())
            }
        };
        let keys = self.attention.as_ref();
        let keys = keys.map(|attention| attention.keys(states, sentences.real.clone()));
        Wave { state, keys, covered: None, answer }
    }

    /// What each target costs, `[R]`, in nats; with `dropout` also what looking twice costs.
    pub fn nats(
        &self,
        embedding: &Embedding,
        table: Tensor<2>,
        wave: Wave,
        targets: &Targets,
        dropout: Option<DropoutKey>,
    ) -> Tensor<1> {
        let input = Input::Ids { table, ids: targets.inputs.clone() };
        let (seen, _) = self.see(input, wave, Some(&targets.rows), dropout);
        let ids = targets.ids.clone();
        let mut readout = self.readout.forward(seen.joined.clone()).tanh();
        if let Some(key) = dropout {
            readout = key.masks(Place::Output, self.dropout).drop(readout);
        }
        let vocabulary = self.output.loss(readout, embedding, ids);
        let nats = match (&self.gate, seen.shares) {
            (Some(gate), Some(shares)) => {
                let gate = gate.forward(seen.joined).squeeze_dim(1);
                let Targets { has_id, copies, .. } = targets.clone();
                copy::nats(gate, vocabulary, has_id, shares, copies)
            }
            _ => vocabulary,
        };
        match seen.twice.filter(|_| dropout.is_some()) {
            Some(twice) => nats + twice.mul_scalar(self.coverage),
            None => nats,
        }
    }

    /// What may follow `words` `[N]`, and the wave after them.
    pub fn next(&self, embedding: &Embedding, words: Tensor<1, Int>, wave: Wave) -> (Choice, Wave) {
        let input = embedding.input(words.unsqueeze_dim(1), None);
        let (seen, wave) = self.see(input, wave, None, None);
        (self.choose(embedding, seen), wave)
    }

    /// What may follow at the rows of `targets`.
    pub fn choices(&self, embedding: &Embedding, wave: Wave, targets: &Targets) -> Choice {
        let input = embedding.input(targets.inputs.clone(), None);
        let (seen, _) = self.see(input, wave, Some(&targets.rows), None);
        self.choose(embedding, seen)
    }

    fn choose(&self, embedding: &Embedding, seen: Seen) -> Choice {
        let readout = self.readout.forward(seen.joined.clone()).tanh();
        let gate = self.gate.as_ref().map(|gate| gate.forward(seen.joined).squeeze_dim(1));
        Choice { logits: self.output.forward(readout, embedding), copy: gate.zip(seen.shares) }
    }

    /// Goes over `input`, and gives what is seen at all steps, or at `rows` of `[N · T]`.
    fn see(
        &self,
        input: Input,
        wave: Wave,
        rows: Option<&Tensor<1, Int>>,
        dropout: Option<DropoutKey>,
    ) -> (Seen, Wave) {
        let Wave { state, keys, covered, answer } = wave;
        let reading = Reading { dropout, ..Reading::default() };
        let (mut hidden, state) = self.stack.run(input, state, &reading);
        if let Some(key) = dropout {
            hidden = key.masks(Place::Input, self.dropout).drop(hidden);
        }
        let flat = |steps: Tensor<3>| {
            let steps: Tensor<2> = steps.flatten(0, 1);
            match rows {
                Some(rows) => steps.select(0, rows.clone()),
                None => steps,
            }
        };
        let (Some(attention), Some(keys)) = (&self.attention, keys) else {
            let seen = Seen { joined: flat(hidden), shares: None, twice: None };
            return (seen, Wave { state, keys: None, covered: None, answer });
        };
        let Looked { shares, before, covered } = attention.look(hidden.clone(), &keys, covered);
        let context = shares.clone().matmul(keys.states.clone());
        // Σ min(a, c) over what was read (See, Liu and Manning 2017, eq. 12).
        let twice = before.map(|before| {
            let least = before.clone().mask_where(shares.clone().lower(before), shares.clone());
            flat(least).sum_dim(1).squeeze_dim(1)
        });
        let [batch, time, _] = hidden.dims();
        let width = answer.dims()[1];
        let asked_for = answer.clone().unsqueeze_dim::<3>(1).expand([batch, time, width]);
        let seen = Seen {
            joined: flat(Tensor::cat(vec![hidden, context, asked_for], 2)),
            shares: Some(flat(shares)),
            twice,
        };
        (seen, Wave { state, keys: Some(keys), covered, answer })
    }
}

/// The mean of the states `[N, S, E]` where `inside` `[N, S]` is 1.
fn mean(states: Tensor<3>, inside: Tensor<2>) -> Tensor<2> {
    let count = inside.clone().sum_dim(1).clamp_min(1.0);
    let sum = inside.unsqueeze_dim::<3>(1).matmul(states).squeeze_dim::<2>(1);
    sum / count
}

/// The states of all layers after the last real step of each row; `last` says which of `[N · T]` it is.
///
/// # Panics
/// If a cell keeps a memory: a kernel hands on none but the last.
fn last_states(stack: &Stack, input: Input, last: Tensor<1, Int>) -> State {
    let [batch, time] = input.steps();
    let mut input = input;
    let mut states = State::new();
    for layer in &stack.layers {
        let alone = Stack { layers: vec![layer.clone()], ..stack.clone() };
        let start = alone.start(batch);
        assert!(start.iter().all(|state| state.memory.is_none()), "a memory is not handed on");
        let (hidden, _) = alone.run(input, start, &Reading::default());
        let width = hidden.dims()[2];
        let rows = hidden.clone().reshape([batch * time, width]);
        states.push(CellState { hidden: rows.select(0, last.clone()), memory: None });
        input = Input::Vectors(hidden);
    }
    states
}
