//! Decides whether a run starts from the built-in base: by the settings that are given, by how much of the text stands in
//! the base's own text, and by a trial of seconds, in which a copy of the base is trained on the beginning of the text and
//! compared with counting on held-out text.

use std::time::Duration;

use eval::{CopiedShare, NgramFilter};
use models::{LanguageModel, LayerConfig, LmBundle};
use seqdata::{DatasetConfig, NewTokens, TextDataset};
use trainer::{AdamConfig, Clip, TrainConfig, TrainMode, try_training, validation_loss};

use super::Choice;
use super::budget::short_time;
use super::choices::EMA_DECAY;
use super::given::Given;
use super::table::{LAYER_DECAY, Row};
use crate::base;
use crate::config::PretrainedModel;
use crate::error::Result;
use crate::long_task::LongTask;
use crate::report::counting::Counting;
use crate::report::held_out::HeldOut;
use crate::run::experiment::Setup;
use crate::view::format::decimals;

/// The base is taken if it needs fewer bits per byte after the trial than counting, times this. It may need more, because a
/// run is about twenty times as long as its trial.
const TAKEN_BELOW: f64 = 1.10;
/// There is no trial if the base needs more bits per byte than counting, times this, before it is trained.
const TRIED_BELOW: f64 = 2.5;
/// The share of the time of the run for which the base is trained in the trial.
const TRIAL_SHARE: f64 = 0.05;
/// The longest training of the trial, in seconds.
const MAX_TRIAL: f64 = 10.0;
/// The longest of its two validations, as a share of the training.
const VALIDATION_SHARE: f64 = 0.2;
/// The part of the beginning of the text that is held out in the trial.
const HELD_OUT: f64 = 0.1;
/// The bytes of the beginning of the text that the trial reads.
const BEGINNING: usize = 1_000_000;
/// The base is declined if more than this part of the sequences of words of a text stand in the base's text.
const MAX_COPIED: f64 = 0.05;
/// Fewer checked sequences tell nothing.
const MIN_CHECKED: usize = 50;

/// Where the first weights of a run come from.
pub enum Start {
    /// They are new.
    New {
        /// The reason against the base, if it was considered.
        why: Option<String>,
    },
    /// They are those of the base.
    Base {
        /// The base without its weights.
        model: Box<PretrainedModel>,
        /// The reason for it.
        why: String,
    },
}

/// The base as a start, before the text is read and while it is.
pub enum Candidate {
    /// It is not considered.
    Excluded,
    /// It is declined, for this reason.
    Declined(String),
    /// It is tried, unless the text is known to it.
    Open(Box<Reading>),
}

/// What is remembered of a text that is read.
pub struct Reading {
    /// The sequences of words of the base's text.
    filter: NgramFilter,
    /// How many of those of the text stand in it.
    copied: CopiedShare,
    beginning: Beginning,
}

/// The first bytes of a text.
#[derive(Default)]
struct Beginning {
    text: String,
    /// Whether a part of the last piece was left out.
    is_full: bool,
}

/// What a trial showed, in bits per byte of held-out text.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    /// What counting needs.
    counting: f64,
    /// What the base needs before it is trained.
    untrained: f64,
    /// What it needs afterwards, if it was trained.
    trained: Option<f64>,
    /// The time for which it was trained.
    seconds: f64,
}

impl Start {
    /// The choice with its reason, if there was one.
    pub fn choice(&self) -> Option<Choice> {
        let reason = match self {
            Self::New { why } => format!("does not start from the built-in base: {}", why.as_ref()?),
            Self::Base { why, .. } => format!("starts from the built-in base: {why}"),
        };
        Some(Choice { keys: &["init.from"], reason })
    }
}

impl Candidate {
    /// The base for a run with these settings. It is not considered with `no_base`, or if they give another model.
    ///
    /// # Errors
    /// If the base cannot be read.
    pub fn new(given: &Given, no_base: bool) -> Result<Self> {
        if no_base || given.is_set("init") {
            return Ok(Self::Excluded);
        }
        if let Some(why) = excluded_by(given) {
            return Ok(Self::Declined(why));
        }
        Ok(Self::Open(Box::new(Reading::new(base::filter()?))))
    }

