//! A trial of seconds, in which a copy of the built-in base is trained on the beginning of a text and compared with counting
//! on held-out text.

use std::time::Duration;

use models::{LanguageModel, LayerConfig, LmBundle};
use seqdata::{DatasetConfig, NewTokens, TextDataset};
use text_prep::Tokenizer;
use trainer::{AdamConfig, Clip, TrainConfig, TrainMode, try_training, validation_loss};

use super::budget::short_time;
use super::given::Given;
use super::table::Row;
use super::training::EMA_DECAY;
use crate::error::Result;
use crate::report::counting::Counting;
use crate::report::held_out::HeldOut;
use crate::run::experiment::Setup;
use crate::view::format::decimals;

/// The base is taken if it needs fewer bits per byte after the trial than counting, times this. It may need more, because a
/// run is about twenty times as long as its trial.
const TAKEN_BELOW: f64 = 1.10;
/// There is no trial if the base needs more bits per byte than counting, times this, before it is trained.
const TRIED_BELOW: f64 = 2.5;
/// From so many bits per byte on, as in most other scripts, the first [`FIRST_PART`] bytes are enough to decline the base:
/// without any model a byte takes no more.
const DECLINED_EARLY_FROM: f64 = 8.0;
/// The part of a longer beginning that is evaluated first, in bytes.
const FIRST_PART: usize = 100_000;
/// The longest validation of that part.
const FIRST_PART_TIME: Duration = Duration::from_millis(150);
/// The share of the time of the run for which the base is trained in the trial.
const TRIAL_SHARE: f64 = 0.05;
/// The longest training of the trial, in seconds.
const MAX_TRIAL: f64 = 10.0;
/// The longest of its two validations, as a share of the training.
const VALIDATION_SHARE: f64 = 0.2;
/// The part of the beginning of the text that is held out in the trial.
const HELD_OUT: f64 = 0.1;

/// What a trial showed, in bits per byte of held-out text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What counting needs.
    counting: f64,
    /// What the base needs before it is trained.
    untrained: f64,
    /// What it needs afterwards, if it was trained.
    trained: Option<f64>,
    /// The time for which it was trained.
    seconds: f64,
    /// Whether only the first [`FIRST_PART`] bytes were evaluated.
    is_of_first_part: bool,
}

impl Trial {
    /// Tries the base on the beginning of a text, as one running text, with the settings `row`; `None` if it is too short.
    ///
    /// # Errors
    /// If the base cannot be trained or evaluated.
    pub fn new(
        base: &LmBundle,
        beginning: &str,
        row: &Row,
        given: &Given,
        minutes: f64,
        setup: Setup,
    ) -> Result<Option<Self>> {
        let seconds = (60.0 * minutes * TRIAL_SHARE).min(MAX_TRIAL);
        let [budget, limit] = [seconds, VALIDATION_SHARE * seconds].map(Duration::from_secs_f64);
        let prepare = |beginning| Prepared::new(base, beginning, row, given, setup);
        let untrained = |text: &Prepared, limit| -> Result<Self> {
            let (counting, untrained) = (text.counting, text.bits(&text.model, limit)?);
            Ok(Self { counting, untrained, trained: None, seconds, is_of_first_part: false })
        };
        let first = &beginning[..beginning.floor_char_boundary(FIRST_PART)];
        if first.len() < beginning.len()
            && let Some(text) = prepare(first)?
        {
            let trial = untrained(&text, FIRST_PART_TIME)?;
            if trial.is_declined_early() {
                return Ok(Some(Self { is_of_first_part: true, ..trial }));
            }
        }
        let Some(text) = prepare(beginning)? else { return Ok(None) };
        let mut trial = untrained(&text, limit)?;
        if trial.is_promising() {
            let kernels = setup.backend.kernels();
            let (trained, _) = try_training(&text.model, &text.dataset, &text.train, setup.device, kernels, budget)?;
            trial.trained = Some(text.bits(&trained, limit)?);
        }
        Ok(Some(trial))
    }

    /// Whether a small part of the text is enough to decline the base.
    fn is_declined_early(&self) -> bool {
        !self.is_promising() && self.untrained >= DECLINED_EARLY_FROM
    }

    /// Whether the base is worth training on the text.
    fn is_promising(&self) -> bool {
        self.untrained < TRIED_BELOW * self.counting
    }

    /// Whether the run starts from the base.
    pub fn takes_base(&self) -> bool {
        self.trained.is_some_and(|bits| bits < TAKEN_BELOW * self.counting)
    }

    /// What was compared, in words.
    pub fn reason(&self) -> String {
        let (start, bits, factor) = match self.trained {
            Some(bits) => (format!("after {} of training on the text", short_time(self.seconds)), bits, TAKEN_BELOW),
            None if self.is_of_first_part => (
                format!("before any training, on the first {} kB of the text,", FIRST_PART / 1_000),
                self.untrained,
                TRIED_BELOW,
            ),
            None => ("before any training".into(), self.untrained, TRIED_BELOW),
        };
        format!(
            "{start} it needs {} bits to predict a byte of held-out text, where counting characters in the same part needs \
             {}; the limit is {factor} times that, {}",
            decimals(bits, 2),
            decimals(self.counting, 2),
            decimals(factor * self.counting, 2)
        )
    }
}

/// The beginning of a text, as a trial reads it.
struct Prepared<'a> {
    dataset: TextDataset,
    held_out: HeldOut,
    /// What counting needs, in bits per byte.
    counting: f64,
    /// The base before it is trained.
    model: LanguageModel,
    train: TrainConfig,
    setup: Setup<'a>,
}

