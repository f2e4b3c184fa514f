//! Burn's metric pipeline and interrupter: loggers and renderers receive every metric, and an interrupter ends the run.

mod common;

use std::error::Error as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::data::dataset::DatasetError;
use burn::train::logger::{EvaluationProgressLogger, MetricLogger, TrainingProgressLogger};
use burn::train::metric::store::{EpochSummary, MetricsUpdate, Split};
use burn::train::metric::{MetricDefinition, NumericEntry};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};
use burn::train::{Interrupter, TrainingError};
use common::*;
use trainer::{AdamConfig, EpochReport, Error, Observer, ObserverResult, StepReport, StopReason};

/// One value of a metric.
#[derive(Clone, Debug)]
struct Value {
    metric: String,
    epoch: usize,
    split: Split,
    entry: NumericEntry,
    running: Option<NumericEntry>,
}

/// Keeps every value. All clones share them.
#[derive(Clone, Default)]
struct Log {
    values: Arc<Mutex<Vec<Value>>>,
    definitions: Arc<Mutex<Vec<MetricDefinition>>>,
    ended: Arc<Mutex<Vec<(Split, usize)>>>,
}

impl MetricLogger for Log {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        assert!(update.entries.is_empty(), "every metric is numeric");
        let definitions = self.definitions.lock().unwrap();
        for value in update.entries_numeric {
            let is_its = |definition: &&MetricDefinition| definition.metric_id == value.entry.metric_id;
            let metric = definitions.iter().find(is_its).unwrap().name.to_string();
            let entry = value.numeric_entry.unwrap();
            // What a file logger writes is what a renderer draws. Burn writes the learning rate in another form.
            if metric != "Learning Rate" {
                assert_eq!(value.entry.serialized_entry.serialized, entry.serialize());
            }
            let running = value.running_entry;
            self.values.lock().unwrap().push(Value { metric, epoch, split: split.clone(), entry, running });
        }
    }

    fn read_numeric(&mut self, _: &str, _: usize, _: &Split) -> Result<Vec<NumericEntry>, String> {
        Ok(Vec::new())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.definitions.lock().unwrap().push(definition);
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        self.ended.lock().unwrap().push((summary.split, summary.epoch_number));
    }
}

impl Log {
    fn values(&self, metric: &str, epoch: usize, split: &Split) -> Vec<Value> {
        let values = self.values.lock().unwrap();
        let is_wanted = |value: &&Value| (value.metric.as_str(), value.epoch, &value.split) == (metric, epoch, split);
        values.iter().filter(is_wanted).cloned().collect()
    }

    /// The value of every step or batch.
    fn steps(&self, metric: &str, epoch: usize, split: &Split) -> Vec<f64> {
        let values = self.values(metric, epoch, split);
        let steps = values.iter().filter(|value| !matches!(value.entry, NumericEntry::Final(_)));
        steps.map(|value| value.entry.current()).collect()
    }

    /// The value for the epoch.
    fn last(&self, metric: &str, epoch: usize, split: &Split) -> f64 {
        match self.values(metric, epoch, split).last().map(|value| value.entry.clone()) {
            Some(NumericEntry::Final(value)) => value,
            other => panic!("{metric} of epoch {epoch} ends with {other:?}"),
        }
    }

    /// The names of all metrics of a split.
    fn names(&self, split: &Split) -> Vec<String> {
        let values = self.values.lock().unwrap();
        let mut names: Vec<String> = values.iter().filter(|v| &v.split == split).map(|v| v.metric.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn assert_epoch(&self, report: &EpochReport) {
        let train = |metric| self.last(metric, report.epoch, &Split::Train);
        let valid = |metric| self.last(metric, report.epoch, &Split::Valid);
        assert_eq!(train("Loss"), report.train_loss_nats_per_token);
        assert_eq!(train("Perplexity"), report.train_loss_nats_per_token.exp());
        assert_eq!(train("Tokens per second"), report.tokens_per_second);
        assert_eq!(valid("Loss"), report.valid_loss_nats_per_token);
        assert_eq!(valid("Perplexity"), report.valid_perplexity());
        assert_eq!(valid("Accuracy"), report.valid_accuracy);
    }
}

/// Keeps every step.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<StepReport>>>);

impl Observer for Steps {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        self.0.lock().unwrap().push(*step);
        Ok(())
    }
}

#[test]
fn a_logger_receives_every_metric_of_every_step_and_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (log, second, steps) = (Log::default(), Log::default(), Steps::default());
    let outcome = run_with(folder.path(), &tbptt(2), 1, false, |job| {
        job.metric_logger(log.clone()).metric_logger(second.clone()).observer(steps.clone())
    });
    let progress = outcome.unwrap().progress;
    assert_eq!(progress.epochs.len(), 2);

