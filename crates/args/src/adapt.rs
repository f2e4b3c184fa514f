//! Arguments about what a model remembers of the text that it reads.

use clap::{Args, ValueEnum};

/// How a model adapts to the text that it is evaluated on.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapt {
    /// A continuous cache: the probability of words that were read recently is raised, more where the model was in a similar
    /// state
    Cache,
    /// Dynamic evaluation: after each chunk of the text is evaluated, the weights learn from it
    Dynamic,
}

/// How the weights are updated in dynamic evaluation.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicRule {
    /// Each weight's gradient is divided by its usual size in the training text
    Rms,
    /// Gradient descent
    Sgd,
}

/// The settings of a continuous cache.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct CacheArgs {
    /// The number of tokens in the cache [default: 2000]
    #[arg(long, value_name = "N")]
    pub cache_size: Option<usize>,
    /// The weight of the cache in the probability of a token, from 0 to below 1 [default: 0.1; in `evaluate` that with the
    /// lowest loss on the run's validation text]
    #[arg(long, value_name = "L")]
    pub cache_weight: Option<f64>,
    /// How strongly the similarity of the model's states counts; 0 ignores it [default: 0.2; in `evaluate` that with the
    /// lowest loss on the run's validation text]
    #[arg(long, value_name = "T")]
    pub cache_theta: Option<f64>,
}

impl CacheArgs {
    /// The name of the first option that is given, in the order of the help.
    pub fn given(&self) -> Option<&'static str> {
        let Self { cache_size, cache_weight, cache_theta } = self;
        first_given(&[
            ("--cache-size", cache_size.is_some()),
            ("--cache-weight", cache_weight.is_some()),
            ("--cache-theta", cache_theta.is_some()),
        ])
    }
}

/// The settings of dynamic evaluation.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct DynamicArgs {
    /// How the weights are updated [default: rms]
    #[arg(long, value_enum, value_name = "RULE")]
    pub dynamic_rule: Option<DynamicRule>,
    /// The number of tokens after which the weights are updated [default: 20]
    #[arg(long, value_name = "N")]
    pub dynamic_chunk: Option<usize>,
    /// The learning rate of the updates [default: that with the lowest loss on the beginning of the run's validation text]
    #[arg(long, value_name = "R")]
    pub dynamic_rate: Option<f64>,
    /// How fast the weights return to the trained ones, from 0 to 1 [default: as for the rate]
    #[arg(long, value_name = "D")]
    pub dynamic_decay: Option<f64>,
}

impl DynamicArgs {
    /// The name of the first option that is given, in the order of the help.
    pub fn given(&self) -> Option<&'static str> {
        let Self { dynamic_rule, dynamic_chunk, dynamic_rate, dynamic_decay } = self;
        first_given(&[
            ("--dynamic-rule", dynamic_rule.is_some()),
            ("--dynamic-chunk", dynamic_chunk.is_some()),
            ("--dynamic-rate", dynamic_rate.is_some()),
            ("--dynamic-decay", dynamic_decay.is_some()),
        ])
    }
}

fn first_given(options: &[(&'static str, bool)]) -> Option<&'static str> {
    options.iter().find(|(_, is_given)| *is_given).map(|(option, _)| *option)
}
