//! `--mix`: the mixture of a model with the n-grams of its training text.

use args::Mix;
use generate::{EvaluationMode, LabelChoice, Losses, Mixture, MixtureEvaluation, NgramOrder};
use models::{LmBundle, StateMode};
use seqdata::{Sequence, TextDataset};

use crate::error::{Error, Result, bail};
use crate::long_task::LongTask;
use crate::output::columns;
use crate::report::mixture_report::fit_mixture;
use crate::view::format::decimals;

/// What keeps n-grams with a model.
const KEEP: &str = "add them to its finished run with `train --resume DIR --set ngrams.order=best`";

/// The mixture that is saved with the model, unless the option is against it.
///
/// # Errors
/// If the file of the n-grams is invalid.
pub fn saved(option: Option<Mix>, bundle: &LmBundle) -> Result<Option<Mixture>> {
    match option {
        Some(Mix::None) => Ok(None),
        Some(Mix::Ngram) | None => {
            Mixture::of(bundle).map_err(|error| Error::from(error).with_hint(Some("use `--mix none`")))
        }
    }
}

/// The mixture that text is written with.
///
/// # Errors
/// If the option asks for n-grams that the model does not have, or their file is invalid.
pub fn for_writing(option: Option<Mix>, bundle: &LmBundle) -> Result<Option<Mixture>> {
    let mixture = saved(option, bundle)?;
    if mixture.is_none() && option == Some(Mix::Ngram) {
        bail!("`--mix ngram` is given, but the model has no n-gram counts: leave it out, or {KEEP}");
    }
    Ok(mixture)
}

/// The mixture that is evaluated on the model's own text: the saved one, or else the one that is made from this text if the
/// option asks for it.
///
/// # Errors
/// If the file of the n-grams is invalid, or the model cannot be evaluated on the validation text.
pub fn for_own_text(
    option: Option<Mix>,
    bundle: &LmBundle,
    dataset: &TextDataset,
    mode: StateMode,
) -> Result<Option<Mixture>> {
    let mixture = saved(option, bundle)?;
    if mixture.is_some() || option != Some(Mix::Ngram) {
        return Ok(mixture);
    }
    fit_mixture(bundle, dataset, NgramOrder::Best, mode).map(Some)
}

/// The mixture that is evaluated on another text.
///
/// # Errors
/// As [`for_writing`].
pub fn for_other_text(option: Option<Mix>, bundle: &LmBundle) -> Result<Option<Mixture>> {
    let mixture = saved(option, bundle)?;
    if mixture.is_none() && option == Some(Mix::Ngram) {
        bail!(
            "`--mix ngram` is given with `--text`, but the model has no n-gram counts: leave `--text` out, so that they are \
             counted in the text of its run, or {KEEP}"
        );
    }
    Ok(mixture)
}

/// Evaluates the mixture, if there is one.
///
/// # Errors
/// If the model cannot be evaluated on the text.
pub fn evaluate(
    mixture: Option<&Mixture>,
    bundle: &LmBundle,
    sequence: &Sequence,
    unmapped: usize,
    labels: LabelChoice,
    mode: EvaluationMode,
) -> Result<Option<MixtureEvaluation>> {
    let Some(mixture) = mixture else { return Ok(None) };
    let _task = LongTask::start("evaluating the mixture with n-grams");
    Ok(Some(mixture.evaluate(bundle, sequence, unmapped, labels, mode)?))
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
