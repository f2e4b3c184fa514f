//! Writing: a token of the seed's network, read and drawn, for one text or for many at once.

use std::time::Instant;

use burn::tensor::Device;
use generate::{Sampler, Sampling, Session, Voice};
use models::{CellKind, Context, LanguageModel, LayerConfig, Precision};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::Work;
use super::training::seed_network;
use crate::error::Result;

/// A network that writes.
pub struct Writing {
    model: LanguageModel,
    device: Device,
    texts: usize,
}

impl Writing {
    /// The work of this name, if it is one of writing.
    pub fn new(name: &str, device: &Device) -> Result<Option<Self>> {
        let texts = match name {
            "generate-1" => 1,
            "generate-64" => 64,
            _ => return Ok(None),
        };
        let network = seed_network(vec![LayerConfig::new(CellKind::Lstm, 256)]);
        let model = network.init(1, device)?;
        Ok(Some(Self { model, device: device.clone(), texts }))
    }
}

impl Work for Writing {
    fn run(&mut self, steps: u64) -> Result<Value> {
        let sampling = Sampling { temperature: 0.8, ..Sampling::default() };
        let voice = Voice::new(&self.model, &self.device, Precision::F32);
        let mut session = Session::new(&voice, Context::Carried, 20);
        session.read(&[1])?;
        let mut session = session.repeated(self.texts);
        let sampler = |text| Sampler::new(sampling, 1, text, [0], None);
        let mut samplers: Vec<Sampler> = (0..self.texts as u64).map(sampler).collect();
        let start = Instant::now();
        kernels::awake(true, || -> generate::Result<()> {
            for _ in 0..steps {
                let choices = samplers.par_iter_mut().zip(session.logits());
                let ids = choices.map(|(sampler, logits)| sampler.choose(logits));
                let ids = ids.collect::<generate::Result<Vec<u32>>>()?;
                session.read(&ids)?;
            }
            Ok(())
        })?;
        Ok(json!({ "seconds_per_step": start.elapsed().as_secs_f64() / steps as f64 }))
    }
}
