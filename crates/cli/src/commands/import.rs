//! `import`: makes a model directory from the weights of another program.

use std::collections::BTreeMap;
use std::path::Path;

use args::Import;
use burn::tensor::Device;
use models::bundle::{DOCUMENT_HASHES, NGRAM_COUNTS};
use models::interop::{
    Layout, Tensors, has_keras_config, import, is_keras_file, is_pytorch_file, read_weights, reordered,
    with_one_hot_embedding,
};
use models::{LanguageModel, LmBundle, LmMetadata, Network, evaluate};
use seqdata::{Loader, Order, TextDataset};
use trainer::{TrainConfig, TrainMode};

use super::load_model_of;
use super::own_text::own_text;
use super::train::CONFIG;
use crate::config::{Config, LmExperiment, NgramOrder, read, without_ngrams};
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::input::KeptInput;
use crate::output::{print, status, warn};
use crate::report::mixture_report::fit_mixture;
use crate::run::directory;
use crate::run::experiment::Experiment;
use crate::view::format::decimals;

/// Runs the command.
pub fn run(args: &Import, backend: &BackendSelection) -> Result<()> {
    let layout = layout_of(args)?;
    let tensors = read_weights(&args.weights, args.key.as_deref())?;
    if layout == Layout::Keras && is_keras_file(&args.weights)? && !has_keras_config(&args.weights)? {
        warn(&[format!(
            "{} has weights alone: LSTM and GRU are computed with tanh and sigmoid (early versions of Keras have hard_sigmoid), and layer \
             normalisation with an epsilon of 1e-5 (Keras's default is 1e-3)",
            args.weights.display()
        )]);
    }
    let tensors = renamed(tensors, &args.rename).map_err(|error| in_file(args, error))?;
    let device = backend.open()?;
    let mut kept = None;
    let bundle = match &args.like {
        Some(directory) => {
            // The weights of its mixture with n-grams are those of other weights.
            let like: LmBundle = load_model_of("--like", directory, &[NGRAM_COUNTS], backend, &device)?;
            let model = fill(args, layout, like.metadata.config.zeros(&device)?, tensors)?;
            // Other weights have other losses, but read past tokens in the same way.
            let metadata = LmMetadata {
                epochs: 0,
                steps: 0,
                valid_loss_window: None,
                valid_loss_carried: None,
                default_state_mode: Some(like.metadata.state_mode()),
                ..like.metadata
            };
            let directory = &directory::resolve(directory);
            let Config { text, ngrams, .. } = Config::of_model(directory, CONFIG);
            match text.kept_input() {
                Ok(input) => kept = input,
                Err(error) => warn(&[format!("{error}: the imported model can be evaluated only with `--text`")]),
            }
            // The other files of a checkpoint are about the training of other weights.
            let kept_files = [CONFIG, DOCUMENT_HASHES];
            let extra_files = like.extra_files.into_iter().filter(|(name, _)| kept_files.contains(&name.as_str()));
            let extra_files = extra_files.collect();
            let bundle = LmBundle { model, metadata, extra_files, tokenizer: like.tokenizer };
            match ngrams.order {
                None => bundle,
                Some(order) => with_ngrams_of(bundle, directory, order)?,
            }
        }
        None => from_config(args, layout, tensors, backend, &device, &mut kept)?,
    };
    let run = directory::create_for_model(args.out.as_deref(), "imported")?;
    let written = kept.iter().try_for_each(|input| input.write(&run));
    if let Err(error) = written.and_then(|()| Ok(bundle.save(&run)?)) {
        // Leave no incomplete model behind.
        let _ = std::fs::remove_dir_all(&run);
        return Err(error);
    }
    let LmMetadata { valid_loss_window, valid_loss_carried, .. } = bundle.metadata;
    for (how, loss) in [("by window", valid_loss_window), ("carried", valid_loss_carried)] {
        if let Some(loss) = loss {
            status(&format!("validation loss {} nats/token {how}", decimals(loss, 3)));
        }
    }
    status(&format!("generate text with: cargo xtask generate --model {} (or pastiche generate …)", run.display()));
    print(&format!("{}\n", run.display()))
}

