//! The parts of a checkpoint are checked against each other, even if all hashes match.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Scalar, Tensor, Writer};
use models::{LanguageModelConfig, Metadata};
use seqdata::hash::sha256;
use serde_json::{Value, json};
use trainer::{Checkpoints, TrainConfig};

use crate::common::*;

const STEP: u64 = 3;

/// A run that was stopped within an epoch; the second value is its only checkpoint.
fn stopped(folder: &Path, config: &TrainConfig) -> PathBuf {
    run_until(folder, config, false, STEP);
    fs::remove_dir_all(Checkpoints::of(folder).path(0)).unwrap();
    Checkpoints::of(folder).path(STEP)
}

/// Writes the hashes of all files of a checkpoint into its manifest, and its own.
fn seal(checkpoint: &Path) {
    let path = checkpoint.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let names = fs::read_dir(checkpoint).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name != "manifest.json");
    let hashes: BTreeMap<String, String> =
        names.map(|name| (name.clone(), sha256(&fs::read(checkpoint.join(name)).unwrap()))).collect();
    let metadata: Metadata<LanguageModelConfig> = serde_json::from_value(manifest["about"].clone()).unwrap();
    let own = serde_json::to_vec(&(manifest["format"].clone(), manifest["program"].clone(), metadata, &hashes));
    (manifest["files"], manifest["seal"]) = (json!(hashes), json!(sha256(&own.unwrap())));
    fs::write(path, manifest.to_string()).unwrap();
}

/// A Burnpack file in parts.
struct Pack {
    tensors: Vec<Tensor>,
    scalars: BTreeMap<String, Scalar>,
    metadata: BTreeMap<String, String>,
}

/// Changes a Burnpack file.
fn edit(path: PathBuf, change: impl Fn(&mut Pack)) {
    let reader = Reader::from_bytes(Bytes::from_bytes_vec(fs::read(&path).unwrap())).unwrap();
    let (scalars, metadata) = (reader.scalars().clone(), reader.metadata().clone());
    let mut pack = Pack { tensors: reader.into_tensors().unwrap(), scalars, metadata };
    change(&mut pack);
    let mut writer = Writer::new(pack.tensors);
    for (key, value) in pack.scalars {
        writer = writer.with_scalar(&key, value);
    }
    for (key, value) in pack.metadata {
        writer = writer.with_metadata(&key, &value);
    }
    fs::write(path, &writer.into_bytes().unwrap()[..]).unwrap();
}

/// Removes the hash that binds the state to its checkpoint, which the first versions did not write.
fn unbind(pack: &mut Pack) {
    assert!(pack.metadata.remove("checkpoint").is_some());
}

fn replace(tensor: &mut Tensor, dtype: DType, shape: &[usize], bytes: Vec<u8>) {
    let (name, id) = (tensor.name.clone(), tensor.param_id);
    *tensor = Tensor::new(name, dtype, shape, id, Bytes::from_bytes_vec(bytes));
}

fn transpose(tensor: &mut Tensor) {
    let shape: Vec<usize> = tensor.shape.iter().rev().copied().collect();
    let bytes = tensor.to_bytes().unwrap().to_vec();
    replace(tensor, DType::F32, &shape, bytes);
}

/// The first matrix that is not square.
fn matrix(pack: &mut Pack) -> &mut Tensor {
    pack.tensors.iter_mut().find(|tensor| tensor.shape.len() == 2 && tensor.shape[0] != tensor.shape[1]).unwrap()
}

