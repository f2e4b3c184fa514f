//! A language model in both directions, which shares embedding and encoder with a question model: its forward direction
//! predicts the next word of a sentence, its backward direction the previous one.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, s};
use kernels::KernelMode;
use models::dropout::{DropoutKey, DropoutSite};
use models::embedding::Embedding;
use models::error::Result;
use models::init::Initialization;
use models::network::Network;
use models::output_layer::{LossOutput, OutputLayer};
use models::parameters::{parameters, values, with_values};
use models::stack::{Layer, Stack};
use text_prep::Vocabulary;

use super::config::QuestionModelConfig;
use super::encoder::Encoder;
use super::question_model::QuestionModel;
use crate::data::{FEATURES, SentenceBatch};

/// Embedding, features and the lowest layer of the encoder of a question model, with an output layer for each direction.
#[derive(Module, Debug)]
pub struct PassageModel {
    /// From ids to vectors.
    pub embedding: Embedding,
    /// The lowest layer of the encoder for question generation.
    pub(crate) encoder: Encoder,
    /// The output layers, tied to the embedding, of the forward and of the backward direction, if there is one.
    pub(crate) outputs: Vec<OutputLayer>,
    /// The rate at which whole rows of the embedding are dropped while training.
    #[module(skip)]
    pub embedding_dropout: f64,
    /// Whether the embedding keeps its weights.
    #[module(skip)]
    pub frozen_embedding: bool,
}

impl PassageModel {
    /// The language model that begins with the weights of `model`. Its output layers have random weights, which depend only
    /// on `seed`.
    ///
    /// # Errors
    /// If `config` is not that of `model`, except for its dropout rates.
    pub fn of(model: &QuestionModel, config: &QuestionModelConfig, seed: u64) -> Result<Self> {
        let device = &model.device();
        let fresh = Self::build(config, &Initialization::new(seed, device).at("passages"))?;
        let lowest = |encoder: &Encoder| Encoder {
            stack: Stack { layers: encoder.stack.layers[..1].to_vec(), ..encoder.stack.clone() },
            dropout: config.dropout,
            ..encoder.clone()
        };
        Ok(Self { embedding: model.embedding.clone(), encoder: lowest(&model.encoder), ..fresh })
    }

    /// `model` with this embedding and with this encoder's features and layer in each of its encoders whose lowest layer
    /// has the same sizes.
    pub fn fill(&self, mut model: QuestionModel) -> QuestionModel {
        model.embedding = with_values(model.embedding, &values(&self.embedding));
        let features = values(&self.encoder.features);
        let (own, layer) = (&self.encoder.stack.layers[0], values(&self.encoder.stack.layers[0]));
        let extractors = std::iter::once(&mut model.finder).chain(&mut model.answerer);
        let encoders = extractors.filter_map(|extractor| extractor.encoder.as_mut());
        for encoder in std::iter::once(&mut model.encoder).chain(encoders) {
            let lowest = &mut encoder.stack.layers[0];
            if shapes(lowest) == shapes(own) {
                *lowest = with_values(lowest.clone(), &layer);
                encoder.features = with_values(std::mem::take(&mut encoder.features), &features);
            }
        }
        model
    }

    fn build(config: &QuestionModelConfig, weights: &Initialization) -> Result<Self> {
        config.check()?;
        let inputs = config.embedding_dim + FEATURES.len() * config.feature_dim;
        let (layer, words) = (&config.encoder[0], config.decoder_vocab);
        let directions = if layer.bidirectional { 2 } else { 1 };
        let output = |direction: usize| {
            let weights = weights.at("outputs").at(direction);
            OutputLayer::new(layer.units, Some(config.embedding_dim), true, words, &weights)
        };
        let encoder = Encoder::new(config.feature_dim, inputs, std::slice::from_ref(layer), &weights.at("encoder"));
        Ok(Self {
            embedding: Embedding::new(config.vocab_size, config.embedding_dim, &weights.at("embedding")),
            encoder: Encoder { dropout: config.dropout, ..encoder },
            outputs: (0..directions).map(output).collect(),
            embedding_dropout: config.embedding_dropout,
            frozen_embedding: config.frozen_embedding,
        })
    }

