//! A trained language model that generates text, gives the probabilities of tokens and is evaluated on texts.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use models::{LmBundle, Precision, StateMode};
use text_prep::Tokenizer;

use crate::batch_session::MAX_READ;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::mixture::Mixture;

/// A language model with its tokenizer, ready to generate text.
///
/// A prompt is a text or an encoded [`Prompt`](crate::Prompt), see [`ToPrompt`](crate::ToPrompt).
pub struct Generator {
    bundle: LmBundle,
    engine: Engine,
    mixture: Option<Mixture>,
}

impl Generator {
    /// Loads the model in `directory` onto the [default device](kernels::default_device).
    ///
    /// # Errors
    /// If it is not the directory of a language model, or a file in it is missing, truncated or of another model.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(directory, &kernels::default_device())
    }

    /// Loads the model in `directory` onto `device`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_on(directory: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Ok(Self::new(LmBundle::load(directory, device)?))
    }

    /// Generates with the model of `bundle`, on its device and with its kernels.
    pub fn new(mut bundle: LmBundle) -> Self {
        bundle.model = bundle.model.valid();
        let engine = Engine::new(&bundle.model, Precision::F32);
        Self { bundle, engine, mixture: None }
    }

    /// Samples text from the mixture of the model with n-grams, or with `None` from the model alone. The probabilities of
    /// [`session`](Self::session) and [`token_log_probs`](Self::token_log_probs), and [`evaluate`](Self::evaluate), are those
    /// of the model alone.
    #[must_use]
    pub fn with_mixture(self, mixture: impl Into<Option<Mixture>>) -> Self {
        Self { mixture: mixture.into(), ..self }
    }

    /// The mixture that text is sampled from, if there is one.
    pub fn mixture(&self) -> Option<&Mixture> {
        self.mixture.as_ref()
    }

    /// Rounds the weights of the matrices to 8 bits, which is faster for models that do not fit into the processor's
    /// caches. [`evaluate`](Self::evaluate) then measures the loss with these weights.
    ///
    /// # Errors
    /// [`Error::NoInt8`] if the device, the kernels or a cell of the model have no 8-bit inference,
    /// [`Error::NotFinite`] if a weight is infinite or NaN.
    pub fn int8(self) -> Result<Self> {
        let Self { mut bundle, mixture, .. } = self;
        if !models::parameters::is_finite(&bundle.model) {
            return Err(Error::NotFinite);
        }
        let engine = Engine::new(&bundle.model, Precision::Int8);
        if !engine.is_packed() {
            return Err(Error::NoInt8);
        }
        // Evaluation uses the same values.
        bundle.model = models::packed_model::quantize_roundtrip(bundle.model);
        Ok(Self { bundle, engine, mixture })
    }

    /// From text to ids and back.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.bundle.tokenizer
    }

    /// The model with its tokenizer and metadata.
    pub fn bundle(&self) -> &LmBundle {
        &self.bundle
    }

    /// The inference engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The number of tokens in a training window.
    pub fn context_len(&self) -> usize {
        self.bundle.metadata.window
    }

    /// The id of the document token, if the model was trained on documents: a prompt begins with it, and a sample ends
    /// before it.
    pub fn document_id(&self) -> Option<u32> {
        self.bundle.metadata.config.document_id
    }

    /// How past tokens are used by default: the mode with the lower validation loss.
    pub fn state_mode(&self) -> StateMode {
        self.bundle.metadata.state_mode()
    }

    /// The number of ids of a prompt that the model reads, in its default mode: the last ones of a longer prompt.
    pub fn prompt_ids_read(&self) -> usize {
        match self.state_mode() {
            StateMode::Carry => MAX_READ,
            StateMode::Window => self.context_len(),
        }
    }

    /// Runs `work` while Rayon's workers spin: a token takes a few parallel loops of microseconds, and waking the
    /// workers for each would take longer.
    pub(crate) fn with_workers<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        kernels::with_spinning_workers(self.engine.is_packed(), work)
    }
}

#[cfg(test)]
mod tests {
    use models::{KernelMode, LayerConfig};

    use crate::Sampling;
    use crate::test_model::{WORDS, bundle, generator};

    use super::*;

    #[test]
    fn a_loaded_model_generates_the_same_text() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = bundle(WORDS, None, LayerConfig::lstm(4));
        bundle.save(folder.path()).unwrap();
        let loaded = Generator::load_on(folder.path(), &Device::flex()).unwrap();
        let text = |generator: &Generator| generator.generate("a", &Sampling::default()).unwrap();
        assert_eq!(text(&loaded), text(&Generator::new(bundle.clone())));
        // A model in training may be given as well.
        let training = LmBundle { model: bundle.model.clone().trainable(), ..bundle };
        assert_eq!(text(&loaded), text(&Generator::new(training)));
        assert!(matches!(Generator::load(folder.path().join("none")), Err(Error::Model(_))));
    }

    #[test]
    fn eight_bits_need_an_inference_kernel_and_are_evaluated_too() {
        let exact = generator(WORDS, None);
        let text = "a é a . a a é . a .";
        let loss = |generator: &Generator| generator.evaluate(text).unwrap().loss_nats_per_token;
        let rounded = Generator::new(exact.bundle().clone()).int8().unwrap();
        assert_ne!(loss(&rounded), loss(&exact));
        let mean = |generator: &Generator| {
            let scored = generator.token_log_probs(text).unwrap();
            let targets = &scored[generator.context_len() - 1..];
            -targets.iter().map(|scored| scored.log_prob).sum::<f64>() / targets.len() as f64
        };
        assert!((loss(&rounded) - mean(&rounded)).abs() < 1e-5);
        let without = [
            bundle(WORDS, None, LayerConfig::gru(4).reset_after(false)),
            exact.bundle().clone().with_kernels(KernelMode::Composed),
        ];
        for bundle in without {
            assert!(matches!(Generator::new(bundle).int8(), Err(Error::NoInt8)));
        }
        let mut diverged = exact.bundle().clone();
        diverged.model.output.bias = diverged.model.output.bias.map(|bias| bias.mul_scalar(f32::INFINITY));
        assert!(matches!(Generator::new(diverged).int8(), Err(Error::NotFinite)));
    }
}
