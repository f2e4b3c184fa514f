//! The loggers and the renderer of Burn's metric pipeline: those that the caller has registered, or none. Without a
//! logger burn-train writes files, and without a renderer it prints.

use std::sync::mpsc::{Receiver, Sender, channel};

use burn::train::Interrupter;
use burn::train::logger::{EvaluationProgressLogger, MetricLogger, TrainingProgressLogger};
use burn::train::metric::store::{EpochSummary, MetricsUpdate, Split};
use burn::train::metric::{MetricDefinition, NumericEntry};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};

/// What the caller has registered with Burn.
pub(crate) struct Listeners {
    pub loggers: Vec<Box<dyn MetricLogger>>,
    pub renderer: Option<Box<dyn MetricsRenderer>>,
    pub interrupter: Interrupter,
}

impl Listeners {
    /// Whether anyone receives metrics.
    pub fn any(&self) -> bool {
        !self.loggers.is_empty() || self.renderer.is_some()
    }
}

/// Any number of loggers as one.
pub(crate) struct Loggers {
    loggers: Vec<Box<dyn MetricLogger>>,
    /// Dropped after the loggers.
    _closed: Sender<()>,
}

/// Waits for the loggers.
pub(crate) struct LoggersClosed(Receiver<()>);

impl Loggers {
    pub fn new(loggers: Vec<Box<dyn MetricLogger>>) -> (Self, LoggersClosed) {
        let (closed, receiver) = channel();
        (Self { loggers, _closed: closed }, LoggersClosed(receiver))
    }
}

impl LoggersClosed {
    /// Returns once the loggers have received every metric and are dropped. Burn's thread for them outlives the
    /// training.
    pub fn wait(self) {
        // Nothing is sent: an error means that the sender is dropped.
        let _ = self.0.recv();
    }
}

impl MetricLogger for Loggers {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        for logger in &mut self.loggers {
            logger.log(update.clone(), epoch, split);
        }
    }

    fn read_numeric(&mut self, name: &str, epoch: usize, split: &Split) -> Result<Vec<NumericEntry>, String> {
        match self.loggers.first_mut() {
            Some(logger) => logger.read_numeric(name, epoch, split),
            None => Ok(Vec::new()),
        }
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        for logger in &mut self.loggers {
            logger.log_metric_definition(definition.clone());
        }
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        for logger in &mut self.loggers {
            logger.log_epoch_summary(summary.clone());
        }
    }
}

/// Displays nothing.
pub(crate) struct NoRenderer;

impl MetricsRendererTraining for NoRenderer {
    fn update_train(&mut self, _state: MetricState) {}
    fn update_valid(&mut self, _state: MetricState) {}
}

impl MetricsRendererEvaluation for NoRenderer {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl MetricsRenderer for NoRenderer {
    fn manual_close(&mut self) {}
    fn register_metric(&mut self, _definition: MetricDefinition) {}
}

impl TrainingProgressLogger for NoRenderer {
    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}
    fn update_epoch(&mut self, _: usize) {}
    fn start_split(&mut self, _: &str, _: usize) {}
    fn update_split(&mut self, _: usize) {}
    fn end_split(&mut self) {}
    fn end(&mut self) {}
    fn log_event_training(&mut self, _: String) {}
}

impl EvaluationProgressLogger for NoRenderer {
    fn start_global_progress(&mut self, _: usize) {}
    fn start_test(&mut self, _: &str, _: usize) {}
    fn update_test_progress(&mut self, _: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _: String) {}
}
