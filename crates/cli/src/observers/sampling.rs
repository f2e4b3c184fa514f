//! Short samples of the model in training, shared by several observers.

use std::sync::{Arc, Mutex, PoisonError};

use generate::{Generator, Prompt, Sample, Sampling};
use models::{LanguageModel, LmBundle, LmMetadata, StateMode};
use text_prep::{OovPolicy, Tokenizer};
use trainer::StopFlag;

use crate::error::Result;

/// The temperature of samples during training.
pub const TEMPERATURE: f64 = 0.5;

/// Produces samples from a model of type `M`.
pub trait SampleSource<M>: Send + Sync {
    /// A sample of `model` in one line; empty if its outputs are not finite, `None` if `keep_going`, which is called now and
    /// then, returned false.
    ///
    /// # Errors
    /// If the model cannot be used at all.
    fn sample(&self, model: &M, temperature: f64, keep_going: &(dyn Fn() -> bool + Sync)) -> Result<Option<String>>;

    /// The temperatures of the samples in `samples.md`.
    fn temperatures(&self) -> &'static [f64];
}

/// Caches the samples of the newest weights, so that several observers share them.
pub struct SampleCache<M> {
    source: Arc<dyn SampleSource<M>>,
    samples: Arc<Mutex<Vec<CachedSample>>>,
    /// Cuts samples off.
    stop: StopFlag,
}

/// A sample of the weights after `step` updates.
#[derive(Clone, Debug)]
struct CachedSample {
    step: u64,
    temperature: f64,
    text: String,
}

// Not derived, because that would require `M: Clone`.
impl<M> Clone for SampleCache<M> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), samples: self.samples.clone(), stop: self.stop.clone() }
    }
}

impl<M> SampleCache<M> {
    /// An empty cache of samples from `source`. A request to `stop` cuts a sample off.
    pub fn new(source: impl SampleSource<M> + 'static, stop: &StopFlag) -> Self {
        Self { source: Arc::new(source), samples: Arc::default(), stop: stop.clone() }
    }

    /// The temperatures of the samples in `samples.md`.
    pub fn temperatures(&self) -> &'static [f64] {
        self.source.temperatures()
    }

    /// A sample of the weights after `step` updates, from the cache if possible; `None` if it was cut off.
    pub fn sample(&self, model: &M, temperature: f64, step: u64) -> Result<Option<String>> {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.retain(|sample| sample.step == step);
        if let Some(sample) = samples.iter().find(|sample| sample.temperature == temperature) {
            return Ok(Some(sample.text.clone()));
        }
        let text = self.source.sample(model, temperature, &|| !self.stop.is_requested())?;
        samples.extend(text.clone().map(|text| CachedSample { step, temperature, text }));
        Ok(text)
    }

    /// Fills the cache with all samples of the weights after `step` updates, unless that is cut off.
    pub fn fill(&self, model: &M, step: u64) -> Result<()> {
        let temperatures = self.temperatures().iter().chain(&[TEMPERATURE]);
        temperatures.copied().try_for_each(|temperature| self.sample(model, temperature, step).map(drop))
    }

    /// Clears the cache: after a rollback, the same steps give other weights.
    pub fn clear(&self) {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The most documents of a sample.
const MAX_DOCUMENTS: u64 = 10;
/// Between the documents of a sample in one line.
pub const DOCUMENT_SEPARATOR: &str = " · ";

/// Generates a text from the start of a document, or several short documents. Holds everything but the weights.
pub struct LmSampler {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The model's configuration, window and seed.
    pub metadata: LmMetadata,
    /// How state is kept between tokens: as in training.
    pub state_mode: StateMode,
    /// Maximum number of tokens per sample.
    pub max_tokens: usize,
}

/// A sample of `generator` from the start of a document to its end, or of `max_tokens` tokens; `None` if `keep_going`, which is
/// called before each token, returned false.
///
/// # Errors
/// If the model's outputs are not finite.
pub fn sample_document(
    generator: &Generator,
    state_mode: StateMode,
    temperature: f64,
    max_tokens: usize,
    keep_going: impl Fn() -> bool + Sync,
) -> generate::Result<Option<Sample>> {
    let sampling = sampling(generator.bundle(), state_mode, temperature).max_tokens(max_tokens);
    let prompt = generator.encode("", OovPolicy::Drop)?;
    generator.sample_while(&prompt, &sampling, 0, keep_going)
}

/// How samples of a model in training are drawn.
pub fn sampling(bundle: &LmBundle, state_mode: StateMode, temperature: f64) -> Sampling {
    let sampling = Sampling::default().temperature(temperature).seed(bundle.metadata.seed);
    sampling.state_mode(state_mode).single_document(true)
}

/// A handful of documents in one line, which have at most `max_tokens` tokens together; the last one may be cut off. With
/// labels, each has the next one, which stands before it.
fn sample_documents(
    bundle: LmBundle,
    state_mode: StateMode,
    temperature: f64,
    max_tokens: usize,
    keep_going: impl Fn() -> bool + Sync,
) -> generate::Result<Option<String>> {
    let sampling = sampling(&bundle, state_mode, temperature);
    let generator = Generator::new(bundle);
    let (mut line, mut left, mut labels) = (String::new(), max_tokens, generator.labels().iter().cycle());
    for number in 0..MAX_DOCUMENTS {
        let label = labels.next().cloned();
        let prompt = Prompt { label, ..generator.encode("", OovPolicy::Drop)? };
        let sampling = sampling.clone().max_tokens(left);
        let Some(sample) = generator.sample_while(&prompt, &sampling, number, &keep_going)? else { return Ok(None) };
        if number > 0 {
            line.push_str(DOCUMENT_SEPARATOR);
        }
        line.extend(prompt.label.iter().flat_map(|label| [one_line(label), ": ".into()]));
        line.push_str(&one_line(&sample.text));
        // The end of a document is a token, too.
        left = left.saturating_sub(sample.ids.len() + 1);
        if left == 0 {
            break;
        }
    }
    Ok(Some(line))
}

/// `text` with single spaces.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl SampleSource<LanguageModel> for LmSampler {
    fn sample(
        &self,
        model: &LanguageModel,
        temperature: f64,
        keep_going: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<String>> {
        let Self { tokenizer, metadata, state_mode, max_tokens } = self;
        let bundle = LmBundle::new(model.clone(), tokenizer.clone(), metadata.clone());
        let line = if metadata.config.document_id.is_some() {
            sample_documents(bundle, *state_mode, temperature, *max_tokens, keep_going)
        } else {
            let sample = sample_document(&Generator::new(bundle), *state_mode, temperature, *max_tokens, keep_going);
            sample.map(|sample| sample.map(|sample| one_line(&sample.text)))
        };
        match line {
            // The next step's loss reports the divergence.
            Err(generate::Error::NotFinite) => Ok(Some(String::new())),
            line => Ok(line?),
        }
    }

    /// Conservative, balanced, and the model's own distribution.
    fn temperatures(&self) -> &'static [f64] {
        &[0.2, TEMPERATURE, 1.0]
    }
}
