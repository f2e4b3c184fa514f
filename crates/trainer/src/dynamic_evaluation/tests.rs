//! Tests of dynamic evaluation against its equations and on a text whose paragraphs repeat their names.

use burn::tensor::{Device, TensorData};
use models::parameters::values;
use models::{LanguageModelConfig, LayerConfig, evaluate};
use seqdata::{Loader, Part, TextDataset};

use super::*;
use crate::config::{TrainConfig, TrainMode};
use crate::fit::{FitLimit, fit};

const CHUNK: usize = 5;

/// Paragraphs that each repeat one of a few invented names.
fn topics() -> TextDataset {
    let names = ["orbo", "quell", "mirt", "sandu", "pelk", "tovi", "gramm", "ushen", "brack", "lomi", "wend", "zarr"];
    let mut text = String::new();
    for paragraph in 0..220usize {
        let name = names[paragraph * paragraph % 157 % names.len()];
        for verb in ["saw", "met", "heard", "left", "found"] {
            text.push_str(&format!("then {name} {verb} the king and the king {verb} {name} . "));
        }
    }
    TextDataset::from_text(text).words().context_len(4).build().unwrap()
}

fn model(dataset: &TextDataset) -> LanguageModel {
    let layers = vec![LayerConfig::lstm(12)];
    LanguageModelConfig::new(dataset.tokenizer.vocabulary.len(), 8, layers).init(1, &Device::flex()).unwrap()
}

fn trained(dataset: &TextDataset) -> LanguageModel {
    let config = TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 12 }).batch_size(8).learning_rate(0.01);
    let streams = dataset.train_streams(8, 12).unwrap().for_training(1);
    let batches = Loader::streams(streams, Device::flex().autodiff()).endless();
    fit(model(dataset), batches, &config, FitLimit::Steps(250)).unwrap()
}

fn valid_chunks(dataset: &TextDataset) -> Loader {
    Loader::streams(Streams::evaluation(dataset.sequence(Part::Valid), 4).in_chunks(CHUNK), Device::flex())
}

fn training_text(dataset: &TextDataset) -> Streams {
    Streams::over(dataset.sequence(Part::Train), 1, CHUNK)
}

fn loss(by_label: &[EvalMetrics]) -> f64 {
    by_label.iter().fold(EvalMetrics::default(), |sum, metrics| sum.plus(metrics)).nats_per_token()
}

/// The equations of [`DynamicEvaluation`] for each weight.
struct Plain<'a> {
    evaluation: &'a DynamicEvaluation<'a>,
    rates: DynamicRates,
    trained: GradientsParams,
    gradients: GradientsParams,
}

struct Collect<'a>(&'a mut GradientsParams);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.0.register(parameter.id, parameter.val());
    }
}

impl ModuleMapper for Plain<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = parameter.id;
        let vector = |tensor: Option<Tensor<D>>| tensor.unwrap().try_into_vec_as::<f64>().unwrap();
        let (trained, gradients) = (vector(self.trained.get(id)), vector(self.gradients.get(id)));
        let sizes = self.evaluation.sizes.as_ref().map(|sizes| (vector(sizes.by_parameter.get(id)), sizes.mean));
        let DynamicRates { rate, decay } = self.rates;
        parameter.map(|weights| {
            let (dims, device) = (weights.dims(), weights.device());
            let weights: Vec<f64> = weights.try_into_vec_as().unwrap();
            let updated = weights.iter().enumerate().map(|(at, weight)| {
                let back = trained[at] - weight;
                match &sizes {
                    None => weight - rate * gradients[at] + decay * back,
                    Some((roots, mean)) => {
                        let decay = (decay * roots[at] / mean).min(1.0);
                        weight - rate * gradients[at] / (roots[at] + mean) + decay * back
                    }
                }
            });
            Tensor::from_data(TensorData::new(updated.map(|weight| weight as f32).collect(), dims), &device)
        })
    }
}

fn assert_close(found: &LanguageModel, expected: &LanguageModel) {
    for ((path, found), expected) in values(found).into_iter().zip(values(expected).into_values()) {
        let [found, expected] = [found, expected].map(|data| data.try_to_vec::<f32>().unwrap());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{path}: {found} {expected}");
        }
    }
}