/// The model for the configuration's text, evaluated on its validation split as a trained one is: with carried state,
/// and by window if windows are what it would be trained on. A piped text is put into `kept`.
fn from_config(
    args: &Import,
    layout: Layout,
    tensors: Tensors,
    backend: &BackendSelection,
    device: &Device,
    kept: &mut Option<KeptInput>,
) -> Result<LmBundle> {
    let (config, _) = read(&args.config)?;
    let mut experiment = LmExperiment::new(config, None)?;
    *kept = experiment.kept.take();
    warn(&experiment.warnings);
    let dataset = &experiment.dataset;
    let model = experiment.model.zeros(device)?;
    let tensors = in_our_order(args, layout, tensors, &model, &experiment)?;
    let model = fill(args, layout, model, tensors)?.with_kernels(backend.kernels());
    let loss = |loader: &Loader| -> Result<f64> {
        Ok(evaluate(&model, loader).map_err(models::Error::from)?.nats_per_token())
    };
    let TrainConfig { mode, batch_size, valid_streams, .. } = experiment.train;
    let valid_loss_carried = Some(loss(&Loader::streams(dataset.valid_streams(valid_streams)?, device.clone()))?);
    let valid_loss_window = match mode {
        TrainMode::Windows => {
            let (windows, order) = (dataset.valid_windows(), Order::Sequential);
            Some(loss(&Loader::windows(windows, batch_size, order, device.clone()))?)
        }
        TrainMode::Tbptt { .. } | TrainMode::Examples => None,
    };
    let (model_config, config) = (experiment.model.clone(), &experiment.config);
    let (window, valid) = (config.windows.context_len, dataset.valid_sha256());
    let metadata = LmMetadata::new(model_config, window, config.seed, valid);
    let metadata = LmMetadata { valid_loss_window, valid_loss_carried, ..metadata };
    let ngrams = experiment.config.ngrams.order;
    let mut extra_files = BTreeMap::from([(CONFIG.to_string(), experiment.to_toml().into_bytes())]);
    extra_files.extend(experiment.extra_files().into_iter().map(|(name, bytes)| (name.into(), bytes)));
    let bundle = LmBundle { model, tokenizer: dataset.tokenizer.clone(), metadata, extra_files };
    match ngrams {
        None => Ok(bundle),
        Some(order) => with_ngrams(bundle, dataset, order),
    }
}

/// The tensors with the embedding of one-hot vectors, if the network reads these, and in the order of the tokens here.
fn in_our_order(
    args: &Import,
    layout: Layout,
    tensors: Tensors,
    model: &LanguageModel,
    experiment: &LmExperiment,
) -> Result<Tensors> {
    let Some(given) = &experiment.given_tokens else {
        if args.one_hot {
            bail!(
                "`--one-hot` needs the tokens in the order of the network's inputs: expected `--set tokens.path=FILE`"
            );
        }
        return Ok(tensors);
    };
    let (ids, count) = (given.ids_of(&experiment.dataset.tokenizer.vocabulary), given.num_ids());
    let tensors = if args.one_hot { with_one_hot_embedding(tensors, layout, count) } else { Ok(tensors) };
    tensors
        .and_then(|tensors| reordered(tensors, layout, model, &ids, count))
        .map_err(|error| in_file(args, error.into()))
}

/// `bundle` with the n-grams of its training text.
fn with_ngrams(mut bundle: LmBundle, dataset: &TextDataset, NgramOrder(order): NgramOrder) -> Result<LmBundle> {
    let (mixture, _) = fit_mixture(&bundle, dataset, order, bundle.metadata.state_mode())?;
    bundle.extra_files.insert(NGRAM_COUNTS.into(), mixture.to_bytes());
    Ok(bundle)
}

