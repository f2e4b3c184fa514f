//! Checks the configuration of a question model, reads its data and makes the configurations of model and
//! trainer.

use std::path::{Path, PathBuf};

use qa::QuestionModelConfig;
use qa::data::{
    Document, PassageDataset, QaDataset, QaDatasetConfig, QuestionCounts, ReadOptions, num_documents_with_questions,
    read_squad, split,
};
use qa::model::{AnswerEncoding, AttentionScore, ExtractorHead};
use text_prep::Segmentation;
use trainer::{TrainConfig, TrainMode};

use super::questions::{AnswerEncodingKind, AttentionKind, Data, ExtractorHeadKind, QuestionsConfig, QuestionsModel};
use super::resolve::vectors;
use super::short_epochs;
use super::train::{ModeKind, Train};
use super::train_config::train_config;
use crate::embedded;
use crate::error::{Error, Result, bail};
use crate::input::{self, KeptInput};
use crate::long_task::LongTask;
use crate::view::format::counted;

/// A question generation experiment: a checked configuration with its data.
pub struct QaExperiment {
    /// The configuration, with absolute paths.
    pub config: QuestionsConfig,
    /// The vocabulary and the examples.
    pub dataset: QaDataset,
    /// The sentences of the passages, if the model is pretrained on them.
    pub passages: Option<PassageDataset>,
    /// The validation documents.
    pub valid: Vec<Document>,
    /// The number of questions in them, including unusable ones.
    pub valid_found: usize,
    /// The model's configuration.
    pub model: QuestionModelConfig,
    /// The trainer's configuration.
    pub train: TrainConfig,
    /// The data of which the run keeps copies.
    pub kept: Vec<KeptInput>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

impl QaExperiment {
    /// Checks `config` and reads its data.
    ///
    /// # Errors
    /// If a value is out of range, or the data cannot be read or used.
    pub fn new(mut config: QuestionsConfig) -> Result<Self> {
        let sample_every = config.samples.every_steps;
        let train = train_config(config.seed, &config.train, TrainMode::Examples, sample_every, &config.checkpoints)?;
        for (key, is_given) in [
            ("mode", config.train.mode != ModeKind::Windows),
            ("bptt_len", config.train.bptt_len != Train::default().bptt_len),
            ("bptt_deviation", config.train.bptt_deviation > 0.0),
            ("layer_decay", config.train.layer_decay < 1.0),
            ("unfreeze_steps", config.train.unfreeze_steps > 0),
        ] {
            if is_given {
                bail!("`train.{key}` is given, which a configuration for questions does not have; leave it out");
            }
        }
        train.check()?;
        if config.pretraining.epochs > 0 {
            config.pretraining.config().check()?;
        }
        if config.vocabulary.min_count == 0 {
            bail!("`vocabulary.min_count` is 0; expected 1 or more");
        }
        let max_sentence_len = config.sentences.max_sentence_len;
        if !(1..=1_000).contains(&max_sentence_len) {
            bail!("`sentences.max_sentence_len` is {max_sentence_len}; expected 1 to 1000 words");
        }
        if config.samples.sentences == 0 {
            bail!("`samples.sentences` is 0; expected 1 or more");
        }
        config.data.reject_copy()?;
        vectors(&mut config.model.vectors)?;
        let mut warnings = Vec::new();
        let mut model = model_config(&config.model);
        // Check the model before reading the data.
        model.check()?;
        let dataset_config = QaDatasetConfig {
            min_count: config.vocabulary.min_count,
            decoder_vocab: config.vocabulary.decoder_vocab,
            max_sentence_len,
            max_answer_len: config.model.max_answer_len,
            segmentation: config.tokens.segmentation.unwrap_or_default().fixed(),
        };
        let reading = LongTask::start("reading the questions");
        let names = config.data.files().map(|path| path.unwrap_or_default());
        let kept = config.data.start()?;
        let (train_documents, valid, valid_found) = documents(&config.data, &names, &kept, config.seed, &mut warnings)?;
        let dataset = QaDataset::new(&train_documents, &valid, &dataset_config)?;
        let passages = (config.pretraining.epochs > 0)
            .then(|| PassageDataset::new(&train_documents, &valid, &dataset.tokenizer, max_sentence_len));
        drop(reading);
        config.tokens.segmentation = Some(dataset.tokenizer.pre_tokenizer.segmentation().into());
        model.vocab_size = dataset.train.vocab_sizes.input;
        model.decoder_vocab = dataset.train.vocab_sizes.output;
        let advice = match dataset.tokenizer.pre_tokenizer.segmentation() {
            Segmentation::Spaces => "",
            Segmentation::Dictionary => "; `tokens.segmentation=spaces` uses them, with shorter words",
        };
        for (part, used) in ["training", "validation"].iter().zip(&dataset.counts) {
            if used.unmapped > 0 {
                let of_all = counted(used.questions, &format!("{part} answer"));
                let are = match used.unmapped {
                    1 => "starts or ends within a word of its sentence and is",
                    _ => "start or end within a word of their sentence and are",
                };
                warnings.push(format!("{} of {of_all} {are} left out{advice}", used.unmapped));
            }
            if used.too_long > 0 {
                let are = match used.too_long {
                    1 => format!("1 {part} question is about a sentence of more than {max_sentence_len} words and is"),
                    count => format!(
                        "{count} {part} questions are about sentences of more than {max_sentence_len} words and are"
                    ),
                };
                warnings.push(format!("{are} left out"));
            }
        }
        let kept = kept.into_iter().flatten().collect();
        Ok(Self { config, dataset, passages, valid, valid_found, model, train, kept, warnings })
    }