    let mut train = vec!["Learning Rate", "Loss", "Memory", "Perplexity", "Tokens per second"];
    if !Path::new("/proc/self/status").exists() {
        train.retain(|name| *name != "Memory");
    }
    assert_eq!(log.names(&Split::Train), train);
    assert_eq!(log.names(&Split::Valid), ["Accuracy", "Loss", "Perplexity"]);
    let reports = steps.0.lock().unwrap().clone();
    for report in &progress.epochs {
        log.assert_epoch(report);
        second.assert_epoch(report);
        let of_epoch: Vec<&StepReport> = reports.iter().filter(|step| step.epoch == report.epoch).collect();
        let losses: Vec<f64> = of_epoch.iter().map(|step| step.step_loss_nats_per_token).collect();
        let rates: Vec<f64> = of_epoch.iter().map(|step| step.learning_rate).collect();
        assert_eq!(log.steps("Loss", report.epoch, &Split::Train), losses);
        assert_eq!(log.steps("Learning Rate", report.epoch, &Split::Train), rates);
        // The mean so far.
        let running = log.values("Loss", report.epoch, &Split::Train);
        let running = running.iter().filter_map(|value| value.running.as_ref().map(NumericEntry::current));
        let expected = of_epoch.iter().map(|step| step.loss_nats_per_token);
        assert!(running.eq(expected));
        if train.contains(&"Memory") {
            let memory = log.last("Memory", report.epoch, &Split::Train);
            assert!((1.0..1e6).contains(&memory), "{memory} MB");
        }
    }
    let ends = |epoch| [(Split::Train, epoch), (Split::Valid, epoch)];
    assert_eq!(*log.ended.lock().unwrap(), [ends(1), ends(2)].concat());
}

#[test]
fn after_a_resume_within_an_epoch_its_metrics_are_those_of_the_whole_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let steps = run(&folder.path().join("full"), &config(2), 1, false).0.unwrap().progress.steps_per_epoch();
    let parts = folder.path().join("parts");
    run_until(&parts, &config(2), false, steps + 2);
    let log = Log::default();
    let outcome = run_with(&parts, &config(2), 1, true, |job| job.metric_logger(log.clone())).unwrap();
    log.assert_epoch(&outcome.progress.epochs[1]);
    assert_eq!(log.steps("Loss", 2, &Split::Train).len() as u64, steps - 2);
    assert!(log.values("Loss", 1, &Split::Train).is_empty());
}

#[test]
fn without_listeners_burn_writes_no_files() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(1), 1, false).0.unwrap();
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut directories: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains('.'))
        .collect();
    directories.sort_unstable();
    assert_eq!(directories, ["checkpoints"]);
}

/// Counts what it is to display.
#[derive(Clone, Default)]
struct Screen {
    lines: Arc<Mutex<Vec<String>>>,
    updates: Arc<Mutex<[usize; 3]>>,
    /// Stopped at the first training step.
    interrupter: Option<Interrupter>,
}

impl Screen {
    fn add(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
}

impl MetricsRendererTraining for Screen {
    fn update_train(&mut self, _: MetricState) {
        self.updates.lock().unwrap()[0] += 1;
    }

    fn update_valid(&mut self, _: MetricState) {
        self.updates.lock().unwrap()[1] += 1;
    }
}

impl MetricsRendererEvaluation for Screen {
    fn update_test(&mut self, _: EvaluationName, _: MetricState) {}
}

impl MetricsRenderer for Screen {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.add(format!("metric {}", definition.name));
    }
}

impl TrainingProgressLogger for Screen {
    fn start(&mut self, epochs: usize, first: usize, _: Option<usize>, _: Option<&str>) {
        self.add(format!("epochs {first} to {epochs}"));
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.add(format!("epoch {epoch} done"));
    }

    fn start_split(&mut self, split: &str, _items: usize) {
        self.add(format!("{split} starts"));
    }

    fn update_split(&mut self, _items: usize) {
        self.updates.lock().unwrap()[2] += 1;
        if let Some(interrupter) = &self.interrupter {
            interrupter.stop(Some("seen enough"));
        }
    }

    fn end_split(&mut self) {
        self.add("split ends".into());
    }

    fn end(&mut self) {
        self.add("end".into());
    }

    fn log_event_training(&mut self, _: String) {}
}

impl EvaluationProgressLogger for Screen {
    fn start_global_progress(&mut self, _: usize) {}
    fn start_test(&mut self, _: &str, _: usize) {}
    fn update_test_progress(&mut self, _: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _: String) {}
}

