//! The configuration of the question model: sizes and options, no weights.

use models::dropout::check_rate;
use models::error::{Error, Result};
use models::stack::LayerConfig;
use serde::{Deserialize, Serialize};

use super::attention::AttentionScore;

/// How the decoder gets the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerEncoding {
    /// The words of the answer have a feature in the encoder, and the mean of their encoder outputs initializes
    /// the decoder.
    #[serde(rename = "marked")]
    Feature,
    /// Recurrent layers of their own read the encoder outputs of the answer again (Foster 2019, chapter 7).
    #[serde(rename = "again")]
    Reencode,
}

/// How answers are extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExtractorHead {
    /// A distribution over spans, from their first and last words.
    #[serde(rename = "pointers")]
    Span,
    /// Each word is classified as part of an answer or not (Foster 2019, chapter 7).
    #[serde(rename = "tags")]
    Tagger,
}

/// Embedding and word features → encoder → decoder → attention and copying → output layer; and encoders with a
/// head for answer extraction. All rates are of dropout and apply to training only. The default has no vocabulary
/// sizes; those of a data set are in [`Examples::vocab_sizes`](crate::data::Examples::vocab_sizes).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionModelConfig {
    /// V, the number of ids, including the reserved ones.
    #[serde(rename = "vocabulary")]
    pub vocab_size: usize,
    /// W, the size of the decoder's vocabulary: the first W ids. Other words can only be copied.
    #[serde(rename = "written")]
    pub decoder_vocab: usize,
    /// D, the embedding dimension.
    #[serde(rename = "embedding")]
    pub embedding_dim: usize,
    /// The embedding dimension of each word feature: shape, ending, position in the answer, occurrence in the
    /// question; 0 for no features.
    #[serde(rename = "features")]
    pub feature_dim: usize,
    /// The encoder's layers, the lowest first.
    pub encoder: Vec<LayerConfig>,
    /// The layers of the encoder for answer extraction; none to use the outputs of `encoder`.
    pub extractor: Vec<LayerConfig>,
    /// The decoder's layers, the lowest first.
    pub decoder: Vec<LayerConfig>,
    /// How the decoder gets the answer.
    #[serde(rename = "answer")]
    pub answer_encoding: AnswerEncoding,
    /// The score of the decoder's attention; `None` for no attention.
    pub attention: Option<AttentionScore>,
    /// Whether words of the sentence can be copied; needs attention.
    pub copy: bool,
    /// λ, the weight of the coverage loss; 0 for no coverage.
    pub coverage: f64,
    /// The size of the layer between decoder and output layer.
    #[serde(rename = "readout")]
    pub readout_dim: usize,
    /// Whether the output layer uses the embedding's weights.
    #[serde(rename = "tied")]
    pub tie_weights: bool,
    /// How answers are extracted.
    #[serde(rename = "extraction")]
    pub extractor_head: ExtractorHead,
    /// L, the maximum length of an extracted answer in words.
    #[serde(rename = "longest_answer")]
    pub max_answer_len: usize,
    /// Whether the loss of answer extraction updates the word embeddings; if not, only question generation does.
    #[serde(rename = "finding_teaches_words")]
    pub extractor_updates_embeddings: bool,
    /// Whether the embedding is not trained.
    pub frozen_embedding: bool,
    /// The dropout rate of the encoders' inputs and outputs, the decoder layers' outputs and the readout.
    pub dropout: f64,
    /// The rate at which whole rows of the embedding are dropped.
    pub embedding_dropout: f64,
}

impl Default for QuestionModelConfig {
    /// The model of `configs/qa.toml`, without the vocabulary sizes.
    fn default() -> Self {
        let both = LayerConfig::gru(128).bidirectional(true);
        Self {
            vocab_size: 0,
            decoder_vocab: 0,
            embedding_dim: 128,
            feature_dim: 16,
            encoder: vec![both.clone()],
            extractor: vec![both],
            decoder: vec![LayerConfig::gru(256)],
            answer_encoding: AnswerEncoding::Feature,
            attention: Some(AttentionScore::General),
            copy: true,
            coverage: 0.0,
            readout_dim: 128,
            tie_weights: true,
            extractor_head: ExtractorHead::Span,
            max_answer_len: 12,
            extractor_updates_embeddings: false,
            frozen_embedding: false,
            dropout: 0.5,
            embedding_dropout: 0.2,
        }
    }
}

impl QuestionModelConfig {
    /// Sets [`vocab_size`](Self#structfield.vocab_size).
    pub fn vocab_size(self, vocab_size: usize) -> Self {
        Self { vocab_size, ..self }
    }

    /// Sets [`decoder_vocab`](Self#structfield.decoder_vocab).
    pub fn decoder_vocab(self, decoder_vocab: usize) -> Self {
        Self { decoder_vocab, ..self }
    }

    /// Sets [`embedding_dim`](Self#structfield.embedding_dim).
    pub fn embedding_dim(self, embedding_dim: usize) -> Self {
        Self { embedding_dim, ..self }
    }

    /// Sets [`feature_dim`](Self#structfield.feature_dim).
    pub fn feature_dim(self, feature_dim: usize) -> Self {
        Self { feature_dim, ..self }
    }

    /// Sets [`encoder`](Self#structfield.encoder).
    pub fn encoder(self, encoder: impl Into<Vec<LayerConfig>>) -> Self {
        Self { encoder: encoder.into(), ..self }
    }

    /// Sets [`extractor`](Self#structfield.extractor).
    pub fn extractor(self, extractor: impl Into<Vec<LayerConfig>>) -> Self {
        Self { extractor: extractor.into(), ..self }
    }