/// `bundle` with the n-grams of the text of the model in `directory`, whose other files it has; without them if this text
/// cannot be read.
fn with_ngrams_of(mut bundle: LmBundle, directory: &Path, order: NgramOrder) -> Result<LmBundle> {
    match own_text(&bundle, directory, "to count its n-grams") {
        Ok(own) => with_ngrams(bundle, &own.dataset, order),
        Err(error) => {
            warn(&[format!("{error}: the imported model has no n-grams")]);
            if let Some(config) = bundle.extra_files.get_mut(CONFIG) {
                *config = without_ngrams(&String::from_utf8_lossy(config)).into_bytes();
            }
            Ok(bundle)
        }
    }
}

/// `model` with the weights of the file.
fn fill(args: &Import, layout: Layout, model: LanguageModel, tensors: Tensors) -> Result<LanguageModel> {
    let imported = import(model, layout, tensors).map_err(|error| in_file(args, error.into()))?;
    let zeros = &imported.zero_biases;
    if !zeros.is_empty() {
        warn(&[format!("{} has no {}: these biases are zeros", args.weights.display(), zeros.join(", "))]);
    }
    Ok(imported.model)
}

/// The layout of the file: that of the program that wrote it, unless another is given.
fn layout_of(args: &Import) -> Result<Layout> {
    match args.layout {
        Some(args::Layout::Pytorch) => Ok(Layout::Pytorch),
        Some(args::Layout::Keras) => Ok(Layout::Keras),
        None if is_keras_file(&args.weights)? => Ok(Layout::Keras),
        None if is_pytorch_file(&args.weights)? => Ok(Layout::Pytorch),
        None => bail!(
            "{} is no file of `torch.save` or Keras: expected `--layout pytorch` or `--layout keras`, which say whose names its \
             tensors have",
            args.weights.display()
        ),
    }
}

/// An error about the contents of the file, with its name.
fn in_file(args: &Import, error: Error) -> Error {
    Error::new(format!("{}: {}", args.weights.display(), error.full_message()))
}

/// Replaces the prefixes of tensor names as given by `--rename`.
fn renamed(tensors: Tensors, changes: &[String]) -> Result<Tensors> {
    let mut tensors = tensors;
    for change in changes {
        let Some((from, to)) = change.split_once('=') else {
            bail!("`--rename {change}` has no `=`; expected FROM=TO")
        };
        if !tensors.keys().any(|name| name.starts_with(from)) {
            let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
            bail!("`--rename {change}`: no tensor name starts with `{from}`; the file has {}", names.join(", "));
        }
        let count = tensors.len();
        let rename = |name: String| match name.strip_prefix(from) {
            Some(rest) => format!("{to}{rest}"),
            None => name,
        };
        tensors = tensors.into_iter().map(|(name, array)| (rename(name), array)).collect();
        if tensors.len() < count {
            bail!("`--rename {change}` gives two tensors the same name; expected different names");
        }
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use models::interop::Array;

    use super::*;

    fn names(changes: &[&str]) -> Result<Vec<String>> {
        let tensors = ["encoder.weight", "decoder.weight", "rnn.weight_ih_l0"];
        let tensors = tensors.map(|name| (name.to_string(), Array::vector(vec![1.0])));
        let changes: Vec<String> = changes.iter().map(|change| change.to_string()).collect();
        renamed(tensors.into(), &changes).map(|tensors| tensors.into_keys().collect())
    }

    #[test]
    fn prefixes_of_names_are_replaced() {
        let found = names(&["encoder=embedding", "decoder=output"]).unwrap();
        assert_eq!(found, ["embedding.weight", "output.weight", "rnn.weight_ih_l0"]);
    }

    #[test]
    fn a_rename_that_matches_nothing_or_loses_a_tensor_is_rejected() {
        for (change, expected) in [
            ("encoder", "no `=`"),
            ("coder=x", "the file has decoder.weight, encoder.weight"),
            ("encoder=decoder", "two tensors the same name"),
        ] {
            let error = names(&[change]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
