//! Chooses fewer parallel streams for a run whose passes over the text are limited: with smaller batches a pass has more
//! updates and takes longer, so that the run fills its time. The loss is about the same (benchmarks/README.md, "Starting from
//! the base").

use trainer::TrainMode;

use super::Choice;
use super::given::Given;
use super::training::{Batch, batch_reason, rate_reason};
use crate::config::LmExperiment;
use crate::error::Result;
use crate::view::format::decimals;

/// The fewest parallel streams that are chosen, so that a step averages the gradients of several.
const FEWEST_STREAMS: usize = 2;
/// The numbers of streams to choose from, the largest first.
const STREAMS: [usize; 6] = [12, 8, 6, 4, 3, FEWEST_STREAMS];

/// Whether the command line gives the batch, or what was chosen for it.
pub fn are_given(given: &Given) -> bool {
    ["train.batch_size", "train.learning_rate", "train.shards"].iter().any(|key| given.is_set(key))
}

/// Reduces the streams of the run if the time allows more than `most_passes` passes over the text, and changes their
/// reasons in `choices`. `passes` gives the passes that the time allows with the batch of an experiment.
///
/// # Errors
/// Those of `passes`.
pub fn choose(
    experiment: &mut LmExperiment,
    most_passes: f64,
    choices: &mut Vec<Choice>,
    passes: impl Fn(&LmExperiment) -> Result<f64>,
) -> Result<()> {
    let TrainMode::Tbptt { bptt_len } = experiment.train.mode else { return Ok(()) };
    let table_batch = Batch { streams: experiment.train.batch_size, learning_rate: experiment.train.learning_rate };
    let batch = batch_for_time(table_batch, most_passes, |batch| {
        experiment.set_batch(batch.streams, batch.learning_rate);
        passes(experiment)
    })?;
    experiment.set_batch(batch.streams, batch.learning_rate);
    if batch != table_batch {
        change_reasons(choices, table_batch, batch, bptt_len, most_passes);
    }
    Ok(())
}

/// The batch with the most streams, at most those of `batch`, with which the time allows no more than `most_passes`
/// passes, so that it is used up; or else with the fewest, which are not tried. `passes` gives the passes that the time
/// allows with a batch.
fn batch_for_time(batch: Batch, most_passes: f64, mut passes: impl FnMut(Batch) -> Result<f64>) -> Result<Batch> {
    if most_passes.is_infinite() {
        return Ok(batch);
    }
    let allowed = passes(batch)?;
    if allowed <= most_passes {
        return Ok(batch);
    }
    // A step with fewer streams takes no longer, so that the passes fall at most in proportion to the streams.
    let is_too_many = |streams: usize| streams as f64 * allowed > batch.streams as f64 * most_passes;
    let fewer = STREAMS.into_iter().filter(|&streams| streams < batch.streams);
    let candidates: Vec<usize> = fewer.filter(|&streams| streams == FEWEST_STREAMS || !is_too_many(streams)).collect();
    // The fewer the streams, the longer a pass takes: each trial decides half of the candidates.
    let (mut first, mut last) = (0, candidates.len().saturating_sub(1));
    while first < last {
        let middle = first.midpoint(last);
        if passes(batch.with_streams(candidates[middle]))? <= most_passes {
            last = middle;
        } else {
            first = middle + 1;
        }
    }
    Ok(candidates.get(first).map_or(batch, |&streams| batch.with_streams(streams)))
}

