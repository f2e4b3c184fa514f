//! One or more texts in progress: takes their ids and computes the logits of the next token.

use models::StateMode;
use models::packed_model::PackedState;

use crate::engine::{Engine, EngineState};
use crate::error::Result;

/// Of more ids at once than this, only the last ones are read. What is before them hardly changes the logits, and would take
/// minutes in a prompt of a megabyte.
pub const MAX_READ: usize = 8_192;

/// One or more texts in progress, with a common prompt: for a sampling loop of one's own over many texts.
pub struct BatchSession<'a> {
    engine: &'a Engine,
    texts: usize,
    /// The label number of the texts.
    label: u32,
    past: Past,
}

/// What is remembered of the texts so far.
enum Past {
    /// The state after the last ids.
    Carry(EngineState),
    /// The last ids of each text, at most `context_len`, and the state after them.
    Window { ids: Vec<Vec<u32>>, context_len: usize, state: EngineState },
}

impl Past {
    /// The state of packed weights.
    fn packed_state(&mut self) -> Option<&mut PackedState> {
        match self {
            Self::Carry(EngineState::Packed(state)) | Self::Window { state: EngineState::Packed(state), .. } => {
                Some(state)
            }
            Self::Carry(_) | Self::Window { .. } => None,
        }
    }
}

impl<'a> BatchSession<'a> {
    /// One text without ids and label; [`StateMode::Window`] uses the last `context_len` ids.
    pub fn new(engine: &'a Engine, state_mode: StateMode, context_len: usize) -> Self {
        Self::with_label(engine, state_mode, context_len, 0)
    }

    /// One text without ids that has the label with this number, such as
    /// [`Generator::label_number`](crate::Generator::label_number) returns; 0 is no label.
    pub fn with_label(engine: &'a Engine, state_mode: StateMode, context_len: usize, label: u32) -> Self {
        let state = engine.init_state(label);
        let past = match state_mode {
            StateMode::Carry => Past::Carry(state),
            StateMode::Window => Past::Window { ids: vec![Vec::new()], context_len, state },
        };
        Self { engine, texts: 1, label, past }
    }

    /// Copies the one text so far to `texts` texts.
    ///
    /// # Panics
    /// If there are several texts already.
    #[must_use]
    pub fn expand_batch(self, texts: usize) -> Self {
        assert_eq!(self.texts, 1, "only a session of one text can be expanded");
        let past = match self.past {
            Past::Carry(state) => Past::Carry(state.expand_batch(texts)),
            Past::Window { ids, context_len, state } => {
                let state = state.expand_batch(texts);
                Past::Window { ids: vec![ids[0].clone(); texts], context_len, state }
            }
        };
        Self { texts, past, ..self }
    }

    /// Appends `ids`, `[texts, T]` in row-major order. Of more than 8,192 ids of a text at once, only
    /// the last 8,192 are read, from the zero state: the state before them is discarded, which hardly changes the logits.
    ///
    /// # Errors
    /// If the device does not return the logits.
    ///
    /// # Panics
    /// If `ids` is empty or not a multiple of the number of texts.
    pub fn forward(&mut self, ids: &[u32]) -> Result<()> {
        assert!(!ids.is_empty() && ids.len().is_multiple_of(self.texts), "{} ids for {} texts", ids.len(), self.texts);
        match &mut self.past {
            Past::Carry(state) if ids.len() > MAX_READ * self.texts => {
                *state = self.engine.init_state(self.label).expand_batch(self.texts);
                let texts = ids.chunks(ids.len() / self.texts);
                let last: Vec<u32> = texts.flat_map(|ids| &ids[ids.len() - MAX_READ..]).copied().collect();
                self.engine.forward(&last, self.texts, state)
            }
            Past::Carry(state) => self.engine.forward(ids, self.texts, state),
            Past::Window { ids: past, context_len, state } => {
                let new = ids.chunks(ids.len() / self.texts);
                for (past, new) in past.iter_mut().zip(new) {
                    past.extend_from_slice(new);
                    past.drain(..past.len().saturating_sub(*context_len));
                }
                *state = self.engine.init_state(self.label).expand_batch(self.texts);
                self.engine.forward(&past.concat(), self.texts, state)
            }
        }
    }

