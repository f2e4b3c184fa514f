//! Evaluation of a model on a text, as it is or while it adapts to the text (`evaluate --adapt`).

use std::path::Path;

use args::{Adapt, DynamicRule, Evaluate, Mix};
use generate::{
    CacheEvaluation, CacheSettings, Evaluation, EvaluationMode, EvaluationPlan, LabelChoice, Mixture, evaluate_sequence,
};
use models::LmBundle;
use seqdata::{Part, Sequence, Streams, TextDataset};
use serde::Serialize;
use trainer::{DynamicEvaluation, DynamicRates};

use super::option_values::{cache_settings, of_option};
use super::own_text::own_text;
use crate::base;
use crate::error::{Error, Result, bail};
use crate::long_task::LongTask;
use crate::view::format::{short_number, thousands};

/// Targets per batch with a cache.
const CACHE_CHUNK: usize = 128;
/// The most tokens of `--dynamic-chunk`.
const MAX_DYNAMIC_CHUNK: usize = 10_000;
/// The default of `--dynamic-chunk`.
const DYNAMIC_CHUNK: usize = 20;
/// Targets of the validation text on which the settings of a cache are chosen, at most.
const CACHE_CHOICE: usize = 100_000;
/// Targets of the validation text on which the rates of dynamic evaluation are chosen, at most: every choice reads them.
const DYNAMIC_CHOICE: usize = 10_000;

/// The metrics of a model on a text, and how it adapted.
#[derive(Serialize)]
pub struct Scored {
    #[serde(flatten)]
    pub evaluation: Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<Adaptation>,
}

/// How a model adapted to the text that it was evaluated on.
#[derive(Serialize)]
pub struct Adaptation {
    #[serde(flatten)]
    method: Method,
    /// The loss of the same model on the same text without.
    pub loss_without_nats_per_token: f64,
}

#[derive(Serialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
enum Method {
    Cache(CacheSettings),
    Dynamic {
        rule: &'static str,
        chunk: usize,
        #[serde(flatten)]
        rates: DynamicRates,
    },
}

/// The options of `evaluate --adapt`, checked.
pub struct AdaptOptions {
    adapt: Option<Adapt>,
    cache: CacheSettings,
    /// Whether weight and θ are given.
    has_cache: bool,
    rule: DynamicRule,
    chunk: usize,
    rates: [Option<f64>; 2],
}

impl AdaptOptions {
    /// Those of `args`.
    pub fn of(args: &Evaluate) -> Result<Self> {
        for (method, name, option) in
            [(Adapt::Cache, "cache", args.cache.given()), (Adapt::Dynamic, "dynamic", args.dynamic.given())]
        {
            if let Some(option) = option.filter(|_| args.adapt != Some(method)) {
                bail!(
                    "`{option}` is given without `--adapt {name}`, of which it is a setting: add it, or leave it out"
                );
            }
        }
        if args.adapt.is_some() && args.mix == Some(Mix::Ngram) {
            bail!(
                "`--mix ngram` and `--adapt` are both given, but n-grams do not adapt to a text: leave one of them out"
            );
        }
        let dynamic = &args.dynamic;
        let (rate, decay) = (dynamic.dynamic_rate, dynamic.dynamic_decay);
        let rates = DynamicRates { rate: rate.unwrap_or(1.0), decay: decay.unwrap_or(0.0) };
        let cache = cache_settings(&args.cache);
        cache.check().map_err(of_option)?;
        rates.check().map_err(of_option)?;
        // After what is wrong with one of them.
        let (weight, theta) = (args.cache.cache_weight, args.cache.cache_theta);
        if weight.is_some() != theta.is_some() {
            bail!(
                "only one of `--cache-weight` and `--cache-theta` is given: give both, or none for those with the lowest \
                 loss on the validation text"
            );
        }
        let chunk = dynamic.dynamic_chunk.unwrap_or(DYNAMIC_CHUNK);
        if !(1..=MAX_DYNAMIC_CHUNK).contains(&chunk) {
            bail!(
                "`--dynamic-chunk` is {chunk}; expected 1 to {MAX_DYNAMIC_CHUNK}: a chunk is one step of backpropagation"
            );
        }
        if args.int8 && args.adapt == Some(Adapt::Dynamic) {
            bail!("`--adapt dynamic` changes the weights, but those of `--int8` are fixed: leave one of them out");
        }
        let rule = dynamic.dynamic_rule.unwrap_or(DynamicRule::Rms);
        Ok(Self { adapt: args.adapt, cache, has_cache: weight.is_some(), rule, chunk, rates: [rate, decay] })
    }
}

