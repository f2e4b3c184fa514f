//! Dynamic evaluation: a model learns from the text that it is evaluated on, after each part is evaluated.

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, Progress};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use kernels::with_spinning_workers;
use models::{
    CellState, EvalMetrics, LanguageModel, MetricsByLabel, Network, State, TokenInput, target_labels, with_label,
};
use seqdata::{Batch, ConfigError, LmItems, Streams};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Blocks of the training text from which the size of gradients is measured.
const BLOCKS: usize = 20;
/// Chunks per block. The first of a block begins with a zero state.
const CHUNKS_PER_BLOCK: usize = 25;
/// The rates η that are tried with the rule of normalised gradients.
const RMS_RATES: [f64; 5] = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2];
/// The rates η that are tried with gradient descent.
const SGD_RATES: [f64; 5] = [0.01, 0.03, 0.1, 0.3, 1.0];
/// The decays λ that are tried, the first of which is that of the rates.
const DECAYS: [f64; 4] = [0.02, 0.0, 0.005, 0.1];

/// How fast the weights change and return.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DynamicRates {
    /// η, the learning rate; above 0.
    pub rate: f64,
    /// λ, the decay towards the trained weights; 0 for none, at most 1.
    pub decay: f64,
}

impl DynamicRates {
    /// Checks that both are in range.
    ///
    /// # Errors
    /// Names the first that is out of range.
    pub fn check(&self) -> Result<()> {
        let Self { rate, decay } = *self;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(ConfigError::new("dynamic_rate", rate, "a finite number above 0").into());
        }
        if !(0.0..=1.0).contains(&decay) {
            return Err(ConfigError::new("dynamic_decay", decay, "a number from 0 to 1").into());
        }
        Ok(())
    }
}

/// Dynamic evaluation of a language model by one of two rules (Krause, Kahembwe, Murray and Renals 2018), with the gradient
/// g of the mean loss of a chunk of the text, which is evaluated before:
///
/// ```text
/// θ ← θ − η g + λ (θ₀ − θ)                                    gradient descent
/// θ ← θ − η g / (√M + ε) + min(λ √M / ε, 1) (θ₀ − θ)          normalised gradients
/// ```
///
/// θ₀ are the trained weights. M is the mean of g² over chunks of the training text, for each weight, and ε the mean of √M
/// over all weights; in the paper ε in the first place is a constant that is chosen. A frozen embedding does not change.
pub struct DynamicEvaluation<'a> {
    model: &'a LanguageModel,
    /// √M; `None` for gradient descent.
    sizes: Option<Sizes>,
}

/// √M.
struct Sizes {
    by_parameter: GradientsParams,
    mean: f64,
}

impl<'a> DynamicEvaluation<'a> {
    /// Evaluation by gradient descent.
    pub fn sgd(model: &'a LanguageModel) -> Self {
        Self { model, sizes: None }
    }

    /// Evaluation with normalised gradients: M is measured on `training_text`, one stream with a target at every position, in
    /// chunks that are as long as those of the evaluation. `progress` is called with the fraction that is done.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If there are several streams, or no chunk.
    pub fn rms(
        model: &'a LanguageModel,
        training_text: &Streams,
        mut progress: impl FnMut(f64) + Send,
    ) -> Result<Self> {
        assert!(training_text.count() == 1 && training_text.chunks() > 0, "one stream that is not empty");
        let device = model.device();
        let trainable = model.clone().trainable();
        let items = LmItems::Streams(training_text.clone());
        let mut squares = Squares { gradients: GradientsParams::new(), sums: GradientsParams::new() };
        let (chunks, mut used) = (training_text.chunks(), 0);
        with_spinning_workers(uses_kernels(model), || {
            // In a short text, every chunk once.
            let blocks = BLOCKS.min(chunks.div_ceil(CHUNKS_PER_BLOCK));
            for block in 0..blocks {
                let start = block * chunks / blocks;
                let mut state = None;
                for index in start..(start + CHUNKS_PER_BLOCK).min((block + 1) * chunks / blocks) {
                    let mut batch = items.batch(vec![index], &device);
                    batch.continues = index > start;
                    let before = model.state_before(&batch, state.take());
                    let (gradients, after) = gradients(&trainable, batch, before);
                    (squares.gradients, state) = (gradients, Some(after));
                    model.visit(&mut squares);
                    used += 1;
                }
                progress((block + 1) as f64 / blocks as f64);
            }
        });
        let mut roots = Roots { sums: squares.sums, used, sizes: GradientsParams::new(), total: 0.0, weights: 0 };
        model.visit(&mut roots);
        // Without any gradient, nothing is divided by it.
        let mean = (roots.total / roots.weights as f64).max(f64::MIN_POSITIVE);
        Ok(Self { model, sizes: Some(Sizes { by_parameter: roots.sizes, mean }) })
    }

