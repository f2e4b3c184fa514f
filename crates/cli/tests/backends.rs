//! A model saved on one backend is loaded by the others, with the same results.
#![cfg(all(feature = "ndarray", feature = "flex", feature = "wgpu"))]

mod common;
#[path = "../../models/tests/parity/fixtures.rs"]
mod fixtures;

use std::path::Path;

use common::{TestDir, assert_error};
use serde_json::Value;

fn loss(dir: &TestDir, backend: &[&str]) -> f64 {
    let args = [&["evaluate", "--model", "run", "--json"], backend].concat();
    dir.json(&args)["loss_nats_per_token"].as_f64().unwrap()
}

fn ids(dir: &TestDir, backend: &[&str]) -> Value {
    let options = ["generate", "--model", "run", "--json", "--temperature", "0", "--max-tokens", "8"];
    dir.json(&[&options, backend].concat())["samples"][0]["ids"].clone()
}

#[test]
fn the_two_cpu_backends_agree() {
    let dir = TestDir::new();
    let trained = dir.train(&["--out", "run", "--backend", "flex"]);
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    let (flex, ndarray) = (["--backend", "flex"], ["--backend", "ndarray"]);
    let (a, b) = (loss(&dir, &flex), loss(&dir, &ndarray));
    assert!((a - b).abs() <= 1e-4 * a, "{a} against {b}");
    assert_eq!(ids(&dir, &flex), ids(&dir, &ndarray));
    let other = dir.train(&["--out", "other", "--backend", "ndarray"]);
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    let manifest = |run: &str| -> Value {
        let path = dir.path().join(run).join("manifest.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let loss = |run| manifest(run)["about"]["valid_loss_window"].as_f64().unwrap();
    assert!((loss("run") - loss("other")).abs() < 1e-3);
}

#[test]
fn the_backend_is_selected_by_environment_or_file() {
    let dir = TestDir::new();
    let backend = |args: &[&str], variable: &str| {
        let mut command = dir.command(&[&["train"], common::tiny_fables().as_slice(), args].concat());
        command.envs((!variable.is_empty()).then_some(("PASTICHE_BACKEND", variable)));
        let output = common::output(command.output().unwrap());
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        let mut lines = output.stderr.lines();
        let line = lines.find(|line| line.starts_with("training") || line.starts_with("resuming"));
        line.and_then(|line| line.rsplit(' ').next()).map(String::from)
    };
    assert_eq!(backend(&["--out", "a"], "").as_deref(), Some("ndarray"));
    assert_eq!(backend(&["--out", "b"], "flex").as_deref(), Some("flex"));
    dir.file("backend.toml", "backend = \"flex\"\n");
    assert_eq!(backend(&["--out", "c"], "").as_deref(), Some("flex"));
    // A run that is resumed keeps its own, unless another one is named for this command or this shell.
    let resume = |epochs, variable| backend(&["--resume", "a", "--set", epochs], variable);
    assert_eq!(resume("train.epochs=2", "").as_deref(), Some("ndarray"));
    assert_eq!(resume("train.epochs=3", "flex").as_deref(), Some("flex"));
}

#[test]
fn vector_instructions_can_be_limited() {
    let dir = TestDir::new();
    let run = |out: &str, simd: &str, more: &[&str]| {
        let args = [&["train", "--out", out], more, common::tiny_fables().as_slice()].concat();
        common::output(dir.command(&args).env("PASTICHE_SIMD", simd).output().unwrap())
    };
    let expected = ["PASTICHE_SIMD is `avx3`; expected what this processor has: scalar", "unset it"];
    assert_error(&run("run", "avx3", &[]), "an unknown level", &expected);
    let bf16 = run("run", "scalar", &["--set", "train.precision=bf16"]);
    assert_error(&bf16, "a level without bf16", &["`train.precision` is \"bf16\"", "limited to narrower vectors"]);
    assert!(!dir.path().join("run").exists());
    // The whole program runs without vectors, and twice with the same results.
    let weights = ["a", "b"].map(|out| {
        assert_eq!(run(out, "scalar", &[]).code, Some(0));
        std::fs::read(dir.path().join(out).join("weights.bpk")).unwrap()
    });
    assert!(weights[0] == weights[1]);
}

#[test]
fn bf16_needs_the_kernels_and_the_instruction() {
    let dir = TestDir::new();
    let args = [&["train", "--set", "train.precision=bf16", "--out", "run"], common::tiny_fables().as_slice()].concat();
    let without_kernels = dir.command(&args).env("PASTICHE_KERNELS", "off").output().unwrap();
    let expected = ["`train.precision` is \"bf16\"; expected \"f32\"", "only the kernels of CPU backends"];
    assert_error(&common::output(without_kernels), "without kernels", &expected);
    dir.expect_error(&["train", "--set", "train.precision=f16"], &["train.precision", "bf16"]);
    if !kernels::has_bf16_instruction() {
        dir.expect_error(&args, &["this processor does not have AVX512-BF16"]);
        assert!(!dir.path().join("run").exists());
        return common::skipped("this CPU does not have AVX512-BF16");
    }
    assert!(!dir.path().join("run").exists());
    dir.run_ok(&args);
    let config = std::fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    assert!(config.contains("precision = \"bf16\""), "{config}");
    let other = ["train", "--resume", "run", "--set", "train.epochs=2", "--set", "train.precision=f32"];
    dir.expect_error(&other, &["train.precision"]);
    dir.run_ok(&other[..5]);
}

/// Mesa's software Vulkan, where it is installed.
fn lavapipe() -> Option<std::path::PathBuf> {
    let found = std::fs::read_dir("/usr/share/vulkan/icd.d").into_iter().flatten().flatten();
    let found = found.map(|entry| entry.path());
    let is_lavapipe =
        |path: &std::path::PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp"));
    let found = found.into_iter().find(is_lavapipe);
    if found.is_none() {
        common::skipped("Mesa's software Vulkan is not installed (mesa-vulkan-drivers)");
    }
    found
}

#[test]
fn software_vulkan_agrees_with_ndarray() {
    if lavapipe().is_none() {
        return;
    }
    let dir = TestDir::new();
    let small = ["--set", "windows.stride=160", "--set", "split.valid_fraction=0.02"];
    let wgpu = ["--backend", "wgpu", "--device", "cpu"];
    let args = [&["--out", "run"], &small[..], &wgpu[..]].concat();
    let trained = dir.train(&args);
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    let ndarray = dir.train(&[&["--out", "other", "--set", "train.epochs=2"], &small[..]].concat());
    assert_eq!(ndarray.code, Some(0), "{}", ndarray.stderr);
    // No line of a library, such as libwayland's about XDG_RUNTIME_DIR.
    assert!(!trained.stderr.contains("XDG_RUNTIME_DIR"), "{}", trained.stderr);
    // A resumed run uses its backend and device, and continues as an uninterrupted one.
    let resumed = dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]).stderr;
    assert!(resumed.contains("resuming run after step ") && resumed.contains(" on wgpu"), "{resumed}");
    assert!(common::warnings(&resumed).is_empty() && !resumed.contains("XDG_RUNTIME_DIR"), "{resumed}");
    let uninterrupted = dir.train(&[&["--out", "whole", "--set", "train.epochs=2"], &small[..], &wgpu[..]].concat());
    assert_eq!(uninterrupted.code, Some(0), "{}", uninterrupted.stderr);
    let epochs = |run: &str| -> Vec<f64> {
        let metrics = std::fs::read_to_string(dir.path().join(run).join("metrics.jsonl")).unwrap();
        let lines = metrics.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter_map(|line| (line["event"] == "epoch").then(|| line["valid_loss_nats_per_token"].as_f64())?)
            .collect()
    };
    let (parts, whole) = (epochs("run"), epochs("whole"));
    assert_eq!((parts.len(), whole.len()), (2, 2));
    for (part, whole) in parts.iter().zip(&whole) {
        assert!((part - whole).abs() <= 1e-4 * whole, "{parts:?} against {whole:?}");
    }
    dir.file("text.txt", "the fox saw the crow and the crow saw the fox".repeat(3));
    let loss = |run: &str, backend: &[&str]| {
        let base = ["evaluate", "--model", run, "--text", "text.txt", "--json"];
        let args = [&base[..], &["--state", "carry"], backend].concat();
        dir.json(&args)["loss_nats_per_token"].as_f64().unwrap()
    };
    let expected = loss("run", &[]);
    for found in [loss("run", &wgpu), loss("other", &[])] {
        assert!((found - expected).abs() <= 1e-3 * expected, "{found} against {expected}");
    }
    assert_eq!(ids(&dir, &wgpu), ids(&dir, &[]));
}

