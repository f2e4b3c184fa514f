//! The question model: it extracts answers from sentences and generates questions about them.

use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor};
use kernels::KernelMode;
use models::dense::Dense;
use models::dropout::{DropoutKey, DropoutSite};
use models::embedding::Embedding;
use models::error::Result;
use models::init::Initialization;
use models::network::Network;
use models::output_layer::{LossOutput, OutputLayer};
use models::stack::{LayerConfig, Stack};

use super::answer_head::{AnswerHead, SpanHead, TaggerHead};
use super::attention::Attention;
use super::config::{AnswerEncoding, ExtractorHead, QuestionModelConfig, output_dim};
use super::copy;
use super::decoder::{Decoder, DecoderState, InitialState, NextWord};
use super::encoder::{Encoder, EncoderOutput};
use crate::data::{AnswerBatch, FEATURES, QuestionBatch, SentenceBatch};

/// Extracts answers from sentences and generates questions about them.
#[derive(Module, Debug)]
pub struct QuestionModel {
    /// From ids to vectors, shared by all encoders and the decoder.
    pub embedding: Embedding,
    /// Encodes a sentence with its answer for question generation.
    pub(crate) encoder: Encoder,
    /// Extracts answers without a question.
    pub(crate) finder: AnswerExtractor,
    /// Extracts the answer to a question; `None` without word features, which mark the question's words.
    pub(crate) answerer: Option<AnswerExtractor>,
    /// The decoder.
    pub(crate) writer: Decoder,
    /// L, the maximum length of an extracted answer in words.
    #[module(skip)]
    pub max_answer_len: usize,
    /// Whether the loss of answer extraction updates the word embeddings. On a small data set answer extraction
    /// soon overfits through them: if only question generation updates them, answers in new sentences are
    /// extracted better.
    #[module(skip)]
    pub extractor_updates_embeddings: bool,
    /// Whether the embedding is not trained.
    #[module(skip)]
    pub frozen_embedding: bool,
    /// The rate at which whole rows of the embedding are dropped while training.
    #[module(skip)]
    pub embedding_dropout: f64,
}

/// Encodes a sentence and extracts answers.
#[derive(Module, Debug)]
pub(crate) struct AnswerExtractor {
    /// Its own encoder; none to use the one for question generation.
    pub encoder: Option<Encoder>,
    /// The head on the encoder's outputs.
    pub extractor: AnswerHead,
}

impl QuestionModel {
    /// The model in training mode: all weights require gradients, except for a frozen embedding.
    pub fn trainable(self) -> Self {
        let mut model = self.train();
        if model.frozen_embedding {
            model.embedding = model.embedding.no_grad();
        }
        model
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.embedding.weight.val().device()
    }

    /// Whether the model can extract the answer to a question.
    pub fn supports_answering(&self) -> bool {
        self.answerer.is_some()
    }

    /// The losses of a batch in nats: `−ln p` of each word of the questions given their answers; then of the
    /// answers given the questions, if supported; then of the answers given only the sentences.
    pub fn forward_loss(&self, batch: QuestionBatch, dropout: Option<DropoutKey>) -> Tensor<1> {
        let QuestionBatch { sentences, answers, targets, .. } = batch;
        let mut table = self.embedding.weight.val();
        if let Some(key) = dropout {
            table = key.masks(DropoutSite::Embedding, self.embedding_dropout).drop_rows(table);
        }
        let part = |number| dropout.map(|key: DropoutKey| key.part(number));
        let encoded = self.encoder.forward(table.clone(), &sentences, &sentences.answer_features(), part(1));
        let state = self.writer.init_state(encoded, &sentences, &answers);
        let mut losses = vec![self.writer.loss(&self.embedding, table.clone(), state, &targets, part(2))];
        if !self.extractor_updates_embeddings {
            table = table.detach();
        }
        let mut extract = |extractor: &AnswerExtractor, features: &[_], number: u64| {
            let encoder = extractor.encoder.as_ref().unwrap_or(&self.encoder);
            let states = encoder.forward(table.clone(), &sentences, features, part(number)).states;
            let (head, max_len) = (&extractor.extractor, self.max_answer_len);
            losses.extend(head.loss(states, &sentences, &answers, max_len));
        };
        if let Some(answerer) = &self.answerer {
            extract(answerer, &sentences.question_features(), 3);
        }
        extract(&self.finder, &sentences.base_features(), 4);
        Tensor::cat(losses, 0)
    }

