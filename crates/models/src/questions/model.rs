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

/// Reads sentences, finds answers in them and writes questions about these.
#[derive(Module, Debug)]
pub struct QuestionModel {
    /// From ids to vectors, for all that is read and written.
    pub embedding: Embedding,
    /// Reads a sentence in which an answer is marked.
    pub(crate) encoder: Encoder,
    /// Reads a sentence to find answers; none where the encoder's states serve for that too.
    pub(crate) extractor: Option<Encoder>,
    /// Finds answers in states.
    pub(crate) finder: Extractor,
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
        !self.reader().features.is_empty()
    }

    /// What is read to find answers.
    fn reader(&self) -> &Encoder {
        self.extractor.as_ref().unwrap_or(&self.encoder)
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
        let mut find = |features: &[Tensor<2, Int>], part| {
            let read = self.reader().read(table.clone(), &sentences, features, part);
            let (span, inside) = (answers.span.clone(), answers.inside.clone());
            let (real, words) = (sentences.real.clone(), sentences.rows.clone());
            nats.push(self.finder.nats(
                read.states,
                real,
                self.longest_answer,
                span,
                inside,
                words,
            ));
        };
        find(&sentences.plain(), part(3));
        if self.heeds_questions() {
            find(&sentences.asked(), part(4));
        }
        Tensor::cat(nats, 0)
    }

    /// What a batch costs without dropout, and which of the words and answers were the likeliest.
    pub fn judge(&self, batch: QuestionBatch) -> Judged {
        let nats = self.learn(batch.clone(), None);
        let QuestionBatch { sentences, answers, targets, .. } = batch;
        let wave = self.hear(&sentences, &answers);
        let choice = self.writer.choices(&self.embedding, wave, &targets);
        let likeliest = match choice.copy {
            None => choice.logits.argmax(1),
            Some((gate, shares)) => {
                let words = sentences.extended.clone().select(0, targets.sentence.clone());
                let further = sentences.further;
                copying::distribution(choice.logits, gate, shares, words, further).argmax(1)
            }
        };
        let written = likeliest.squeeze_dim::<1>(1).equal(targets.extended.clone()).int();
        let mut hits = vec![written];
        let mut find = |features: &[Tensor<2, Int>]| {
            let found = self.find_by(&sentences, features).argmax(1).squeeze_dim::<1>(1);
            hits.push(found.equal(answers.span.clone()).int());
        };
        find(&sentences.plain());
        if self.heeds_questions() {
            find(&sentences.asked());
        }
        let hits = Tensor::cat(hits, 0);
        // Where words are tagged one by one there are more losses than answers: nothing is counted then.
        let comparable = hits.dims() == nats.dims();
        Judged { nats, correct: comparable.then_some(hits) }
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
        let Read { states, .. } = self.reader().read(table, sentences, features, None);
        self.finder.forward(states, sentences.real.clone(), self.longest_answer)
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
