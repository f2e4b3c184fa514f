//! Lets a network in training speak: short samples in the terminal's and the file's service.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use generate::{Request, Sampling, Voice, Writer, prompt, write_sample};
use models::{About, Context, LanguageModel, Precision};
use text_prep::{Tokenizer, UnseenPolicy};

use crate::error::Result;

/// The temperature of what is spoken in passing, and what `generate` writes at unless told otherwise.
pub const TEMPERATURE: f64 = 0.5;

/// What a network of this kind can say of its own accord.
pub trait Speech<M>: Send + Sync {
    /// A sample of `model`, in one line; empty where its weights have just exploded.
    ///
    /// # Errors
    /// If the network cannot be used at all.
    fn speak(&self, model: &M, temperature: f64) -> Result<String>;

    /// The temperatures at which it is worth listening to.
    fn temperatures(&self) -> &'static [f64];
}

/// Speaks, and remembers what it said of the newest weights: several listen to the same samples.
pub struct Speaker<M> {
    speech: Arc<dyn Speech<M>>,
    spoken: Arc<Mutex<Vec<Spoken>>>,
}

/// A sample, the step of the weights that it is of, and the temperature.
#[derive(Clone, Debug)]
struct Spoken {
    step: u64,
    temperature: f64,
    text: String,
}

// By hand, for a network need not be copied to be spoken of.
impl<M> Clone for Speaker<M> {
    fn clone(&self) -> Self {
        Self { speech: self.speech.clone(), spoken: self.spoken.clone() }
    }
}

impl<M> Speaker<M> {
    /// Speaks in this way.
    pub fn new(speech: impl Speech<M> + 'static) -> Self {
        Self { speech: Arc::new(speech), spoken: Arc::default() }
    }

    /// The temperatures at which it is worth listening to.
    pub fn temperatures(&self) -> &'static [f64] {
        self.speech.temperatures()
    }

    /// A sample of the weights after `step` updates; said again without asking the model, if
    /// it was said before.
    pub fn speak_once(&self, model: &M, temperature: f64, step: u64) -> Result<String> {
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        spoken.retain(|sample| sample.step == step);
        if let Some(sample) = spoken.iter().find(|sample| sample.temperature == temperature) {
            return Ok(sample.text.clone());
        }
        let text = self.speech.speak(model, temperature)?;
        spoken.push(Spoken { step, temperature, text: text.clone() });
        Ok(text)
    }

    /// Forgets what was said: the same steps will be made again with other weights.
    pub fn forget(&self) {
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Writing: a new text from the start of a story. Knows all but the weights.
pub struct Writing {
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

impl Writing {
    fn write(&self, model: &LanguageModel, temperature: f64) -> generate::Result<String> {
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

impl Speech<LanguageModel> for Writing {
    fn speak(&self, model: &LanguageModel, temperature: f64) -> Result<String> {
        match self.write(model, temperature) {
            // The loss of the next step will tell.
            Err(generate::Error::NotFinite) => Ok(String::new()),
            text => Ok(text?),
        }
    }

    /// Cautious, balanced and as bold as the text itself.
    fn temperatures(&self) -> &'static [f64] {
        &[0.2, TEMPERATURE, 1.0]
    }
}
