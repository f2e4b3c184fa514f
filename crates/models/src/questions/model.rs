//! The whole network: it reads, finds answers and writes questions.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use seqdata::questions::{Answers, QuestionBatch, Sentences};

use crate::dropout::{DropoutKey, Place};
use crate::embedding::Embedding;
use crate::error::Result;
use crate::network::{Network, Purpose};
use crate::questions::config::QuestionModelConfig;
use crate::questions::copying;
use crate::questions::encoder::{Encoder, Read};
use crate::questions::spans::Extractor;
use crate::questions::writer::{Choice, Wave, Writer};
use crate::score::Judged;

/// The probability of what cannot be, where a logarithm is taken of it.
const IMPOSSIBLE: f64 = 1e-30;

/// Reads sentences, finds answers in them and writes questions about these.
#[derive(Module, Debug)]
pub struct QuestionModel {
    /// From ids to vectors, for all that is read and written.
    pub embedding: Embedding,
    /// Reads a sentence in which an answer is marked.
    pub(crate) encoder: Encoder,
    /// Find answers; what they find is averaged.
    pub(crate) finders: Vec<Finder>,
    /// Writes.
    pub(crate) writer: Writer,
    /// L, words in the longest answer that is found.
    #[module(skip)]
    pub longest_answer: usize,
    /// Whether the embedding stays as it is while the rest is trained.
    #[module(skip)]
    pub frozen_embedding: bool,
    /// The share of the words whose vectors are dropped while training.
    #[module(skip)]
    pub embedding_dropout: f64,
}

/// Reads a sentence and finds answers in it.
#[derive(Module, Debug)]
pub(crate) struct Finder {
    /// Reads; none where the states of the network's encoder serve for that too.
    pub encoder: Option<Encoder>,
    /// Finds answers in states.
    pub extractor: Extractor,
}

impl QuestionModel {
    /// Ready to be trained: every weight takes part, but for an embedding that is to stay frozen.
    pub fn trainable(self) -> Self {
        let mut model = self.train();
        if model.frozen_embedding {
            model.embedding = model.embedding.no_grad();
        }
        model
    }

    /// Where the weights lie.
    pub fn place(&self) -> Device {
        self.embedding.weight.val().device()
    }

    /// Whether answers can be looked for by a question.
    pub fn heeds_questions(&self) -> bool {
        !self.encoder.features.is_empty()
    }

    /// What a batch costs, in nats: each word of the questions given their answers, then each answer
    /// given nothing but its sentence, and, where features are read, given the question.
    pub fn learn(&self, batch: QuestionBatch, dropout: Option<DropoutKey>) -> Tensor<1> {
        let QuestionBatch { sentences, answers, targets, .. } = batch;
        let mut table = self.embedding.weight.val();
        if let Some(key) = dropout {
            table = key.masks(Place::Embedding, self.embedding_dropout).drop_rows(table);
        }
        let part = |number| dropout.map(|key: DropoutKey| key.part(number));
        let marked = sentences.marked();
        let read = self.encoder.read(table.clone(), &sentences, &marked, part(1));
        let wave = self.writer.begin(read, &sentences, &answers);
        let mut nats =
            vec![self.writer.nats(&self.embedding, table.clone(), wave, &targets, part(2))];
        let mut find = |features: &[Tensor<2, Int>], part: Option<DropoutKey>| {
            for (at, finder) in self.finders.iter().enumerate() {
                let reader = finder.encoder.as_ref().unwrap_or(&self.encoder);
                let part = part.map(|key| key.part(at as u64));
                let read = reader.read(table.clone(), &sentences, features, part);
                let longest = self.longest_answer;
                nats.extend(finder.extractor.nats(read.states, &sentences, &answers, longest));
            }
        };
        find(&sentences.plain(), part(3));
        if self.heeds_questions() {
            find(&sentences.asked(), part(4));
        }
        Tensor::cat(nats, 0)
    }