/// The logits of one trained model on two devices.
#[test]
#[allow(deprecated)]
fn logits_on_software_vulkan_equal_those_of_ndarray() {
    use burn::tensor::{Device, DeviceKind, Int, Tensor};

    if lavapipe().is_none() {
        return;
    }
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let logits = |device: &Device| {
        let artifact = models::LmBundle::load(dir.path().join("run"), device).unwrap();
        let ids = Tensor::<2, Int>::from_ints([[2, 3, 4, 5, 6], [7, 8, 9, 10, 11]], device);
        let (logits, _) = artifact.model.forward_last(ids, artifact.model.init_state(2));
        logits.try_into_vec_as::<f64>().unwrap()
    };
    let expected = logits(&Device::ndarray());
    let software = Device::wgpu(DeviceKind::Cpu);
    let found = logits(&software);
    let largest = expected.iter().fold(0f64, |largest, logit| largest.max(logit.abs()));
    assert!(largest > 0.1, "{largest}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-3 * largest, "{found} against {expected}");
    }
}

#[test]
#[allow(deprecated)]
fn initial_weights_are_the_same_on_every_backend() {
    use burn::tensor::{Device, DeviceKind};
    use models::{InitScheme, LanguageModelConfig, LayerConfig};

    let mut others = vec![Device::ndarray()];
    if lavapipe().is_some() {
        others.push(Device::wgpu(DeviceKind::Cpu));
    }
    for scheme in [InitScheme::Keras, InitScheme::Uniform] {
        let config = LanguageModelConfig::new(60, 8, vec![LayerConfig::lstm(6)]).init_scheme(scheme);
        let weights = |device: &Device| {
            let model = config.init(1, device).unwrap();
            let recurrent = model.stack.layers[0].cell.recurrent_kernel().val();
            let matrices = [model.embedding.weight.val(), recurrent, model.output.kernel.unwrap().val()];
            matrices.map(|matrix| matrix.try_into_vec_as::<f32>().unwrap())
        };
        let expected = weights(&Device::flex());
        for device in &others {
            assert!(weights(device) == expected, "{scheme:?} on {device:?}");
        }
    }
}