    /// Reads the next piece of the text.
    pub fn read(&mut self, piece: &str) {
        if let Self::Open(reading) = self {
            reading.read(piece);
        }
    }

    /// The decision for a text of `bytes` bytes that was read to its end, and a run of `minutes`.
    ///
    /// # Errors
    /// If the base cannot be read or trained.
    pub fn decide(self, given: &Given, bytes: u64, minutes: f64, setup: Setup) -> Result<Start> {
        let reading = match self {
            Self::Excluded => return Ok(Start::New { why: None }),
            Self::Declined(why) => return Ok(Start::New { why: Some(why) }),
            Self::Open(reading) => reading,
        };
        if let Some(why) = known_to_base(&reading.copied) {
            return Ok(Start::New { why: Some(why) });
        }
        let _task = LongTask::start("trying the built-in base");
        let bundle = base::load(setup.device)?;
        let row = Row::of_fine_tuning(bytes, minutes);
        let Some(trial) = Trial::new(&bundle, &reading.beginning.text, row, given, minutes, setup)? else {
            return Ok(Start::New { why: Some("the text is too short for a trial".into()) });
        };
        let why = trial.reason();
        Ok(if trial.takes_base() {
            Start::Base { model: Box::new(PretrainedModel::of(&bundle)), why }
        } else {
            Start::New { why: Some(why) }
        })
    }
}

/// The setting that excludes the base, in words.
fn excluded_by(given: &Given) -> Option<String> {
    if let Some(key) = given.set_by_model() {
        return Some(format!("`--set {key}` is given, which the base would determine"));
    }
    given.config.text.label.as_ref().map(|_| "its text had no labels, and this one has".into())
}

/// The reason against the base if so much of the text stands in its own one that a held-out part would not be new to it.
fn known_to_base(copied: &CopiedShare) -> Option<String> {
    let share = copied.fraction();
    (copied.checked >= MIN_CHECKED && share > MAX_COPIED).then(|| {
        format!(
            "{} % of the sequences of {} words of the text stand in its own text, so that the held-out part would not be \
             new to the model",
            decimals(100.0 * share, 0),
            NgramFilter::LENGTH
        )
    })
}

impl Reading {
    fn new(filter: NgramFilter) -> Self {
        Self { filter, copied: CopiedShare::default(), beginning: Beginning::default() }
    }

    fn read(&mut self, piece: &str) {
        if let Some(share) = self.filter.share(piece) {
            self.copied.checked += share.checked;
            self.copied.found += share.found;
        }
        self.beginning.read(piece, BEGINNING);
    }
}

impl Beginning {
    /// Adds a piece, up to this many bytes in all.
    fn read(&mut self, piece: &str, most: usize) {
        if self.is_full {
            return;
        }
        let end = piece.floor_char_boundary(most - self.text.len());
        self.text.push_str(&piece[..end]);
        self.is_full = end < piece.len();
    }
}

