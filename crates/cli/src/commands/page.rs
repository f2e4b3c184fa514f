//! `page`: writes a page that is a model, one HTML file that writes text in a browser.

use std::path::Path;

use args::{Page, PageWeights};
use durable::create_atomically;
use generate::Generator;
use models::f16_weights::f16_weights_to_bytes;
use models::int8_weights::int8_weights_to_bytes;
use models::{LmBundle, StateMode, Summary};
use page::{About, ModelPage};
use text_prep::OovPolicy;

use super::load_network_alone;
use super::own_text::own_text;
use super::serve::name;
use crate::base;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::output::{print, status};
use crate::report::baselines::train_ids;
use crate::run::initial_model::manifest_sha256;
use crate::view::format::thousands;

/// The largest weights of a page in bytes. The browser holds the file, its text and the weights in memory.
const MAX_WEIGHTS: usize = 128 << 20;

/// Runs the command.
pub fn run(args: &Page, backend: &BackendSelection) -> Result<()> {
    let path = &args.file;
    if path.exists() {
        bail!("{} exists: use another file, or delete it", path.display());
    }
    let left_out = "which are not in the page: it has the network alone";
    let (directory, bundle) = load_network_alone(args.model.as_deref(), backend, left_out)?;
    let html = html(args, &directory, bundle)?;
    create_atomically(&[(path, &html)])?;
    status(&format!(
        "model {}: the page has {} bytes; {}",
        directory.display(),
        thousands(html.len()),
        if args.with_text {
            "it contains the whole training text"
        } else {
            "it does not contain the training text, but a model holds parts of its text"
        }
    ));
    print(&format!("{}\n", path.display()))
}

/// The page of the model in `directory`.
fn html(args: &Page, directory: &Path, bundle: LmBundle) -> Result<Vec<u8>> {
    let parameters = Summary::new(&bundle.metadata.config, bundle.metadata.window).total_parameters;
    check_size(args, parameters)?;
    let generator = Generator::new(bundle);
    let LmBundle { model, tokenizer, metadata, .. } = generator.bundle();
    let start = generator.encode("", OovPolicy::Drop)?.ids;
    let tokenizer = tokenizer.to_page_json(&start, metadata.window)?;
    let weights = match args.weights {
        PageWeights::Int8 => int8_weights_to_bytes(model),
        PageWeights::F16 => f16_weights_to_bytes(model),
    };
    let weights = weights.map_err(|reason| {
        Error::new(format!("the weights of {} cannot be in a page: {reason}", directory.display()))
    })?;
    let training_text = if args.with_text { Some(training_text(generator.bundle(), directory)?) } else { None };
    let about = About {
        program: concat!("pastiche ", env!("CARGO_PKG_VERSION")).into(),
        name: name(directory),
        hash: manifest_sha256(directory)?,
        config: serde_json::to_value(&metadata.config).map_err(|error| Error::new(error.to_string()))?,
        parameters,
        precision: match args.weights {
            PageWeights::Int8 => "8 bits",
            PageWeights::F16 => "half precision",
        },
        window: (metadata.state_mode() == StateMode::Window).then_some(metadata.window),
    };
    let page = ModelPage { about, weights: &weights, tokenizer: &tokenizer, training_text: training_text.as_deref() };
    page.to_html().map_err(|reason| Error::new(format!("the page cannot be made: {reason}")))
}

/// Rejects a model that is too large before its weights are converted.
fn check_size(args: &Page, parameters: usize) -> Result<()> {
    let (bytes, smaller) = match args.weights {
        PageWeights::Int8 => (parameters, "train a smaller model"),
        PageWeights::F16 => (2 * parameters, "use `--weights int8`, or train a smaller model"),
    };
    if bytes > MAX_WEIGHTS {
        bail!(
            "the model has {} weights, which take {} MB: expected at most {} MB in a page; {smaller}, or `export` it",
            thousands(parameters),
            thousands(bytes >> 20),
            MAX_WEIGHTS >> 20
        );
    }
    Ok(())
}

/// The ids of the training text of a run.
fn training_text(bundle: &LmBundle, directory: &Path) -> Result<Vec<u32>> {
    if base::is_base(directory) {
        bail!("the program does not contain the text of the built-in base: leave `--with-text` out");
    }
    let experiment = own_text(bundle, directory, "or leave `--with-text` out")?;
    Ok(train_ids(&experiment.dataset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_too_large_is_rejected_with_its_size() {
        let args = |weights| Page {
            file: "a.html".into(),
            model: None,
            weights,
            with_text: false,
            backend: Default::default(),
        };
        let [int8, f16] = [PageWeights::Int8, PageWeights::F16].map(args);
        assert!(check_size(&int8, MAX_WEIGHTS).is_ok() && check_size(&f16, MAX_WEIGHTS / 2).is_ok());
        let error = check_size(&int8, 200 << 20).unwrap_err().to_string();
        assert!(error.contains("209,715,200 weights") && error.contains("200 MB: expected at most 128 MB"), "{error}");
        let error = check_size(&f16, 100 << 20).unwrap_err().to_string();
        assert!(error.contains("200 MB") && error.contains("`--weights int8`"), "{error}");
    }
}
