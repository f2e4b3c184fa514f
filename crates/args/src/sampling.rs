//! Arguments of `generate` about the distribution from which tokens are sampled.

use clap::Args;

/// The distribution from which tokens are sampled, in the order in which the methods are applied after the repetition penalty
/// and excluded n-grams.
#[derive(Args, Clone, Debug, Default)]
pub struct SamplingArgs {
    /// The sampling temperature: below 1 favours likely tokens, 0 always takes the likeliest one [default: 0.8, and 1 with
    /// `--mirostat`]
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Sample from the K likeliest tokens only
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Leave out tokens whose probability is below this fraction of the highest one
    #[arg(long, value_name = "P")]
    pub min_p: Option<f64>,
    /// Sample from the smallest set of likeliest tokens whose probabilities add up to P [default: 0.9 if none of
    /// `--top-k`, `--min-p`, `--typical` and `--mirostat` is given, else 1, which is all tokens]
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Sample from the smallest set of typical tokens whose probabilities add up to P: those whose surprise is nearest to the
    /// entropy of the distribution (locally typical sampling); not at temperature 0
    #[arg(long, value_name = "P")]
    pub typical: Option<f64>,
    /// Keep the mean surprise of the tokens near BITS, the logarithm to base 2 of the perplexity: leave out tokens that are
    /// too unlikely for it (Mirostat 2.0); not at temperature 0
    #[arg(long, value_name = "BITS")]
    pub mirostat: Option<f64>,
    /// Make tokens that occurred before, also in the prompt, less likely: divide their positive logits by X and multiply
    /// negative ones; 1.2 is usual, 1 has no effect
    #[arg(long, value_name = "X")]
    pub repetition_penalty: Option<f64>,
    /// Apply the repetition penalty to the last N tokens only [default: all]
    #[arg(long, value_name = "N", requires = "repetition_penalty")]
    pub repetition_window: Option<usize>,
    /// Never generate the same N-gram of tokens twice
    #[arg(long, alias = "no-repeat", value_name = "N")]
    pub no_repeat_ngram: Option<usize>,
}
