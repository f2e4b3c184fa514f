//! Chooses documents, tokens, sizes and training settings for a text.
//!
//! The tables are those of the measurements in benchmarks/README.md, "Recipes": of the configurations that were tried on
//! each text, those with the fewest bits per byte in the same time.

use models::LayerConfig;
use text_prep::{DocumentGuess, DocumentUnit};

use super::Choice;
use super::given::Given;
use super::look::Found;
use crate::config::{Config, DocumentKind, ModeKind, OptimizerKind, ScheduleKind, TokenKind};
use crate::view::format::{decimals, thousands};

/// From this size on, in bytes, subwords need fewer bits than characters in the same time.
const SUBWORDS_FROM: usize = 400_000;
/// The most bytes that are held out: a longer part costs time that training needs, and its loss is hardly more exact.
const MOST_HELD_OUT: f64 = 600_000.0;

/// The settings for texts of up to so many bytes.
struct Row {
    up_to_bytes: usize,
    cell: Cell,
    layers: usize,
    /// Hidden sizes to choose from, the largest first.
    units: &'static [usize],
    /// The largest size is chosen with which the time allows so many passes over the text, or else the smallest.
    passes: f64,
    embedding_dim: usize,
    dropout: f64,
    recurrent_dropout: f64,
    embedding_dropout: f64,
    batch_size: usize,
    bptt_len: usize,
    learning_rate: f64,
    ema_decay: f64,
}

#[derive(Clone, Copy)]
enum Cell {
    Lstm,
    Gru,
}

/// For characters.
const CHARACTERS: [Row; 4] = [
    Row {
        up_to_bytes: 30_000,
        cell: Cell::Gru,
        layers: 1,
        units: &[256, 128],
        passes: 60.0,
        embedding_dim: 32,
        dropout: 0.3,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 4,
        bptt_len: 16,
        learning_rate: 0.004,
        ema_decay: 0.0,
    },
    Row {
        up_to_bytes: 150_000,
        cell: Cell::Lstm,
        layers: 1,
        units: &[512, 384, 256],
        passes: 20.0,
        embedding_dim: 32,
        dropout: 0.4,
        recurrent_dropout: 0.2,
        embedding_dropout: 0.1,
        batch_size: 16,
        bptt_len: 64,
        learning_rate: 0.003,
        ema_decay: 0.999,
    },
    Row {
        up_to_bytes: 800_000,
        cell: Cell::Lstm,
        layers: 1,
        units: &[512, 384, 256],
        passes: 5.0,
        embedding_dim: 64,
        dropout: 0.3,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 32,
        bptt_len: 64,
        learning_rate: 0.003,
        ema_decay: 0.999,
    },
    Row {
        up_to_bytes: usize::MAX,
        cell: Cell::Lstm,
        layers: 1,
        units: &[512, 384, 256],
        passes: 1.0,
        embedding_dim: 64,
        dropout: 0.1,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 32,
        bptt_len: 64,
        learning_rate: 0.003,
        ema_decay: 0.999,
    },
];

/// For subwords.
const SUBWORDS: [Row; 3] = [
    Row {
        up_to_bytes: 800_000,
        cell: Cell::Lstm,
        layers: 1,
        units: &[512, 384, 256],
        passes: 6.0,
        embedding_dim: 256,
        dropout: 0.4,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.003,
        ema_decay: 0.999,
    },
    Row {
        up_to_bytes: 3_000_000,
        cell: Cell::Lstm,
        layers: 1,
        units: &[512, 384],
        passes: 3.0,
        embedding_dim: 256,
        dropout: 0.2,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 32,
        bptt_len: 32,
        learning_rate: 0.003,
        ema_decay: 0.999,
    },
    Row {
        up_to_bytes: usize::MAX,
        cell: Cell::Lstm,
        layers: 1,
        units: &[512, 384],
        passes: 0.5,
        embedding_dim: 256,
        dropout: 0.0,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 32,
        bptt_len: 32,
        learning_rate: 0.003,
        ema_decay: 0.999,
    },
];

/// The hidden sizes that the time of a run decides between.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The largest first; none if the size is given.
    pub units: &'static [usize],
    /// The passes over the text that a size needs.
    pub passes: f64,
}

impl Sizes {
    /// The reason for this size.
    pub fn choice(&self, units: usize) -> Choice {
        let others: Vec<String> = self.units.iter().filter(|&&other| other != units).map(usize::to_string).collect();
        let others = others.join(" and ");
        let passes = decimals(self.passes, usize::from(self.passes < 1.0));
        let reason = if units == self.units[0] {
            format!("{units} units rather than {others}: the time allows more than {passes} passes over the text.")
        } else {
            format!(
                "{units} units rather than {others}: with more units the time allows less than {passes} passes over the text."
            )
        };
        Choice { key: "model.layers", reason }
    }
}