    /// Appends one id to each of several sessions of one text and of one engine, and returns the logits after it, V values
    /// each. They have the same bits as those of [`forward`](Self::forward) alone: packed models read texts as one batch, those with
    /// windows if these have one length.
    ///
    /// # Panics
    /// If there are not as many ids as sessions, or the sessions are of several engines.
    pub fn forward_each(sessions: &mut [&mut Self], ids: &[u32]) -> Vec<Result<Vec<f32>>> {
        assert_eq!(sessions.len(), ids.len(), "one id for each session");
        let Some(engine) = sessions.first().map(|session| session.engine) else { return Vec::new() };
        assert!(sessions.iter().all(|session| std::ptr::eq(session.engine, engine)), "sessions of one engine");
        match engine {
            Engine::Packed(model) => {
                let read: Vec<Vec<u32>> =
                    sessions.iter_mut().zip(ids).map(|(session, &id)| session.ids_to_read(id)).collect();
                let states = sessions.iter_mut().map(|session| session.past.packed_state());
                let rows = states.zip(&read).enumerate();
                let mut rows: Vec<(usize, &[u32], &mut PackedState)> =
                    rows.filter_map(|(at, (state, ids))| Some((at, ids.as_slice(), state?))).collect();
                rows.sort_by_key(|(_, ids, _)| ids.len());
                let mut logits = vec![Vec::new(); ids.len()];
                for group in rows.chunk_by_mut(|(_, a, _), (_, b, _)| a.len() == b.len()) {
                    let ids: Vec<&[u32]> = group.iter().map(|(_, ids, _)| *ids).collect();
                    let mut states: Vec<&mut PackedState> =
                        group.iter_mut().map(|(_, _, state)| &mut **state).collect();
                    let of_group = model.read_each(&ids, &mut states);
                    for (row, (at, ..)) in group.iter().enumerate() {
                        logits[*at] = of_group.row(row)[..model.vocab_size()].to_vec();
                    }
                }
                logits.into_iter().map(Ok).collect()
            }
            Engine::Module { .. } => {
                let alone = |(session, &id): (&mut &mut Self, &u32)| -> Result<Vec<f32>> {
                    session.forward(&[id])?;
                    Ok(session.logits()[0].to_vec())
                };
                sessions.iter_mut().zip(ids).map(alone).collect()
            }
        }
    }

    /// Appends an id to a session of one text. Returns the ids that its state must read: this one, or the window from the zero
    /// state on.
    fn ids_to_read(&mut self, id: u32) -> Vec<u32> {
        match &mut self.past {
            Past::Carry(_) => vec![id],
            Past::Window { ids, context_len, state } => {
                *state = self.engine.init_state(self.label);
                ids[0].push(id);
                let before = ids[0].len().saturating_sub(*context_len);
                ids[0].drain(..before);
                ids[0].clone()
            }
        }
    }

    /// Appends ids to a session of one text, and returns the logits after each of them, V values each. They have the same bits
    /// as those of [`forward`](Self::forward) with one id at a time.
    ///
    /// # Errors
    /// If the device does not return the logits.
    ///
    /// # Panics
    /// If there are no ids, or several texts.
    pub fn logits_of_each(&mut self, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        assert_eq!(self.texts, 1, "a session of one text");
        match (self.engine, &mut self.past) {
            (Engine::Packed(model), Past::Carry(EngineState::Packed(state))) => {
                let logits = model.logits_of_each(ids, state);
                Ok((0..ids.len()).map(|row| logits.row(row)[..model.vocab_size()].to_vec()).collect())
            }
            _ => {
                let one = |&id: &u32| -> Result<Vec<f32>> {
                    self.forward(&[id])?;
                    Ok(self.logits()[0].to_vec())
                };
                ids.iter().map(one).collect()
            }
        }
    }

    /// The logits of the next token, V values per text.
    ///
    /// # Panics
    /// Before the first [`forward`](Self::forward).
    pub fn logits(&mut self) -> Vec<&[f32]> {
        match &mut self.past {
            Past::Carry(state) | Past::Window { state, .. } => self.engine.logits(state),
        }
    }

