//! Files of Keras: `.h5` and `.hdf5` of any version, `.weights.h5`, and the one inside a `.keras` archive. All are HDF5.
//!
//! Keras 3 numbers layers by class and their variables (`layers/lstm_1/cell/vars/0`); older files have the layers' names, chosen by
//! the script, and those of the variables (`rnn_1/rnn_1/lstm_cell/kernel:0`). Here both get the names of [`keras`](super::keras).

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;

use durable::read::{self, Accept};
use hdf5_pure::{DType, Dataset, File, Group};
use text_prep::error::one_line;
use zip::ZipArchive;

use super::keras_config;
use super::stored_tensor::{Float, StoredTensor};
use crate::error::{Error, Result};

/// The beginning of an HDF5 file.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// The weights in a `.keras` archive, and its configuration.
const ENTRY: &str = "model.weights.h5";
const CONFIG: &str = "config.json";
/// The attribute of a whole model with its configuration.
const MODEL_CONFIG: &str = "model_config";
/// More groups than the layers of a model have. In a damaged file a group may contain itself.
const MAX_GROUPS: usize = 10_000;

/// What the names of files of Keras end with, also that of `.weights.h5`.
const ENDINGS: [&str; 3] = ["keras", "h5", "hdf5"];

/// Whether `path` is a file of Keras: by its name, because a part of an archive cannot be told from one of another program, or by
/// its contents.
///
/// # Errors
/// If it cannot be read.
pub fn is_keras_file(path: &Path) -> Result<bool> {
    let mut file = Accept::File.open(path).map_err(Error::io(path, "read"))?;
    if path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end.eq_ignore_ascii_case(known))) {
        return Ok(true);
    }
    let mut bytes = Vec::new();
    file.by_ref().take(SIGNATURE.len() as u64).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    let is_archive = || ZipArchive::new(file).is_ok_and(|archive| archive.index_for_name(ENTRY).is_some());
    Ok(bytes == SIGNATURE || bytes.starts_with(b"PK\x03\x04") && is_archive())
}

/// Whether a file of Keras says what its layers compute: archives and whole models do, files of weights alone do not.
///
/// # Errors
/// If it cannot be read.
pub fn has_keras_config(path: &Path) -> Result<bool> {
    let bytes = read::file(path).map_err(Error::io(path, "read"))?;
    let is_archive = !bytes.starts_with(SIGNATURE);
    let of_root = || File::from_bytes(bytes).ok()?.root().attrs().ok().map(|found| found.contains_key(MODEL_CONFIG));
    Ok(is_archive || of_root().unwrap_or_default())
}

/// The tensors of a file, under the names of Keras 3 for layers without names of their own.
pub(super) fn stored(path: &Path) -> Result<Vec<StoredTensor>> {
    let invalid = |reason: String| Error::WeightFile { path: path.into(), reason };
    let incomplete = |error: &dyn std::fmt::Display| {
        let error = one_line(&error.to_string());
        invalid(format!("it is an incomplete or damaged file of Keras ({error}): copy or save it again"))
    };
    let bytes = read::file(path).map_err(Error::io(path, "read"))?;
    let (bytes, config) = if bytes.starts_with(SIGNATURE) {
        (bytes, None)
    } else {
        entries(bytes).map_err(|error| incomplete(&error))?
    };
    let (layers, of_root) = layers(bytes).map_err(|error| incomplete(&error))?;
    if let Some(config) = config.or(of_root) {
        let differences = keras_config::differences(&config).map_err(|error| incomplete(&error))?;
        if !differences.is_empty() {
            return Err(invalid(format!("its layers compute otherwise than those here: {}", differences.join("; "))));
        }
    }
    let (mut tensors, mut unknown) = (Vec::new(), Vec::new());
    let mut numbers = HashMap::new();
    for layer in layers.into_iter().filter(|layer| !layer.variables.is_empty()) {
        match layer.class() {
            Some(class) => {
                let number: &mut usize = numbers.entry(class).or_default();
                let name = if *number == 0 { class.to_string() } else { format!("{class}_{number}") };
                *number += 1;
                tensors.extend(layer.named(&name, class));
            }
            None => unknown.push(layer),
        }
    }
    if let Some(layer) = unknown.iter().find(|layer| layer.is_attention()) {
        return Err(invalid(format!(
            "its layer `{}` takes a weighted mean of the steps (attention), as in textgenrnn: expected a model that predicts from the \
             state of its last recurrent layer",
            one_line(&layer.name)
        )));
    }
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(|layer| one_line(&layer.name)).collect();
        return Err(invalid(format!(
            "it has layers of other kinds ({}): expected embeddings, RNNs, LSTMs, GRUs, layer normalisation and dense layers",
            names.join(", ")
        )));
    }
    if tensors.is_empty() {
        return Err(invalid("it has no weights: expected a model that Keras saved, or its weights".into()));
    }
    Ok(tensors)
}

/// The weights of an archive, and its configuration.
fn entries(bytes: Vec<u8>) -> std::result::Result<(Vec<u8>, Option<String>), zip::result::ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    // A small archive may unpack to any size.
    let weights = read::read_to_end(archive.by_name(ENTRY)?, read::WHOLE_TEXT)?;
    let config = read::utf8(read::read_to_end(archive.by_name(CONFIG)?, read::SMALL_FILE)?)?;
    Ok((weights, Some(config)))
}

/// A layer with its variables, whose names are the last parts of their paths.
struct SavedLayer {
    name: String,
    variables: Vec<StoredTensor>,
}