    /// The warning about epochs of hardly any step, if they are so short.
    pub fn short_epochs_warning(&self) -> Option<String> {
        let examples = self.dataset.counts[0].examples;
        short_epochs::warning(&self.train, examples, examples.div_ceil(self.train.batch_size))
    }
}

/// The model's configuration; the vocabulary sizes are set once the data is read.
fn model_config(model: &QuestionsModel) -> QuestionModelConfig {
    QuestionModelConfig {
        vocab_size: 1,
        decoder_vocab: 1,
        embedding_dim: model.embedding_dim,
        feature_dim: model.features,
        encoder: model.encoder.clone(),
        extractor: model.extractor.clone(),
        decoder: model.decoder.clone(),
        answer_encoding: match model.answer_encoding {
            AnswerEncodingKind::Feature => AnswerEncoding::Feature,
            AnswerEncodingKind::Reencode => AnswerEncoding::Reencode,
        },
        attention: match model.attention {
            AttentionKind::None => None,
            AttentionKind::Dot => Some(AttentionScore::Dot),
            AttentionKind::General => Some(AttentionScore::General),
            AttentionKind::Additive => Some(AttentionScore::Additive),
        },
        copy: model.copy,
        coverage: model.coverage,
        readout_dim: model.readout,
        tie_weights: model.tie_weights,
        extractor_head: match model.extractor_head {
            ExtractorHeadKind::Span => ExtractorHead::Span,
            ExtractorHeadKind::Tagger => ExtractorHead::Tagger,
        },
        max_answer_len: model.max_answer_len,
        extractor_updates_embeddings: model.extractor_updates_embeddings,
        frozen_embedding: !model.vectors.train,
        dropout: model.dropout,
        embedding_dropout: model.embedding_dropout,
    }
}

/// The training documents, the validation documents and the number of questions in the latter. `names` are the names of
/// the files, and `kept` has the contents of piped ones.
fn documents(
    data: &Data,
    [source, valid_source]: &[PathBuf; 2],
    kept: &[Option<KeptInput>; 2],
    seed: u64,
    warnings: &mut Vec<String>,
) -> Result<(Vec<Document>, Vec<Document>, usize)> {
    let options = ReadOptions { strict: data.strict, encoding: data.encoding.clone() };
    let read = |path: &Path, kept: &Option<KeptInput>| {
        let documents = match kept {
            Some(kept) => options.read_bytes(input::name(path), kept.bytes.clone()),
            None => options.read(path),
        };
        documents.map_err(|error| Error::from(error).about_text(Some("data")))
    };
    let [file, valid_file] = data.files();
    let all = match (&data.dataset, &file) {
        (Some(_), Some(_)) => bail!("`data.dataset` and `data.path` are both given; expected one of them"),
        (None, None) => bail!(
            "no data is given; expected `data.dataset = \"fables-qa\"`, `data.path = \"my.json\"` or \
                 `--text my.json`"
        ),
        (Some(_), None) if data.encoding.is_some() && valid_file.is_none() => {
            bail!("`data.encoding` is given with `data.dataset`, which is built in; leave it out or use `data.path`")
        }
        (Some(name), None) if name == "fables-qa" => read_squad("the built-in fables-qa", embedded::FABLES_QA)?,
        (Some(name), None) => bail!("the data set `{name}` is unknown; expected fables-qa; for a file use `data.path`"),
        (None, Some(path)) => read(if kept[0].is_some() { source } else { path }, &kept[0])?,
    };
    warnings.extend(left_out_questions(source, &all.counts));
    match &valid_file {
        Some(path) => {
            let valid = read(if kept[1].is_some() { valid_source } else { path }, &kept[1])?;
            warnings.extend(left_out_questions(valid_source, &valid.counts));
            Ok((all.documents, valid.documents, valid.counts.found))
        }
        None => {
            if num_documents_with_questions(&all.documents) == 1 {
                warnings.push(
                    "all questions are about one document, so single passages or questions are held out, and the \
                     validation loss is that of a text the model knows: name several documents, or set `data.valid`"
                        .into(),
                );
            }
            let (train, valid) = split(all.documents, data.valid_fraction, seed)?;
            let passages = valid.iter().flat_map(|document| &document.passages);
            let found = passages.map(|passage| passage.questions.len()).sum();
            Ok((train, valid, found))
        }
    }
}

/// A warning about the questions of `file` that are not used, and about ids that were changed, if there are any.
pub fn left_out_questions(file: &Path, counts: &QuestionCounts) -> Option<String> {
    let file = input::name(file);
    let strict = if counts.invalid.is_empty() && counts.repeated_ids == 0 {
        ""
    } else {
        "; `data.strict=true` (or `evaluate --strict`) stops at the first invalid one and says what is wrong with it"
    };
    if counts.usable() < counts.found {
        Some(format!("{file}: questions left out, {counts}{strict}"))
    } else {
        (counts.repeated_ids > 0).then(|| format!("{file}: no question left out, {counts}{strict}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_ids_are_reported_even_if_all_questions_are_used() {
        let file = Path::new("a.jsonl");
        let counts = QuestionCounts { found: 3, ..QuestionCounts::default() };
        assert_eq!(left_out_questions(file, &counts), None);
        let repeated = left_out_questions(file, &QuestionCounts { repeated_ids: 2, ..counts.clone() }).unwrap();
        let expected =
            "a.jsonl: no question left out, of 3; 2 with the id of an earlier question, which got a number; ";
        assert!(repeated.starts_with(expected), "{repeated}");
        let both = QuestionCounts { repeated_ids: 1, unanswerable: 1, ..counts };
        let expected = "a.jsonl: questions left out, of 3: 1 unanswerable; 1 with the id of an earlier question, which got a number; ";
        assert!(left_out_questions(file, &both).unwrap().starts_with(expected));
    }
}
