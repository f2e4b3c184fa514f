//! What a text is read with: weights laid out for it, or the model itself where that cannot be.

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::reader::Reading;
use models::{LanguageModel, Precision, Reader, State};

use crate::error::Result;

/// A trained model, ready to read and write.
pub enum Voice<'a> {
    /// Laid out for the processor.
    Laid(Box<Reader>),
    /// On a device of its own, or of cells that have no kernel.
    Model {
        /// The weights.
        model: &'a LanguageModel,
        /// Where it computes.
        device: &'a Device,
    },
}

/// The state after what was read of some texts.
pub enum Heard {
    /// That of a [`Voice::Laid`].
    Laid(Reading),
    /// That of a [`Voice::Model`], and what it says follows.
    Model(State, Vec<f32>),
}

impl<'a> Voice<'a> {
    /// `model`, laid out if it computes on the processor; `precision` is how its weights are then kept.
    pub fn new(model: &'a LanguageModel, device: &'a Device, precision: Precision) -> Self {
        let reader = match kernels::are_fused(device) {
            true => Reader::new(model, precision),
            false => None,
        };
        match reader {
            Some(reader) => Self::Laid(Box::new(reader)),
            None => Self::Model { model, device },
        }
    }

    /// One text of which nothing was read.
    pub fn start(&self) -> Heard {
        match self {
            Self::Laid(reader) => Heard::Laid(reader.start(1)),
            Self::Model { model, .. } => Heard::Model(model.start(1), Vec::new()),
        }
    }

    /// Reads further ids, as many of every text: text after text, `ids` holds them.
    ///
    /// # Errors
    /// If the device does not give its numbers back.
    ///
    /// # Panics
    /// If `heard` is another voice's.
    pub fn read(&self, ids: &[u32], texts: usize, heard: &mut Heard) -> Result<()> {
        match (self, heard) {
            (Self::Laid(reader), Heard::Laid(reading)) => {
                let time = ids.len() / texts;
                for t in 0..time {
                    let step: Vec<u32> = (0..texts).map(|text| ids[text * time + t]).collect();
                    reader.read(&step, reading);
                }
            }
            (Self::Model { model, device }, Heard::Model(state, logits)) => {
                let shape = [texts, ids.len() / texts];
                let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
                let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), *device);
                let (next, after) = model.next(ids, std::mem::take(state));
                *state = after;
                *logits = next.try_into_vec_as::<f32>()?;
            }
            _ => panic!("what was heard belongs to another voice"),
        }
        Ok(())
    }

    /// The logits of what follows, V numbers of each text.
    ///
    /// # Panics
    /// If `heard` is another voice's, or nothing has been read.
    pub fn logits<'b>(&'b self, heard: &'b mut Heard) -> Vec<&'b [f32]> {
        match (self, heard) {
            (Self::Laid(reader), Heard::Laid(reading)) => reader.logits(reading).collect(),
            (Self::Model { model, .. }, Heard::Model(_, logits)) => {
                assert!(!logits.is_empty(), "nothing has been read");
                logits.chunks(model.vocabulary()).collect()
            }
            _ => panic!("what was heard belongs to another voice"),
        }
    }
}

impl Heard {
    /// What was read of the one text, as the beginning of `texts` texts.
    pub fn repeated(&self, texts: usize) -> Self {
        match self {
            Self::Laid(reading) => Self::Laid(reading.repeated(texts)),
            Self::Model(state, logits) => {
                let rows = |tensor: &Tensor<2>| tensor.clone().repeat_dim(0, texts);
                let state = state.iter().map(|cell| models::CellState {
                    hidden: rows(&cell.hidden),
                    memory: cell.memory.as_ref().map(rows),
                });
                Self::Model(state.collect(), logits.repeat(texts))
            }
        }
    }
}