/// Replaces the reasons for the batch and the learning rate of the table by those for fewer streams. A reason that was left out,
/// because something else in it is given, is added without that.
fn change_reasons(choices: &mut Vec<Choice>, table_batch: Batch, batch: Batch, chunk: usize, most_passes: f64) {
    let Batch { streams: more, learning_rate: higher } = table_batch;
    let Batch { streams, learning_rate } = batch;
    let passes = decimals(most_passes, 0);
    let fewer = format!(
        "fewer than {more}, with which {passes} passes over the text end before the time does; more passes would only make the \
         model memorise the text, and smaller batches make more updates per pass"
    );
    let lower = format!(
        "less than the {higher} for {more} streams, in proportion to the square root of their number, because the gradients of \
         smaller batches are noisier"
    );
    let mut set = |keys: &'static [&'static str], before: String, reason: String| match choices
        .iter_mut()
        .find(|choice| choice.key() == keys[0])
    {
        Some(choice) => choice.reason = format!("{before}; {reason}"),
        None => choices.push(Choice { keys, reason }),
    };
    set(&["train.batch_size"], batch_reason(streams, chunk), fewer);
    set(&["train.learning_rate"], rate_reason(learning_rate), lower);
}

#[cfg(test)]
mod tests {
    use args::ConfigArgs;

    use super::*;
    use crate::config::{Config, ModeKind, TokenKind};

    const TABLE: Batch = Batch { streams: 16, learning_rate: 0.002 };

    /// The streams that are chosen for a time in which `allowed` passes are made with 16 streams, and those that are
    /// tried. A pass with S streams takes (1 - overhead + overhead 16 / S) times as long as with 16.
    fn chosen(allowed: f64, overhead: f64, most_passes: f64) -> (usize, Vec<usize>) {
        let mut tried = Vec::new();
        let batch = batch_for_time(TABLE, most_passes, |batch| {
            assert_eq!(batch, TABLE.with_streams(batch.streams));
            tried.push(batch.streams);
            Ok(allowed / (1.0 - overhead + overhead * 16.0 / batch.streams as f64))
        });
        (batch.unwrap().streams, tried)
    }

    #[test]
    fn the_most_streams_are_chosen_with_which_the_time_is_used_up() {
        // The time is not even enough for all passes, or just enough.
        assert_eq!(chosen(3.0, 0.5, 4.0), (16, vec![16]));
        assert_eq!(chosen(4.0, 0.5, 4.0), (16, vec![16]));
        // Every step takes as long, whatever the streams are.
        assert_eq!(chosen(5.0, 1.0, 4.0), (12, vec![16, 6, 8, 12]));
        assert_eq!(chosen(9.0, 1.0, 4.0).0, 6);
        assert_eq!(chosen(22.0, 1.0, 4.0).0, 2);
        // Half of the time of a step does not depend on them.
        assert_eq!(chosen(5.0, 0.5, 4.0).0, 8);
        assert_eq!(chosen(9.0, 0.5, 4.0), (4, vec![16, 4, 6]));
        // Not even the fewest use it up.
        assert_eq!(chosen(1_000.0, 0.5, 4.0), (FEWEST_STREAMS, vec![16]));
        assert_eq!(chosen(5.0, 0.0, 4.0).0, FEWEST_STREAMS);
    }

    #[test]
    fn few_numbers_of_streams_are_tried_and_the_first_one_is_found() {
        for allowed in 1..400 {
            for overhead in [0.0, 0.2, 0.5, 0.8, 1.0] {
                let allowed = f64::from(allowed) / 4.0;
                let (streams, tried) = chosen(allowed, overhead, 4.0);
                assert!(tried.len() <= 4, "{tried:?}");
                let passes = |streams: usize| allowed / (1.0 - overhead + overhead * 16.0 / streams as f64);
                let is_enough = |streams: &usize| passes(*streams) <= 4.0;
                let expected = [16, 12, 8, 6, 4, 3].into_iter().find(is_enough).unwrap_or(FEWEST_STREAMS);
                assert_eq!(streams, expected, "{allowed} {overhead}");
            }
        }
    }

    #[test]
    fn nothing_is_measured_where_the_passes_are_not_limited() {
        assert_eq!(chosen(1_000.0, 0.5, f64::INFINITY), (16, vec![]));
    }

    #[test]
    fn the_learning_rate_falls_with_the_square_root_of_the_batch() {
        let rates = [16, 12, 8, 4, 2].map(|streams| TABLE.with_streams(streams).learning_rate);
        assert_eq!(rates, [0.002, 0.0017, 0.0014, 0.001, 0.00071]);
    }