#[test]
fn updates_follow_the_equations_and_each_chunk_is_evaluated_before() {
    let dataset = topics();
    let model = model(&dataset);
    let before = values(&model);
    let training_text = training_text(&dataset);
    for evaluation in [DynamicEvaluation::sgd(&model), DynamicEvaluation::rms(&model, &training_text, |_| {}).unwrap()]
    {
        let rate = if evaluation.sizes.is_some() { 0.02 } else { 0.5 };
        for decay in [0.0, 0.3] {
            let rates = DynamicRates { rate, decay };
            let mut update = Update::new(&evaluation, rates);
            let (mut current, mut state, mut expected) = (model.clone(), None, EvalMetrics::default());
            for batch in DataLoader::iter(&valid_chunks(&dataset)).take(4) {
                let batch = batch.unwrap();
                let before = current.state_before(&batch, state.take());
                let targets = batch.targets.clone();
                let (losses, after) = current.forward_eval(batch.inputs.clone(), targets, before.clone());
                expected.add(&losses).unwrap();
                state = Some(after);
                let mut trained = GradientsParams::new();
                model.visit(&mut Collect(&mut trained));
                let gradients = || gradients(&current.clone().trainable(), batch.clone(), before.clone()).0;
                update.gradients = gradients();
                let mut plain = Plain { evaluation: &evaluation, rates, trained, gradients: gradients() };
                let updated = current.clone().map(&mut update);
                current = current.map(&mut plain);
                assert_close(&updated, &current);
            }
            let found = evaluation.evaluate_first(&valid_chunks(&dataset), None, rates, 4 * CHUNK, |_| {}).unwrap();
            assert!((loss(&found) - expected.nats_per_token()).abs() < 1e-5, "{found:?} {expected:?}");
        }
    }
    assert_eq!(values(&model), before);
}

#[test]
fn the_size_of_gradients_is_their_root_mean_square_in_the_training_text() {
    let dataset = topics();
    let model = model(&dataset);
    // One block.
    let text = Streams::over(dataset.sequence(Part::Train), 1, dataset.sequence(Part::Train).len() / 3);
    let evaluation = DynamicEvaluation::rms(&model, &text, |_| {}).unwrap();
    let trainable = model.clone().trainable();
    let (mut state, mut squares) = (trainable.init_state(1), vec![0.0; dataset.tokenizer.vocabulary.len()]);
    for index in 0..text.chunks() {
        let batch = LmItems::Streams(text.clone()).batch(vec![index], &Device::flex().autodiff());
        let (nats, after) = trainable.forward_loss(batch.inputs, batch.targets, state, None);
        state = models::detach(after);
        let gradient = trainable.output.bias.grad(&nats.mean().backward()).unwrap();
        let gradient: Vec<f64> = gradient.try_into_vec_as().unwrap();
        squares.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient * gradient);
    }
    let sizes = evaluation.sizes.as_ref().unwrap();
    let found: Vec<f64> = sizes.by_parameter.get::<1>(model.output.bias.id).unwrap().try_into_vec_as().unwrap();
    for (found, sum) in found.iter().zip(squares) {
        assert!((found - (sum / text.chunks() as f64).sqrt()).abs() < 1e-6, "{found}");
    }
    assert!(sizes.mean > 0.0 && sizes.mean < 1.0, "{}", sizes.mean);
}

#[test]
fn a_model_learns_the_names_of_a_paragraph_while_it_is_evaluated() {
    let dataset = topics();
    let model = trained(&dataset);
    let plain = evaluate(&model, &valid_chunks(&dataset)).unwrap().nats_per_token();
    let valid = valid_chunks(&dataset);
    let training_text = training_text(&dataset);
    for evaluation in [DynamicEvaluation::sgd(&model), DynamicEvaluation::rms(&model, &training_text, |_| {}).unwrap()]
    {
        let mut done = Vec::new();
        let rates = evaluation.best_rates(&valid, None, [None; 2], usize::MAX, |fraction| done.push(fraction)).unwrap();
        assert!(done.is_sorted() && done[0] < 0.1 && done.last() == Some(&1.0), "{done:?}");
        let adapted = loss(&evaluation.evaluate(&valid, None, rates, |_| {}).unwrap());
        assert!(adapted < 0.97 * plain, "{adapted} {plain} {rates:?}");
        let given = evaluation.best_rates(&valid, None, [Some(rates.rate), Some(0.5)], 50, |_| {}).unwrap();
        assert_eq!(given, DynamicRates { rate: rates.rate, decay: 0.5 });
    }
}

#[test]
fn rates_out_of_range_are_rejected_by_name() {
    for (rate, decay, key) in [(0.0, 0.1, "dynamic_rate"), (f64::NAN, 0.1, "dynamic_rate"), (0.1, 1.5, "dynamic_decay")]
    {
        let error = DynamicRates { rate, decay }.check().unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}