/// Results of PyTorch and Keras, on the backends that the tests of the library `models` do not use.
#[test]
#[allow(deprecated)]
fn every_backend_agrees_with_pytorch_and_keras() {
    use burn::tensor::{DType, Device, DeviceKind};

    fixtures::assert_every_case(&Device::ndarray(), &[(DType::F32, 1e-5)]);
    if lavapipe().is_some() {
        // A device can be set up only once per process, which the test of logits may already have done.
        let software = Device::wgpu(DeviceKind::Cpu);
        fixtures::assert_every_case(&software, &[(DType::F32, 1e-3)]);
    }
}

/// Burn loads an optimizer onto a default device of its own choice; with wgpu compiled in and without an adapter
/// that would panic.
#[test]
fn a_run_is_resumed_without_a_gpu_adapter() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let mut command = dir.command(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    without_adapters(&mut command);
    // A variable that another program of Burn's may need.
    command.env("BURN_DEVICE", "nonsense");
    let output = common::output(command.output().unwrap());
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let mut command = dir.command(&["generate", "--model", "run", "--backend", "wgpu"]);
    without_adapters(&mut command);
    let output = common::output(command.output().unwrap());
    assert_error(
        &output,
        "wgpu without an adapter",
        &["no GPU adapter", "no GPU with a driver for Vulkan", "--backend ndarray"],
    );
    // In plain words: nothing of wgpu's types.
    assert!(!output.stderr.contains("Wgpu") && !output.stderr.contains("XDG_RUNTIME_DIR"), "{}", output.stderr);
}

fn without_adapters(command: &mut std::process::Command) {
    let nothing = Path::new("/nonexistent.json");
    command.env("VK_DRIVER_FILES", nothing).env("VK_ICD_FILENAMES", nothing);
    command.env("__EGL_VENDOR_LIBRARY_FILENAMES", nothing).env("LIBGL_DRIVERS_PATH", "/nonexistent");
}

/// Without a hardware adapter the software adapter is named in the error, but not used unless requested.
#[test]
fn software_vulkan_is_used_only_on_request() {
    let Some(driver) = lavapipe() else { return };
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let mut command = dir.command(&["generate", "--model", "run", "--backend", "wgpu"]);
    command.env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", &driver);
    command.env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent.json");
    let output = common::output(command.output().unwrap());
    assert_error(&output, "wgpu on software alone", &["--device cpu"]);
}