/// All layers of an HDF5 file, in the order in which they were saved, and the configuration of a whole model.
fn layers(bytes: Vec<u8>) -> std::result::Result<(Vec<SavedLayer>, Option<String>), String> {
    let size = bytes.len() as u64;
    let file = File::from_bytes(bytes).map_err(|error| error.to_string())?;
    let expected = file.superblock().eof_address;
    if size < expected {
        return Err(format!("it has {size} of {expected} bytes"));
    }
    model(&file.root()).map_err(|error| error.to_string())
}

/// The layers in a file, and its configuration.
fn model(root: &Group) -> std::result::Result<(Vec<SavedLayer>, Option<String>), hdf5_pure::Error> {
    let config = root.attrs()?.get(MODEL_CONFIG).and_then(|config| config.as_str()).map(String::from);
    Ok((saved_layers(root)?, config))
}

fn saved_layers(root: &Group) -> std::result::Result<Vec<SavedLayer>, hdf5_pure::Error> {
    let groups = root.groups()?;
    let contains = |name: &str| groups.iter().any(|group| group == name);
    if let Some(of_layers) = ["layers", "_layer_checkpoint_dependencies"].into_iter().find(|name| contains(name)) {
        let group = root.group(of_layers)?;
        let mut names = group.groups()?;
        names.sort_by_cached_key(|name| {
            let (class, number) = class_and_number(name);
            (class.to_string(), number)
        });
        return names.into_iter().map(|name| Ok(numbered_layer(variables(&group.group(&name)?)?, name))).collect();
    }
    // A whole model has its weights beside those of the optimizer.
    let root = if contains("model_weights") { &root.group("model_weights")? } else { root };
    let attributes = root.attrs()?;
    let names = attributes.get("layer_names").and_then(|names| names.as_strings()).unwrap_or_default();
    let layer = |name: String| {
        let mut variables = variables(&root.group(&name)?)?;
        for variable in &mut variables {
            variable.name = variable.name.split(':').next().unwrap_or_default().into();
        }
        Ok(SavedLayer { name, variables })
    };
    names.iter().cloned().map(layer).collect()
}

/// A layer of Keras 3, whose variables have numbers for names.
fn numbered_layer(mut variables: Vec<StoredTensor>, name: String) -> SavedLayer {
    let names: &[&str] = match class_and_number(&name).0 {
        "embedding" => &["embeddings"],
        "lstm" | "gru" | "simple_rnn" => &["kernel", "recurrent_kernel", "bias"],
        "layer_normalization" => &["gamma", "beta"],
        "dense" => &["kernel", "bias"],
        _ => &[],
    };
    for variable in &mut variables {
        if let Some(name) = variable.name.parse().ok().and_then(|number: usize| names.get(number)) {
            variable.name = (*name).into();
        }
    }
    SavedLayer { name, variables }
}

/// `lstm_1` → (`lstm`, 1), `lstm` → (`lstm`, 0).
fn class_and_number(name: &str) -> (&str, usize) {
    match name.rsplit_once('_').and_then(|(class, number)| Some((class, number.parse().ok()?))) {
        Some(parts) => parts,
        None => (name, 0),
    }
}

/// All datasets of a group and of the groups in it.
fn variables(group: &Group) -> std::result::Result<Vec<StoredTensor>, hdf5_pure::Error> {
    let (mut tensors, mut groups) = (Vec::new(), vec![group.clone()]);
    for _ in 0..MAX_GROUPS {
        let Some(group) = groups.pop() else { break };
        for name in group.datasets()? {
            let dataset = group.dataset(&name)?;
            tensors.push(tensor(name, &dataset)?);
        }
        for name in group.groups()? {
            groups.push(group.group(&name)?);
        }
    }
    Ok(tensors)
}

fn tensor(name: String, dataset: &Dataset) -> std::result::Result<StoredTensor, hdf5_pure::Error> {
    let shape = dataset.shape()?.into_iter().map(|size| size as usize).collect();
    let (float, bytes) = match dataset.dtype()? {
        DType::F32 => (Ok(Float::F32), dataset.read_f32()?.into_iter().flat_map(f32::to_le_bytes).collect()),
        DType::F64 => (Ok(Float::F64), dataset.read_f64()?.into_iter().flat_map(f64::to_le_bytes).collect()),
        other => (Err(other.to_string()), Vec::new()),
    };
    Ok(StoredTensor { name, shape, float, bytes })
}

impl SavedLayer {
    fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.variables.iter().find(|variable| variable.name == name)?.shape)
    }

    /// The class of the layer, if it is one that models here have, by the names and shapes of its variables.
    fn class(&self) -> Option<&'static str> {
        let mut names: Vec<&str> = self.variables.iter().map(|variable| variable.name.as_str()).collect();
        names.sort_unstable();
        match names[..] {
            ["embeddings"] => Some("embedding"),
            ["beta", "gamma"] => Some("layer_normalization"),
            ["kernel"] | ["bias", "kernel"] => Some("dense"),
            ["kernel", "recurrent_kernel"] | ["bias", "kernel", "recurrent_kernel"] => {
                let &[units, columns] = self.shape("recurrent_kernel")? else { return None };
                match columns.checked_div(units)? {
                    1 => Some("simple_rnn"),
                    3 => Some("gru"),
                    4 => Some("lstm"),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The variables under the name of the layer.
    fn named(self, layer: &str, class: &str) -> impl Iterator<Item = StoredTensor> {
        let path = match class {
            "simple_rnn" | "gru" | "lstm" => format!("{layer}/{class}_cell"),
            _ => layer.to_string(),
        };
        self.variables
            .into_iter()
            .map(move |variable| StoredTensor { name: format!("{path}/{}", variable.name), ..variable })
    }

    fn is_attention(&self) -> bool {
        let names = self.variables.iter().map(|variable| &variable.name).chain([&self.name]);
        names.into_iter().any(|name| name.to_lowercase().contains("attention"))
    }
}
