//! A gated cell learns to remember a token over several steps.

use burn::tensor::Device;
use models::{LanguageModelConfig, LayerConfig};
use seqdata::RecallTask;
use trainer::{AdamConfig, Clip, FitLimit, TrainConfig, fit};

#[test]
fn a_gru_learns_to_remember_a_cue_over_noise() {
    let device = Device::flex();
    let task = RecallTask { cues: 4, gap: 5 };
    let layers = vec![LayerConfig::gru(24)];
    let fresh = LanguageModelConfig::new(task.vocab_size(), 8, layers).init(1, &device).unwrap();
    let config =
        TrainConfig::default().optimizer(AdamConfig::default()).learning_rate(0.01).clip(Clip::GlobalNorm(1.0));
    let autodiff = device.clone().autodiff();
    let batches = (0..).map(|step| task.batch(32, 1, step, &autodiff));
    let model = fit(fresh.clone(), batches, &config, FitLimit::Steps(150)).unwrap();
    let correct = |model: &models::LanguageModel| {
        let batch = task.batch(200, 1, u64::MAX, &device);
        let (logits, _) = model.forward_last(batch.inputs, model.init_state(200));
        let correct = logits.argmax(1).equal(batch.targets).int().sum();
        correct.try_into_scalar::<i64>().unwrap()
    };
    // By chance 50 of 200 are correct.
    assert!(correct(&fresh) < 100, "{}", correct(&fresh));
    assert!(correct(&model) > 190, "{}", correct(&model));
}