    /// The sums over the targets of each label number, as [`models::evaluate_by_label`] returns them, of `batches` in the
    /// order of the text. Each batch is evaluated before the model learns from it. `label` is the label number of all
    /// documents, if one is given. The trained weights do not change. `progress` is called with the fraction that was read.
    ///
    /// # Errors
    /// If a rate is out of range, or the device fails.
    pub fn evaluate(
        &self,
        batches: &dyn DataLoader<Batch>,
        label: Option<u32>,
        rates: DynamicRates,
        progress: impl FnMut(f64) + Send,
    ) -> Result<Vec<EvalMetrics>> {
        self.evaluate_first(batches, label, rates, usize::MAX, progress)
    }

    /// The same for the first batches, until there are `targets` targets.
    fn evaluate_first(
        &self,
        batches: &dyn DataLoader<Batch>,
        label: Option<u32>,
        rates: DynamicRates,
        targets: usize,
        mut progress: impl FnMut(f64) + Send,
    ) -> Result<Vec<EvalMetrics>> {
        rates.check()?;
        let mut update = Update::new(self, rates);
        let mut model = self.model.clone();
        let mut metrics = MetricsByLabel::of(&model);
        let (mut state, mut left) = (None, targets);
        with_spinning_workers(uses_kernels(self.model), || -> Result<()> {
            let mut batches = batches.iter();
            while let Some(batch) = batches.next() {
                let batch = with_label(batch.expect("ids are in memory"), label);
                let before = model.state_before(&batch, state.take());
                let input = TokenInput { ids: batch.inputs.clone(), labels: batch.labels.clone() };
                let (losses, after) = model.forward_eval(input, batch.targets.clone(), before.clone());
                metrics.add(&losses, target_labels(&batch))?;
                state = Some(after);
                left = left.saturating_sub(batch.targets.dims().iter().product());
                let Progress { items_processed, items_total, .. } = batches.progress();
                let of_targets = 1.0 - left as f64 / targets as f64;
                progress(of_targets.max(items_processed as f64 / items_total as f64));
                if left == 0 {
                    break;
                }
                update.gradients = gradients(&model.clone().trainable(), batch, before).0;
                model = model.map(&mut update);
            }
            Ok(())
        })?;
        Ok(metrics.0)
    }

    /// The rates with the lowest loss on the first `targets` targets of `batches`, of a few: first η, then λ. `given` are
    /// the values that are not to be chosen. `progress` is called with the fraction that is done.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn best_rates(
        &self,
        batches: &dyn DataLoader<Batch>,
        label: Option<u32>,
        [rate, decay]: [Option<f64>; 2],
        targets: usize,
        mut progress: impl FnMut(f64) + Send,
    ) -> Result<DynamicRates> {
        let all_rates = if self.sizes.is_some() { RMS_RATES } else { SGD_RATES };
        let mut best =
            (f64::INFINITY, DynamicRates { rate: rate.unwrap_or(all_rates[0]), decay: decay.unwrap_or(DECAYS[0]) });
        let rates = rate.map_or(all_rates.to_vec(), |rate| vec![rate]);
        let attempts = rates.len() + if decay.is_none() { DECAYS.len() - 1 } else { 0 };
        let mut done = 0;
        let mut attempt = |rates: DynamicRates, best: &mut (f64, DynamicRates)| -> Result<()> {
            let read = |fraction: f64| progress((f64::from(done) + fraction) / attempts as f64);
            let by_label = self.evaluate_first(batches, label, rates, targets, read)?;
            done += 1;
            let nats = by_label.iter().map(|metrics| metrics.nats).sum::<f64>();
            if nats < best.0 {
                *best = (nats, rates);
            }
            Ok(())
        };
        for rate in rates {
            attempt(DynamicRates { rate, ..best.1 }, &mut best)?;
        }
        if decay.is_none() {
            for decay in &DECAYS[1..] {
                attempt(DynamicRates { decay: *decay, ..best.1 }, &mut best)?;
            }
        }
        Ok(best.1)
    }
}

