//! Training with fused kernels and with composed operations gives the same loss, and with products in bf16 nearly the
//! same.

use std::io::Write;
use std::sync::Arc;

use burn::tensor::Device;
use kernels::has_bf16_instruction;
use models::{Activation, CellKind, KernelMode, LanguageModelConfig, LayerConfig, Network, evaluate};
use seqdata::{Ids, Loader, Order, Sequence, Windows};
use trainer::{FitLimit, TrainConfig, TrainPrecision, fit};

/// Learnable ids: each depends on the previous one, with some noise.
fn ids() -> Arc<Ids> {
    let next = |(id, noise): (u32, u32), _| {
        let noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((id * 7 + 3 + (noise >> 30)) % 50, noise)
    };
    let all = (0..3_000).scan((1, 1), |state, at| {
        *state = next(*state, at);
        Some(state.0)
    });
    Arc::new(all.collect())
}

/// The held-out loss after 200 steps of two layers of this cell with `kernels`; of those in bf16 computed in f32.
fn loss_after_200_steps(ids: &Arc<Ids>, kind: CellKind, kernels: KernelMode, config: &TrainConfig) -> f64 {
    let device = Device::flex();
    let layers = vec![LayerConfig::new(kind, 24), LayerConfig::new(kind, 17)];
    let network = LanguageModelConfig::new(50, 12, layers).dropout(0.2).layer_dropout(0.1);
    let windows = |range, device| {
        let windows = Windows::over(Sequence::new(ids.clone(), range), 8, 1);
        Loader::windows(windows, 16, Order::Shuffled(1), device)
    };
    let batches = windows(0..2_500, device.clone().autodiff()).endless();
    let fresh = network.init(1, &device).unwrap().with_kernels(kernels);
    let model = fit(fresh, batches, config, FitLimit::Steps(200)).unwrap();
    let model = if kernels == KernelMode::FusedBf16 { model.with_kernels(KernelMode::Fused) } else { model };
    let held_out = windows(2_500..3_000, device);
    evaluate(&model, &held_out).unwrap().nats_per_token()
}

fn config() -> TrainConfig {
    TrainConfig::default().batch_size(16).learning_rate(5e-3)
}

const KINDS: [CellKind; 3] = [CellKind::Lstm, CellKind::Gru { reset_after: true }, CellKind::Elman(Activation::Tanh)];

#[test]
fn losses_after_200_steps_agree_with_and_without_kernels() {
    let ids = ids();
    for kind in KINDS {
        let loss = |kernels| loss_after_200_steps(&ids, kind, kernels, &config());
        let (with, without) = (loss(KernelMode::Fused), loss(KernelMode::Composed));
        // The uniform baseline is ln 50 = 3.91.
        assert!(with < 3.8, "{kind:?} has not learned: {with}");
        let relative = (with - without).abs() / without;
        assert!(relative <= 1e-4, "{kind:?}: {with} with kernels, {without} without");
    }
}

#[test]
fn losses_after_200_steps_in_bf16_are_near_those_in_f32() {
    let ids = ids();
    for kind in KINDS {
        let loss = |kernels| loss_after_200_steps(&ids, kind, kernels, &config());
        // Where the processor does not have the instruction, its results are computed without it.
        let (bf16, f32) = (loss(KernelMode::FusedBf16), loss(KernelMode::Fused));
        assert_ne!(bf16, f32, "{kind:?}: nothing was rounded");
        let relative = (bf16 - f32).abs() / f32;
        assert!(relative <= 5e-3, "{kind:?}: {bf16} in bf16, {f32} in f32");
        if has_bf16_instruction() {
            // The setting does the same: training steps in bf16, and the rest in f32.
            let config = config().precision(TrainPrecision::Bf16);
            assert_eq!(loss_after_200_steps(&ids, kind, KernelMode::Fused, &config), bf16, "{kind:?}");
        } else {
            let _ = writeln!(std::io::stderr(), "skipped: `train.precision`: this CPU does not have AVX512-BF16");
        }
    }
}