impl Trial {
    /// Tries the base on the beginning of a text, as one running text, with the settings `row`; `None` if it is too short.
    fn new(
        base: &LmBundle,
        beginning: &str,
        row: &Row,
        given: &Given,
        minutes: f64,
        setup: Setup,
    ) -> Result<Option<Self>> {
        let (seed, context_len) = (given.config.seed, given.config.windows.context_len);
        let config = DatasetConfig::subwords().split(HELD_OUT, 0.0).context_len(context_len);
        let dataset = TextDataset::from_text(beginning).config(config).tokenizer(&base.tokenizer, NewTokens::Error);
        let Ok(dataset) = dataset.build() else { return Ok(None) };
        let Some(held_out) = HeldOut::new(&dataset, dataset.valid_context_len()) else { return Ok(None) };
        let Some(counting) = Counting::new(&dataset, &held_out) else { return Ok(None) };
        let counting = counting.bits_per_byte;

        let sizes = base.metadata.config.clone();
        let with_dropout = |layer: &LayerConfig| layer.clone().recurrent_dropout(row.recurrent_dropout);
        let layers: Vec<LayerConfig> = sizes.layers.iter().map(with_dropout).collect();
        let config = sizes.layers(layers).dropout(row.dropout).embedding_dropout(row.embedding_dropout);
        let config = config.locked_dropout(true).vocab_size(dataset.tokenizer.vocabulary.len());
        let model = base.model.clone().resize_vocab(config.init(seed, setup.device)?);
        let train = TrainConfig::default()
            .seed(seed)
            .mode(TrainMode::Tbptt { bptt_len: row.bptt_len })
            .batch_size(row.batch_size)
            .learning_rate(row.learning_rate)
            .layer_decay(LAYER_DECAY)
            .optimizer(AdamConfig::default())
            .clip(Clip::GlobalNorm(1.0))
            .ema_decay(EMA_DECAY);

        let seconds = (60.0 * minutes * TRIAL_SHARE).min(MAX_TRIAL);
        let [budget, limit] = [seconds, VALIDATION_SHARE * seconds].map(Duration::from_secs_f64);
        let kernels = setup.backend.kernels();
        let bits = |model: &LanguageModel| -> Result<f64> {
            let loss = validation_loss(model, &dataset, &train, setup.device, kernels, limit)?;
            Ok(held_out.bits_per_byte(loss))
        };
        let mut trial = Self { counting, untrained: bits(&model)?, trained: None, seconds };
        if trial.is_promising() {
            let (trained, _) = try_training(&model, &dataset, &train, setup.device, kernels, budget)?;
            trial.trained = Some(bits(&trained)?);
        }
        Ok(Some(trial))
    }

    /// Whether the base is worth training on the text.
    fn is_promising(&self) -> bool {
        self.untrained < TRIED_BELOW * self.counting
    }

    /// Whether the run starts from the base.
    fn takes_base(&self) -> bool {
        self.trained.is_some_and(|bits| bits < TAKEN_BELOW * self.counting)
    }