/// Whether our CPU kernels compute the model.
fn uses_kernels(model: &LanguageModel) -> bool {
    model.kernels().fuses_all(&model.device())
}

/// The gradients of the mean loss of `batch` without dropout, and the state after it.
fn gradients(trainable: &LanguageModel, batch: Batch, state: State) -> (GradientsParams, State) {
    let input = TokenInput { ids: batch.inputs.autodiff(), labels: batch.labels.map(Tensor::autodiff) };
    let state = with_tensors(state, Tensor::autodiff);
    let (nats, after) = trainable.forward_loss(input, batch.targets.autodiff(), state, None);
    let gradients = GradientsParams::from_grads(nats.mean().backward(), trainable);
    (gradients, with_tensors(after, Tensor::without_autodiff))
}

fn with_tensors(state: State, change: fn(Tensor<2>) -> Tensor<2>) -> State {
    let change = |state: CellState| CellState { hidden: change(state.hidden), cell: state.cell.map(change) };
    state.into_iter().map(change).collect()
}

/// Sums the squares of gradients.
struct Squares {
    gradients: GradientsParams,
    sums: GradientsParams,
}

impl ModuleVisitor for Squares {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(parameter.id) else { return };
        let squares = gradient.clone() * gradient;
        let sum = match self.sums.remove::<D>(parameter.id) {
            Some(sum) => sum + squares,
            None => squares,
        };
        self.sums.register(parameter.id, sum);
    }
}

/// From sums of squares to √M.
struct Roots {
    sums: GradientsParams,
    /// The number of gradients.
    used: usize,
    sizes: GradientsParams,
    total: f64,
    weights: usize,
}

impl ModuleVisitor for Roots {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Some(sum) = self.sums.remove::<D>(parameter.id) else { return };
        let sizes = sum.div_scalar(self.used as f64).sqrt();
        self.weights += sizes.dims().iter().product::<usize>();
        self.total += f64::from(sizes.clone().sum().into_scalar::<f32>());
        self.sizes.register(parameter.id, sizes);
    }
}

/// The factors of an update, and the gradients of the next one.
struct Update {
    /// How much of the weights stays, 1 − d.
    kept: GradientsParams,
    /// d θ₀.
    pulled: GradientsParams,
    /// η / (√M + ε).
    rates: GradientsParams,
    gradients: GradientsParams,
}

impl Update {
    fn new(evaluation: &DynamicEvaluation, rates: DynamicRates) -> Self {
        let [kept, pulled, of_weights, gradients] = std::array::from_fn(|_| GradientsParams::new());
        let mut factors = Factors { evaluation, rates, update: Self { kept, pulled, rates: of_weights, gradients } };
        evaluation.model.visit(&mut factors);
        factors.update
    }
}

struct Factors<'a> {
    evaluation: &'a DynamicEvaluation<'a>,
    rates: DynamicRates,
    update: Update,
}

impl ModuleVisitor for Factors<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let (weights, DynamicRates { rate, decay }) = (parameter.val(), self.rates);
        let (decays, rates) = match &self.evaluation.sizes {
            None => (weights.ones_like() * decay, weights.ones_like() * rate),
            Some(sizes) => {
                let Some(roots) = sizes.by_parameter.get::<D>(parameter.id) else { return };
                let decays = roots.clone().mul_scalar(decay / sizes.mean).clamp_max(1.0);
                (decays, roots.add_scalar(sizes.mean).recip().mul_scalar(rate))
            }
        };
        self.update.rates.register(parameter.id, rates);
        if decay > 0.0 {
            self.update.kept.register(parameter.id, decays.ones_like() - decays.clone());
            self.update.pulled.register(parameter.id, decays * weights);
        }
    }
}

/// Weights without a gradient in a chunk, as those of a frozen embedding or of a cluster of an adaptive softmax without targets,
/// stay as they are.
impl ModuleMapper for Update {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = parameter.id;
        let (Some(gradient), Some(rates)) = (self.gradients.remove::<D>(id), self.rates.get::<D>(id)) else {
            return parameter;
        };
        let step = rates * gradient;
        parameter.map(|weights| match (self.kept.get::<D>(id), self.pulled.get::<D>(id)) {
            (Some(kept), Some(pulled)) => weights * kept + pulled - step,
            _ => weights - step,
        })
    }
}

#[cfg(test)]
mod tests;
