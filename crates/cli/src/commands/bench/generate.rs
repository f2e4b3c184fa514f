//! Generation: one token of the Keras baseline model, for one text or for a batch of texts.

use burn::tensor::Device;
use generate::{BatchSession, Engine, Sampler, Sampling};
use kernels::profile::{Part, section};
use models::{LanguageModel, LayerConfig, Network, Precision, StateMode};
use rayon::prelude::*;
use serde_json::Value;

use super::training::baseline_model;
use super::{Workload, timed};
use crate::device::BackendSelection;
use crate::error::Result;

/// A model that generates text.
pub struct Generation {
    model: LanguageModel,
    texts: usize,
}

impl Generation {
    /// The workload of this name, if it is a generation workload.
    pub fn new(name: &str, backend: &BackendSelection, device: &Device) -> Result<Option<Self>> {
        let texts = match name {
            "generate-1" => 1,
            "generate-64" => 64,
            _ => return Ok(None),
        };
        let network = baseline_model(vec![LayerConfig::lstm(256)]);
        let model = network.init(1, device)?.with_kernels(backend.kernels());
        Ok(Some(Self { model, texts }))
    }
}

impl Workload for Generation {
    fn run(&mut self, steps: u64) -> Result<Value> {
        let sampling = Sampling::default().temperature(0.8).seed(1);
        let engine = Engine::new(&self.model, Precision::F32);
        let mut session = BatchSession::new(&engine, StateMode::Carry, 20);
        session.forward(&[1])?;
        let mut session = session.expand_batch(self.texts);
        let sampler = |text| Sampler::new(sampling.clone(), text, [0], None);
        let mut samplers: Vec<Sampler> = (0..self.texts as u64).map(sampler).collect();
        let write = || -> generate::Result<()> {
            for _ in 0..steps {
                let waiting = section(Part::Waiting);
                let rows = samplers.par_iter_mut().zip(session.logits());
                let ids = rows.map(|(sampler, logits)| {
                    let _section = section(Part::Sampling);
                    sampler.sample(logits)
                });
                let ids = ids.collect::<generate::Result<Vec<u32>>>()?;
                waiting.end();
                session.forward(&ids)?;
            }
            Ok(())
        };
        let ((), answer) = timed(steps, || Ok(kernels::with_spinning_workers(true, write)?))?;
        Ok(answer)
    }
}