#[test]
fn a_renderer_receives_metrics_and_progress() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(folder.path(), &config(1), 1, false).0.unwrap();
    let steps = outcome.progress.steps_per_epoch() as usize;
    // Resumed for a second epoch.
    let screen = Screen::default();
    run_with(folder.path(), &config(2), 1, true, |job| job.renderer(Box::new(screen.clone()))).unwrap();
    let lines = screen.lines.lock().unwrap().clone();
    let metrics = lines.iter().take_while(|line| line.starts_with("metric ")).count();
    assert!(metrics >= 5 && lines.contains(&"metric Accuracy".to_string()), "{lines:?}");
    let expected = ["epochs 2 to 2", "train starts", "split ends", "valid starts", "split ends", "epoch 2 done", "end"];
    assert_eq!(lines[metrics..], expected);
    let [train, valid, split] = *screen.updates.lock().unwrap();
    // Every metric but accuracy once per step, and once for the epoch.
    assert_eq!(train, (metrics - 1) * (steps + 1));
    assert_eq!(valid % 3, 0);
    assert_eq!(split, steps + valid / 3 - 1);
}

#[test]
fn after_a_rollback_the_epoch_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let policy = config(1).checkpoint_policy.every_steps(2);
    let diverging =
        config(1).learning_rate(8.0).warm_up_steps(0).optimizer(AdamConfig::default()).checkpoint_policy(policy);
    let (log, screen) = (Log::default(), Screen::default());
    let outcome = run_with(folder.path(), &diverging, 1, false, |job| {
        job.metric_logger(log.clone()).renderer(Box::new(screen.clone()))
    });
    let progress = outcome.unwrap().progress;
    assert!(progress.halvings > 0, "nothing diverged");
    log.assert_epoch(&progress.epochs[0]);
    let lines = screen.lines.lock().unwrap().clone();
    let count = |wanted: &str| lines.iter().filter(|line| *line == wanted).count();
    assert!(count("train starts") > 1, "{lines:?}");
    assert_eq!(count("train starts") + count("valid starts"), count("split ends"), "{lines:?}");
}

/// Uses the interrupter after a step.
struct InterruptAt(u64, Box<dyn Fn() + Send>);

impl Observer for InterruptAt {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if step.step_of_run == self.0 {
            (self.1)();
        }
        Ok(())
    }
}

#[test]
fn an_interrupter_stops_the_run_which_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
    let steps = run(&full, &config(2), 1, false).0.unwrap().progress.steps;
    // By the caller.
    let interrupter = Interrupter::new();
    let handle = interrupter.clone();
    let observer = InterruptAt(3, Box::new(move || handle.stop(Some("enough"))));
    let stopped = run_with(&parts, &config(2), 1, false, |job| job.interrupter(interrupter).observer(observer));
    let stopped = stopped.unwrap();
    assert!(matches!(stopped.stop_reason, StopReason::Requested { .. }), "{:?}", stopped.stop_reason);
    assert_eq!(stopped.progress.steps, 3);
    // By the renderer, in another thread.
    let interrupter = Interrupter::new();
    let screen = Screen { interrupter: Some(interrupter.clone()), ..Screen::default() };
    let stopped =
        run_with(&parts, &config(2), 1, true, |job| job.interrupter(interrupter).renderer(Box::new(screen))).unwrap();
    assert!(matches!(stopped.stop_reason, StopReason::Requested { .. }), "{:?}", stopped.stop_reason);
    assert!(stopped.progress.steps > 3 && stopped.progress.steps < steps, "{}", stopped.progress.steps);

    let resumed = run(&parts, &config(2), 1, true).0.unwrap();
    assert_eq!(resumed.stop_reason, StopReason::Finished);
    assert_same_bytes(&full, &parts, steps, &["weights.bpk", "optimizer.bpk"]);
}

#[test]
fn an_error_given_to_the_interrupter_ends_the_run_and_is_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let interrupter = Interrupter::new();
    let handle = interrupter.clone();
    let fail = move || {
        let cause = std::io::Error::other("the disk is full");
        handle.fail(TrainingError::Dataset(DatasetError::new(cause)));
    };
    let observer = InterruptAt(2, Box::new(fail));
    let result = run_with(folder.path(), &config(1), 1, false, |job| job.interrupter(interrupter).observer(observer));
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Training(_)) && error.to_string().contains("the disk is full"), "{error}");
    let mut source = error.source();
    let found = std::iter::from_fn(|| {
        let current = source?;
        source = current.source();
        Some(current.is::<std::io::Error>())
    });
    assert!(found.into_iter().any(|is_cause| is_cause), "the source is lost");
}
