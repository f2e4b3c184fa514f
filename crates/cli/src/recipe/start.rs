//! Decides whether a run starts from the built-in base: by the settings that are given, by how much of the text stands in
//! the base's own text, and by a trial of seconds (`trial.rs`).

use eval::{CopiedShare, NgramFilter};
use models::LmBundle;
use seqdata::NewTokens;

use super::Choice;
use super::given::Given;
use super::table::Row;
use super::trial::Trial;
use crate::base;
use crate::error::Result;
use crate::long_task::LongTask;
use crate::run::experiment::Setup;
use crate::view::format::decimals;

/// The bytes of the beginning of the text that are kept for the trial.
const BEGINNING: usize = 1_000_000;
/// The minutes of the shortest run whose trial reads all of them.
const WHOLE_BEGINNING: f64 = 3.0;
/// The fewest bytes that the trial of a shorter run reads.
const MIN_BEGINNING: usize = 100_000;
/// The base is declined if more than this part of the sequences of words of a text stand in the base's text.
const MAX_COPIED: f64 = 0.05;
/// So many bytes of a text are looked up at once.
const LOOKED_UP: usize = 1 << 16;
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
        /// The base.
        model: Box<LmBundle>,
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
    /// What is not looked up yet. Documents are looked up together, because one may be shorter than a sequence.
    unread: String,
    beginning: Beginning,
}

/// The first bytes of a text.
#[derive(Default)]
struct Beginning {
    text: String,
    /// Whether a part of the last piece was left out.
    is_full: bool,
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
    /// The base for a run with these settings. It is not considered with `no_base`, or if a whole section
    /// `init` without a model is given.
    ///
    /// # Errors
    /// If the base cannot be read.
    pub fn new(given: &Given, no_base: bool) -> Result<Self> {
        if no_base || given.is_set("init.from") {
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
        let mut reading = match self {
            Self::Excluded => return Ok(Start::New { why: None }),
            Self::Declined(why) => return Ok(Start::New { why: Some(why) }),
            Self::Open(reading) => reading,
        };
        reading.look_up();
        if let Some(why) = known_to_base(&reading.copied) {
            return Ok(Start::New { why: Some(why) });
        }
        let _task = LongTask::start("trying the built-in base");
        let bundle = base::load(setup.device)?;
        let row = Row::of_fine_tuning(bytes, minutes);
        let beginning = &reading.beginning.text;
        let beginning = &beginning[..beginning.floor_char_boundary(trial_bytes(minutes))];
        let Some(trial) = Trial::new(&bundle, beginning, row, given, minutes, setup)? else {
            return Ok(Start::New { why: Some("the text is too short for a trial".into()) });
        };
        let why = trial.reason();
        Ok(if trial.takes_base() {
            Start::Base { model: Box::new(bundle), why }
        } else {
            Start::New { why: Some(why) }
        })
    }
}

/// The bytes of the beginning of a text that the trial of a run of `minutes` reads. Counting takes as long as the text is, so
/// the trial of a short run reads less.
fn trial_bytes(minutes: f64) -> usize {
    let share = (minutes / WHOLE_BEGINNING).min(1.0);
    ((share * BEGINNING as f64) as usize).max(MIN_BEGINNING)
}

/// The setting that excludes the base, in words.
fn excluded_by(given: &Given) -> Option<String> {
    if let Some(key) = given.set_by_model() {
        return Some(format!("`--set {key}` is given, which the base would determine"));
    }
    if given.is_set("init.new_tokens") && given.config.init.new_tokens != NewTokens::Extend {
        return Some("`--set init.new_tokens` is given, and documents need `extend`".into());
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
        Self { filter, copied: CopiedShare::default(), unread: String::new(), beginning: Beginning::default() }
    }

    fn read(&mut self, piece: &str) {
        self.beginning.read(piece, BEGINNING);
        self.unread.push_str(piece);
        if self.unread.len() >= LOOKED_UP {
            self.look_up();
        }
    }

    fn look_up(&mut self) {
        if let Some(share) = self.filter.share(&std::mem::take(&mut self.unread)) {
            self.copied.checked += share.checked;
            self.copied.found += share.found;
        }
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
        reading.look_up();
        reading
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
        assert!(declined(&["init.new_tokens=unk"]).contains("documents need `extend`"));
        assert_eq!(declined(&["init={new_tokens=\"unk\"}"]), "excluded");
        assert_eq!(declined(&["train.learning_rate=0.1", "model.dropout=0.5", "init.new_tokens=extend"]), "open");
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
        // Documents that are shorter than a sequence.
        let words: Vec<&str> = base.split_whitespace().collect();
        let documents: Vec<String> = words.chunks(6).map(|words| words.join(" ") + "\n").collect();
        assert!(why(&documents.iter().map(String::as_str).collect::<Vec<_>>()).is_some());
        assert_eq!(why(&[own.as_str()]), None);
        // A few sequences tell nothing.
        assert_eq!(why(&[text(7, 1).as_str()]), None);
        assert_eq!(known_to_base(&CopiedShare { checked: MIN_CHECKED - 1, found: MIN_CHECKED - 1 }), None);
        assert_eq!(known_to_base(&CopiedShare { checked: 1_000, found: 50 }), None);
        assert!(known_to_base(&CopiedShare { checked: 1_000, found: 51 }).is_some());
    }

    #[test]
    fn the_trial_of_a_short_run_reads_less() {
        let bytes = [0.05, 0.2, 1.5, 3.0, 60.0].map(trial_bytes);
        assert_eq!(bytes, [100_000, 100_000, 500_000, 1_000_000, 1_000_000]);
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
