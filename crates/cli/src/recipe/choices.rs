//! Chooses documents, tokens, sizes and training settings for a text, with the tables of `table.rs`.

use models::{CellName, InitScheme, LayerConfig};
use text_prep::{DocumentGuess, DocumentUnit, TextProfile};

use super::given::Given;
use super::look::Found;
use super::sizes::Sizes;
use super::table::Row;
use super::{Choice, implied};
use crate::config::{Config, DocumentKind, TokenKind};
use crate::view::format::{decimals, thousands};

/// From this size on, in bytes, subwords need fewer bits than characters in the same time.
const SUBWORDS_FROM: u64 = 50_000;
/// The most passes over a text below that size. Twice and four times as many have the same loss at their best epoch, and a
/// higher one at their last (12 kB of names, benchmarks/README.md, "Recipes").
const MOST_PASSES_OF_SHORT: f64 = 30.0;
/// Subwords for each square root of a byte: more than usual for longer texts, because a model of minutes learns frequent
/// words faster than how they are spelled.
const SUBWORDS: f64 = 2.7;
/// The most subwords: with more, the few passes over a long text are not enough.
const MOST_SUBWORDS: usize = 1_600;
/// The most characters outside ASCII that have a token: beyond those of any language, a text is a list of characters.
const MOST_CHARACTERS: usize = 8_000;
/// The most bytes that are held out: a longer part costs time that training needs, and its loss is hardly more exact.
const MOST_HELD_OUT: f64 = 600_000.0;

/// A configuration for a run of `minutes` on `ranks` processes without a number of steps, the reasons, and the sizes that the
/// time decides between. A reason is left out if the command line gives any of its keys, because it would no longer be true.
pub fn choose(found: &Found, given: &Given, minutes: f64, ranks: usize) -> (Config, Vec<Choice>, Sizes) {
    let mut choices = Choices { found, config: given.config.clone(), choices: Vec::new() };
    choices.documents(given);
    choices.tokens(given);
    choices.split();
    let row = Row::find(choices.config.tokens.kind, found.profile.bytes, minutes);
    choices.model(row, given);
    choices.training(row, given, ranks);
    choices.remove_given(given);
    let units = if given.has_units() { &[] } else { row.units };
    let most_passes = if found.profile.bytes < SUBWORDS_FROM { MOST_PASSES_OF_SHORT } else { f64::INFINITY };
    (choices.config, choices.choices, Sizes { units, passes: row.passes, most_passes })
}

/// A configuration of which a part is chosen.
pub(super) struct Choices<'a> {
    /// What it is chosen for.
    pub found: &'a Found,
    /// The configuration so far.
    pub config: Config,
    /// The reasons so far.
    pub choices: Vec<Choice>,
}

