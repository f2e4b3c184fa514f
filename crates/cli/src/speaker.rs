//! Lets a model in training speak: short samples in the terminal's and the file's service.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use generate::{Request, Sampling, Voice, Writer, prompt, write_sample};
use models::{About, Context, LanguageModel, Precision};
use text_prep::{Tokenizer, UnseenPolicy};

use crate::error::Result;

/// The temperature of what is spoken in passing, and what `generate` writes at unless told otherwise.
pub const TEMPERATURE: f64 = 0.5;

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
    /// What was spoken of the newest weights: several listen to the same samples.
    pub spoken: Arc<Mutex<Vec<Spoken>>>,
}

/// A sample, the step of the weights that wrote it, and the temperature.
#[derive(Clone, Debug)]
pub struct Spoken {
    step: u64,
    temperature: f64,
    text: String,
}

impl Speaker {
    /// A sample of the weights after `step` updates; said again without asking the model, if
    /// it was said before.
    pub fn speak_once(&self, model: &LanguageModel, temperature: f64, step: u64) -> Result<String> {
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        spoken.retain(|sample| sample.step == step);
        if let Some(sample) = spoken.iter().find(|sample| sample.temperature == temperature) {
            return Ok(sample.text.clone());
        }
        let text = match self.speak(model, temperature) {
            // Weights that have just exploded say nothing; the loss of the next step will tell.
            Err(generate::Error::NotFinite) => String::new(),
            text => text?,
        };
        spoken.push(Spoken { step, temperature, text: text.clone() });
        Ok(text)
    }

    /// Forgets what was said: the same steps will be made again with other weights.
    pub fn forget(&self) {
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A sample of `model` at this temperature: from the start of a story, in the way it is being
    /// trained, under the run's seed.
    fn speak(&self, model: &LanguageModel, temperature: f64) -> generate::Result<String> {
        let window = self.about.window;
        let prompt = prompt(&self.tokenizer, "", UnseenPolicy::Skip, window)?;
        let voice = Voice::new(model, &self.device, Precision::F32);
        let writer = Writer { voice, tokenizer: &self.tokenizer, window };
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
