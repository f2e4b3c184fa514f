//! The blueprint of a network that asks: sizes, no weights.

use crate::data::FEATURES;
use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};

use crate::model::attention::{Attention, Score};
use crate::model::decoder::{Start, Writer};
use crate::model::encoder::Encoder;
use crate::model::model::{Finder, QuestionModel};
use crate::model::spans::{Extractor, Pointers, Tags};
use models::config::check_share;
use models::dense::Dense;
use models::embedding::Embedding;
use models::error::{Error, Result};
use models::init::Initialization;
use models::layer::LayerConfig;
use models::output::Output;
use models::stack::Stack;

/// How the answer reaches what writes the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadAnswer {
    /// Its words are marked while the sentence is read, and its states are averaged at the start.
    Marked,
    /// The states of its words are read once more by layers of their own, as in the book.
    Again,
}

/// How answers are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extraction {
    /// By pointers to a begin and an end.
    Pointers,
    /// Word by word, as in the book.
    Tags,
}

/// Embedding and features → layers that read → layers that write → attention and copying → output layer;
/// and layers that find answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionModelConfig {
    /// V, how many ids there are, the reserved ones included.
    pub vocabulary: usize,
    /// W, the first ids, which can be chosen when a question is written; others can only be copied.
    pub written: usize,
    /// D, numbers in a word's vector.
    pub embedding: usize,
    /// Numbers for each of a word's features: its shape, its ending, its place in the answer, whether the
    /// question holds it; 0 for no features.
    pub features: usize,
    /// The layers that read the sentence, the lowest first.
    pub encoder: Vec<LayerConfig>,
    /// The layers that read it to find answers; none to find them in the states of the encoder.
    pub extractor: Vec<LayerConfig>,
    /// The layers that write, the lowest first.
    pub decoder: Vec<LayerConfig>,
    /// How the answer reaches the writing layers.
    pub answer: ReadAnswer,
    /// How each step of writing looks at the sentence; not at all if none.
    pub attention: Option<Score>,
    /// Whether words of the sentence can be copied; needs attention.
    pub copy: bool,
    /// How much looking twice at the same word costs while training; 0 for nothing, and no memory of it.
    pub coverage: f64,
    /// Numbers between the writing layers and the output layer.
    pub readout: usize,
    /// Whether the output layer's weights are the embedding's.
    pub tied: bool,
    /// How answers are found.
    pub extraction: Extraction,
    /// L, words in the longest answer that is found.
    pub longest_answer: usize,
    /// Whether finding answers teaches the words' vectors, too; if not, writing questions alone does.
    pub finding_teaches_words: bool,
    /// Whether the embedding stays as it is while the rest is trained.
    pub frozen_embedding: bool,
    /// The share of what is read, handed on and written with that is dropped while training.
    pub dropout: f64,
    /// The share of the words whose vectors are dropped while training.
    pub embedding_dropout: f64,
}

impl QuestionModelConfig {
    /// Refuses sizes that make no network.
    ///
    /// # Errors
    /// Names the first setting that is out of range or does not fit another.
    pub fn check(&self) -> Result<()> {
        let sizes = [
            ("model.embedding", self.embedding, 1),
            ("model.features", self.features, 0),
            ("model.readout", self.readout, 1),
        ];
        for (key, size, least) in sizes {
            if !(least..=8_192).contains(&size) {
                let expected = if least == 0 { "0 to 8192" } else { "1 to 8192" };
                return Err(Error::out_of_range(key, size, expected));
            }
        }
        if !(1..=self.vocabulary).contains(&self.written) {
            let expected = "1 to as many as there are ids";
            return Err(Error::out_of_range("vocabulary.written", self.written, expected));
        }
        if !(1..=64).contains(&self.longest_answer) {
            let found = self.longest_answer;
            return Err(Error::out_of_range("model.longest_answer", found, "1 to 64"));
        }
        let stacks = [
            ("encoder", &self.encoder),
            ("extractor", &self.extractor),
            ("decoder", &self.decoder),
        ];
        for (name, layers) in stacks {
            if layers.is_empty() && name != "extractor" {
                let key = format!("model.{name}");
                return Err(Error::out_of_range(key, "empty", "at least one layer"));
            }
            for (at, layer) in layers.iter().enumerate() {
                layer.check(&format!("model.{name}[{at}]"))?;
                if layer.bidirectional && name == "decoder" {
                    return Err(Error::out_of_range(
                        format!("model.decoder[{at}].bidirectional"),
                        true,
                        "false in layers that write from left to right",
                    ));
                }
            }
        }
        if self.copy && self.attention.is_none() {
            let expected = "false without `model.attention`, which says what to copy";
            return Err(Error::out_of_range("model.copy", true, expected));
        }
        if !(self.coverage >= 0.0 && self.coverage.is_finite()) {
            let found = self.coverage;
            return Err(Error::out_of_range("model.coverage", found, "0 or a number above 0"));
        }
        if self.coverage > 0.0 && self.attention.is_none() {
            let expected = "0 without `model.attention`, which it is about";
            return Err(Error::out_of_range("model.coverage", self.coverage, expected));
        }
        check_share("model.dropout", self.dropout)?;
        check_share("model.embedding_dropout", self.embedding_dropout)?;
        let unfit = |key: &str, found, expected, reason| {
            let cure = format!("set `model.{key}` to {expected}, or change the other");
            Err(Error::Unfit { key: format!("model.{key}"), found, expected, reason, cure })
        };
        if self.tied && self.readout != self.embedding {
            let reason = "`model.tied` uses the embedding's weights again";
            return unfit("readout", self.readout, self.embedding, reason);
        }
        let (read, written) = (width(&self.encoder), width(&self.decoder));
        if self.attention == Some(Score::Dot) && read != written {
            let reason = "`model.attention = \"dot\"` multiplies what is written with what is read";
            return unfit("decoder[].units", written, read, reason);
        }
        Ok(())
    }

