//! Five steps of each optimizer, compared with values computed by Keras. `cargo xtask parity` writes the fixture.

use burn::optim::Optimizer;
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::Deserialize;
use serde_json::Value;
use trainer::{Adam, Rmsprop, Sgd};

#[derive(Deserialize)]
struct Values {
    data: Vec<f64>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    kind: String,
    #[serde(rename = "numbers")]
    config: Value,
    after: Values,
}

#[derive(Deserialize)]
struct Fixture {
    learning_rate: f64,
    weights: Values,
    gradients: Values,
    runs: Vec<Run>,
}

fn tensor(values: &[f64], dtype: DType) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (&Device::flex(), dtype))
}

fn assert_steps<O: Optimizer>(fixture: &Fixture, run: &Run, optimizer: &O) {
    let count = fixture.weights.data.len();
    // Keras rounds Adam's β to 32 bits before it computes powers; only the β of the run `adam` change by that. It rounds the
    // momentum, too.
    let exact = match run.name.as_str() {
        "adam" => 1e-6,
        name if name.starts_with("sgd_") => 1e-8,
        _ => 1e-9,
    };
    for (dtype, tolerance) in [(DType::F64, exact), (DType::F32, 1e-5)] {
        let mut weight = tensor(&fixture.weights.data, dtype);
        let mut state = None;
        let steps = fixture.gradients.data.chunks(count).zip(run.after.data.chunks(count));
        for (step, (gradient, expected)) in steps.enumerate() {
            let gradient = tensor(gradient, dtype);
            (weight, state) = optimizer.step(fixture.learning_rate, weight, gradient, state);
            let found: Vec<f64> = weight.clone().try_into_vec_as().unwrap();
            let largest = expected.iter().fold(0f64, |largest, x| largest.max(x.abs()));
            for (found, expected) in found.iter().zip(expected) {
                let error = (found - expected).abs();
                let name = &run.name;
                assert!(error <= tolerance * largest, "{name}, step {step}: {found} {expected}");
            }
        }
    }
}

#[test]
fn five_steps_equal_those_of_keras() {
    let text = include_str!("fixtures/optimizers.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert_eq!(fixture.runs.len(), 10);
    for run in &fixture.runs {
        let config = run.config.clone();
        match run.kind.as_str() {
            "rmsprop" => {
                let config = serde_json::from_value(config).unwrap();
                assert_steps(&fixture, run, &Rmsprop::new(config));
            }
            "adam" | "adamw" => {
                let config = serde_json::from_value(config).unwrap();
                assert_steps(&fixture, run, &Adam::new(config));
            }
            "sgd" => {
                let config = serde_json::from_value(config).unwrap();
                assert_steps(&fixture, run, &Sgd::new(config));
            }
            kind => panic!("unknown optimizer {kind}"),
        }
    }
}