    /// The last layer's outputs after the last id, H values per text.
    ///
    /// # Panics
    /// Before the first [`forward`](Self::forward).
    pub fn outputs(&self) -> Vec<Vec<f32>> {
        match &self.past {
            Past::Carry(state) | Past::Window { state, .. } => self.engine.outputs(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{LanguageModel, LanguageModelConfig, LayerConfig, Precision};

    use super::*;

    fn model() -> LanguageModel {
        let layers = vec![LayerConfig::lstm(6)];
        LanguageModelConfig::new(11, 4, layers).init(1, &Device::flex()).unwrap()
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    fn engines() -> [Engine; 2] {
        let model = model();
        [Engine::new(&model, Precision::F32), Engine::module(&model)]
    }

    #[test]
    fn carry_uses_all_ids_and_window_the_last_ones() {
        for engine in engines() {
            let logits = |state_mode, chunks: &[&[u32]]| {
                let mut session = BatchSession::new(&engine, state_mode, 3);
                chunks.iter().for_each(|ids| session.forward(ids).unwrap());
                session.logits()[0].to_vec()
            };
            let single = |state_mode| logits(state_mode, &[&[5], &[1], &[2], &[3]]);
            assert!(close(&single(StateMode::Carry), &logits(StateMode::Carry, &[&[5, 1, 2, 3]])));
            assert!(close(&single(StateMode::Window), &logits(StateMode::Window, &[&[1, 2, 3]])));
            assert!(close(&single(StateMode::Window), &logits(StateMode::Carry, &[&[1, 2, 3]])));
            assert!(!close(&single(StateMode::Window), &single(StateMode::Carry)));
        }
    }

    #[test]
    fn texts_that_are_read_together_have_the_bits_of_one_alone() {
        for engine in engines() {
            for state_mode in [StateMode::Carry, StateMode::Window] {
                let session = |before: &[u32]| {
                    let mut session = BatchSession::new(&engine, state_mode, 3);
                    session.forward(before).unwrap();
                    session
                };
                // Windows of different lengths, and of the same.
                let befores: [&[u32]; 4] = [&[4], &[1, 2], &[5, 6, 7], &[1]];
                let mut together = befores.map(session);
                let mut alone = befores.map(session);
                for ids in [[1, 2, 3, 4], [5, 6, 7, 8]] {
                    let mut sessions: Vec<&mut BatchSession> = together.iter_mut().collect();
                    let read = BatchSession::forward_each(&mut sessions, &ids);
                    for (((session, together), read), id) in alone.iter_mut().zip(&mut together).zip(read).zip(ids) {
                        session.forward(&[id]).unwrap();
                        assert_eq!(read.unwrap(), session.logits()[0]);
                        assert_eq!(together.outputs(), session.outputs());
                    }
                }
            }
        }
    }

    #[test]
    fn only_the_last_of_very_many_ids_are_read() {
        let ids: Vec<u32> = (0..MAX_READ as u32 + 500).map(|at| at * at % 11).collect();
        let (before, last) = ids.split_at(500);
        let engine = Engine::new(&model(), Precision::F32);
        let logits = |parts: &[&[u32]]| {
            let mut session = BatchSession::new(&engine, StateMode::Carry, 3);
            parts.iter().for_each(|ids| session.forward(ids).unwrap());
            session.logits()[0].to_vec()
        };
        let read = logits(&[&ids]);
        assert_eq!(read, logits(&[last]));
        assert_eq!(read, logits(&[&[7, 7, 7], &ids]));
        // What is before them makes no difference that could be measured.
        assert!(close(&read, &logits(&[before, last])));
    }

    #[test]
    fn expanded_texts_are_independent() {
        for engine in engines() {
            for state_mode in [StateMode::Carry, StateMode::Window] {
                let mut batch = BatchSession::new(&engine, state_mode, 3);
                batch.forward(&[1, 2]).unwrap();
                let mut batch = batch.expand_batch(3);
                batch.forward(&[5, 6, 7]).unwrap();
                for (text, id) in [5, 6, 7].into_iter().enumerate() {
                    let mut alone = BatchSession::new(&engine, state_mode, 3);
                    alone.forward(&[1, 2, id]).unwrap();
                    assert!(close(batch.logits()[text], alone.logits()[0]), "{id}");
                }
            }
        }
    }
}