    /// The network with fresh weights: a function of `seed` alone.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn init(&self, seed: u64, device: &Device) -> Result<QuestionModel> {
        self.init_as(seed, DType::F32, device)
    }

    /// The same with weights of this dtype, `F32` or `F64`.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn init_as(&self, seed: u64, dtype: DType, device: &Device) -> Result<QuestionModel> {
        self.build(&Initialization::new(seed, device).with_dtype(dtype))
    }

    /// The network with all weights zero, to be replaced by those of a file.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn blank(&self, device: &Device) -> Result<QuestionModel> {
        self.build(&Initialization::blank(device))
    }

    fn build(&self, weights: &Initialization) -> Result<QuestionModel> {
        self.check()?;
        let inputs = self.embedding + FEATURES.len() * self.features;
        let encoder = |layers: &[LayerConfig], name: &str| Encoder {
            dropout: self.dropout,
            ..Encoder::new(self.features, inputs, layers, &weights.at(name))
        };
        let (read, written) = (width(&self.encoder), width(&self.decoder));
        // What is looked at, and the answer once more.
        let looked = if self.attention.is_some() { 2 * read } else { 0 };
        let finder = |name: &str| {
            let weights = weights.at(name);
            let own = !self.extractor.is_empty();
            let found = if own { width(&self.extractor) } else { read };
            let extractor = match self.extraction {
                Extraction::Pointers => {
                    Extractor::Pointers(Pointers::new(found, self.longest_answer, &weights))
                }
                Extraction::Tags => Extractor::Tags(Tags::new(found, &weights)),
            };
            let encoder = own.then(|| encoder(&self.extractor, &format!("{name}.encoder")));
            Finder { encoder, extractor }
        };
        let writer = weights.at("writer");
        Ok(QuestionModel {
            embedding: Embedding::new(self.vocabulary, self.embedding, &weights.at("embedding")),
            encoder: encoder(&self.encoder, "encoder"),
            finder: finder("finder"),
            answerer: (self.features > 0).then(|| finder("answerer")),
            writer: Writer {
                start: match self.answer {
                    ReadAnswer::Marked => {
                        let units = self.decoder.iter().map(|layer| layer.units).sum();
                        Start::Bridge(Dense::new(2 * read, units, &writer.at("bridge")))
                    }
                    ReadAnswer::Again => {
                        Start::Again(Stack::new(read, &self.decoder, &writer.at("again")))
                    }
                },
                stack: Stack {
                    dropout: self.dropout,
                    ..Stack::new(self.embedding, &self.decoder, &writer.at("decoder"))
                },
                attention: self.attention.map(|score| {
                    let coverage = self.coverage > 0.0;
                    Attention::new(score, written, read, coverage, &writer.at("attention"))
                }),
                readout: Dense::new(written + looked, self.readout, &writer.at("readout")),
                gate: self.copy.then(|| Dense::new(written + looked, 1, &writer.at("gate"))),
                output: Output::new(
                    self.readout,
                    None,
                    self.tied,
                    self.written,
                    &writer.at("output"),
                ),
                coverage: self.coverage,
                dropout: self.dropout,
            },
            longest_answer: self.longest_answer,
            finding_teaches_words: self.finding_teaches_words,
            frozen_embedding: self.frozen_embedding,
            embedding_dropout: self.embedding_dropout,
        })
    }
}

/// How many numbers these layers hand on at each step.
fn width(layers: &[LayerConfig]) -> usize {
    layers.last().map_or(0, LayerConfig::width)
}