    /// What was compared, in words.
    fn reason(&self) -> String {
        let counting = decimals(self.counting, 2);
        match self.trained {
            Some(bits) => format!(
                "trained on the text for {}, it needs {} bits per byte of held-out text and counting {counting}; it is \
                 taken if it needs less than {} times as many as counting",
                short_time(self.seconds),
                decimals(bits, 2),
                decimals(TAKEN_BELOW, 2)
            ),
            None => format!(
                "without training, it needs {} bits per byte of held-out text and counting {counting}; it is tried if it \
                 needs less than {} times as many as counting",
                decimals(self.untrained, 2),
                decimals(TRIED_BELOW, 1)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use args::ConfigArgs;

    use super::*;

    fn given(set: &[&str]) -> Given {
        let set = set.iter().map(|change| change.to_string()).collect();
        Given::new(&ConfigArgs { set, text: vec!["my.txt".into()], ..ConfigArgs::default() }).unwrap()
    }

    /// Sentences in which every ten words are others; `first` is the number of the first sentence.
    fn text(first: usize, sentences: usize) -> String {
        let sentence = |n: usize| {
            let words: Vec<String> =
                (0..10).map(|word| format!("word{}", (n * n + 7 * n + word * word) % 9_973)).collect();
            format!("{} number{n}.\n", words.join(" "))
        };
        (first..first + sentences).map(sentence).collect()
    }

    fn reading(filtered: &str, read: &[&str]) -> Reading {
        let mut reading = Reading::new(NgramFilter::build([filtered]));
        read.iter().for_each(|piece| reading.read(piece));
        reading
    }

    #[test]
    fn the_base_is_taken_if_it_needs_less_than_a_multiple_of_counting() {
        let trial = |untrained, trained| Trial { counting: 2.0, untrained, trained, seconds: 9.0 };
        for (bits, is_taken) in [(1.5, true), (2.0, true), (2.19, true), (2.21, false), (f64::NAN, false)] {
            let trial = trial(3.0, Some(bits));
            assert_eq!(trial.takes_base(), is_taken, "{bits}");
        }
        let expected = "trained on the text for 9 s, it needs 1.95 bits per byte of held-out text and counting 2.00; it is \
                        taken if it needs less than 1.10 times as many as counting";
        assert_eq!(trial(3.0, Some(1.95)).reason(), expected);
        // A text of another script.
        let foreign = trial(5.1, None);
        assert!(!foreign.is_promising() && !foreign.takes_base());
        assert!(foreign.reason().starts_with("without training, it needs 5.10 bits"), "{}", foreign.reason());
        assert!(trial(4.9, None).is_promising() && !trial(f64::NAN, None).is_promising());
        // Nothing is better than counting in a text that repeats.
        assert!(!Trial { counting: 0.0, ..trial(1.0, None) }.is_promising());
    }

    #[test]
    fn the_choice_says_what_was_decided() {
        let new = |why: Option<&str>| Start::New { why: why.map(String::from) }.choice();
        assert_eq!(new(None), None);
        let choice = new(Some("it is not")).unwrap();
        assert_eq!(
            (choice.key(), choice.reason.as_str()),
            ("init.from", "does not start from the built-in base: it is not")
        );
    }

    #[test]
    fn settings_and_labels_exclude_the_base() {
        let declined = |set: &[&str]| match Candidate::new(&given(set), false).unwrap() {
            Candidate::Declined(why) => why,
            Candidate::Excluded => "excluded".into(),
            Candidate::Open(_) => "open".into(),
        };
        assert_eq!(declined(&["tokens.kind=words"]), "`--set tokens.kind` is given, which the base would determine");
        assert!(declined(&["text.column=text", "text.label=author"]).contains("had no labels"));
        assert_eq!(declined(&["init.from=runs/a"]), "excluded");
        assert_eq!(declined(&["train.learning_rate=0.1", "model.dropout=0.5"]), "open");
        assert!(matches!(Candidate::new(&given(&["tokens.kind=words"]), true).unwrap(), Candidate::Excluded));
    }

    #[test]
    fn a_text_that_stands_in_the_text_of_the_base_is_declined() {
        let base = text(0, 400);
        let why = |read: &[&str]| known_to_base(&reading(&base, read).copied);
        // Whatever the line breaks are, and also if only a part of the text is known.
        let broken = base.replace(' ', "\n");
        let (own, known) = (text(5_000, 400), text(100, 100));
        for read in [&[base.as_str()][..], &[broken.as_str()], &[own.as_str(), known.as_str()]] {
            let why = why(read).unwrap_or_default();
            assert!(why.contains(" % of the sequences of 8 words of the text stand in its own text"), "{why}");
        }
        assert_eq!(why(&[own.as_str()]), None);
        // A few sequences tell nothing.
        assert_eq!(why(&[text(7, 1).as_str()]), None);
        assert_eq!(known_to_base(&CopiedShare { checked: MIN_CHECKED - 1, found: MIN_CHECKED - 1 }), None);
        assert_eq!(known_to_base(&CopiedShare { checked: 1_000, found: 50 }), None);
        assert!(known_to_base(&CopiedShare { checked: 1_000, found: 51 }).is_some());
    }

    #[test]
    fn the_beginning_ends_with_a_whole_character() {
        let mut beginning = Beginning::default();
        for piece in ["ab", "가나", "c"] {
            beginning.read(piece, 6);
        }
        assert_eq!(beginning.text, "ab가");
        let mut whole = Beginning::default();
        ["ab", "", "가"].into_iter().for_each(|piece| whole.read(piece, 6));
        assert_eq!((whole.text.as_str(), whole.is_full), ("ab가", false));
    }
}
