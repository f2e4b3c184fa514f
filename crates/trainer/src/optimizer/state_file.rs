//! Optimizer state as bytes: equal states give equal bytes. A file is checked against the model before it is loaded,
//! because Burn leaves out what it does not recognise and panics at the first step if a shape is another one.

use std::collections::BTreeMap;

use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::Bytes;
use burn_pack::{Reader, Scalar, Tensor, Writer};
use models::parameters::{Differences, Parameter};
use models::serialize::file_bytes;
use seqdata::hash::sha256;
use text_prep::counted;
use text_prep::error::one_line;

use super::OptimizerConfig;

/// The key of the hash over the checkpoint that the state belongs to; absent in those of the first versions.
const IDENTITY: &str = "checkpoint";
/// The scalar that Burn writes for every parameter.
const RANK: &str = "__rank";

/// SHA-256 by name of the other parts of a checkpoint.
pub(crate) type Parts = BTreeMap<String, String>;

/// The state of `optimizer`, which belongs to the checkpoint with these `parts`, as a Burnpack file with its tensors
/// sorted by name: Burn writes them in the order of a hash map, which differs between processes.
///
/// # Errors
/// Burn's message, if the state cannot be serialized.
pub(crate) fn to_bytes(optimizer: &ModuleOptimizer, parts: &Parts) -> Result<Vec<u8>, String> {
    let bytes = optimizer.into_bytes().map_err(|error| error.to_string())?;
    sorted(Reader::from_bytes(bytes), parts).map_err(|error| error.to_string())
}

fn sorted(reader: Result<Reader, burn_pack::Error>, parts: &Parts) -> Result<Vec<u8>, burn_pack::Error> {
    let reader = reader?;
    let (scalars, paths) = (reader.scalars().clone(), reader.metadata().clone());
    let mut tensors = reader.into_tensors()?;
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    let identity = identity(&tensors, &scalars, parts)?;
    let mut writer = Writer::new(tensors).with_metadata(IDENTITY, &identity);
    for (key, value) in scalars {
        writer = writer.with_scalar(&key, value);
    }
    for (key, value) in paths {
        writer = writer.with_metadata(&key, &value);
    }
    file_bytes(writer)
}

/// A hash over the state and the parts that it belongs to. The state of another run has the same names and shapes.
fn identity(tensors: &[Tensor], scalars: &BTreeMap<String, Scalar>, parts: &Parts) -> Result<String, burn_pack::Error> {
    let mut lines: Vec<String> = parts.iter().map(|(name, hash)| format!("{name} {hash}")).collect();
    for tensor in tensors {
        lines.push(format!("{} {:?} {}", tensor.name, tensor.shape.as_slice(), sha256(&tensor.to_bytes()?)));
    }
    lines.extend(scalars.iter().map(|(name, value)| format!("{name} {value:?}")));
    Ok(sha256(lines.join("\n").as_bytes()))
}

/// What the state is checked against.
pub(crate) struct Expected<'a> {
    /// The optimizer.
    pub config: &'a OptimizerConfig,
    /// The parameters that it updates, by path.
    pub parameters: &'a BTreeMap<String, Parameter>,
    /// Updates made.
    pub steps: u64,
    /// The other parts of the checkpoint.
    pub parts: &'a Parts,
}

/// The state in `bytes`.
///
/// # Errors
/// The reason, if it is not the state of this optimizer, model and checkpoint.
pub(crate) fn from_bytes(bytes: Vec<u8>, expected: &Expected) -> Result<OptimizerRecord, String> {
    let bytes = Bytes::from_bytes_vec(bytes).shared();
    let unreadable = |error: burn_pack::Error| {
        format!("it cannot be read as the state of an optimizer: {}", one_line(&error.to_string()))
    };
    let reader = Reader::from_bytes(bytes.clone()).map_err(unreadable)?;
    let (scalars, metadata) = (reader.scalars().clone(), reader.metadata().clone());
    let tensors = reader.into_tensors().map_err(unreadable)?;
    check_tensors(&tensors, expected)?;
    check_scalars(&scalars, &tensors, expected)?;
    if let Some(found) = metadata.get(IDENTITY)
        && *found != identity(&tensors, &scalars, expected.parts).map_err(unreadable)?
    {
        return Err("it does not belong to the other files of this checkpoint: one of them comes from another run or \
                    was edited"
            .into());
    }
    OptimizerRecord::from_bytes(bytes).map_err(|error| error.to_string())
}

