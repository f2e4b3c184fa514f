//! `import`: a model directory from the weights of another program and a tokenizer of ours.

use std::collections::BTreeMap;

use args::Import;
use burn::tensor::Device;
use models::foreign::{Tensors, import, read as read_weights};
use models::{About, Artifact, score};
use seqdata::Loader;

use super::layout;
use super::train::CONFIG;
use crate::config::{Resolved, read};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::output::{print, tell, warn};
use crate::run::directory;

/// Runs the command.
pub fn run(args: &Import, choice: &Choice) -> Result<()> {
    let tensors = renamed(read_weights(&args.weights)?, &args.rename)?;
    let device = choice.open()?;
    let artifact = match &args.like {
        Some(directory) => {
            let like = Artifact::load(directory, &device)?;
            let model = import(like.about.model.blank(&device)?, layout(args.layout), tensors)?;
            let about = About {
                epochs: 0,
                steps: 0,
                valid_loss_window: None,
                valid_loss_carried: None,
                ..like.about
            };
            // What a checkpoint remembers of its training is not these weights'.
            let extra = like.extra.into_iter().filter(|(name, _)| name == CONFIG).collect();
            Artifact { model, about, extra, tokenizer: like.tokenizer }
        }
        None => from_config(args, tensors, &device)?,
    };
    let run = directory::create(args.out.as_deref(), "imported")?;
    if let Err(error) = artifact.save(&run) {
        // What could not be kept leaves nothing behind.
        let _ = std::fs::remove_dir_all(&run);
        return Err(error.into());
    }
    if let Some(loss) = artifact.about.valid_loss_carried {
        tell(&format!("validation loss {loss:.3} nats a token, the state carried"));
    }
    tell(&format!(
        "write with: cargo xtask generate --model {} (or pastiche generate …)",
        run.display()
    ));
    print(&format!("{}\n", run.display()))
}

/// The model for the configuration's text, scored on its validation part.
fn from_config(args: &Import, tensors: Tensors, device: &Device) -> Result<Artifact> {
    let (config, _) = read(&args.config)?;
    let resolved = Resolved::new(config)?;
    warn(&resolved.warnings);
    let prepared = &resolved.prepared;
    let model = import(resolved.model.blank(device)?, layout(args.layout), tensors)?;
    let stream = Loader::streams(prepared.valid_stream(), device.clone());
    let loss = score(&model, &stream).map_err(models::Error::from)?.nats_per_token();
    let (model_config, config) = (resolved.model.clone(), &resolved.config);
    let (window, valid) = (config.windows.length, prepared.valid_sha256());
    let about = About {
        valid_loss_carried: Some(loss),
        ..About::new(model_config, window, config.seed, valid)
    };
    let extra = BTreeMap::from([(CONFIG.to_string(), resolved.to_toml().into_bytes())]);
    Ok(Artifact { model, tokenizer: prepared.tokenizer.clone(), about, extra })
}

/// `tensors` with the beginnings of their names changed as asked.
fn renamed(tensors: Tensors, changes: &[String]) -> Result<Tensors> {
    let mut tensors = tensors;
    for change in changes {
        let (from, to) = change.split_once('=').ok_or_else(|| {
            Error::new(format!("`--rename {change}` holds no `=`; expected FROM=TO"))
        })?;
        if !tensors.keys().any(|name| name.starts_with(from)) {
            let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
            return Err(Error::new(format!(
                "`--rename {change}`: no tensor's name begins with `{from}`; the file holds {}",
                names.join(", ")
            )));
        }
        let count = tensors.len();
        let rename = |name: String| match name.strip_prefix(from) {
            Some(rest) => format!("{to}{rest}"),
            None => name,
        };
        tensors = tensors.into_iter().map(|(name, array)| (rename(name), array)).collect();
        if tensors.len() < count {
            return Err(Error::new(format!(
                "`--rename {change}` gives two tensors one name; expected names of their own"
            )));
        }
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use models::foreign::Array;

    use super::*;

    fn names(changes: &[&str]) -> Result<Vec<String>> {
        let tensors = ["encoder.weight", "decoder.weight", "rnn.weight_ih_l0"];
        let tensors = tensors.map(|name| (name.to_string(), Array::vector(vec![1.0])));
        let changes: Vec<String> = changes.iter().map(|change| change.to_string()).collect();
        renamed(tensors.into(), &changes).map(|tensors| tensors.into_keys().collect())
    }

    #[test]
    fn beginnings_of_names_are_changed() {
        let found = names(&["encoder=embedding", "decoder=output"]).unwrap();
        assert_eq!(found, ["embedding.weight", "output.weight", "rnn.weight_ih_l0"]);
    }

    #[test]
    fn a_change_that_changes_nothing_or_loses_a_tensor_is_refused() {
        for (change, expected) in [
            ("encoder", "no `=`"),
            ("coder=x", "the file holds decoder.weight, encoder.weight"),
            ("encoder=decoder", "two tensors one name"),
        ] {
            let error = names(&[change]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
