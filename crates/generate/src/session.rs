//! Texts under way: a model reads their ids and says what could follow.

use models::Context;

use crate::error::Result;
use crate::voice::{Heard, Voice};

/// One or more texts under way that began alike.
pub struct Session<'a> {
    voice: &'a Voice<'a>,
    texts: usize,
    past: Past,
}

/// What is kept of the texts so far.
enum Past {
    /// The state after the last ids.
    Carried(Heard),
    /// The last ids of each, at most as many as a training window holds.
    Window { ids: Vec<Vec<u32>>, length: usize, heard: Heard },
}

impl<'a> Session<'a> {
    /// A text that has not begun; windows hold `length` ids.
    pub fn new(voice: &'a Voice<'a>, context: Context, length: usize) -> Self {
        let past = match context {
            Context::Carried => Past::Carried(voice.start()),
            Context::Window => Past::Window { ids: vec![Vec::new()], length, heard: voice.start() },
        };
        Self { voice, texts: 1, past }
    }

    /// The one text as the beginning of `texts` texts.
    ///
    /// # Panics
    /// If there are several already.
    #[must_use]
    pub fn repeated(self, texts: usize) -> Self {
        assert_eq!(self.texts, 1, "one text can be the beginning of others");
        let past = match self.past {
            Past::Carried(heard) => Past::Carried(heard.repeated(texts)),
            Past::Window { ids, length, heard } => {
                let heard = heard.repeated(texts);
                Past::Window { ids: vec![ids[0].clone(); texts], length, heard }
            }
        };
        Self { texts, past, ..self }
    }

    /// Reads further ids, as many of each text, one text's after another's.
    ///
    /// # Errors
    /// If the device does not give the numbers back.
    ///
    /// # Panics
    /// If there are no ids, or not as many of each text.
    pub fn read(&mut self, ids: &[u32]) -> Result<()> {
        assert!(
            !ids.is_empty() && ids.len().is_multiple_of(self.texts),
            "as many ids of each text"
        );
        match &mut self.past {
            Past::Carried(heard) => self.voice.read(ids, self.texts, heard),
            Past::Window { ids: past, length, heard } => {
                let new = ids.chunks(ids.len() / self.texts);
                for (past, new) in past.iter_mut().zip(new) {
                    past.extend_from_slice(new);
                    past.drain(..past.len().saturating_sub(*length));
                }
                *heard = self.voice.start().repeated(self.texts);
                self.voice.read(&past.concat(), self.texts, heard)
            }
        }
    }

    /// The logits of what follows the last ids, V of each text.
    ///
    /// # Panics
    /// If nothing has been read yet.
    pub fn logits(&mut self) -> Vec<&[f32]> {
        match &mut self.past {
            Past::Carried(heard) | Past::Window { heard, .. } => self.voice.logits(heard),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{CellKind, LanguageModel, LanguageModelConfig, LayerConfig, Precision};

    use super::*;

    fn model() -> LanguageModel {
        let layers = vec![LayerConfig::new(CellKind::Lstm, 6)];
        LanguageModelConfig::new(11, 4, layers).init(1, &Device::flex()).unwrap()
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    /// The model laid out, and as it is.
    fn voices<'a>(model: &'a LanguageModel, device: &'a Device) -> [Voice<'a>; 2] {
        [Voice::new(model, device, Precision::F32), Voice::Model { model, device }]
    }

    #[test]
    fn carried_remembers_all_and_a_window_its_length() {
        let (model, device) = (model(), Device::flex());
        for voice in voices(&model, &device) {
            let session = |context| Session::new(&voice, context, 3);
            let last = |context, pieces: &[&[u32]]| {
                let mut session = session(context);
                pieces.iter().for_each(|ids| session.read(ids).unwrap());
                session.logits()[0].to_vec()
            };
            let step = |context| last(context, &[&[5], &[1], &[2], &[3]]);
            assert!(close(&step(Context::Carried), &last(Context::Carried, &[&[5, 1, 2, 3]])));
            assert!(close(&step(Context::Window), &last(Context::Window, &[&[1, 2, 3]])));
            assert!(close(&step(Context::Window), &last(Context::Carried, &[&[1, 2, 3]])));
            assert!(!close(&step(Context::Window), &step(Context::Carried)));
        }
    }

    #[test]
    fn texts_that_began_alike_go_on_by_themselves() {
        let (model, device) = (model(), Device::flex());
        for voice in voices(&model, &device) {
            for context in [Context::Carried, Context::Window] {
                let mut together = Session::new(&voice, context, 3);
                together.read(&[1, 2]).unwrap();
                let mut together = together.repeated(3);
                together.read(&[5, 6, 7]).unwrap();
                for (text, id) in [5, 6, 7].into_iter().enumerate() {
                    let mut alone = Session::new(&voice, context, 3);
                    alone.read(&[1, 2, id]).unwrap();
                    assert!(close(together.logits()[text], alone.logits()[0]), "{id}");
                }
            }
        }
    }
}
