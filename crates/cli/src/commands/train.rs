//! `train`: from a configuration to a run directory, or on from a checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use args::{ConfigArgs, Train};
use burn::tensor::Device;
use models::artifact::write_atomically;
use models::{About, Context, LanguageModel};
use trainer::{Checkpoints, Identity, Method, Observer, Outcome, Start, train};

use super::{print, warn};
use crate::config::{Config, Resolved, read};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::metrics_file::MetricsFile;
use crate::progress::Progress;
use crate::run_dir;
use crate::samples_file::SamplesFile;
use crate::speaker::Speaker;
use crate::spelling;
use crate::vectors::Vectors;

/// The configuration's name in a run directory.
pub const CONFIG: &str = "config.toml";

/// Runs the command.
pub fn run(args: &Train, choice: &Choice) -> Result<()> {
    let (config, name) = match &args.resume {
        None => read(&args.config)?,
        Some(run) => {
            let config = Some(last_config(run)?);
            read(&ConfigArgs { config, ..args.config.clone() }).map_err(|error| {
                Error::new(format!("{} cannot be resumed: {error}", run.display()))
            })?
        }
    };
    if let Some(run) = &args.resume {
        same_vectors(run, &config)?;
    }
    let resolved = Resolved::new(config)?;
    warn(&resolved.warnings);
    let device = choice.open()?;
    let run = match &args.resume {
        Some(run) => run.clone(),
        None => run_dir::create(args.out.as_deref(), &name)?,
    };
    let outcome = learn(args, &resolved, &run, &device, choice.name());
    let kept_nothing = || Checkpoints::of(&run).epochs().is_ok_and(|epochs| epochs.is_empty());
    if outcome.is_err() && args.resume.is_none() && kept_nothing() {
        // A run that kept nothing leaves nothing behind.
        let _ = std::fs::remove_dir_all(&run);
    }
    report(&resolved, &run, &outcome?, &device)
}

/// The configuration that the run had when it was last saved: its goal may have been moved since it
/// began.
fn last_config(run: &Path) -> Result<PathBuf> {
    if !run.join(CONFIG).is_file() {
        return Err(Error::new(format!(
            "{} is no run: it does not exist or holds no {CONFIG}; expected a directory such as \
             runs/lstm-1",
            run.display()
        )));
    }
    let checkpoints = Checkpoints::of(run);
    let saved = checkpoints.epochs()?.last().map(|&epoch| checkpoints.path(epoch).join(CONFIG));
    Ok(saved.filter(|path| path.exists()).unwrap_or_else(|| run.join(CONFIG)))
}

/// Refuses word vectors that the run did not begin with: its weights are those of its checkpoint.
fn same_vectors(run: &Path, now: &Config) -> Result<()> {
    let args = ConfigArgs { config: Some(last_config(run)?), ..ConfigArgs::default() };
    let (before, _) = read(&args)?;
    match before.model.vectors == now.model.vectors {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{} cannot be resumed: `model.vectors` has changed, and vectors are read at a run's \
             beginning only; leave it as it was, or start anew",
            run.display()
        ))),
    }
}

fn learn(
    args: &Train,
    resolved: &Resolved,
    run: &Path,
    device: &Device,
    backend: &str,
) -> Result<Outcome> {
    let toml = resolved.to_toml();
    if args.resume.is_none() {
        write_atomically(&run.join(CONFIG), toml.as_bytes())?;
    }
    let prepared = &resolved.prepared;
    let about = About {
        model: resolved.model.clone(),
        window: resolved.config.windows.length,
        seed: resolved.config.seed,
        epochs: 0,
        valid_loss_window: None,
        valid_loss_carried: None,
        valid_sha256: prepared.valid_sha256(),
    };
    let tokenizer = prepared.tokenizer.clone();
    let speaker = Speaker {
        tokenizer: tokenizer.clone(),
        about: about.clone(),
        context: match resolved.train.method {
            Method::Windows => Context::Window,
            Method::EveryStep { .. } => Context::Carried,
        },
        device: device.clone(),
        tokens: resolved.config.samples.tokens,
    };
    let done = match args.resume {
        Some(_) => Checkpoints::of(run).epochs()?.last().copied().unwrap_or(0),
        None => 0,
    };
    let observers: Vec<Box<dyn Observer>> = vec![
        Box::new(MetricsFile::new(run, done)),
        Box::new(SamplesFile::new(run, done, speaker.clone())),
        Box::new(Progress::new(speaker, args.plain)),
    ];
    let (name, epochs) = (run.display(), resolved.train.epochs);
    match done {
        0 => eprintln!("training {name} on {backend}"),
        _ if done > epochs => {
            return Err(Error::new(format!(
                "{name} has finished {done} epochs, `train.epochs` is {epochs}: name a number above \
                 {done} to go on"
            )));
        }
        _ if done == epochs => eprintln!(
            "{name} has finished all {epochs} epochs; `--set train.epochs=N` with a larger N goes on"
        ),
        _ => eprintln!("going on with {name} after epoch {done} on {backend}"),
    }
    let extra = BTreeMap::from([(CONFIG.to_string(), toml.into_bytes())]);
    let identity = Identity { tokenizer, about, extra };
    let start = match args.resume {
        Some(_) => Start::Resume,
        None => Start::Fresh(Box::new(fresh(resolved, device)?)),
    };
    let observer = Box::new(observers);
    Ok(train(prepared, &resolved.train, identity, run, start, device, observer)?)
}

/// The model as the seed draws it, with pretrained vectors where the configuration names them.
fn fresh(resolved: &Resolved, device: &Device) -> Result<LanguageModel> {
    let model = resolved.model.init(resolved.config.seed, device)?;
    match Vectors::read(resolved)? {
        None => Ok(model),
        Some(vectors) => {
            eprintln!("word vectors cover {}", vectors.coverage());
            vectors.fill(model)
        }
    }
}

fn report(resolved: &Resolved, run: &Path, outcome: &Outcome, device: &Device) -> Result<()> {
    let about = &outcome.best.about;
    let unigram = resolved.prepared.unigram_nats_per_token();
    let choice = match about.context() {
        Context::Carried => "carried",
        Context::Window => "window",
    };
    let losses = [("by window", about.valid_loss_window), ("carried", about.valid_loss_carried)];
    let losses: Vec<String> = losses
        .iter()
        .filter_map(|(how, loss)| loss.map(|loss| format!("{loss:.3} {how}")))
        .collect();
    eprintln!(
        "best epoch {}: validation loss {} nats a token; guessing by token counts alone costs \
         {unigram:.3}",
        about.epochs,
        losses.join(", ")
    );
    eprintln!("`generate` will use `--context {choice}`");
    if let Some(said) = spelling::judge(&resolved.prepared, &outcome.best, run, device)? {
        eprintln!("{said}");
    }
    let model = run.display();
    eprintln!("write with: cargo xtask generate --model {model} (or pastiche generate …)");
    print(&format!("{}\n", run.display()))
}
