//! Burn's `Lstm` and `Gru` replaced by [`pastiche::nn`]: the same configuration, shapes and records, with fused
//! kernels inside. Trains an ordinary Burn module with them, then compares outputs and times with those of Burn's.
//!
//! ```sh
//! cargo run --release -p pastiche --example burn_lstm
//! cargo run --release -p pastiche --example burn_lstm --features flex    # both CPU backends
//! ```

#![allow(clippy::print_stdout)]

use std::time::Instant;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor, s};
// The only change to a program that uses `burn::nn::{Gru, GruConfig, Lstm, LstmConfig}`.
use pastiche::nn::{Gru, GruConfig, Lstm, LstmConfig};

/// An ordinary Burn module: predicts one number from a sequence of vectors.
#[derive(Module, Debug)]
struct Regressor {
    lstm: Lstm,
    head: Linear,
}

impl Regressor {
    fn new(inputs: usize, units: usize, device: &Device) -> Self {
        let lstm = LstmConfig::new(inputs, units, true).init(device);
        Self { lstm, head: LinearConfig::new(units, 1).init(device) }
    }

    /// From `[N, T, D]` to `[N, 1]`.
    fn forward(&self, input: Tensor<3>) -> Tensor<2> {
        let (_, state) = self.lstm.forward(input, None);
        self.head.forward(state.hidden)
    }
}

fn main() {
    for (name, device) in devices() {
        println!("Backend {name}");
        train(&device);
        println!("  {:<40} {:>9} {:>9} {:>7}", "median ms, 100 inputs, 256 units", "Burn", "pastiche", "ratio");
        for sizes in [[32, 20, 100, 256], [32, 2, 100, 256], [1, 20, 100, 256], [1, 2, 100, 256]] {
            compare_lstm(sizes, &device);
            compare_gru(sizes, &device);
        }
    }
}

#[allow(deprecated)]
fn devices() -> Vec<(&'static str, Device)> {
    vec![
        #[cfg(feature = "ndarray")]
        ("ndarray", Device::ndarray()),
        #[cfg(feature = "flex")]
        ("flex", Device::flex()),
    ]
}

/// Trains a [`Regressor`] on the sum over all steps of the first input.
fn train(device: &Device) {
    let device = device.clone().autodiff();
    device.seed(1);
    let mut model = Regressor::new(3, 16, &device);
    let mut optimizer = AdamConfig::new().init();
    for step in 0..=200 {
        let input = Tensor::<3>::random([32, 10, 3], Distribution::Uniform(-1.0, 1.0), &device);
        let target: Tensor<2> = input.clone().slice(s![.., .., 0..1]).sum_dim(1).squeeze_dim(2);
        let loss = (model.forward(input) - target).square().mean();
        if step % 100 == 0 {
            println!("  step {step}: mean squared error {:.3}", loss.clone().into_scalar::<f32>());
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.01, model, gradients);
    }
}

/// Rounds of each measurement; in each, both modules run once.
const ROUNDS: usize = 9;

/// N, T, D and H.
type Sizes = [usize; 4];

fn compare_lstm(sizes: Sizes, device: &Device) {
    let [batch, time, inputs, units] = sizes;
    let autodiff = device.clone().autodiff();
    let burn = burn::nn::LstmConfig::new(inputs, units, true).init(&autodiff);
    // A record of Burn's module is one of ours.
    let ours = LstmConfig::new(inputs, units, true).init(&autodiff).load_record(burn.clone().into_record());
    let input = Tensor::random([batch, time, inputs], Distribution::Uniform(-1.0, 1.0), device);
    let (eval_burn, eval_ours) = (burn.valid(), ours.valid());
    compare("LSTM", sizes, &input, &|x| eval_burn.forward(x, None).0, &|x| eval_ours.forward(x, None).0);
    let input = input.autodiff().require_grad();
    compare("LSTM", sizes, &input, &|x| burn.forward(x, None).0, &|x| ours.forward(x, None).0);
}

fn compare_gru(sizes: Sizes, device: &Device) {
    let [batch, time, inputs, units] = sizes;
    let autodiff = device.clone().autodiff();
    let ours = GruConfig::new(inputs, units, true).init(&autodiff);
    // Modules are converted without a record, too.
    let burn = burn::nn::Gru::from(ours.clone());
    let input = Tensor::random([batch, time, inputs], Distribution::Uniform(-1.0, 1.0), device);
    let (eval_burn, eval_ours): (burn::nn::Gru, Gru) = (burn.valid(), ours.valid());
    compare("GRU", sizes, &input, &|x| eval_burn.forward(x, None), &|x| eval_ours.forward(x, None));
    let input = input.autodiff().require_grad();
    compare("GRU", sizes, &input, &|x| burn.forward(x, None), &|x| ours.forward(x, None));
}

type Forward<'a> = &'a dyn Fn(Tensor<3>) -> Tensor<3>;

/// Checks that the outputs are equal, and prints the times of both; with the backward pass if `input` is tracked.
fn compare(layer: &str, [batch, time, ..]: Sizes, input: &Tensor<3>, burn: Forward, ours: Forward) {
    let difference = (burn(input.clone()) - ours(input.clone())).abs().max().into_scalar::<f32>();
    assert!(difference < 1e-5, "outputs differ by {difference}");
    let tracked = input.is_require_grad();
    let milliseconds = |forward: Forward| {
        let start = Instant::now();
        let output = forward(input.clone());
        if tracked {
            output.sum().backward();
        }
        1e3 * start.elapsed().as_secs_f64()
    };
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        let round_times = [milliseconds(burn), milliseconds(ours)];
        // The first round allocates memory.
        if round > 0 {
            times.iter_mut().zip(round_times).for_each(|(times, time)| times.push(time));
        }
    }
    let [burn, ours] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    let what = format!("{layer} {batch} x {time}, forward{}", if tracked { " + backward" } else { "" });
    println!("  {what:<40} {burn:9.3} {ours:9.3} {:7.2}", ours / burn);
}
