//! A cell that has a memory learns to use it.

use burn::tensor::Device;
use models::{CellKind, LanguageModelConfig, LayerConfig};
use seqdata::Recall;
use trainer::{AdamConfig, Clip, Limit, Method, OptimizerConfig, TrainConfig, train_briefly};

#[test]
fn a_gru_learns_to_carry_a_cue_over_noise() {
    let device = Device::flex();
    let task = Recall { cues: 4, gap: 5 };
    let layers = vec![LayerConfig::new(CellKind::Gru { reset_after: true }, 24)];
    let fresh = LanguageModelConfig::new(task.vocabulary(), 8, layers).init(1, &device).unwrap();
    let adam = OptimizerConfig::Adam(AdamConfig::default());
    let config = TrainConfig {
        clip: Some(Clip::GlobalNorm(1.0)),
        ..TrainConfig::new(Method::Windows, 32, 0.01, adam)
    };
    let autodiff = device.clone().autodiff();
    let batches = (0..).map(|step| task.batch(32, 1, step, &autodiff));
    let model = train_briefly(fresh.clone(), batches, &config, Limit::Steps(150)).unwrap();
    let right = |model: &models::LanguageModel| {
        let batch = task.batch(200, 1, u64::MAX, &device);
        let (logits, _) = model.next(batch.inputs, model.start(200));
        let right = logits.argmax(1).equal(batch.targets).int().sum();
        right.try_into_scalar::<i64>().unwrap()
    };
    // One in four by chance.
    assert!(right(&fresh) < 100, "{}", right(&fresh));
    assert!(right(&model) > 190, "{}", right(&model));
}