fn check_tensors(tensors: &[Tensor], expected: &Expected) -> Result<(), String> {
    let fields = expected.config.state_tensors();
    let mut shapes = BTreeMap::new();
    for Parameter { id, shape, .. } in expected.parameters.values().filter(|parameter| parameter.requires_grad) {
        shapes.extend(fields.iter().map(|field| (format!("{}.{field}", id.val()), shape.clone())));
    }
    let mut differences = Differences::new(tensors, &mut shapes);
    // A parameter that no step had a gradient for has no state: that of a part of a batch that was always empty.
    for name in shapes.keys() {
        let of_parameter = |tensor: &&Tensor| tensor.param_id == id_of(name);
        if tensors.iter().any(|tensor| of_parameter(&tensor)) {
            differences.add("missing", name.clone());
        }
    }
    for tensor in tensors.iter().filter(|tensor| tensor.param_id.is_none() || tensor.param_id != id_of(&tensor.name)) {
        differences.add("of another parameter than their name says", one_line(&tensor.name));
    }
    differences.check().map_err(|wrong| format!("it does not fit the model and `train.optimizer` ({wrong})"))?;
    if !fields.is_empty() && tensors.is_empty() != (expected.steps == 0) {
        let (found, steps) = (counted(tensors.len(), "tensor"), counted(expected.steps as usize, "step"));
        return Err(format!("it has {found} after {steps}"));
    }
    let is_negative = |tensor: &&Tensor| {
        let values = tensor.to_bytes().unwrap_or_else(|_| Bytes::from_bytes_vec(Vec::new()));
        tensor.name.ends_with(".mean_square")
            && values.as_chunks::<4>().0.iter().any(|value| f32::from_le_bytes(*value) < 0.0)
    };
    match tensors.iter().find(is_negative) {
        Some(tensor) => Err(format!("{} has values below 0, which no mean of squares has", tensor.name)),
        None => Ok(()),
    }
}

/// The parameter that the name of a tensor or scalar begins with.
fn id_of(name: &str) -> Option<u64> {
    name.split_once('.')?.0.parse().ok()
}

fn check_scalars(scalars: &BTreeMap<String, Scalar>, tensors: &[Tensor], expected: &Expected) -> Result<(), String> {
    let counters = expected.config.state_counters();
    let ranks: BTreeMap<u64, usize> =
        tensors.iter().filter_map(|tensor| Some((tensor.param_id?, tensor.shape.len()))).collect();
    for (name, &value) in scalars {
        let field = name.split_once('.').map_or("", |(_, field)| field);
        let value = u64::try_from(value).ok();
        let fits = match id_of(name).and_then(|id| ranks.get(&id)) {
            Some(&rank) if field == RANK => value == Some(rank as u64),
            Some(_) if counters.contains(&field) => value.is_some_and(|value| (1..=expected.steps).contains(&value)),
            _ => false,
        };
        if !fits {
            return Err(format!("its value `{}` is not one of this optimizer", one_line(name)));
        }
    }
    let missing = ranks.keys().flat_map(|id| counters.iter().map(move |counter| format!("{id}.{counter}")));
    match missing.into_iter().find(|name| !scalars.contains_key(name)) {
        Some(name) => Err(format!("its value `{name}` is missing")),
        None => Ok(()),
    }
}