impl<'a> Prepared<'a> {
    /// Prepares the base for this beginning; `None` if it is too short.
    fn new(base: &LmBundle, beginning: &str, row: &Row, given: &Given, setup: Setup<'a>) -> Result<Option<Self>> {
        let (seed, context_len) = (given.config.seed, given.config.windows.context_len);
        let Some(dataset) = dataset(&base.tokenizer, beginning, context_len)? else { return Ok(None) };
        let Some(held_out) = HeldOut::new(&dataset, dataset.valid_context_len()) else { return Ok(None) };
        let Some(counting) = Counting::new(&dataset, &held_out) else { return Ok(None) };

        let sizes = base.metadata.config.clone();
        let with_dropout = |layer: &LayerConfig| layer.clone().recurrent_dropout(row.recurrent_dropout);
        let layers: Vec<LayerConfig> = sizes.layers.iter().map(with_dropout).collect();
        let config = sizes.layers(layers).dropout(row.dropout).embedding_dropout(row.embedding_dropout);
        let config = config.locked_dropout(true).vocab_size(dataset.tokenizer.vocabulary.len());
        let model = base.model.clone().resize_vocab(config.init_around_layers(seed, setup.device)?);
        let train = TrainConfig::default()
            .seed(seed)
            .mode(TrainMode::Tbptt { bptt_len: row.bptt_len })
            .batch_size(row.batch_size)
            .learning_rate(row.learning_rate)
            .optimizer(AdamConfig::default())
            .clip(Clip::GlobalNorm(1.0))
            .ema_decay(EMA_DECAY);
        Ok(Some(Self { dataset, held_out, counting: counting.bits_per_byte, model, train, setup }))
    }

    /// The bits per byte that `model` needs on what is evaluated of the held-out part within `limit`.
    fn bits(&self, model: &LanguageModel, limit: Duration) -> Result<f64> {
        let Self { dataset, held_out, train, setup, .. } = self;
        let loss = validation_loss(model, dataset, train, setup.device, setup.backend.kernels(), limit)?;
        Ok(held_out.bits_per_byte(loss))
    }
}

/// The beginning of a text for the base with this tokenizer; `None` if it is too short for a window in both parts.
fn dataset(tokenizer: &Tokenizer, beginning: &str, context_len: usize) -> Result<Option<TextDataset>> {
    use seqdata::Error::{LongTokens, SplitTooShort, TextTooShort};
    let config = DatasetConfig::subwords().split(HELD_OUT, 0.0).context_len(context_len);
    match TextDataset::from_text(beginning).config(config).tokenizer(tokenizer, NewTokens::Error).build() {
        Ok(dataset) => Ok(Some(dataset)),
        Err(LongTokens { .. } | SplitTooShort { .. } | TextTooShort { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_text_has_no_trial() {
        let text = "The fox saw the crow in the old tree. ".repeat(60);
        let config = DatasetConfig::subwords().context_len(4);
        let tokenizer = TextDataset::from_text(&text).config(config).build().unwrap().tokenizer;
        assert!(dataset(&tokenizer, &text, 4).unwrap().is_some());
        assert!(dataset(&tokenizer, "The fox.", 20).unwrap().is_none());
        // The beginning is long enough, but its last tenth is not.
        assert!(dataset(&tokenizer, &text[..400], 60).unwrap().is_none());
        let error = dataset(&tokenizer, &text, 0).err().unwrap().to_string();
        assert!(error.contains("`windows.context_len` is 0"), "{error}");
    }

    #[test]
    fn the_base_is_taken_if_it_needs_less_than_a_multiple_of_counting() {
        let trial =
            |untrained, trained| Trial { counting: 2.0, untrained, trained, seconds: 9.0, is_of_first_part: false };
        for (bits, is_taken) in [(1.5, true), (2.0, true), (2.19, true), (2.21, false), (f64::NAN, false)] {
            let trial = trial(3.0, Some(bits));
            assert_eq!(trial.takes_base(), is_taken, "{bits}");
        }
        let expected = "after 9 s of training on the text it needs 1.95 bits to predict a byte of held-out text, where \
                        counting characters in the same part needs 2.00; the limit is 1.1 times that, 2.20";
        assert_eq!(trial(3.0, Some(1.95)).reason(), expected);
        // A text of another script.
        let foreign = trial(5.1, None);
        assert!(!foreign.is_promising() && !foreign.takes_base());
        let expected = "before any training it needs 5.10 bits to predict a byte of held-out text, where counting \
                        characters in the same part needs 2.00; the limit is 2.5 times that, 5.00";
        assert_eq!(foreign.reason(), expected);
        let early = Trial { is_of_first_part: true, ..trial(8.5, None) };
        let expected = "before any training, on the first 100 kB of the text, it needs 8.50 bits to predict a byte of held-out \
                        text, where counting characters in the same part needs 2.00; the limit is 2.5 times that, 5.00";
        assert_eq!(early.reason(), expected);
        assert!(trial(4.9, None).is_promising() && !trial(f64::NAN, None).is_promising());
        // A small part of the text decides only if the base is worse than no model.
        assert!(
            !foreign.is_declined_early()
                && !trial(7.9, None).is_declined_early()
                && trial(8.0, None).is_declined_early()
        );
        assert!(!trial(f64::NAN, None).is_declined_early());
        // Bytes without any order.
        assert!(!Trial { counting: 8.1, ..trial(9.0, None) }.is_declined_early());
        // Nothing is better than counting in a text that repeats.
        assert!(!Trial { counting: 0.0, ..trial(1.0, None) }.is_promising());
    }
}