    #[test]
    fn a_given_batch_rate_or_shards_stay() {
        let given = |set: &[&str]| {
            let set = set.iter().map(|change| change.to_string()).collect();
            are_given(&Given::new(&ConfigArgs { set, text: vec!["my.txt".into()], ..ConfigArgs::default() }).unwrap())
        };
        for change in ["train.batch_size=9", "train.learning_rate=0.1", "train.shards=2", "train={ema_decay=0.9}"] {
            assert!(given(&[change]), "{change}");
        }
        assert!(!given(&[]) && !given(&["train.bptt_len=9", "model.dropout=0.1", "train.clip.value=1"]));
    }

    /// An experiment with the batch of [`TABLE`].
    fn experiment(mode: ModeKind) -> LmExperiment {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("my.txt");
        std::fs::write(&path, "The fox saw the crow, and the crow saw the fox.\n".repeat(60)).unwrap();
        let mut config = Config::default();
        config.text.path = Some(vec![path].into());
        config.tokens.kind = TokenKind::Characters;
        (config.train.mode, config.train.bptt_len) = (mode, 32);
        (config.train.batch_size, config.train.learning_rate) = (TABLE.streams, TABLE.learning_rate);
        LmExperiment::new(config, None).unwrap()
    }

    /// The reasons of the table for its batch.
    fn reasons() -> Vec<Choice> {
        vec![
            Choice { keys: &["train.batch_size", "train.bptt_len"], reason: batch_reason(16, 32) },
            Choice { keys: &["train.learning_rate"], reason: rate_reason(0.002) },
            Choice { keys: &["train.ema_decay"], reason: "0.999".into() },
        ]
    }

    /// Chooses the streams of `experiment` for a time in which so many passes are made with any streams.
    fn choose_for(experiment: &mut LmExperiment, choices: &mut Vec<Choice>, passes: f64) {
        choose(experiment, 4.0, choices, |experiment| {
            assert_eq!(experiment.config.train.batch_size, experiment.train.batch_size);
            Ok(passes)
        })
        .unwrap();
    }

    #[test]
    fn fewer_streams_are_set_with_their_reasons() {
        let (mut experiment, mut choices) = (experiment(ModeKind::Tbptt), reasons());
        choose_for(&mut experiment, &mut choices, 3.0);
        assert_eq!((experiment.train.batch_size, &choices), (16, &reasons()));
        choose_for(&mut experiment, &mut choices, 100.0);
        let (section, train) = (&experiment.config.train, &experiment.train);
        assert_eq!((section.batch_size, section.learning_rate), (2, 0.00071));
        assert_eq!((train.batch_size, train.learning_rate), (2, 0.00071));
        let expected = [
            "2 parallel streams in chunks of 32 tokens: 64 targets per step; fewer than 16, with which 4 passes over the \
             text end before the time does; more passes would only make the model memorise the text, and smaller batches \
             make more updates per pass",
            "0.00071 with Adam, falling to zero at the end of the run; gradients are clipped to a norm of 1; less than \
             the 0.002 for 16 streams, in proportion to the square root of their number, because the gradients of \
             smaller batches are noisier",
            "0.999",
        ];
        assert_eq!(choices.iter().map(|choice| choice.reason.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn reasons_that_were_left_out_are_added_and_windows_stay() {
        let mut choices = reasons()[2..].to_vec();
        choose_for(&mut experiment(ModeKind::Tbptt), &mut choices, 100.0);
        let begins =
            |at: usize, key: &str, reason: &str| choices[at].key() == key && choices[at].reason.starts_with(reason);
        assert!(begins(1, "train.batch_size", "fewer than 16, with which 4 passes"), "{choices:?}");
        assert!(begins(2, "train.learning_rate", "less than the 0.002 for 16 streams"), "{choices:?}");
        let mut windows = experiment(ModeKind::Windows);
        choose_for(&mut windows, &mut reasons(), 100.0);
        assert_eq!(windows.train.batch_size, 16);
    }
}