/// A configuration without a number of steps, the reasons, and the sizes that the time decides between.
pub fn choose(found: &Found, given: &Given) -> (Config, Vec<Choice>, Sizes) {
    let mut recipe = Choices { found, config: given.config.clone(), choices: Vec::new() };
    recipe.documents(given);
    recipe.tokens(given);
    recipe.split();
    let row = recipe.row();
    recipe.model_and_training(row);
    let units = if given.is_set("model") { &[] } else { row.units };
    (recipe.config, recipe.choices, Sizes { units, passes: row.passes })
}

struct Choices<'a> {
    found: &'a Found,
    config: Config,
    choices: Vec<Choice>,
}

impl Choices<'_> {
    fn add(&mut self, key: &'static str, reason: String) {
        self.choices.push(Choice { key, reason });
    }

    fn documents(&mut self, given: &Given) {
        if given.has_documents {
            return;
        }
        let data = &mut self.config.data;
        if self.found.has_many_files() {
            data.documents = Some(DocumentKind::Files);
            let reason = format!("{} files: each is a document of its own.", thousands(self.found.files));
            return self.add("data.documents", reason);
        }
        let DocumentGuess { unit, reason, .. } = self.found.profile.documents();
        let (kind, separator) = match unit {
            None => (DocumentKind::None, None),
            Some(DocumentUnit::Lines) => (DocumentKind::Lines, None),
            Some(DocumentUnit::Files) => (DocumentKind::Files, None),
            Some(DocumentUnit::Paragraphs) => (DocumentKind::Paragraphs, None),
            Some(DocumentUnit::Sections) => (DocumentKind::Sections, None),
            Some(DocumentUnit::Separator(line)) => (DocumentKind::Separator, Some(line)),
        };
        (data.documents, data.separator) = (Some(kind), separator);
        let reason = sentence(&reason);
        self.add("data.documents", reason);
    }

    fn tokens(&mut self, given: &Given) {
        let profile = &self.found.profile;
        let bytes = profile.bytes as usize;
        let kind = if given.is_set("tokens.kind") {
            given.config.tokens.kind
        } else if bytes < SUBWORDS_FROM {
            TokenKind::Characters
        } else {
            TokenKind::Subwords
        };
        let size = size_of(bytes);
        self.config.tokens.kind = kind;
        let reason = match kind {
            TokenKind::Characters => format!(
                "Characters: in a text of {size}, most words are too rare to be learned whole; {} distinct characters.",
                thousands(profile.distinct_characters)
            ),
            TokenKind::Subwords => {
                format!(
                    "Subwords: a text of {size} is long enough to learn frequent words and parts of words as tokens."
                )
            }
            TokenKind::Words => {
                format!(
                    "Words, as you asked; {} % of them occur once.",
                    decimals(100.0 * profile.words.once_share(), 0)
                )
            }
        };
        self.add("tokens.kind", reason);
        let (preset, reason) = match kind {
            TokenKind::Words => ("prose", "Capitals and punctuation stay as they are in the text."),
            _ => ("verbatim", "Capitals, quotation marks and line ends stay as they are in the text."),
        };
        if !given.is_set("clean") {
            self.config.clean.preset = Some(preset.into());
            self.add("clean.preset", reason.into());
        }
        self.config.samples.every_steps = 0;
        self.config.samples.max_tokens = match kind {
            TokenKind::Characters => 300,
            TokenKind::Subwords => 100,
            TokenKind::Words => 60,
        };
    }

    fn split(&mut self) {
        let fraction = (MOST_HELD_OUT / self.found.profile.bytes.max(1) as f64).min(0.1);
        // Two digits are enough.
        let fraction = if fraction < 0.1 { (1000.0 * fraction).ceil() / 1000.0 } else { 0.1 };
        self.config.split.valid_fraction = fraction;
        let reason = if fraction < 0.1 {
            "Held out to choose the best epoch and to score the model: less than a tenth, because the text is long."
        } else {
            "A tenth is held out to choose the best epoch and to score the model."
        };
        self.add("split.valid_fraction", reason.into());
    }

    /// The settings for a text of this length.
    fn row(&self) -> &'static Row {
        let table: &[Row] = match self.config.tokens.kind {
            TokenKind::Characters => &CHARACTERS,
            TokenKind::Subwords | TokenKind::Words => &SUBWORDS,
        };
        let bytes = self.found.profile.bytes as usize;
        table.iter().find(|row| bytes <= row.up_to_bytes).expect("the last row has no limit")
    }

    fn model_and_training(&mut self, row: &Row) {
        let units = row.units[0];
        let layer = match row.cell {
            Cell::Lstm => LayerConfig::lstm(units),
            Cell::Gru => LayerConfig::gru(units),
        };
        let layer = layer.recurrent_dropout(row.recurrent_dropout);
        let is_tied = self.config.tokens.kind != TokenKind::Characters;
        let model = &mut self.config.model;
        model.layers = vec![layer; row.layers];
        model.embedding_dim = row.embedding_dim;
        model.dropout = row.dropout;
        model.embedding_dropout = row.embedding_dropout;
        model.locked_dropout = true;
        model.tie_weights = is_tied;
        model.projection = if is_tied { row.embedding_dim } else { 0 };
        let train = &mut self.config.train;
        train.mode = ModeKind::Tbptt;
        train.batch_size = row.batch_size;
        train.bptt_len = row.bptt_len;
        train.learning_rate = row.learning_rate;
        train.ema_decay = row.ema_decay;
        train.optimizer.kind = OptimizerKind::Adam;
        train.schedule.kind = ScheduleKind::Cosine;
        train.clip.global_norm = Some(1.0);
        self.add(
            "model.dropout",
            if row.dropout > 0.25 {
                "High, because the model sees the whole text many times.".into()
            } else {
                "Low, because the model sees the text only a few times.".into()
            },
        );
        self.add(
            "train.batch_size",
            format!(
                "Parallel streams, and below the tokens in a chunk: {} targets a step.",
                row.batch_size * row.bptt_len
            ),
        );
        self.add("train.schedule", "The learning rate falls to zero at the end of the planned time.".into());
        if row.ema_decay > 0.0 {
            self.add(
                "train.ema_decay",
                "The average of the weights of the last steps has a lower loss than the last ones.".into(),
            );
        }
    }
}