    /// The losses without dropout and gradients, and which words and answers had the highest probability. An
    /// answer's loss is `−ln p` of its span, whatever the head is trained with.
    pub fn forward_eval(&self, batch: QuestionBatch) -> LossOutput {
        let QuestionBatch { sentences, answers, targets, .. } = batch;
        let state = self.init_decoder(&sentences, &answers);
        let table = self.embedding.weight.val();
        let mut losses = vec![self.writer.loss(&self.embedding, table, state.clone(), &targets, None)];
        let next = self.writer.forward_targets(&self.embedding, state, &targets);
        let (best, targets) = match next.copy {
            None => (next.logits.argmax(1), targets.ids.clone()),
            Some((gate, weights)) => {
                let words = sentences.extended_ids.clone().select(0, targets.sentence_rows.clone());
                let num_ids = self.embedding.weight.dims()[0] + sentences.max_oov_words;
                let p = copy::distribution(next.logits, gate, weights, words, num_ids);
                (p.argmax(1), targets.extended_ids.clone())
            }
        };
        let mut correct = vec![best.squeeze_dim::<1>(1).equal(targets).int()];
        let mut add = |log_probs: Tensor<2>| {
            let log_probs = log_probs.select(0, answers.extractable.clone());
            let span = answers.span_indices.clone();
            let best = log_probs.clone().argmax(1).squeeze_dim::<1>(1);
            correct.push(best.equal(span.clone()).int());
            losses.push(log_probs.gather(1, span.unsqueeze_dim(1)).squeeze_dim::<1>(1).neg());
        };
        // In a small batch all answers may be too long.
        if answers.extractable.dims()[0] > 0 {
            add(self.extract_answers(&sentences));
            add(self.answer_questions(&sentences));
        }
        LossOutput { nats: Tensor::cat(losses, 0), correct: Some(Tensor::cat(correct, 0)) }
    }

    /// `ln p` of every span of every sentence as an answer, `[N, S · L]`, without a question. For the order of
    /// spans see [`SpanIndex`](super::SpanIndex).
    pub fn extract_answers(&self, sentences: &SentenceBatch) -> Tensor<2> {
        self.extract(&self.finder, sentences, &sentences.base_features())
    }

    /// The same given questions, whose words are marked in `sentences`; without them if the model does not
    /// [support answering](Self::supports_answering).
    pub fn answer_questions(&self, sentences: &SentenceBatch) -> Tensor<2> {
        match &self.answerer {
            Some(answerer) => self.extract(answerer, sentences, &sentences.question_features()),
            None => self.extract_answers(sentences),
        }
    }

    fn extract(
        &self,
        extractor: &AnswerExtractor,
        sentences: &SentenceBatch,
        features: &[Tensor<2, Int>],
    ) -> Tensor<2> {
        let table = self.embedding.weight.val();
        let encoder = extractor.encoder.as_ref().unwrap_or(&self.encoder);
        let EncoderOutput { states, .. } = encoder.forward(table, sentences, features, None);
        extractor.extractor.forward(states, sentences.mask.clone(), self.max_answer_len)
    }

    /// The decoder's state before the first word of a question about each of `answers`.
    pub fn init_decoder(&self, sentences: &SentenceBatch, answers: &AnswerBatch) -> DecoderState {
        let table = self.embedding.weight.val();
        let encoded = self.encoder.forward(table, sentences, &sentences.answer_features(), None);
        self.writer.init_state(encoded, sentences, answers)
    }

    /// The predictions after `words` `[N]`, and the state after them. The word before the first is 0, and a
    /// question ends with 0.
    pub fn decode_step(&self, words: Tensor<1, Int>, state: DecoderState) -> (NextWord, DecoderState) {
        self.writer.forward_step(&self.embedding, words, state)
    }
}

impl QuestionModelConfig {
    /// A model with random weights, which depend only on `seed`.
    ///
    /// # Errors
    /// If [`check`](Self::check) fails.
    pub fn init(&self, seed: u64, device: &Device) -> Result<QuestionModel> {
        self.init_with_dtype(seed, DType::F32, device)
    }

