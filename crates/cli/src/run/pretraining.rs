//! The pretraining of a question model, which is a run of its own in the directory of the run.

use std::time::Instant;

use qa::QuestionModel;
use qa::model::PassageModel;
use qa::pretrain::Pretraining;
use trainer::{EpochReport, Observer, ObserverResult};

use crate::config::QaExperiment;
use crate::error::Result;
use crate::observers::metrics_file::MetricsFile;
use crate::output::status;
use crate::run::directory::PRETRAINING;
use crate::run::experiment::RunContext;
use crate::view::format::{counted, decimals};

/// `model` with the weights of a language model of the passages, if the configuration has one; `None` if a stop was requested
/// meanwhile.
///
/// # Errors
/// If the language model cannot be trained.
pub fn pretrain(
    experiment: &QaExperiment,
    model: QuestionModel,
    context: &RunContext,
) -> Result<Option<QuestionModel>> {
    let Some(data) = &experiment.passages else { return Ok(Some(model)) };
    let config = experiment.config.pretraining.config();
    let epochs = config.epochs;
    let directory = &context.run.join(PRETRAINING);
    durable::directory::create(directory)?;
    let count = data.train.all.len();
    status(&format!("pretraining on {} for {}", counted(count, "sentence"), counted(epochs, "epoch")));
    let pretraining = Pretraining {
        data,
        model: &experiment.model,
        config,
        seed: experiment.config.seed,
        tokenizer: &experiment.dataset.tokenizer,
        directory,
        device: context.setup.device,
        kernels: context.setup.backend.kernels(),
        lock: Some(context.lock),
        stop: context.stop,
    };
    let observers: Vec<Box<dyn Observer<PassageModel>>> =
        vec![Box::new(MetricsFile::new(directory)), Box::new(EpochLines { epochs, began: Instant::now() })];
    let pretrained = pretraining.run(model, observers)?;
    if pretrained.is_none() {
        let name = context.run.display();
        status(&format!(
            "stopped in pretraining and saved; resume with: cargo xtask train --resume {name} --backend {} (or pastiche …)",
            context.setup.backend.name()
        ));
    }
    Ok(pretrained)
}

/// Prints the losses of each epoch.
struct EpochLines {
    epochs: usize,
    began: Instant,
}

impl Observer<PassageModel> for EpochLines {
    fn on_epoch_end(&mut self, report: &EpochReport, _model: &PassageModel) -> ObserverResult {
        status(&format!(
            "pretraining epoch {}/{}: train loss {}, valid loss {}, {} s since the start",
            report.epoch,
            self.epochs,
            decimals(report.train_loss_nats_per_token, 3),
            decimals(report.valid_loss_nats_per_token, 3),
            self.began.elapsed().as_secs()
        ));
        Ok(())
    }
}
