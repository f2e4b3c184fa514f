//! What is decided by looking at a text: where its words end, and warnings about settings that do not suit it.

use seqdata::{Documents, TextStats};
use text_prep::{
    Cleaner, Document, DocumentSource, FoundControlCharacters, KerasBaselineCheck, PreTokenizer, Segmentation,
    TextSource,
};

use super::{Config, SegmentationKind, TokenKind};
use crate::error::Result;
use crate::view::format::{counted, thousands};

/// The preset that handles what the Keras baseline's does not.
const BETTER_PRESET: &str = "clean.preset=lowercase";

/// A text with fewer words gets no warning.
const MIN_WORDS: usize = 100;

/// A text, or documents, that are checked while they are read.
pub struct CheckedText<'a, T> {
    /// The text.
    pub text: T,
    /// What is counted, if anything.
    pub check: Option<&'a mut KerasBaselineCheck>,
}

impl<T: TextSource> TextSource for CheckedText<'_, T> {
    fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
        let chunk = self.text.next_chunk()?;
        if let (Some(check), Some(chunk)) = (&mut self.check, chunk) {
            check.push(chunk);
        }
        Ok(chunk)
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.text.control_characters()
    }

    fn begins_file(&self) -> bool {
        self.text.begins_file()
    }
}

impl<T: DocumentSource> DocumentSource for CheckedText<'_, T> {
    fn next_document(&mut self) -> text_prep::Result<Option<Document<'_>>> {
        let document = self.text.next_document()?;
        if let (Some(check), Some(document)) = (&mut self.check, document) {
            check.push(document.text);
            check.push("\n");
        }
        Ok(document)
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.text.control_characters()
    }
}

/// Warnings about the documents of a text.
pub fn document_warnings(documents: &Documents) -> Vec<String> {
    let mut warnings = Vec::new();
    if documents.also_held_out > 0 {
        let found = match documents.also_held_out {
            1 => "1 training document is".into(),
            count => format!("{} training documents are", thousands(count)),
        };
        warnings.push(format!(
            "{found} also in the files for validation or a test, whose loss is therefore too low: remove what is in both from \
             one of them"
        ));
    }
    warnings.extend(unknown_labels_warning(documents.unknown_labels.iter().sum(), "used"));
    warnings
}

/// A warning about `unknown` documents with labels that the model does not have; `used` says what happens with them.
pub fn unknown_labels_warning(unknown: usize, used: &str) -> Option<String> {
    match unknown {
        0 => None,
        1 => Some(format!("1 document has a label that the model does not have; it is {used} without a label")),
        count => Some(format!(
            "{} documents have a label that the model does not have; they are {used} without a label",
            thousands(count)
        )),
    }
}

/// Replaces an automatic segmentation of words by the one that was detected.
pub fn resolve_segmentation(config: &mut Config, detected: Segmentation) {
    if config.tokens.kind == TokenKind::Words {
        let kind = config.tokens.segmentation.unwrap_or_default();
        config.tokens.segmentation = Some(kind.fixed().unwrap_or(detected).into());
    }
}

impl SegmentationKind {
    /// The segmentation, unless the text decides on it.
    pub fn fixed(self) -> Option<Segmentation> {
        match self {
            Self::Auto => None,
            Self::Spaces => Some(Segmentation::Spaces),
            Self::Dictionary => Some(Segmentation::Dictionary),
        }
    }
}

impl From<Segmentation> for SegmentationKind {
    fn from(segmentation: Segmentation) -> Self {
        match segmentation {
            Segmentation::Spaces => Self::Spaces,
            Segmentation::Dictionary => Self::Dictionary,
        }
    }
}

/// Whether `cleaner` is the Keras baseline's, apart from line ends that are kept.
pub fn is_keras_baseline(cleaner: &Cleaner) -> Result<bool> {
    let keras = Cleaner::preset("keras-lowercase")?;
    Ok(*cleaner == keras || *cleaner == keras.keep_line_ends())
}

/// A warning about what the Keras baseline's cleaning did to a text, if it matters.
pub fn baseline_warning(check: &KerasBaselineCheck, keeps_line_ends: bool) -> Option<String> {
    let mut found = Vec::new();
    let typographic = check.typographic_punctuation();
    if typographic > 0 {
        let count = counted(typographic as usize, "typographic punctuation character");
        found.push(format!("leaves {count} such as “ ” — … in words"));
    }
    let indented = check.indented_lines();
    if indented > 0 && !keeps_line_ends {
        let count = counted(indented as usize, "line end");
        found.push(format!("turns {count} next to spaces, as of indented lines, into full stops"));
    }
    (!found.is_empty()).then(|| {
        let found = found.join(" and ");
        format!("the preset `keras-lowercase` {found}, as in the Keras baseline: `--set {BETTER_PRESET}` does not")
    })
}