    /// The same with weights of this dtype, `F32` or `F64`.
    ///
    /// # Errors
    /// If [`check`](Self::check) fails.
    pub fn init_with_dtype(&self, seed: u64, dtype: DType, device: &Device) -> Result<QuestionModel> {
        self.build(&Initialization::new(seed, device).dtype(dtype))
    }

    fn build(&self, weights: &Initialization) -> Result<QuestionModel> {
        self.check()?;
        let inputs = self.embedding_dim + FEATURES.len() * self.feature_dim;
        let encoder = |layers: &[LayerConfig], name: &str| Encoder {
            dropout: self.dropout,
            ..Encoder::new(self.feature_dim, inputs, layers, &weights.at(name))
        };
        let encoder_dim = output_dim(&self.encoder);
        let extractor = |name: &str| {
            let weights = weights.at(name);
            let separate = !self.extractor.is_empty();
            let states = if separate { output_dim(&self.extractor) } else { encoder_dim };
            let max_len = self.max_answer_len;
            let extractor = match self.extractor_head {
                ExtractorHead::Span => AnswerHead::Pointers(SpanHead::new(states, max_len, &weights)),
                ExtractorHead::Tagger => AnswerHead::Tags(TaggerHead::new(states, &weights)),
            };
            let encoder = separate.then(|| encoder(&self.extractor, &format!("{name}.encoder")));
            AnswerExtractor { encoder, extractor }
        };
        let (rows, columns) = (self.vocab_size, self.embedding_dim);
        let embedding = Embedding::new(rows, columns, &weights.at("embedding"));
        Ok(QuestionModel {
            embedding,
            encoder: encoder(&self.encoder, "encoder"),
            finder: extractor("finder"),
            answerer: (self.feature_dim > 0).then(|| extractor("answerer")),
            writer: self.build_decoder(encoder_dim, &weights.at("writer")),
            max_answer_len: self.max_answer_len,
            extractor_updates_embeddings: self.extractor_updates_embeddings,
            frozen_embedding: self.frozen_embedding,
            embedding_dropout: self.embedding_dropout,
        })
    }

    fn build_decoder(&self, encoder_dim: usize, weights: &Initialization) -> Decoder {
        let decoder_dim = output_dim(&self.decoder);
        // With attention also the context vector and the answer vector.
        let joined = decoder_dim + if self.attention.is_some() { 2 * encoder_dim } else { 0 };
        let (inputs, outputs) = (self.readout_dim, self.decoder_vocab);
        let output = OutputLayer::new(inputs, None, self.tie_weights, outputs, &weights.at("output"));
        Decoder {
            start: match self.answer_encoding {
                AnswerEncoding::Feature => {
                    let units = self.decoder.iter().map(|layer| layer.units).sum();
                    InitialState::Bridge(Dense::new(2 * encoder_dim, units, &weights.at("bridge")))
                }
                AnswerEncoding::Reencode => {
                    InitialState::Again(Stack::new(encoder_dim, &self.decoder, &weights.at("again")))
                }
            },
            stack: Stack {
                layer_dropout: self.dropout,
                ..Stack::new(self.embedding_dim, &self.decoder, &weights.at("decoder"))
            },
            attention: self.attention.map(|score| {
                Attention::new(score, decoder_dim, encoder_dim, self.coverage > 0.0, &weights.at("attention"))
            }),
            readout: Dense::new(joined, self.readout_dim, &weights.at("readout")),
            gate: self.copy.then(|| Dense::new(joined, 1, &weights.at("gate"))),
            output,
            coverage: self.coverage,
            dropout: self.dropout,
        }
    }
}

impl Network for QuestionModel {
    type Config = QuestionModelConfig;

    const KIND: &'static str = "asking";

    fn vocab_size(config: &QuestionModelConfig) -> usize {
        config.vocab_size
    }

    fn zeros(config: &QuestionModelConfig, device: &Device) -> Result<Self> {
        config.build(&Initialization::zeros(device))
    }

    fn with_kernels(mut self, kernels: KernelMode) -> Self {
        let extractors = std::iter::once(&mut self.finder).chain(&mut self.answerer);
        let encoders = extractors.filter_map(|extractor| extractor.encoder.as_mut());
        for encoder in std::iter::once(&mut self.encoder).chain(encoders) {
            encoder.stack.kernels = kernels;
        }
        self.writer.set_kernels(kernels);
        self
    }

    fn kernels(&self) -> KernelMode {
        self.encoder.stack.kernels
    }
}
