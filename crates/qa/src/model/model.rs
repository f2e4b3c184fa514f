//! The whole network: it reads, finds answers and writes questions.

use crate::data::{Answers, QuestionBatch, Sentences};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use crate::model::config::QuestionModelConfig;
use crate::model::copy;
use crate::model::decoder::{Choice, Wave, Writer};
use crate::model::encoder::{Encoder, Read};
use crate::model::spans::Extractor;
use models::dropout::{DropoutKey, Place};
use models::embedding::Embedding;
use models::error::Result;
use models::network::{Network, Purpose};
use models::score::Judged;

/// Reads sentences, finds answers in them and writes questions about these.
#[derive(Module, Debug)]
pub struct QuestionModel {
    /// From ids to vectors, for all that is read and written.
    pub embedding: Embedding,
    /// Reads a sentence in which an answer is marked.
    pub(crate) encoder: Encoder,
    /// Finds answers in a sentence alone.
    pub(crate) finder: Finder,
    /// Finds the answer to a question; none where questions cannot be read.
    pub(crate) answerer: Option<Finder>,
    /// Writes.
    pub(crate) writer: Writer,
    /// L, words in the longest answer that is found.
    #[module(skip)]
    pub longest_answer: usize,
    /// Whether finding answers teaches the words' vectors, too. A small set of answers is soon known by
    /// heart through them: where writing alone teaches them, answers in new sentences are found better.
    #[module(skip)]
    pub finding_teaches_words: bool,
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
        self.answerer.is_some()
    }

    /// What a batch costs, in nats: each word of the questions given their answers; then each answer given
    /// the question, where questions are read; then each answer given nothing but its sentence.
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
        if !self.finding_teaches_words {
            table = table.detach();
        }
        let mut find = |finder: &Finder, features: &[Tensor<2, Int>], number: u64| {
            let reader = finder.encoder.as_ref().unwrap_or(&self.encoder);
            let read = reader.read(table.clone(), &sentences, features, part(number));
            let longest = self.longest_answer;
            nats.extend(finder.extractor.nats(read.states, &sentences, &answers, longest));
        };
        if let Some(answerer) = &self.answerer {
            find(answerer, &sentences.asked(), 3);
        }
        find(&self.finder, &sentences.plain(), 4);
        Tensor::cat(nats, 0)
    }

    /// What a batch costs as the network is used, and which of the words and answers were the likeliest.
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
                let p = copy::distribution(choice.logits, gate, shares, words, all);
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
            find(self.answer(&sentences));
        }
        Judged { nats: Tensor::cat(nats, 0), correct: Some(Tensor::cat(hits, 0)) }
    }

    /// ln p of every span of every sentence, `[N, S · L]`, given nothing but the sentence.
    pub fn find(&self, sentences: &Sentences) -> Tensor<2> {
        self.find_by(&self.finder, sentences, &sentences.plain())
    }

    /// The same given questions, of which `sentences` say which words they hold; without them, where
    /// questions cannot be read.
    pub fn answer(&self, sentences: &Sentences) -> Tensor<2> {
        match &self.answerer {
            Some(answerer) => self.find_by(answerer, sentences, &sentences.asked()),
            None => self.find(sentences),
        }
    }

    fn find_by(
        &self,
        finder: &Finder,
        sentences: &Sentences,
        features: &[Tensor<2, Int>],
    ) -> Tensor<2> {
        let table = self.embedding.weight.val();
        let reader = finder.encoder.as_ref().unwrap_or(&self.encoder);
        let Read { states, .. } = reader.read(table, sentences, features, None);
        finder.extractor.forward(states, sentences.real.clone(), self.longest_answer)
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
