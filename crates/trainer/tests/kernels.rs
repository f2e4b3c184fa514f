//! Training with the kernels and without them comes to the same.

use std::sync::Arc;

use burn::tensor::Device;
use models::{Activation, CellKind, LanguageModelConfig, LayerConfig, score};
use seqdata::{Ids, Loader, Order, Windows};
use trainer::{Limit, Method, OptimizerConfig, RmspropConfig, TrainConfig, train_briefly};

/// Ids in which something can be learned: each depends on the one before, with some noise.
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
fn losses_after_200_steps_agree_with_kernels_and_without() {
    let ids = ids();
    for kind in
        [CellKind::Lstm, CellKind::Gru { reset_after: true }, CellKind::Elman(Activation::Tanh)]
    {
        let loss = |fused: bool| {
            kernels::fuse(fused);
            let device = Device::flex();
            let layers = vec![LayerConfig::new(kind, 24), LayerConfig::new(kind, 17)];
            let network = LanguageModelConfig {
                dropout: 0.2,
                layer_dropout: 0.1,
                ..LanguageModelConfig::new(50, 12, layers)
            };
            let rmsprop = OptimizerConfig::Rmsprop(RmspropConfig::default());
            let config = TrainConfig::new(Method::Windows, 16, 5e-3, rmsprop);
            let windows = |range, device| {
                let windows = Windows::new(ids.clone(), range, 8, 1);
                Loader::windows(windows, 16, Order::Shuffled(1), device)
            };
            let batches = windows(0..2_500, device.clone().autodiff()).endless();
            let fresh = network.init(1, &device).unwrap();
            let model = train_briefly(fresh, batches, &config, Limit::Steps(200)).unwrap();
            let held_out = windows(2_500..3_000, device);
            score(&model, &held_out).unwrap().nats_per_token()
        };
        let (with, without) = (loss(true), loss(false));
        kernels::fuse(true);
        // Guessing blindly costs ln 50 = 3.91.
        assert!(with < 3.8, "{kind:?} has not learned: {with}");
        let relative = (with - without).abs() / without;
        assert!(relative <= 1e-4, "{kind:?}: {with} with kernels, {without} without");
    }
}