/// The error of resuming after `change`, which gets the directories of the checkpoint and of that of another run.
fn error_after(config: &TrainConfig, change: impl Fn(&Path, &Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (run_dir, other) = (folder.path().join("run"), folder.path().join("other"));
    let checkpoint = stopped(&run_dir, config);
    let other = stopped(&other, &config.clone().seed(6));
    change(&checkpoint, &other);
    seal(&checkpoint);
    let error = run(&run_dir, config, 1, true).0.unwrap_err().to_string();
    assert!(error.contains("there is no earlier one: start a new run") && !error.contains('\n'), "{error}");
    error
}

fn assert_rejected(config: &TrainConfig, file: &str, change: impl Fn(&mut Pack), expected: &str) {
    let error = error_after(config, |checkpoint, _| edit(checkpoint.join(file), &change));
    assert!(error.contains(file) && error.contains(expected), "{error}");
}

#[test]
fn weights_of_another_type_name_or_shape_are_rejected() {
    let as_i32 = |pack: &mut Pack| {
        let tensor = &mut pack.tensors[0];
        let (shape, bytes) = (tensor.shape.to_vec(), tensor.to_bytes().unwrap().to_vec());
        replace(tensor, DType::I32, &shape, bytes);
    };
    for file in ["weights.bpk", "trained.bpk"] {
        assert_rejected(&tbptt(2), file, as_i32, "of another type");
        assert_rejected(&tbptt(2), file, |pack| transpose(matrix(pack)), "of another shape");
        assert_rejected(&tbptt(2), file, |pack| pack.tensors[1].name.push('x'), "missing");
        assert_rejected(
            &tbptt(2),
            file,
            |pack| pack.tensors[0].param_id = pack.tensors[1].param_id,
            "same parameter id",
        );
        assert_rejected(&tbptt(2), file, |pack| pack.tensors[0].param_id = Some(7), "parameter ids");
    }
}

#[test]
fn a_state_of_another_optimizer_name_or_shape_is_rejected() {
    let adam = tbptt(2);
    let rejected = |config: &TrainConfig, change: fn(&mut Pack), expected| {
        let unbound = |pack: &mut Pack| {
            unbind(pack);
            change(pack);
        };
        assert_rejected(config, "optimizer.bpk", unbound, expected);
    };
    rejected(&adam, |pack| pack.tensors[0].name.push('x'), "unexpected");
    rejected(&adam, |pack| pack.tensors[0].name.replace_range(0..1, "0"), "unexpected");
    rejected(&adam, |pack| transpose(matrix(pack)), "of another shape");
    rejected(&adam, |pack| pack.tensors.truncate(3), "missing");
    rejected(&adam, |pack| pack.tensors.clear(), "has 0 tensors after 3 steps");
    rejected(&adam, |pack| pack.tensors[0].param_id = None, "of another parameter");
    let set = |pack: &mut Pack, end: &str, value| {
        let (_, found) = pack.scalars.iter_mut().find(|(name, _)| name.ends_with(end)).unwrap();
        *found = value;
    };
    rejected(&adam, |pack| pack.scalars.extend([("7.step".into(), Scalar::Int(1))]), "`7.step`");
    let cases = [(".step", Scalar::Int(0)), (".step", Scalar::Int(4)), (".__rank", Scalar::UInt(9))];
    for (end, value) in cases {
        let change = |pack: &mut Pack| {
            unbind(pack);
            set(pack, end, value);
        };
        assert_rejected(&adam, "optimizer.bpk", change, "is not one of this optimizer");
    }
    let without_steps = |pack: &mut Pack| {
        unbind(pack);
        pack.scalars.retain(|name, _| !name.ends_with(".step"));
    };
    assert_rejected(&adam, "optimizer.bpk", without_steps, "is missing");
    let negative = |pack: &mut Pack| {
        unbind(pack);
        let tensor = pack.tensors.iter_mut().find(|tensor| tensor.name.ends_with(".mean_square")).unwrap();
        let (shape, mut bytes) = (tensor.shape.to_vec(), tensor.to_bytes().unwrap().to_vec());
        bytes[..4].copy_from_slice(&(-1f32).to_le_bytes());
        replace(tensor, DType::F32, &shape, bytes);
    };
    assert_rejected(&config(2), "optimizer.bpk", negative, "below 0");
}

#[test]
fn parts_of_another_run_are_rejected() {
    for config in [config(2), tbptt(2)] {
        for file in ["optimizer.bpk", "weights.bpk", "trained.bpk", "carried.safetensors"] {
            let folder = tempfile::tempdir().unwrap();
            if !stopped(folder.path(), &config).join(file).exists() {
                continue;
            }
            let error = error_after(&config, |checkpoint, other| {
                fs::copy(other.join(file), checkpoint.join(file)).unwrap();
            });
            assert!(error.contains("optimizer.bpk: it does not belong to the other files"), "{error}");
        }
        let error = error_after(&config, |checkpoint, _| {
            fs::copy(checkpoint.join("weights.bpk"), checkpoint.join("optimizer.bpk")).unwrap();
        });
        assert!(error.contains("optimizer.bpk: it does not fit"), "{error}");
        // A matrix of the state with as many rows as columns has the same shape when it is transposed.
        let reversed = |pack: &mut Pack| {
            let tensor = pack.tensors.iter_mut().find(|tensor| tensor.name.ends_with("mean")).unwrap();
            let (shape, mut bytes) = (tensor.shape.to_vec(), tensor.to_bytes().unwrap().to_vec());
            bytes.rotate_left(4);
            replace(tensor, DType::F32, &shape, bytes);
        };
        assert_rejected(&config, "optimizer.bpk", reversed, "does not belong to the other files");
    }
}

#[test]
fn missing_and_unexpected_parts_are_rejected() {
    for file in ["trained.bpk", "carried.safetensors", "progress.json", "optimizer.bpk"] {
        let error = error_after(&tbptt(2), |checkpoint, _| fs::remove_file(checkpoint.join(file)).unwrap());
        assert!(error.contains(&format!("{file}: it is missing")), "{error}");
    }
    for (file, of) in [("trained.bpk", "weights.bpk"), ("carried.safetensors", "config.toml")] {
        let error = error_after(&config(2), |checkpoint, _| {
            let bytes = fs::read(checkpoint.join(of)).unwrap_or_default();
            fs::write(checkpoint.join(file), bytes).unwrap();
        });
        assert!(error.contains(&format!("{file}: it is not expected")), "{error}");
    }
}

#[test]
fn impossible_counters_are_rejected() {
    let (progress, manifest) = ("progress.json", "manifest.json");
    for (file, old, new, expected) in [
        (progress, "\"steps\": 3,", "\"steps\": 99,", "progress.json: it has 99 steps"),
        (progress, "\"halvings\": 0", "\"halvings\": 40", "progress.json: the learning rate was halved 40 times"),
        (progress, "\"halvings\": 0", "\"halvings\": -1", "progress.json: invalid value"),
        (manifest, "\"steps\": 3,", "\"steps\": 2,", "progress.json: its steps and epochs are not those"),
    ] {
        let error = error_after(&config(2), |checkpoint, _| {
            let text = fs::read_to_string(checkpoint.join(file)).unwrap();
            assert!(text.contains(old), "{text}");
            fs::write(checkpoint.join(file), text.replace(old, new)).unwrap();
        });
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_checkpoint_of_the_first_versions_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let config = tbptt(2);
    let checkpoint = stopped(folder.path(), &config);
    edit(checkpoint.join("optimizer.bpk"), unbind);
    seal(&checkpoint);
    let resumed = run(folder.path(), &config, 1, true).0.unwrap();
    let full = run(&folder.path().join("full"), &config, 1, false).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&full.progress));
}