impl Choices<'_> {
    /// Adds a reason.
    pub fn add(&mut self, keys: &'static [&'static str], reason: impl Into<String>) {
        self.choices.push(Choice { keys, reason: reason.into() });
    }

    /// Removes the reasons that what is given makes untrue.
    pub fn remove_given(&mut self, given: &Given) {
        self.choices.retain(|choice| !choice.keys.iter().any(|key| given.is_set(key)));
    }

    /// Documents or one running text.
    pub fn documents(&mut self, given: &Given) {
        if self.found.strips_gutenberg {
            let reason =
                "true: the text has the header of Project Gutenberg, which is left out with the licence at its end";
            self.add(&["text.strip_gutenberg"], reason);
        }
        if given.has_documents {
            return;
        }
        let data = &mut self.config.data;
        if self.found.has_many_files() {
            data.documents = Some(DocumentKind::Files);
            let reason = format!("files: each of the {} files is a document", thousands(self.found.files));
            return self.add(&["data.documents"], reason);
        }
        let DocumentGuess { unit, reason, .. } = self.found.profile.documents();
        let (kind, name) = match &unit {
            None => (DocumentKind::None, "one running text"),
            Some(DocumentUnit::Lines) => (DocumentKind::Lines, "lines"),
            Some(DocumentUnit::Files) => (DocumentKind::Files, "files"),
            Some(DocumentUnit::Paragraphs) => (DocumentKind::Paragraphs, "paragraphs"),
            Some(DocumentUnit::Sections) => (DocumentKind::Sections, "sections"),
            Some(DocumentUnit::Separator(_)) => (DocumentKind::Separator, "separator"),
        };
        data.documents = Some(kind);
        if let Some(DocumentUnit::Separator(line)) = unit {
            data.separator = Some(line);
        }
        self.add(&["data.documents"], format!("{name}: {reason}"));
    }

    fn tokens(&mut self, given: &Given) {
        if !given.is_set("tokens.kind") {
            let (kind, reason) = self.token_kind();
            self.config.tokens.kind = kind;
            self.add(&["tokens.kind"], reason);
        }
        let kind = self.config.tokens.kind;
        let has_size = self.config.vocabulary.size.is_some() || self.config.tokens.path.is_some();
        if kind == TokenKind::Subwords && !has_size {
            let TextProfile { bytes, distinct_outside_ascii, .. } = self.found.profile;
            let subwords = subwords(bytes, distinct_outside_ascii);
            self.config.vocabulary.size = Some(subwords);
            self.add(&["vocabulary.size"], format!("{}: most words are a few tokens", thousands(subwords)));
        }
        let clean = &mut self.config.clean;
        if clean.preset.is_none() && clean.rules.is_none() {
            let preset = if kind == TokenKind::Words { "prose" } else { "verbatim" };
            clean.preset = Some(preset.into());
            let kept =
                if preset == "prose" { "capitals and punctuation stay as they are" } else { "the text stays as it is" };
            self.add(&["clean.preset"], format!("{preset}: {kept}"));
        }
        self.samples(kind);
    }

    /// Samples of about as much text, whatever the tokens are.
    pub fn samples(&mut self, kind: TokenKind) {
        let samples = &mut self.config.samples;
        samples.every_steps = 0;
        samples.max_tokens = match kind {
            TokenKind::Characters => 300,
            TokenKind::Subwords => 100,
            TokenKind::Words => 60,
        };
    }

    /// The kind of token, and why.
    fn token_kind(&self) -> (TokenKind, String) {
        let profile = &self.found.profile;
        let size = in_bytes(profile.bytes);
        if let Some((kind, key)) = implied::token_kind(&self.config) {
            let name = format!("{kind:?}").to_lowercase();
            return (kind, format!("{name}, because of `{key}`"));
        }
        if profile.bytes >= SUBWORDS_FROM {
            let reason = format!("subwords: a text of {size} is long enough to learn them as tokens");
            return (TokenKind::Subwords, reason);
        }
        let distinct = match profile.distinct_characters {
            1 => "1 different one".into(),
            number => format!("{} different ones", thousands(number)),
        };
        let reason = format!(
            "characters, of which it has {distinct}: in a text of {size}, most words are too rare to be learned as tokens"
        );
        (TokenKind::Characters, reason)
    }

    /// What is held out.
    pub fn split(&mut self) {
        if self.config.text.has_valid_files() {
            return;
        }
        let fraction = (MOST_HELD_OUT / self.found.profile.bytes.max(1) as f64).min(0.1);
        let (fraction, why) = if fraction < 0.1 {
            ((1000.0 * fraction).ceil() / 1000.0, ": enough of so long a text")
        } else {
            (0.1, "")
        };
        self.config.split.valid_fraction = fraction;
        let percent = decimals(100.0 * fraction, usize::from(fraction < 0.1));
        let reason = format!("{percent} % is held out to choose the best epoch and to score the model{why}");
        self.add(&["split.valid_fraction"], reason);
    }

    fn model(&mut self, row: &Row, given: &Given) {
        let model = &mut self.config.model;
        let cell = model.layers.first().map_or(CellName::Lstm, implied::cell);
        model.layers = vec![LayerConfig { cell, ..LayerConfig::lstm(row.units[0]) }];
        implied::set_embedding(model, given, row.embedding_dim, self.config.tokens.kind != TokenKind::Characters);
        let dimension = model.embedding_dim;
        if model.tie_weights {
            let reason = "the output layer shares the embedding's weights, so that rare tokens have fewer of their own";
            self.add(&["model.tie_weights"], reason);
        }
        if self.config.tokens.kind != TokenKind::Characters {
            self.config.model.init = InitScheme::Uniform;
            self.add(&["model.init"], "uniform: with many tokens the loss falls faster from these initial weights");
        }
        self.add(&["model.embedding_dim"], format!("{dimension}"));
        self.dropout(row);
    }

    /// Dropout after the last layer, of the recurrent weights and of the embeddings.
    pub fn dropout(&mut self, row: &Row) {
        let model = &mut self.config.model;
        model.dropout = row.dropout;
        model.embedding_dropout = row.embedding_dropout;
        model.locked_dropout = true;
        model.layers.iter_mut().for_each(|layer| layer.recurrent_dropout = row.recurrent_dropout);
        let Row { dropout, recurrent_dropout, embedding_dropout, .. } = row;
        let reason = format!(
            "{dropout}, recurrent dropout {recurrent_dropout} and embedding dropout {embedding_dropout}: the more often a \
             model sees the text, the more it needs"
        );
        let keys = &["model.dropout", "model.embedding_dropout", "model.layers[0].recurrent_dropout"];
        self.add(keys, reason);
    }
}