/// A sentence: with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A size in words.
fn size_of(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{} MB", decimals(bytes as f64 / 1e6, 1)),
    }
}

#[cfg(test)]
mod tests {
    use args::ConfigArgs;
    use text_prep::TextProfiler;

    use super::*;

    fn given(set: &[&str]) -> Given {
        let set = set.iter().map(|change| change.to_string()).collect();
        Given::new(&ConfigArgs { set, text: vec!["my.txt".into()], ..ConfigArgs::default() }).unwrap()
    }

    fn found(text: &str) -> Found {
        let mut profiler = TextProfiler::default();
        profiler.push(text);
        Found { profile: profiler.finish(), files: 1 }
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
            if text.len() % 7 == 0 {
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn every_choice_is_a_valid_configuration_with_a_reason() {
        for bytes in [3_000, 40_000, 200_000, 500_000, 1_500_000, 4_000_000] {
            let (config, choices, sizes) = choose(&found(&prose(bytes)), &given(&[]));
            assert!(choices.iter().all(|choice| choice.reason.ends_with('.')), "{choices:?}");
            assert!(sizes.units.is_sorted_by(|a, b| a > b), "{sizes:?}");
            assert_eq!(config.model.layers[0].units, sizes.units[0]);
            assert_eq!(config.train.mode, ModeKind::Tbptt);
            let expected = if bytes < SUBWORDS_FROM { TokenKind::Characters } else { TokenKind::Subwords };
            assert_eq!(config.tokens.kind, expected, "{bytes}");
            assert_eq!(config.clean.preset.as_deref(), Some("verbatim"));
            assert_eq!(config.data.documents, Some(DocumentKind::None));
        }
    }

    #[test]
    fn a_list_is_documents_and_so_are_many_files() {
        let list: String = (0..300).map(|n| format!("Item number {n}\n")).collect();
        let (config, choices, _) = choose(&found(&list), &given(&[]));
        assert_eq!(config.data.documents, Some(DocumentKind::Lines));
        assert!(choices[0].reason.starts_with("Each line is an item: 300 lines"), "{choices:?}");
        let (config, ..) = choose(&Found { files: 30, ..found(&prose(9_000)) }, &given(&[]));
        assert_eq!(config.data.documents, Some(DocumentKind::Files));
    }

    #[test]
    fn what_is_given_is_not_chosen() {
        let list: String = (0..300).map(|n| format!("Item number {n}\n")).collect();
        let given = given(&["data.documents=none", "tokens.kind=words", "clean.preset=lowercase", "model.layers=[]"]);
        let (config, choices, sizes) = choose(&found(&list), &given);
        assert_eq!((config.data.documents, config.tokens.kind), (Some(DocumentKind::None), TokenKind::Words));
        assert_eq!(config.clean.preset.as_deref(), Some("lowercase"));
        assert!(sizes.units.is_empty());
        assert!(!choices.iter().any(|choice| ["data.documents", "clean.preset"].contains(&choice.key)));
    }

    #[test]
    fn less_than_a_tenth_of_a_long_text_is_held_out() {
        let fraction = |bytes| {
            let found = Found { profile: text_prep::TextProfile { bytes, ..found("").profile }, files: 1 };
            choose(&found, &given(&[])).0.split.valid_fraction
        };
        assert_eq!([1_000, 5_000_000, 12_000_000].map(fraction), [0.1, 0.1, 0.05]);
    }

    #[test]
    fn the_size_is_said_with_its_alternatives() {
        let sizes = Sizes { units: &[512, 384, 256], passes: 20.0 };
        assert_eq!(
            sizes.choice(512).reason,
            "512 units rather than 384 and 256: the time allows more than 20 passes over the text."
        );
        assert!(sizes.choice(384).reason.starts_with("384 units rather than 512 and 256: with more units"));
    }
}