    /// Sets [`decoder`](Self#structfield.decoder).
    pub fn decoder(self, decoder: impl Into<Vec<LayerConfig>>) -> Self {
        Self { decoder: decoder.into(), ..self }
    }

    /// Sets [`answer_encoding`](Self#structfield.answer_encoding).
    pub fn answer_encoding(self, answer_encoding: AnswerEncoding) -> Self {
        Self { answer_encoding, ..self }
    }

    /// Sets [`attention`](Self#structfield.attention).
    pub fn attention(self, attention: impl Into<Option<AttentionScore>>) -> Self {
        Self { attention: attention.into(), ..self }
    }

    /// Sets [`copy`](Self#structfield.copy).
    pub fn copy(self, copy: bool) -> Self {
        Self { copy, ..self }
    }

    /// Sets [`coverage`](Self#structfield.coverage).
    pub fn coverage(self, coverage: f64) -> Self {
        Self { coverage, ..self }
    }

    /// Sets [`readout_dim`](Self#structfield.readout_dim).
    pub fn readout_dim(self, readout_dim: usize) -> Self {
        Self { readout_dim, ..self }
    }

    /// Sets [`tie_weights`](Self#structfield.tie_weights).
    pub fn tie_weights(self, tie_weights: bool) -> Self {
        Self { tie_weights, ..self }
    }

    /// Sets [`extractor_head`](Self#structfield.extractor_head).
    pub fn extractor_head(self, extractor_head: ExtractorHead) -> Self {
        Self { extractor_head, ..self }
    }

    /// Sets [`max_answer_len`](Self#structfield.max_answer_len).
    pub fn max_answer_len(self, max_answer_len: usize) -> Self {
        Self { max_answer_len, ..self }
    }

    /// Sets [`extractor_updates_embeddings`](Self#structfield.extractor_updates_embeddings).
    pub fn extractor_updates_embeddings(self, extractor_updates_embeddings: bool) -> Self {
        Self { extractor_updates_embeddings, ..self }
    }

    /// Sets [`frozen_embedding`](Self#structfield.frozen_embedding).
    pub fn frozen_embedding(self, frozen_embedding: bool) -> Self {
        Self { frozen_embedding, ..self }
    }

    /// Sets [`dropout`](Self#structfield.dropout).
    pub fn dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets [`embedding_dropout`](Self#structfield.embedding_dropout).
    pub fn embedding_dropout(self, embedding_dropout: f64) -> Self {
        Self { embedding_dropout, ..self }
    }

    /// Checks that all values are in range and fit each other.
    ///
    /// # Errors
    /// Names the first value that is out of range or does not fit another.
    pub fn check(&self) -> Result<()> {
        let sizes = [
            ("model.embedding_dim", self.embedding_dim, 1),
            ("model.features", self.feature_dim, 0),
            ("model.readout", self.readout_dim, 1),
        ];
        for (key, size, min) in sizes {
            if !(min..=8_192).contains(&size) {
                return Err(Error::out_of_range(key, size, if min == 0 { "0 to 8192" } else { "1 to 8192" }));
            }
        }
        if !(1..=self.vocab_size).contains(&self.decoder_vocab) {
            let found = self.decoder_vocab;
            let expected = "1 to the number of ids";
            return Err(Error::out_of_range("vocabulary.decoder_vocab", found, expected));
        }
        if !(1..=64).contains(&self.max_answer_len) {
            return Err(Error::out_of_range("model.max_answer_len", self.max_answer_len, "1 to 64"));
        }
        let stacks = [("encoder", &self.encoder), ("extractor", &self.extractor), ("decoder", &self.decoder)];
        for (name, layers) in stacks {
            if layers.is_empty() && name != "extractor" {
                return Err(Error::out_of_range(format!("model.{name}"), "empty", "at least one layer"));
            }
            for (at, layer) in layers.iter().enumerate() {
                layer.check(&format!("model.{name}[{at}]"))?;
                if layer.bidirectional && name == "decoder" {
                    return Err(Error::out_of_range(
                        format!("model.decoder[{at}].bidirectional"),
                        true,
                        "false, because the decoder generates from left to right",
                    ));
                }
            }
        }
        if self.copy && self.attention.is_none() {
            let expected = "false without `model.attention`, whose weights copying uses";
            return Err(Error::out_of_range("model.copy", true, expected));
        }
        if !(self.coverage >= 0.0 && self.coverage.is_finite()) {
            return Err(Error::out_of_range("model.coverage", self.coverage, "a finite number of 0 or more"));
        }
        if self.coverage > 0.0 && self.attention.is_none() {
            let expected = "0 without `model.attention`, whose weights it sums up";
            return Err(Error::out_of_range("model.coverage", self.coverage, expected));
        }
        check_rate("model.dropout", self.dropout)?;
        check_rate("model.embedding_dropout", self.embedding_dropout)?;
        let mismatch = |key: &str, found, expected, reason| {
            let fix = format!("set `model.{key}` to {expected}, or change the other");
            Err(Error::SizeMismatch { key: format!("model.{key}"), found, expected, reason, fix })
        };
        if self.tie_weights && self.readout_dim != self.embedding_dim {
            let reason = "`model.tie_weights` uses the embedding's weights again";
            return mismatch("readout", self.readout_dim, self.embedding_dim, reason);
        }
        let (encoder, decoder) = (output_dim(&self.encoder), output_dim(&self.decoder));
        if self.attention == Some(AttentionScore::Dot) && encoder != decoder {
            let reason = "`model.attention = \"dot\"` multiplies decoder outputs with encoder outputs";
            return mismatch("decoder[].units", decoder, encoder, reason);
        }
        Ok(())
    }
}

/// The output size of these layers.
pub(super) fn output_dim(layers: &[LayerConfig]) -> usize {
    layers.last().map_or(0, LayerConfig::width)
}
