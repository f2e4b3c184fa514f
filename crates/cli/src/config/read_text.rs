//! Reads the text of a configuration into a dataset.

use seqdata::{DatasetConfig, DatasetInput, TextDataset};
use text_prep::source::files::DocumentCounts;
use text_prep::{ControlCharacters, KerasBaselineCheck, Tokenizer};

use super::started::StartedInput;
use super::text_checks::{
    CheckedText, baseline_warning, document_warnings, is_keras_baseline, resolve_segmentation, segmentation_hint,
    single_words_warning,
};
use super::tokens::{pre_tokenizer, subwords_warning};
use super::{Config, PretrainedModel, Text};
use crate::error::{Error, Result};
use crate::input::KeptInput;
use crate::long_task::LongTask;

/// The recipe leaves the header out by itself.
const GUTENBERG_WARNING: &str = "the text begins with the header of Project Gutenberg, which the model would learn, too: `--set \
    text.strip_gutenberg=true` leaves it out, and the licence at the end";

/// The fraction for validation has a default, so that nobody may have asked for it.
const UNUSED_FRACTION_WARNING: &str =
    "`split.test_fraction` is given, but the test part has files of its own: no other text is held out for it";

/// A text that was read, with what is known only then.
pub(super) struct ReadText {
    /// The tokenized and split text.
    pub dataset: TextDataset,
    /// What was found in all files, if they consist of documents.
    pub documents: Option<DocumentCounts>,
    /// The text, if the run keeps a copy.
    pub kept: Option<KeptInput>,
    /// Warnings about the text and settings that do not suit it.
    pub warnings: Vec<String>,
}

/// Reads and prepares the text. Completes `config` by what the text determines.
///
/// # Errors
/// If it cannot be read or used.
pub(super) fn read_text(
    config: &mut Config,
    mut dataset_config: DatasetConfig,
    pretrained: Option<&PretrainedModel>,
) -> Result<ReadText> {
    let reading = LongTask::start("reading the text");
    let in_text = |error: Error| error.about_text(Some("text"));
    // Before it is started, while the paths are as they were given; what was read already is kept once.
    let given = Text { kept: None, ..config.text.clone() };
    let kept = config.text.start()?;
    let size = kept.as_ref().map(|kept| kept.bytes.len() as u64).or_else(|| given.size());
    let mut inputs = given.open(&config.data, kept.as_ref()).map_err(in_text)?;
    let text = StartedInput::new(&mut inputs.train).map_err(in_text)?;
    let has_header = text.has_gutenberg_header();
    let is_new = pretrained.is_none();
    let detected = is_new.then(|| text.detect_segmentation());
    if let Some(detected) = detected {
        resolve_segmentation(config, detected);
        dataset_config.pre_tokenizer = pre_tokenizer(config)?;
    }
    let mut check = KerasBaselineCheck::default();
    let is_baseline = is_new && is_keras_baseline(&dataset_config.cleaner)?;
    let checked = is_baseline.then_some(&mut check);
    let train = match text {
        StartedInput::Text(text) => DatasetInput::text(reading.reading(CheckedText { text, check: checked }, size)),
        StartedInput::Documents(text) => {
            DatasetInput::documents(reading.reading(CheckedText { text, check: checked }, size))
        }
    };
    let segmentation_hint = segmentation_hint(&dataset_config.pre_tokenizer, detected);
    let mut dataset = TextDataset::from_input(train).config(dataset_config);
    if let Some(valid) = &mut inputs.valid {
        dataset = dataset.valid(valid.input());
    }
    if let Some(test) = &mut inputs.test {
        dataset = dataset.test(test.input());
    }
    if let Some(pretrained) = pretrained {
        pretrained.replace_sections(config);
        dataset = dataset.tokenizer(&pretrained.tokenizer, pretrained.new_tokens);
        if pretrained.model.document_id.is_some() {
            dataset = dataset.labels(&pretrained.model.labels);
        }
    }
    let rejects_new = pretrained.is_some_and(|pretrained| pretrained.new_tokens == seqdata::NewTokens::Error);
    let dataset = dataset.build().map_err(|error| {
        use seqdata::Error::{LongTokens, NewTokens, OtherKindOfText, SplitTooShort, TextTooShort};
        let hint = match error {
            NewTokens { .. } => Some("use `--new-tokens unk` or `--new-tokens extend`"),
            OtherKindOfText { documents: true } if rejects_new => {
                Some("use `--new-tokens extend`, which adds a token for the start of a document")
            }
            LongTokens { .. } | SplitTooShort { .. } | TextTooShort { .. } => segmentation_hint,
            _ => None,
        };
        in_text(error.into()).with_hint(hint)
    })?;
    let options = config.text.source_options();
    let advice = match options.control_characters {
        ControlCharacters::RejectNul => "; `--set text.control_characters=remove` removes them",
        _ => "",
    };
    let mut warnings: Vec<String> = inputs.all().flat_map(|input| input.warnings(&options, advice)).collect();
    if has_header {
        warnings.push(GUTENBERG_WARNING.into());
    }
    let documents = inputs.counts();
    let has_test = inputs.test.is_some();
    drop(inputs);
    if has_test && config.split.test_fraction > 0.0 {
        warnings.push(UNUSED_FRACTION_WARNING.into());
    }
    warnings.extend(dataset.documents.iter().flat_map(|documents| document_warnings(documents)));
    if is_new {
        warnings.extend(subwords_warning(config, &dataset));
        let Tokenizer { cleaner, pre_tokenizer, .. } = &dataset.tokenizer;
        warnings.extend(baseline_warning(&check, cleaner.keeps_line_ends()));
        warnings.extend(single_words_warning(pre_tokenizer, &dataset.stats, detected));
    }
    Ok(ReadText { dataset, documents, kept, warnings })
}