    /// What a batch costs as the network is used, the finders' probabilities averaged, and which of the words
    /// and answers were the likeliest.
    pub fn judge(&self, batch: QuestionBatch) -> Judged {
        let QuestionBatch { sentences, answers, targets, .. } = batch;
        let wave = self.hear(&sentences, &answers);
        let table = self.embedding.weight.val();
        let mut nats = vec![self.writer.nats(&self.embedding, table, wave.clone(), &targets, None)];
        let choice = self.writer.choices(&self.embedding, wave, &targets);
        let (likeliest, true_words) = match choice.copy {
            None => (choice.logits.argmax(1), targets.ids.clone()),
            Some((gate, shares)) => {
                let words = sentences.extended.clone().select(0, targets.sentence.clone());
                let all = self.embedding.weight.dims()[0] + sentences.further;
                let p = copying::distribution(choice.logits, gate, shares, words, all);
                (p.argmax(1), targets.extended.clone())
            }
        };
        let mut hits = vec![likeliest.squeeze_dim::<1>(1).equal(true_words).int()];
        let mut find = |all: Tensor<2>| {
            let all = all.select(0, answers.findable.clone());
            let span = answers.span.clone();
            hits.push(all.clone().argmax(1).squeeze_dim::<1>(1).equal(span.clone()).int());
            nats.push(all.gather(1, span.unsqueeze_dim(1)).squeeze_dim::<1>(1).neg());
        };
        // Of a small batch no answer may be short enough.
        if answers.findable.dims()[0] > 0 {
            find(self.find(&sentences));
            if self.heeds_questions() {
                find(self.answer(&sentences));
            }
        }
        Judged { nats: Tensor::cat(nats, 0), correct: Some(Tensor::cat(hits, 0)) }
    }

    /// ln p of every span of every sentence, `[N, S · L]`, given nothing but the sentence.
    pub fn find(&self, sentences: &Sentences) -> Tensor<2> {
        self.find_by(sentences, &sentences.plain())
    }

    /// The same given questions, of which `sentences` say which words they hold.
    pub fn answer(&self, sentences: &Sentences) -> Tensor<2> {
        self.find_by(sentences, &sentences.asked())
    }

    fn find_by(&self, sentences: &Sentences, features: &[Tensor<2, Int>]) -> Tensor<2> {
        let table = self.embedding.weight.val();
        let find = |finder: &Finder| {
            let reader = finder.encoder.as_ref().unwrap_or(&self.encoder);
            let Read { states, .. } = reader.read(table.clone(), sentences, features, None);
            finder.extractor.forward(states, sentences.real.clone(), self.longest_answer)
        };
        let mut found: Vec<Tensor<2>> = self.finders.iter().map(find).collect();
        let count = found.len();
        match found.pop() {
            Some(only) if count == 1 => only,
            last => {
                let all = found.into_iter().chain(last).map(Tensor::exp);
                let sum = all.reduce(|sum, one| sum + one).expect("there is a finder");
                sum.div_scalar(count as f64).clamp_min(IMPOSSIBLE).log()
            }
        }
    }

    /// The wave before the first word of a question about each of `answers`.
    pub fn hear(&self, sentences: &Sentences, answers: &Answers) -> Wave {
        let table = self.embedding.weight.val();
        let read = self.encoder.read(table, sentences, &sentences.marked(), None);
        self.writer.begin(read, sentences, answers)
    }

    /// What may follow `words` `[N]`, and the wave after them. The first word is 0, which stands for no
    /// word; a question ends where 0 is chosen.
    pub fn next(&self, words: Tensor<1, Int>, wave: Wave) -> (Choice, Wave) {
        self.writer.next(&self.embedding, words, wave)
    }
}

impl Network for QuestionModel {
    type Config = QuestionModelConfig;

    const PURPOSE: Purpose = Purpose::Asking;

    fn vocabulary_of(config: &QuestionModelConfig) -> usize {
        config.vocabulary
    }

    fn blank(config: &QuestionModelConfig, device: &Device) -> Result<Self> {
        config.blank(device)
    }
}
