//! A rank other than 0: it trains what rank 0 announces, and neither prints nor writes anything.

use std::path::Path;
use std::process::ExitCode;

use args::{ConfigArgs, Train};
use burn::tensor::Device;
use trainer::{Job, RunIdentity, StartFrom, StopFlag, StopReason, train};

use crate::config::{AnyConfig, ConfigFile, QaExperiment};
use crate::device::BackendSelection;
use crate::error::Result;
use crate::output;
use crate::run::experiment::Experiment;
use crate::run::init::{self, CONFIG};
use crate::run::ranks::{Announcement, TrainRanks};
use crate::run::signals::{self, EXIT_INTERRUPTED};

/// Takes part in the run of rank 0.
///
/// # Errors
/// If the text or the model that the run starts from cannot be read here, or another rank is lost.
pub fn run(args: &Train, backend: &BackendSelection, ranks: &TrainRanks) -> Result<ExitCode> {
    output::be_quiet();
    let Some(Announcement { config, run, is_resumed, backend: name }) = ranks.receive()? else {
        return Ok(ExitCode::SUCCESS);
    };
    let backend = &backend.for_run(&args.backend, &name, None)?;
    let device = &backend.open()?;
    let config = ConfigFile::of_text(config, Path::new(CONFIG)).with_changes(&ConfigArgs::default())?;
    let stop_reason = match config.saved_in(&run) {
        AnyConfig::LanguageModel(config) if is_resumed => {
            take_part(&init::resumed_experiment(&run, *config)?, &run, device, backend, ranks)
        }
        AnyConfig::LanguageModel(config) => {
            take_part(&init::inspected_experiment(*config)?, &run, device, backend, ranks)
        }
        AnyConfig::Questions(config) => take_part(&QaExperiment::new(*config)?, &run, device, backend, ranks),
    };
    Ok(match stop_reason? {
        StopReason::Requested { .. } => ExitCode::from(EXIT_INTERRUPTED),
        StopReason::Finished | StopReason::EarlyStopping => ExitCode::SUCCESS,
    })
}

fn take_part<C: Experiment>(
    experiment: &C,
    run: &Path,
    device: &Device,
    backend: &BackendSelection,
    ranks: &TrainRanks,
) -> Result<StopReason> {
    let stop = StopFlag::default();
    signals::stop_run(&stop)?;
    let identity = RunIdentity::new(experiment.tokenizer().clone(), experiment.metadata());
    let job = Job::<C::Network>::new(experiment.data(), experiment.train_config(), identity, run, device)
        .kernels(backend.kernels())
        .stop_flag(stop)
        .ranks(ranks.begin_training()?);
    Ok(train(job, StartFrom::Checkpoint)?.stop_reason)
}
