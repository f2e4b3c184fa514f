//! What the ranks that train together tell each other besides gradients: whether they have the same inputs, what rank 0
//! decides, and the state that it starts with.

use std::collections::BTreeMap;
use std::path::Path;

use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use models::bundle::WEIGHTS;
use models::serialize::{weights_from_bytes, weights_to_bytes};
use models::{ModelBundle, State};
use ranks::Ranks;
use seqdata::hash::sha256;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint_parts::{self as parts, Checkpoint};
use crate::error::{Error, Result};
use crate::job::{RunIdentity, StopReason};
use crate::progress::Progress;
use crate::task::TrainTask;

/// The metadata of a model among the files of its checkpoint.
const METADATA: &str = "metadata.json";

/// Checks that all ranks have the same `inputs`, given as names and contents.
///
/// # Errors
/// On rank 0, if another rank has others.
pub(crate) fn check_same_inputs(ranks: &dyn Ranks, inputs: [(&'static str, String); 3]) -> Result<()> {
    let hashes = inputs.each_ref().map(|(_, content)| sha256(content.as_bytes()));
    let Some(all) = ranks.gather(hashes.concat().into_bytes())? else { return Ok(()) };
    for (rank, found) in all.iter().enumerate() {
        for (index, (what, _)) in inputs.iter().enumerate() {
            let own = hashes[index].as_bytes();
            if found.chunks(own.len()).nth(index) != Some(own) {
                return Err(Error::RanksDiffer { rank, host: ranks.host(rank), what });
            }
        }
    }
    Ok(())
}

/// The numbers that rank 0 passes, on all ranks.
pub(crate) fn numbers_of_rank_0<const N: usize>(ranks: &dyn Ranks, numbers: [f64; N]) -> Result<[f64; N]> {
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    ranks.broadcast(&mut bytes)?;
    let (numbers, _) = bytes.as_chunks::<8>();
    let numbers: Vec<f64> = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    numbers
        .try_into()
        .map_err(|numbers: Vec<f64>| Error::FromRank0(format!("{} numbers instead of {N}", numbers.len())))
}

/// What rank 0 passes, on all ranks; the others pass `None`.
fn value_of_rank_0<T: Serialize + DeserializeOwned>(ranks: &dyn Ranks, value: Option<&T>) -> Result<T> {
    let unreadable = |error: serde_json::Error| Error::FromRank0(error.to_string());
    let mut bytes = value.map_or(Ok(Vec::new()), serde_json::to_vec).map_err(unreadable)?;
    ranks.broadcast(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(unreadable)
}

/// Sends the training state of rank 0 to the others, which [receive](receive_state) it.
pub(crate) fn send_state<M: TrainTask>(
    ranks: &dyn Ranks,
    mut bundle: ModelBundle<M>,
    raw_model: Option<&M>,
    optimizer: &ModuleOptimizer,
    rnn_state: Option<&State>,
    progress: &Progress,
) -> Result<()> {
    bundle.extra_files.clear();
    let weights = parts::add(&mut bundle, raw_model, optimizer, rnn_state, progress)?;
    let metadata = serde_json::to_vec(&bundle.metadata).map_err(|error| Error::Burn(error.to_string()))?;
    let mut files = bundle.extra_files;
    files.extend([(WEIGHTS.into(), weights), (METADATA.into(), metadata)]);
    let names: Vec<&String> = files.keys().collect();
    ranks.broadcast(&mut serde_json::to_vec(&names).map_err(|error| Error::Burn(error.to_string()))?)?;
    files.values_mut().try_for_each(|bytes| Ok(ranks.broadcast(bytes)?))
}

/// The training state that rank 0 [sends](send_state). `run_dir` is named in errors.
pub(crate) fn receive_state<M: TrainTask>(
    ranks: &dyn Ranks,
    identity: &RunIdentity<M>,
    run_dir: &Path,
    device: &Device,
) -> Result<Checkpoint<M>> {
    let names: Vec<String> = value_of_rank_0(ranks, None)?;
    let mut files = BTreeMap::new();
    for name in names {
        let mut bytes = Vec::new();
        ranks.broadcast(&mut bytes)?;
        files.insert(name, bytes);
    }
    let hashes = files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    let mut take = |name: &str| files.remove(name).ok_or_else(|| Error::FromRank0(format!("{name} is missing")));
    let metadata = serde_json::from_slice(&take(METADATA)?).map_err(|error| Error::FromRank0(error.to_string()))?;
    let model = M::zeros(&identity.metadata.config, device)?;
    let model = weights_from_bytes(model, take(WEIGHTS)?).map_err(Error::FromRank0)?;
    let bundle = ModelBundle { model, tokenizer: identity.tokenizer.clone(), metadata, extra_files: files };
    parts::from_files(bundle, hashes, run_dir, device)
}

/// The result of rank 0, on all ranks: the best model and why the run ended. The others pass `None`.
pub(crate) fn result_of_rank_0<M: TrainTask>(
    ranks: &dyn Ranks,
    result: Option<(ModelBundle<M>, StopReason)>,
    identity: &RunIdentity<M>,
    device: &Device,
) -> Result<(ModelBundle<M>, StopReason)> {
    if ranks.count() == 1
        && let Some(result) = result
    {
        return Ok(result);
    }
    let metadata = result.as_ref().map(|(best, _)| best.metadata.clone());
    let metadata = value_of_rank_0(ranks, metadata.as_ref())?;
    let stop_reason = value_of_rank_0(ranks, result.as_ref().map(|(_, reason)| reason))?;
    let weights = result.as_ref().map(|(best, _)| weights_to_bytes(&best.model));
    let mut weights = weights.transpose().map_err(Error::Burn)?.unwrap_or_default();
    ranks.broadcast(&mut weights)?;
    let Some((best, _)) = result else {
        let model = M::zeros(&identity.metadata.config, device)?;
        let model = weights_from_bytes(model, weights).map_err(Error::FromRank0)?;
        let RunIdentity { tokenizer, extra_files, .. } = identity.clone();
        return Ok((ModelBundle { model, tokenizer, metadata, extra_files }, stop_reason));
    };
    Ok((best, stop_reason))
}
