//! Training with fused kernels and with composed operations gives the same loss.

use std::sync::Arc;

use burn::tensor::Device;
use models::{Activation, CellKind, KernelMode, LanguageModelConfig, LayerConfig, Network, evaluate};
use seqdata::{Ids, Loader, Order, Sequence, Windows};
use trainer::{FitLimit, TrainConfig, fit};

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

#[test]
fn losses_after_200_steps_agree_with_and_without_kernels() {
    let ids = ids();
    for kind in [CellKind::Lstm, CellKind::Gru { reset_after: true }, CellKind::Elman(Activation::Tanh)] {
        let loss = |kernels: KernelMode| {
            let device = Device::flex();
            let layers = vec![LayerConfig::new(kind, 24), LayerConfig::new(kind, 17)];
            let network = LanguageModelConfig::new(50, 12, layers).dropout(0.2).layer_dropout(0.1);
            let config = TrainConfig::default().batch_size(16).learning_rate(5e-3);
            let windows = |range, device| {
                let windows = Windows::over(Sequence::new(ids.clone(), range), 8, 1);
                Loader::windows(windows, 16, Order::Shuffled(1), device)
            };
            let batches = windows(0..2_500, device.clone().autodiff()).endless();
            let fresh = network.init(1, &device).unwrap().with_kernels(kernels);
            let model = fit(fresh, batches, &config, FitLimit::Steps(200)).unwrap();
            let held_out = windows(2_500..3_000, device);
            evaluate(&model, &held_out).unwrap().nats_per_token()
        };
        let (with, without) = (loss(KernelMode::Fused), loss(KernelMode::Composed));
        // The uniform baseline is ln 50 = 3.91.
        assert!(with < 3.8, "{kind:?} has not learned: {with}");
        let relative = (with - without).abs() / without;
        assert!(relative <= 1e-4, "{kind:?}: {with} with kernels, {without} without");
    }
}
