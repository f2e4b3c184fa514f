//! Runs whose batches are cut into shards: the same bits for every number of ranks, and when a run is continued by another.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use burn::train::{Interrupter, TrainingError};
use models::{LanguageModelConfig, LayerConfig, LmMetadata};
use ranks::{Ranks, RanksError, Threads};
use trainer::{
    AdamConfig, Checkpoints, Error, Job, Observer, ObserverResult, Outcome, Result, RunIdentity, StartFrom, StepReport,
    StopFlag, StopReason, TrainConfig, train,
};

use super::common::*;
use super::documents;

/// No test waits that long.
const LIMIT: Duration = Duration::from_secs(60);

/// Calls `train` on `count` ranks that are threads. All but rank 0 get a directory that does not exist, in which nothing may
/// be written.
fn on_ranks(
    count: usize,
    run_dir: &Path,
    train: impl Fn(&Path, Arc<dyn Ranks>) -> Result<Outcome> + Sync,
) -> Vec<Result<Outcome>> {
    let train = &train;
    let train_on = move |handle: Threads| {
        let other = run_dir.join(format!("of-rank-{}", handle.rank()));
        let directory = if handle.rank() == 0 { run_dir } else { &other };
        let handle: Arc<dyn Ranks> = Arc::new(handle);
        let outcome = train(directory, handle.clone())?;
        handle.finish()?;
        assert!(!other.exists());
        Ok(outcome)
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            Threads::new(count, LIMIT).into_iter().map(|rank| scope.spawn(|| train_on(rank))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Starts or resumes a run on `count` ranks; `with` adds observers and others on each.
fn run_on(
    count: usize,
    run_dir: &Path,
    config: &TrainConfig,
    resume: bool,
    with: impl Fn(Job) -> Job + Sync,
) -> Vec<Result<Outcome>> {
    on_ranks(count, run_dir, |directory, ranks| run_with(directory, config, 1, resume, |job| with(job.ranks(ranks))))
}

/// The outcome of all ranks, which must be the same.
fn same(outcomes: Vec<Result<Outcome>>) -> Outcome {
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(Result::unwrap).collect();
    let first = outcomes.remove(0);
    for other in outcomes {
        assert_eq!(without_times(&other.progress), without_times(&first.progress));
        assert_eq!((other.stop_reason, &other.best.metadata), (first.stop_reason, &first.best.metadata));
        let weights = |outcome: &Outcome| models::serialize::weights_to_bytes(&outcome.best.model).unwrap();
        assert!(weights(&other) == weights(&first));
    }
    first
}

/// Windows, of which the last batch of a pass has fewer than shards, and streams with clipping and averaging; both with
/// dropout, also of recurrent weights.
fn configs(epochs: usize) -> [(TrainConfig, &'static [&'static str]); 2] {
    let windows = dataset(1).train_windows().len();
    let batch_size = (8..64).step_by(4).find(|size| (1..4).contains(&(windows % size))).unwrap();
    [
        (config(epochs).batch_size(batch_size).shards(4), &["weights.bpk", "optimizer.bpk"]),
        (tbptt(epochs).shards(4), &["weights.bpk", "optimizer.bpk", "trained.bpk"]),
    ]
}

#[test]
fn the_weights_are_the_same_for_every_number_of_ranks() {
    for (config, files) in configs(2) {
        let folder = tempfile::tempdir().unwrap();
        let run_on = |count: usize| {
            let run_dir = folder.path().join(format!("{count}"));
            (same(run_on(count, &run_dir, &config, false, |job| job)), run_dir)
        };
        let (alone, run_dir) = run_on(1);
        let losses: Vec<f64> = alone.progress.epochs.iter().map(|report| report.train_loss_nats_per_token).collect();
        assert!(losses[1] < losses[0], "nothing was learned: {losses:?}");
        for count in [2, 4] {
            let (outcome, other) = run_on(count);
            assert_eq!(without_times(&outcome.progress), without_times(&alone.progress), "{count} ranks");
            assert_same_bytes(&run_dir, &other, alone.progress.steps, files);
        }
    }
}

#[test]
fn a_run_is_continued_by_another_number_of_ranks() {
    for (config, files) in configs(2) {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = same(run_on(2, &full, &config, false, |job| job));
        let (steps, epoch) = (outcome.progress.steps, outcome.progress.steps_per_epoch());
        for (at_step, [before, after]) in [(2, [4, 1]), (epoch, [1, 2]), (epoch + 1, [2, 4]), (epoch + 1, [2, 2])] {
            let parts = folder.path().join(format!("{at_step}-{before}-{after}"));
            let part = same(run_on(before, &parts, &config, false, |job| {
                let stop = StopFlag::default();
                let stop_at = Some((at_step, stop.clone()));
                job.stop_flag(stop).observer(Recorder { stop_at, ..Recorder::default() })
            }));
            assert!(matches!(part.stop_reason, StopReason::Requested { .. }), "{:?}", part.stop_reason);
            // Several ranks know of the request after the next step.
            let last = if before == 1 { at_step } else { at_step + 1 };
            assert!((at_step..=last).contains(&part.progress.steps), "{} of {last}", part.progress.steps);
            let resumed = same(run_on(after, &parts, &config, true, |job| job));
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            assert_same_bytes(&full, &parts, steps, files);
            let file = |run: &Path| std::fs::read(run.join("weights.bpk")).unwrap();
            assert!(file(&full) == file(&parts), "the model differs after a stop at {at_step}");
        }
    }
}

/// Ends rank 1 with an error after a step of rank 0.
struct LoseRank1(Interrupter);

impl Observer for LoseRank1 {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if step.step_of_run == 5 {
            let cause = std::io::Error::other("the disk is full");
            self.0.fail(TrainingError::Dataset(DatasetError::new(cause)));
        }
        Ok(())
    }
}

#[test]
fn a_lost_rank_ends_the_run_which_is_resumed_from_its_checkpoint() {
    let (config, files) = configs(2).into_iter().nth(1).unwrap();
    let config = config.clone().checkpoint_policy(config.checkpoint_policy.every_steps(2));
    let folder = tempfile::tempdir().unwrap();
    let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
    let outcome = same(run_on(4, &full, &config, false, |job| job));
    let interrupter = Interrupter::new();
    let results = on_ranks(4, &parts, |directory, ranks| {
        let rank = ranks.rank();
        run_with(directory, &config, 1, false, |job| match rank {
            0 => job.ranks(ranks).observer(LoseRank1(interrupter.clone())),
            1 => job.ranks(ranks).interrupter(interrupter.clone()),
            _ => job.ranks(ranks),
        })
    });
    for (rank, result) in results.iter().enumerate() {
        let error = result.as_ref().unwrap_err();
        match rank {
            1 => assert!(error.to_string().contains("the disk is full"), "{error}"),
            _ => assert!(matches!(error, Error::Ranks(RanksError::Lost { rank: 1, .. })), "{error}"),
        }
    }
    let newest = Checkpoints::of(&parts).progress().unwrap().unwrap().steps;
    assert!((4..outcome.progress.steps).contains(&newest), "{newest}");
    same(run_on(2, &parts, &config, true, |job| job));
    assert_same_bytes(&full, &parts, outcome.progress.steps, files);
}

#[test]
fn a_rollback_is_the_same_on_all_ranks() {
    let config = tbptt(2).shards(4).warm_up_steps(2).optimizer(AdamConfig::default()).clip(None);
    let config = config.clone().checkpoint_policy(config.checkpoint_policy.every_steps(1));
    let folder = tempfile::tempdir().unwrap();
    // The first learning rate with which the run diverges, but not until it gives up.
    let diverging = [8.0, 12.0, 18.0, 27.0, 40.0].into_iter().find_map(|rate| {
        let (config, run_dir) = (config.clone().learning_rate(rate), folder.path().join(format!("{rate}")));
        let outcome = run_on(1, &run_dir, &config, false, |job| job).remove(0).ok()?;
        (outcome.progress.halvings > 0).then_some((config, run_dir, outcome))
    });
    let (config, one, outcome) = diverging.expect("a run that diverges");
    let two = folder.path().join("two");
    let other = same(run_on(2, &two, &config, false, |job| job));
    assert_eq!(without_times(&other.progress), without_times(&outcome.progress));
    assert_same_bytes(&one, &two, outcome.progress.steps, &["weights.bpk", "optimizer.bpk"]);
}

#[test]
fn documents_with_labels_have_the_same_weights_on_every_number_of_ranks() {
    let dataset = documents::dataset(60);
    for (config, files) in configs(1) {
        let folder = tempfile::tempdir().unwrap();
        let run_on = |count: usize| {
            let run_dir = folder.path().join(format!("{count}"));
            let train = |directory: &Path, ranks| {
                documents::run_with(directory, &dataset, &config, false, |job| job.ranks(ranks))
            };
            (same(on_ranks(count, &run_dir, train)), run_dir)
        };
        let (alone, run_dir) = run_on(1);
        let (_, other) = run_on(4);
        assert_same_bytes(&run_dir, &other, alone.progress.steps, files);
    }
}

#[test]
fn ranks_that_cannot_train_together_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let error = |config: &TrainConfig, count, with: &(dyn Fn(usize) -> TrainConfig + Sync)| {
        let results = on_ranks(count, &folder.path().join("run"), |directory, ranks| {
            let config = if ranks.rank() == 0 { config.clone() } else { with(ranks.rank()) };
            run_with(directory, &config, 1, false, |job| job.ranks(ranks))
        });
        results.into_iter().next().unwrap().unwrap_err().to_string()
    };
    let four = tbptt(1).shards(4);
    let divided = error(&four, 3, &|_| four.clone());
    assert!(divided.contains("4 shards cannot be divided over 3 ranks"), "{divided}");
    let other = error(&four, 2, &|_| four.clone().seed(6));
    assert!(other.contains("rank 1") && other.contains("a configuration that differs"), "{other}");
    assert!(!folder.path().join("run").exists());
}