/// How a model is evaluated on a text.
pub struct Scoring<'a> {
    pub bundle: &'a LmBundle,
    pub directory: &'a Path,
    pub labels: LabelChoice<'a>,
    pub mode: EvaluationMode,
    pub adapt: AdaptOptions,
}

impl Scoring<'_> {
    /// Whether the model adapts to the text.
    pub fn adapts(&self) -> bool {
        self.adapt.adapt.is_some()
    }

    /// Evaluates the model on the ids of `sequence`, and its mixture, if one is given; `unmapped` tokens of the text have no
    /// id. `own` is the run's own text, if it is in memory.
    pub fn score(
        &self,
        sequence: &Sequence,
        unmapped: usize,
        mixture: Option<&Mixture>,
        own: Option<&TextDataset>,
    ) -> Result<Scored> {
        let Self { bundle, labels, mode, .. } = *self;
        let (mut evaluation, adaptation, in_words) = match (self.adapt.adapt, mixture) {
            (None, None) => {
                let evaluation = evaluate_sequence(bundle, sequence, unmapped, labels, mode)?;
                return Ok(Scored { evaluation, adaptation: None });
            }
            (None, Some(mixture)) => {
                let _task = LongTask::start("evaluating the model and its mixture with n-grams");
                let evaluation = mixture.evaluate(bundle, sequence, unmapped, labels, mode)?;
                return Ok(Scored { evaluation, adaptation: None });
            }
            (Some(Adapt::Cache), _) => self.with_cache(sequence, unmapped, own)?,
            (Some(Adapt::Dynamic), _) => self.dynamically(sequence, unmapped, own)?,
        };
        evaluation.protocol.push_str(&format!("; {in_words}"));
        Ok(Scored { evaluation, adaptation: Some(adaptation) })
    }

    fn with_cache(
        &self,
        sequence: &Sequence,
        unmapped: usize,
        own: Option<&TextDataset>,
    ) -> Result<(Evaluation, Adaptation, String)> {
        let Self { adapt: AdaptOptions { cache, has_cache, .. }, .. } = *self;
        let (cache, chosen) = if has_cache {
            (cache, String::new())
        } else {
            let read = self.read_own(own, "`--cache-weight` and `--cache-theta`")?;
            let valid = read.as_ref().or(own).expect("it was read").sequence(Part::Valid);
            let task = LongTask::start("choosing the weight and theta of the cache");
            let cache = self.plan(&valid, 0, CACHE_CHUNK)?.best_cache(cache.size, CACHE_CHOICE, task.progress())?;
            (cache, chosen_on(&valid, CACHE_CHOICE))
        };
        let task = LongTask::start("evaluating with a cache");
        let plan = self.plan(sequence, unmapped, CACHE_CHUNK)?;
        let CacheEvaluation { evaluation, loss_without_nats_per_token } = plan.with_cache(&cache, task.progress())?;
        let CacheSettings { size, weight, theta } = cache;
        let (weight, theta) = (short_number(weight), short_number(theta));
        let words = format!("continuous cache of {} tokens, weight {weight}, theta {theta}{chosen}", thousands(size));
        Ok((evaluation, Adaptation { method: Method::Cache(cache), loss_without_nats_per_token }, words))
    }

    fn dynamically(
        &self,
        sequence: &Sequence,
        unmapped: usize,
        own: Option<&TextDataset>,
    ) -> Result<(Evaluation, Adaptation, String)> {
        let Self { bundle, labels, mode, adapt: AdaptOptions { rule, chunk, rates, .. }, .. } = *self;
        let is_given = rates.iter().all(Option::is_some);
        let needs_own = rule == DynamicRule::Rms || !is_given;
        let instead = "`--dynamic-rule sgd`, `--dynamic-rate` and `--dynamic-decay`";
        let read = if needs_own { self.read_own(own, instead)? } else { None };
        let own = read.as_ref().or(own);
        let (evaluator, rule) = match (rule, own) {
            (DynamicRule::Rms, Some(own)) => {
                let task = LongTask::start("measuring gradients in the training text");
                let training_text = Streams::over(own.sequence(Part::Train), 1, chunk);
                (DynamicEvaluation::rms(&bundle.model, &training_text, task.progress())?, "rms")
            }
            _ => (DynamicEvaluation::sgd(&bundle.model), "sgd"),
        };
        let (rates, chosen) = match (rates, own) {
            ([Some(rate), Some(decay)], _) => (DynamicRates { rate, decay }, String::new()),
            (given, own) => {
                let valid = own.expect("it was read").sequence(Part::Valid);
                let task = LongTask::start("choosing the rate and decay");
                let (plan, progress) = (self.plan(&valid, 0, chunk)?, task.progress());
                let rates = evaluator.best_rates(plan.loader(), plan.label(), given, DYNAMIC_CHOICE, progress)?;
                (rates, chosen_on(&valid, DYNAMIC_CHOICE))
            }
        };
        let plan = self.plan(sequence, unmapped, chunk)?;
        let task = LongTask::start("evaluating and adapting");
        let by_label = evaluator.evaluate(plan.loader(), plan.label(), rates, task.progress())?;
        drop(task);
        let evaluation = plan.evaluation(&by_label).map_err(|error| match error {
            generate::Error::NotFinite => Error::new(format!(
                "the loss is not finite, because the weights diverged at a rate of {}: give a lower `--dynamic-rate`",
                short_number(rates.rate)
            )),
            error => error.into(),
        })?;
        let [rate, decay] = [rates.rate, rates.decay].map(short_number);
        let words = format!(
            "dynamic evaluation: the weights are updated after every {chunk} tokens, rule {rule}, rate {rate}, decay \
             {decay}{chosen}"
        );
        let plain = evaluate_sequence(bundle, sequence, unmapped, labels, mode)?;
        let method = Method::Dynamic { rule, chunk, rates };
        let adaptation = Adaptation { method, loss_without_nats_per_token: plain.loss_nats_per_token };
        Ok((evaluation, adaptation, words))
    }

    fn plan<'b>(&'b self, sequence: &'b Sequence, unmapped: usize, chunk: usize) -> Result<EvaluationPlan<'b>> {
        let Self { bundle, labels, mode, .. } = *self;
        Ok(EvaluationPlan::in_order(bundle, sequence, unmapped, labels, mode, chunk)?)
    }

    /// Reads the run's own text, unless it is in memory. `instead` are the options that make it unnecessary.
    fn read_own(&self, own: Option<&TextDataset>, instead: &str) -> Result<Option<TextDataset>> {
        if own.is_some() {
            return Ok(None);
        }
        if base::is_base(self.directory) {
            bail!(
                "the settings of `--adapt` are chosen with a run's own text, which the program does not contain for the \
                 built-in base: give {instead}"
            );
        }
        let otherwise = format!("or give {instead}, which `--adapt` otherwise chooses with this text");
        Ok(Some(own_text(self.bundle, self.directory, &otherwise)?.dataset))
    }
}

/// What settings were chosen on, in words.
fn chosen_on(valid: &Sequence, limit: usize) -> String {
    if valid.len() > limit {
        format!(", chosen on the first {} tokens of the validation text", thousands(limit))
    } else {
        ", chosen on the validation text".to_owned()
    }
}
