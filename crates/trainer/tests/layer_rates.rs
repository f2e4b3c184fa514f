//! Learning rates by layer and layers that are trained one after another.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use common::{assert_same_bytes, config, rmsprop, run, run_until, setup, tbptt, without_times};
use models::LanguageModel;
use models::parameters::values;
use trainer::{Checkpoints, StopReason, TrainConfig, TrainTask};

/// The model after so many steps of a run in epochs of `config.steps_per_epoch`: with averaged weights if it has them.
fn model_after(run_dir: &Path, steps: u64) -> LanguageModel {
    Checkpoints::of(run_dir).load_model(steps, &Device::flex()).unwrap().model
}

/// Windows with RMSprop and momentum, and truncated BPTT with Adam, clipping and averaging.
fn configs() -> [TrainConfig; 2] {
    [config(1), tbptt(1)].map(|config| config.sample_every(0).warm_up_steps(0).steps_per_epoch(2))
}

#[test]
fn layers_are_counted_from_the_output_down() {
    let (_, identity, model) = setup(&config(1), 1);
    let depths: BTreeMap<String, usize> =
        values(&model).into_keys().map(|path| (path.clone(), model.depth(&path))).collect();
    for (path, depth) in &depths {
        let expected = match path.split('.').next().unwrap() {
            "output" => 0,
            "stack" if path.starts_with("stack.layers.1.") => 1,
            "stack" => 2,
            _ => 3,
        };
        assert_eq!(*depth, expected, "{path}");
    }
    assert!(depths.values().any(|&depth| depth == 2), "{depths:?}");
    // Weights that are shared with the output layer are a part of it.
    let tied = identity.metadata.config.clone().tie_weights(true).projection_dim(4).labels(["a"]);
    let tied = tied.init(1, &Device::flex()).unwrap();
    for (path, expected) in [
        ("embedding.weight", 0),
        ("output.projection.kernel", 0),
        ("stack.layers.0.x", 2),
        ("label_embedding.weight", 3),
    ] {
        assert_eq!(tied.depth(path), expected, "{path}");
    }
}

#[test]
fn the_step_of_a_lower_layer_is_that_of_a_lower_learning_rate() {
    // One step without clipping, of a single optimizer state.
    let one = config(1).sample_every(0).warm_up_steps(0).steps_per_epoch(1).optimizer(rmsprop(0.0)).learning_rate(0.01);
    let folder = tempfile::tempdir().unwrap();
    let trained = |name: &str, config: &TrainConfig| {
        let run_dir = folder.path().join(name);
        run(&run_dir, config, 1, false).0.unwrap();
        values(&model_after(&run_dir, 1))
    };
    let (_, _, model) = setup(&one, 1);
    let before = values(&model);
    let decayed = trained("decayed", &one.clone().layer_decay(0.25));
    for depth in 0..4 {
        let rate = 0.01 * 0.25f64.powi(depth);
        let expected = trained(&format!("rate-{depth}"), &one.clone().learning_rate(rate));
        let of_layer: Vec<&String> = before.keys().filter(|path| model.depth(path) == depth as usize).collect();
        assert!(!of_layer.is_empty(), "{depth}");
        for path in of_layer {
            assert_eq!(decayed[path], expected[path], "{path}");
        }
    }
}

#[test]
fn a_layer_that_is_not_trained_yet_does_not_change() {
    let (_, _, model) = setup(&config(1), 1);
    let before = values(&model);
    for (index, config) in configs().into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        // One more layer in each epoch.
        let run_dir = folder.path().join(index.to_string());
        for epochs in 1..=4 {
            let config = config.clone().unfreeze_steps(2).epochs(epochs);
            let outcome = run(&run_dir, &config, 1, epochs > 1).0.unwrap();
            assert_eq!(outcome.stop_reason, StopReason::Finished);
            let now = values(&model_after(&run_dir, outcome.progress.steps));
            for (path, found) in &now {
                let is_trained = model.depth(path) < epochs;
                assert_eq!(*found != before[path], is_trained, "{index}: {path} after {epochs} epochs");
            }
        }
    }
}

#[test]
fn a_run_stopped_before_and_after_a_layer_is_added_is_resumed_exactly() {
    for config in configs() {
        let config = config.unfreeze_steps(3).layer_decay(0.5).epochs(6);
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = run(&full, &config, 1, false).0.unwrap();
        let steps = outcome.progress.steps;
        assert_eq!(steps, 12);
        for stop in [1, 2, 3, 4, 6, 9, 10] {
            let parts = folder.path().join(format!("parts-{stop}"));
            assert_eq!(run_until(&parts, &config, false, stop).progress.steps, stop);
            let resumed = run(&parts, &config, 1, true).0.unwrap();
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            assert_same_bytes(&full, &parts, steps, &["weights.bpk", "optimizer.bpk"]);
        }
        for changed in [config.clone().unfreeze_steps(4), config.layer_decay(0.6)] {
            let error = run(&full, &changed, 1, true).0.unwrap_err().to_string();
            assert!(error.contains("layer decay, unfreezing") && error.contains("have changed"), "{error}");
        }
    }
}
