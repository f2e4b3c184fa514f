//! Lets a model in training speak: short samples in the terminal's and the file's service.

use burn::tensor::Device;
use generate::{Request, Sampling, Writer, prompt, write_sample};
use models::{About, Context, LanguageModel};
use text_prep::{Tokenizer, UnseenPolicy};

use crate::error::Result;

/// Knows all but the weights.
#[derive(Clone)]
pub struct Speaker {
    /// From ids to text.
    pub tokenizer: Tokenizer,
    /// The model's blueprint and window.
    pub about: About,
    /// How it reads its past: as it is being trained.
    pub context: Context,
    /// Where it computes.
    pub device: Device,
    /// Tokens in a sample.
    pub tokens: usize,
}

impl Speaker {
    /// A sample of `model` at this temperature: from the start of a story, in the way it is being
    /// trained, under the run's seed.
    pub fn speak(&self, model: &LanguageModel, temperature: f64) -> Result<String> {
        let window = self.about.window;
        let prompt = prompt(&self.tokenizer, "", UnseenPolicy::Skip, window)?;
        let writer = Writer { model, tokenizer: &self.tokenizer, window, device: &self.device };
        let request = Request {
            prompt: &prompt.ids,
            tokens: self.tokens,
            sampling: Sampling { temperature, ..Sampling::default() },
            seed: self.about.seed,
            context: self.context,
            one_story: true,
            stop: None,
        };
        let sample = write_sample(&writer, &request, 0, |_| Ok(()))?;
        Ok(sample.text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