    /// The model in training mode: all weights require gradients, except for a frozen embedding.
    pub fn trainable(self) -> Self {
        let mut model = self.train();
        if model.frozen_embedding {
            model.embedding = model.embedding.no_grad();
        }
        model
    }

    /// For each direction the encoder's outputs at all words, `[R, H]`, and the id of the word to predict at each, `[R]`:
    /// 0 beyond the sentence, and the unknown word for words without an output.
    fn predictions(
        &self,
        sentences: &SentenceBatch,
        dropout: Option<DropoutKey>,
    ) -> impl Iterator<Item = (Tensor<2>, Tensor<1, Int>)> {
        let mut table = self.embedding.weight.val();
        if let Some(key) = dropout {
            table = key.masks(DropoutSite::Embedding, self.embedding_dropout).drop_rows(table);
        }
        let states = self.encoder.forward(table, sentences, &sentences.base_features(), dropout).states;
        let ([batch, time, _], units) = (states.dims(), self.encoder.stack.layers[0].cell.units());
        let (ids, rows) = (sentences.ids.clone(), sentences.unpadded_rows.clone());
        let outputs = self.outputs[0].vocab_size();
        (0..self.outputs.len()).map(move |direction| {
            let begin = direction * units;
            let states = states.clone().slice(s![.., .., begin..begin + units]).reshape([batch * time, units]);
            let end = Tensor::zeros([batch, 1], &ids.device());
            // The ids are 0 at padding, too.
            let neighbours = match direction {
                0 => Tensor::cat(vec![ids.clone().slice(s![.., 1..]), end], 1),
                _ => Tensor::cat(vec![end, ids.clone().slice(s![.., ..time - 1])], 1),
            };
            let targets = neighbours.flatten::<1>(0, 1).select(0, rows.clone());
            let has_no_output = targets.clone().greater_equal_elem(outputs as i32);
            (states.select(0, rows.clone()), targets.mask_fill(has_no_output, Vocabulary::UNKNOWN as i32))
        })
    }

    /// `−ln p` of the word after and of the word before each word, in nats.
    pub fn forward_loss(&self, sentences: &SentenceBatch, dropout: Option<DropoutKey>) -> Tensor<1> {
        let predictions = self.predictions(sentences, dropout).zip(&self.outputs);
        let losses = predictions.map(|((states, targets), output)| output.loss(states, &self.embedding, targets));
        Tensor::cat(losses.collect(), 0)
    }

    /// The same losses without dropout and gradients, and which words had the highest probability.
    pub fn forward_eval(&self, sentences: &SentenceBatch) -> LossOutput {
        let predictions = self.predictions(sentences, None).zip(&self.outputs);
        let (mut nats, mut correct) = (Vec::new(), Vec::new());
        for ((states, targets), output) in predictions {
            let losses = output.loss_with_accuracy(states, &self.embedding, targets);
            nats.push(losses.nats);
            correct.extend(losses.correct);
        }
        LossOutput { nats: Tensor::cat(nats, 0), correct: Some(Tensor::cat(correct, 0)) }
    }
}

/// The shapes of all parameters of a layer, by path.
fn shapes(layer: &Layer) -> Vec<(String, Vec<usize>)> {
    parameters(layer).into_iter().map(|(path, parameter)| (path, parameter.shape)).collect()
}

impl Network for PassageModel {
    type Config = QuestionModelConfig;

    const KIND: &'static str = "passages";

    fn vocab_size(config: &QuestionModelConfig) -> usize {
        config.vocab_size
    }

    fn zeros(config: &QuestionModelConfig, device: &Device) -> Result<Self> {
        Self::build(config, &Initialization::zeros(device))
    }

    fn with_kernels(mut self, kernels: KernelMode) -> Self {
        self.encoder.stack.kernels = kernels;
        for output in &mut self.outputs {
            output.kernels = kernels;
        }
        self
    }

    fn kernels(&self) -> KernelMode {
        self.encoder.stack.kernels
    }
}