#[test]
fn shards_have_the_loss_of_the_whole_batch_but_for_rounding() {
    let (dataset, device) = (dataset(1), Device::flex());
    let model_config = LanguageModelConfig::new(dataset.tokenizer.vocabulary.len(), 8, vec![LayerConfig::lstm(12)]);
    for whole in [config(1).optimizer(AdamConfig::default()), tbptt(1)] {
        let whole = whole.steps_per_epoch(50).warm_up_steps(0);
        let loss = |shards: usize| {
            let folder = tempfile::tempdir().unwrap();
            let config = whole.clone().shards(shards);
            let model = model_config.init(config.seed, &device).unwrap();
            let metadata = LmMetadata::new(model_config.clone(), 4, config.seed, dataset.valid_sha256());
            let identity = RunIdentity::new(dataset.tokenizer.clone(), metadata);
            let job = Job::new(&dataset, &config, identity, folder.path(), &device);
            let outcome = train(job, StartFrom::Model(Box::new(model))).unwrap();
            assert_eq!(outcome.progress.steps, 50);
            let report = outcome.progress.epochs[0];
            [report.train_loss_nats_per_token, report.valid_loss_nats_per_token]
        };
        let [one, four] = [1, 4].map(loss);
        for (one, four) in one.into_iter().zip(four) {
            assert!((one - four).abs() <= 1e-5 * one, "{one} {four}");
        }
    }
}

#[test]
fn a_run_keeps_its_number_of_shards() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &tbptt(1).shards(2), 1, false).0.unwrap();
    let error = run(folder.path(), &tbptt(2).shards(4), 1, true).0.unwrap_err().to_string();
    assert!(error.contains("shards") && error.contains("have changed"), "{error}");
}
