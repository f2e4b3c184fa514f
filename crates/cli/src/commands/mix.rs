//! `--mix`: the mixture of a model with the n-grams of its training text.

use std::path::Path;

use args::Mix;
use burn::tensor::Device;
use generate::{Losses, Mixture, MixtureEvaluation, NgramOrder};
use models::bundle::NGRAM_COUNTS;
use models::{LmBundle, StateMode};
use seqdata::TextDataset;
use trainer::Checkpoints;

use super::load_model_of;
use super::own_text::own_text;
use crate::base::is_base;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::output::{columns, warn};
use crate::report::mixture_report::fit_mixture;
use crate::run::init::check_was_trained;
use crate::view::format::decimals;

/// What makes a model with damaged counts usable.
const WITHOUT: &str = "or use `--mix none`";

/// Loads the model that was given with `--model`; with `--mix none` without its n-gram counts, which may be damaged.
///
/// # Errors
/// If it cannot be loaded.
pub fn load_model(
    option: Option<Mix>,
    directory: &Path,
    backend: &BackendSelection,
    device: &Device,
) -> Result<LmBundle> {
    if is_base(directory) {
        return super::load_model(directory, backend, device);
    }
    let unread: &[&str] = if option == Some(Mix::None) { &[NGRAM_COUNTS] } else { &[] };
    load_model_of("--model", directory, unread, backend, device)
        .map_err(|error| if error.model_file() == Some(NGRAM_COUNTS) { error.with_hint(Some(WITHOUT)) } else { error })
}

/// The mixture that is saved with the model in `directory`, unless the option is against it.
fn saved(option: Option<Mix>, bundle: &LmBundle, directory: &Path) -> Result<Option<Mixture>> {
    if option == Some(Mix::None) {
        return Ok(None);
    }
    let mixture = Mixture::of(bundle).map_err(|error| {
        let advice = format!("{}, {WITHOUT}", advice(directory));
        Error::from(error).with_hint(Some(&advice))
    })?;
    if mixture.is_none() && !is_base(directory) && directory.join(NGRAM_COUNTS).exists() {
        warn(&[format!(
            "{} is not used, because the manifest of the model does not list it: delete it, or {}",
            directory.join(NGRAM_COUNTS).display(),
            advice(directory)
        )]);
    }
    Ok(mixture)
}

/// What to do for n-grams of the model in `directory`, which has none.
fn advice(directory: &Path) -> String {
    let run = Checkpoints::run_of(directory);
    let run = run.as_deref().unwrap_or(directory);
    let name = run.display();
    if is_base(directory) || check_was_trained(run, "").is_err() {
        format!("start a run that has them with `train --init-from {name} --text FILE --set ngrams.order=best`")
    } else {
        format!("add them to its finished run with `train --resume {name} --set ngrams.order=best`")
    }
}

/// The mixture that text is written with by the model in `directory`.
///
/// # Errors
/// If the option asks for n-grams that the model does not have, or their file is invalid.
pub fn for_writing(option: Option<Mix>, bundle: &LmBundle, directory: &Path) -> Result<Option<Mixture>> {
    let mixture = saved(option, bundle, directory)?;
    if mixture.is_none() && option == Some(Mix::Ngram) {
        bail!("`--mix ngram` is given, but the model has no n-gram counts: leave it out, or {}", advice(directory));
    }
    Ok(mixture)
}

/// The mixture that is evaluated: the saved one, or else the one that is made from the model's own text if the option asks for
/// it. `own` is this text, if it is in memory.
///
/// # Errors
/// If the file of the n-grams is invalid, the model's own text cannot be read, or the model cannot be evaluated on its
/// validation text.
pub fn for_evaluation(
    option: Option<Mix>,
    bundle: &LmBundle,
    directory: &Path,
    own: Option<&TextDataset>,
    mode: StateMode,
) -> Result<Option<Mixture>> {
    let mixture = saved(option, bundle, directory)?;
    if mixture.is_some() || option != Some(Mix::Ngram) {
        return Ok(mixture);
    }
    let read = match own {
        Some(_) => None,
        None if is_base(directory) => bail!(
            "`--mix ngram` is given, but the built-in base has no n-gram counts: leave it out, or {}",
            advice(directory)
        ),
        None => Some(own_text(bundle, directory, "or leave out `--mix ngram`, for which its n-grams are counted")?),
    };
    let dataset = own.or(read.as_ref().map(|own| &own.dataset)).expect("it was read");
    Ok(Some(fit_mixture(bundle, dataset, NgramOrder::Best, mode)?.0))
}

/// The evaluation as a table.
pub fn table(evaluation: &MixtureEvaluation) -> String {
    let MixtureEvaluation { protocol, order, network_weight, network, ngrams, mixture } = evaluation;
    let heading = ["", "nats/token", "perplexity", "bits per byte"].map(String::from);
    let row = |name: &str, losses: &Losses| {
        let bits = losses.bits_per_byte.map_or("–".into(), |bits| decimals(bits, 3));
        [name.into(), decimals(losses.loss_nats_per_token, 4), format!("{:.2}", losses.perplexity), bits]
    };
    let rows = [heading, row("network", network), row(&format!("{order}-grams"), ngrams), row("mixture", mixture)];
    let weight = decimals(*network_weight, 3);
    format!("\n{}\n{protocol}; the mean weight of the network is {weight}\n", columns(rows))
}