/// A warning that most words occur once, so that little can be learned about them, if it is so.
pub fn single_words_warning(
    pre_tokenizer: &PreTokenizer,
    stats: &TextStats,
    detected: Option<Segmentation>,
) -> Option<String> {
    let TextStats { words, single_words, .. } = *stats;
    let is_words = matches!(pre_tokenizer, PreTokenizer::Words(_));
    if !is_words || words < MIN_WORDS || 2 * single_words <= words {
        return None;
    }
    let fix = segmentation_hint(pre_tokenizer, detected)
        .unwrap_or("use characters instead of words, as `--config configs/char.toml` does");
    Some(format!("{single_words} of {words} words occur only once, so a model can learn little about them: {fix}"))
}

/// What to do if the text needs a dictionary and none is used.
pub fn segmentation_hint(pre_tokenizer: &PreTokenizer, detected: Option<Segmentation>) -> Option<&'static str> {
    let is_off = matches!(pre_tokenizer, PreTokenizer::Words(words) if words.segmentation.is_spaces());
    (is_off && detected == Some(Segmentation::Dictionary))
        .then_some("the text is in a script without spaces between words: use `--set tokens.segmentation=dictionary`")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{LmExperiment, Paths, QaExperiment, QuestionsConfig, Text};
    use super::*;

    fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn new_runs_find_the_segmentation_and_saved_ones_without_the_key_use_spaces() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..300).map(|n| format!("灰猫在桥下睡觉 老钟{}\n", n % 7)).collect();
        let path = file(&folder, "zh.txt", &text);
        let config =
            || Config { text: Text { path: Some(path.as_path().into()), ..Text::default() }, ..Config::default() };
        let build = |config| LmExperiment::new(config, None).unwrap();
        for (config, expected) in [
            (config(), Segmentation::Dictionary),
            (config().saved_in(folder.path()), Segmentation::Spaces),
            // A run of this version has saved what was found.
            (build(config()).config.saved_in(folder.path()), Segmentation::Dictionary),
        ] {
            let experiment = build(config);
            assert_eq!(experiment.dataset.tokenizer.pre_tokenizer.segmentation(), expected);
            assert_eq!(experiment.config.tokens.segmentation, Some(expected.into()));
        }
    }

    #[test]
    fn the_end_of_each_file_is_held_out_if_the_configuration_says_so() {
        let folder = tempfile::tempdir().unwrap();
        // Of 100 characters, the last ten are held out; all of them are known from the others.
        let of = |digits: &str, last: &str| format!("{}\n{}\n", &digits.repeat(45)[..89], last.repeat(9));
        let paths = vec![file(&folder, "a.txt", &of("01", "1")), file(&folder, "b.txt", &of("23", "3"))];
        let text = Text { path: Some(Paths::from(paths)), ..Text::default() };
        let mut config = Config { text, ..Config::default() };
        (config.tokens.kind, config.windows.context_len) = (TokenKind::Characters, 1);
        config.clean.preset = Some("verbatim".into());
        let valid = |each_file| {
            let mut config = config.clone();
            config.split.each_file = each_file;
            let dataset = LmExperiment::new(config, None).unwrap().dataset;
            dataset.tokenizer.decode(&dataset.ids.slice(dataset.split.valid.clone()))
        };
        assert_eq!(valid(true), "111111111\n333333333\n");
        assert!(!valid(false).contains('1'));
    }

    #[test]
    fn question_models_find_the_segmentation_too() {
        let folder = tempfile::tempdir().unwrap();
        let line = |n: usize| {
            format!(r#"{{"context":"第{n}天灰猫在桥下睡觉。","question":"灰猫在桥下做什么？","answer":"睡觉"}}"#)
        };
        let path = Some(file(&folder, "zh.jsonl", &(0..12).map(line).collect::<Vec<_>>().join("\n")));
        let mut config = QuestionsConfig::default();
        config.data.path = path;
        for (config, expected, word) in [
            (config.clone(), Segmentation::Dictionary, "睡觉"),
            (config.saved_in(folder.path()), Segmentation::Spaces, "觉"),
        ] {
            let experiment = QaExperiment::new(config).unwrap();
            let tokenizer = &experiment.dataset.tokenizer;
            assert_eq!(tokenizer.pre_tokenizer.segmentation(), expected);
            assert_eq!(experiment.config.tokens.segmentation, Some(expected.into()));
            assert!(tokenizer.vocabulary.id(word).is_some());
        }
    }
}