/// The number of subwords for a text of this length with so many different characters outside ASCII, each of which is a
/// token, too: a text of syllables or ideographs has thousands.
fn subwords(bytes: u64, distinct_outside_ascii: usize) -> usize {
    let number = (SUBWORDS * (bytes as f64).sqrt()) as usize;
    distinct_outside_ascii.min(MOST_CHARACTERS) + (number / 64 * 64).clamp(512, MOST_SUBWORDS)
}

/// A number of bytes in words.
fn in_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", decimals(bytes as f64 / 1e3, 0)),
        _ => format!("{} MB", decimals(bytes as f64 / 1e6, 1)),
    }
}

#[cfg(test)]
mod tests {
    use args::ConfigArgs;
    use text_prep::TextProfiler;

    use super::*;
    use crate::config::ModeKind;

    fn given(set: &[&str]) -> Given {
        let set = set.iter().map(|change| change.to_string()).collect();
        Given::new(&ConfigArgs { set, text: vec!["my.txt".into()], ..ConfigArgs::default() }).unwrap()
    }

    fn found(text: &str) -> Found {
        let mut profiler = TextProfiler::default();
        profiler.push(text);
        Found { profile: profiler.finish(), files: 1, strips_gutenberg: false }
    }

    /// Prose of at least so many bytes: sentences of different words.
    fn prose(bytes: usize) -> String {
        let mut text = String::new();
        let mut number = 1u64;
        while text.len() < bytes {
            let mut word = || {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{:x}", number >> 44)
            };
            let (subject, verb, object) = (word(), word(), word());
            text += &format!("The {subject} that {verb} saw was not the one of {object}.\n");
            if text.len().is_multiple_of(7) {
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn every_choice_is_a_valid_configuration_with_a_reason() {
        for bytes in [3_000, 40_000, 200_000, 500_000, 1_500_000, 4_000_000] {
            let (config, choices, sizes) = choose(&found(&prose(bytes)), &given(&[]), 3.0, 1);
            assert!(choices.iter().all(|choice| !choice.reason.is_empty()), "{choices:?}");
            assert!(sizes.units.is_sorted_by(|a, b| a > b), "{sizes:?}");
            assert_eq!(config.model.layers[0].units, sizes.units[0]);
            assert_eq!(config.train.mode, ModeKind::Tbptt);
            let expected = if (bytes as u64) < SUBWORDS_FROM { TokenKind::Characters } else { TokenKind::Subwords };
            assert_eq!(config.tokens.kind, expected, "{bytes}");
            let most_passes = if (bytes as u64) < SUBWORDS_FROM { 30.0 } else { f64::INFINITY };
            assert_eq!(sizes.most_passes, most_passes, "{bytes}");
            assert_eq!(config.clean.preset.as_deref(), Some("verbatim"));
            assert_eq!(config.data.documents, Some(DocumentKind::None));
        }
    }

    #[test]
    fn a_list_is_documents_and_so_are_many_files() {
        let list: String = (0..300).map(|n| format!("Item number {n}\n")).collect();
        let (config, choices, _) = choose(&found(&list), &given(&[]), 3.0, 1);
        assert_eq!(config.data.documents, Some(DocumentKind::Lines));
        assert!(choices[0].reason.starts_with("lines: each line is an item: 300 lines"), "{choices:?}");
        let (config, ..) = choose(&Found { files: 30, ..found(&prose(9_000)) }, &given(&[]), 3.0, 1);
        assert_eq!(config.data.documents, Some(DocumentKind::Files));
    }

    #[test]
    fn a_text_of_one_character_has_a_reason_in_the_singular() {
        let (_, choices, _) = choose(&found(&"a".repeat(600)), &given(&[]), 3.0, 1);
        let reason = choices.iter().find(|choice| choice.key() == "tokens.kind").map(|choice| choice.reason.as_str());
        let expected = "characters, of which it has 1 different one: in a text of 600 bytes";
        assert!(reason.is_some_and(|reason| reason.starts_with(expected)), "{choices:?}");
    }

    #[test]
    fn what_is_given_is_not_chosen() {
        let list: String = (0..300).map(|n| format!("Item number {n}\n")).collect();
        let given = given(&["data.documents=none", "tokens.kind=words", "clean.preset=lowercase", "model.layers=[]"]);
        let (config, choices, sizes) = choose(&found(&list), &given, 3.0, 1);
        assert_eq!((config.data.documents, config.tokens.kind), (Some(DocumentKind::None), TokenKind::Words));
        assert_eq!(config.clean.preset.as_deref(), Some("lowercase"));
        assert!(sizes.units.is_empty());
        let is_chosen = |key| choices.iter().any(|choice| choice.key() == key);
        assert!(!["data.documents", "clean.preset", "tokens.kind"].into_iter().any(is_chosen), "{choices:?}");
        // Other settings of the model do not decide on its size.
        let given = self::given(&["model.dropout=0.1", "model.embedding_dim=100", "tokens.kind=subwords"]);
        assert!(!given.has_units() && self::given(&["model.layers[0].units=8"]).has_units());
        assert!(!self::given(&["model.layers[0].recurrent_dropout=0.1"]).has_units());
        let (config, _, sizes) = choose(&found(&list), &given, 3.0, 1);
        assert!(!sizes.units.is_empty());
        assert_eq!((config.model.embedding_dim, config.model.projection), (100, 100));
    }

    #[test]
    fn a_reason_is_left_out_if_any_of_its_keys_is_given() {
        let found = found(&prose(9_000));
        for (change, key) in [
            ("train.bptt_len=50", "train.batch_size"),
            ("train.mode=windows", "train.batch_size"),
            ("train.optimizer.kind=rmsprop", "train.learning_rate"),
            ("train.schedule.kind=constant", "train.learning_rate"),
            ("train.clip.global_norm=5", "train.learning_rate"),
            ("model.embedding_dropout=0.3", "model.dropout"),
            ("model.layers[0].recurrent_dropout=0.3", "model.dropout"),
        ] {
            let keys = |set: &[&str]| -> Vec<&'static str> {
                choose(&found, &given(set), 3.0, 1).1.iter().map(Choice::key).collect()
            };
            let expected: Vec<&str> = keys(&[]).into_iter().filter(|&other| other != key).collect();
            assert_eq!(keys(&[change]), expected, "{change}");
            assert!(keys(&[]).contains(&key), "{key}");
        }
    }

    #[test]
    fn each_character_of_a_text_of_syllables_is_a_subword() {
        let ascii = subwords(1_000_000, 0);
        assert_eq!(ascii, MOST_SUBWORDS);
        assert_eq!(subwords(1_000_000, 1_150), ascii + 1_150);
        assert_eq!(subwords(60_000, 20), subwords(60_000, 0) + 20);
        assert_eq!(subwords(u64::MAX, usize::MAX), MOST_CHARACTERS + MOST_SUBWORDS);
    }

    #[test]
    fn nothing_is_held_out_beside_separate_files() {
        let given = given(&["text.valid=valid.txt"]);
        let (_, choices, _) = choose(&found(&prose(9_000)), &given, 3.0, 1);
        assert!(!choices.iter().any(|choice| choice.key() == "split.valid_fraction"), "{choices:?}");
    }

    #[test]
    fn less_than_a_tenth_of_a_long_text_is_held_out() {
        let fraction = |bytes| {
            let found = Found {
                profile: text_prep::TextProfile { bytes, ..found("").profile },
                files: 1,
                strips_gutenberg: false,
            };
            choose(&found, &given(&[]), 3.0, 1).0.split.valid_fraction
        };
        assert_eq!([1_000, 5_000_000, 12_000_000].map(fraction), [0.1, 0.1, 0.05]);
    }
}
