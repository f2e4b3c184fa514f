//! A model in the middle of a text: it reads ids and says what could follow.

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::{Context, LanguageModel, State};

use crate::error::Result;

/// One text under way.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    model: &'a LanguageModel,
    device: &'a Device,
    past: Past,
}

/// What is kept of the text so far.
#[derive(Clone, Debug)]
enum Past {
    /// The state after the last id.
    Carried(State),
    /// The last ids, at most as many as a training window holds.
    Window { ids: Vec<u32>, length: usize },
}

impl<'a> Session<'a> {
    /// A text that has not begun; windows hold `length` ids.
    pub fn new(
        model: &'a LanguageModel,
        context: Context,
        length: usize,
        device: &'a Device,
    ) -> Self {
        let past = match context {
            Context::Carried => Past::Carried(model.start(1)),
            Context::Window => Past::Window { ids: Vec::new(), length },
        };
        Self { model, device, past }
    }

    /// Reads further ids and gives the logits of what follows the last of them.
    ///
    /// # Errors
    /// If the device does not give the numbers back.
    ///
    /// # Panics
    /// If nothing has been read yet and `ids` is empty.
    pub fn read(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        let logits = match &mut self.past {
            Past::Carried(state) => {
                let tensor = row(ids, self.device);
                let (logits, after) = self.model.next(tensor, std::mem::take(state));
                *state = after;
                logits
            }
            Past::Window { ids: past, length } => {
                past.extend_from_slice(ids);
                past.drain(..past.len().saturating_sub(*length));
                self.model.next(row(past, self.device), self.model.start(1)).0
            }
        };
        Ok(logits.try_into_vec_as::<f32>()?)
    }
}

/// Ids as a batch of one, `[1, T]`.
fn row(ids: &[u32], device: &Device) -> Tensor<2, Int> {
    let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    let length = ids.len();
    Tensor::from_data(TensorData::new(ids, [1, length]), device)
}

#[cfg(test)]
mod tests {
    use models::{CellKind, LanguageModelConfig, LayerConfig};

    use super::*;

    fn model() -> LanguageModel {
        let layers = vec![LayerConfig::new(CellKind::Lstm, 6)];
        LanguageModelConfig::new(11, 4, layers).init(1, &Device::flex()).unwrap()
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn carried_remembers_all_and_a_window_its_length() {
        let (model, device) = (model(), Device::flex());
        let session = |context| Session::new(&model, context, 3, &device);
        let step = |context| {
            let mut session = session(context);
            let mut logits = Vec::new();
            for id in [5, 1, 2, 3] {
                logits = session.read(&[id]).unwrap();
            }
            logits
        };
        let last = |context: Context, ids: &[u32]| session(context).read(ids).unwrap();
        assert!(close(&step(Context::Carried), &last(Context::Carried, &[5, 1, 2, 3])));
        assert!(close(&step(Context::Window), &last(Context::Window, &[1, 2, 3])));
        assert!(close(&step(Context::Window), &last(Context::Carried, &[1, 2, 3])));
        assert!(!close(&step(Context::Window), &step(Context::Carried)));
    }
}
