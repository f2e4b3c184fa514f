//! Streams: parallel sections of a text, read from start to end in chunks, with a target at every
//! position. Each stream is one row of the batches.
//!
//! The state of the model is carried from chunk to chunk; the backward pass ends at the start of a
//! chunk (truncated backpropagation through time: Williams and Peng 1990).
//!
//! An evaluation reads one stream, or several with a warm-up each: many rows take little longer than one.

use std::ops::Range;
use std::sync::Arc;

use crate::chunk_lengths::VaryingLengths;
use crate::error::{Error, Result};
use crate::sequence::Sequence;

/// Ids per chunk for evaluation with one stream; long enough to keep the output layer busy.
const EVALUATION_CHUNK: usize = 128;
/// Targets per chunk of all streams of an evaluation together, as far as [`EVALUATION_CHUNK`] allows.
const EVALUATION_TARGETS: usize = 2_048;
/// More streams are hardly faster.
const MAX_STREAMS: usize = 64;
/// Ids that a stream of an evaluation reads before its first target, at least, unless all documents are shorter.
const WARM_UP: usize = 256;
/// The longest documents that a stream of an evaluation reads from the start, before its first target: more would leave
/// few streams.
const MAX_WARM_UP: usize = 1_024;
/// Targets per warm-up id, at least, if the number of streams is automatic: reading costs at most a tenth more.
const TARGETS_PER_WARM_UP: usize = 10;

/// `count` adjacent streams of equal length over one split, cut into chunks.
///
/// A stream with `S` targets has `S` inputs; the last target of one stream is the first input of the next. For an
/// evaluation, a stream first reads inputs without a target (its warm-up), which are also those at the end of the
/// previous stream.
#[derive(Clone, Debug)]
pub struct Streams {
    sequence: Sequence,
    count: usize,
    chunk_len: usize,
    /// The lengths of the chunks, if they vary, and where each chunk ends in the pass.
    varying: Option<(VaryingLengths, Arc<[usize]>)>,
    /// The position in the range of the first target's input.
    first: usize,
    /// Inputs of each stream before the one with its first target.
    warm_up: usize,
    /// The position in the range of the first input with a target that the first stream leaves out: it has no ids
    /// before it for a warm-up. The opening, which is the first chunk, has the targets from here to `first`.
    opening: Option<usize>,
}

impl Streams {
    /// `count` streams over `sequence` in chunks of `chunk_len` ids, with a target at every position.
    ///
    /// # Panics
    /// If `count` or `chunk_len` is zero.
    pub fn over(sequence: Sequence, count: usize, chunk_len: usize) -> Self {
        assert!(count > 0 && chunk_len > 0, "{count} streams in chunks of {chunk_len}");
        Self { sequence, count, chunk_len, varying: None, first: 0, warm_up: 0, opening: None }
    }

    /// The streams for training with this seed: see [`Sequence::for_training`].
    #[must_use]
    pub fn for_training(self, seed: u64) -> Self {
        Self { sequence: self.sequence.for_training(seed), ..self }
    }

    /// The streams of `pass`, counted from 1, with documents in a new order if they are [for training](Self::for_training).
    #[must_use]
    pub fn for_pass(&self, pass: usize) -> Self {
        let varying =
            self.varying.as_ref().map(|(varying, _)| (*varying, varying.ends(self.stream_len(), pass).into()));
        Self { sequence: self.sequence.for_pass(pass, true), varying, ..self.clone() }
    }

    /// The streams with chunks whose lengths vary around the given one with this standard deviation, as a function of
    /// `seed` and the number of the pass: nearly normal, and half as long on average for one chunk in twenty (Merity,
    /// Keskar and Socher 2018). Every pass has the same number of chunks. With a deviation of 0 all are of equal length.
    #[must_use]
    pub fn varying_lengths(self, seed: u64, deviation: f64) -> Self {
        let varying = (deviation > 0.0).then(|| {
            let varying = VaryingLengths { seed, mean: self.chunk_len, deviation };
            (varying, varying.ends(self.stream_len(), 1).into())
        });
        Self { varying, ..self }
    }

    /// One stream over `sequence` with the same targets as windows of `context_len` ids: every id with
    /// `context_len` ids before it.
    ///
    /// # Panics
    /// If `context_len` is zero.
    pub fn evaluation(sequence: Sequence, context_len: usize) -> Self {
        let first = context_len - 1;
        Self { first, warm_up: first, ..Self::over(sequence, 1, EVALUATION_CHUNK) }
    }

    /// The same streams in chunks of `chunk_len` targets.
    ///
    /// # Panics
    /// If `chunk_len` is zero.
    #[must_use]
    pub fn in_chunks(self, chunk_len: usize) -> Self {
        assert!(chunk_len > 0, "chunks of {chunk_len}");
        Self { chunk_len, ..self }
    }

    /// `count` streams over `sequence` with the targets of [`evaluation`](Self::evaluation), each once. The targets
    /// that have too few ids before them for a warm-up are in the first chunk, the opening, which has one row. All
    /// streams continue its state, because a model may be lost for long where it starts with zeros, and read their
    /// [warm-up](Self::warm_up), so that the state at their first target is close to that of a single stream, or
    /// [equal](Self::is_exact) if the warm-up is as long as the longest document.
    ///
    /// # Errors
    /// If the sequence is too short: a stream has at least as many targets as ids of its warm-up.
    ///
    /// # Panics
    /// If `count` or `context_len` is zero.
    pub fn parallel_evaluation(sequence: Sequence, context_len: usize, count: usize) -> Result<Self> {
        if count == 1 {
            return Ok(Self::evaluation(sequence, context_len));
        }
        let (inputs, warm_up) = (sequence.len().saturating_sub(1), warm_up(&sequence, context_len));
        let most = (inputs / warm_up).saturating_sub(1).max(1);
        if count > most {
            return Err(Error::TooManyValidStreams { streams: count, tokens: sequence.len(), most });
        }
        let chunk_len = (EVALUATION_TARGETS / count).clamp(1, EVALUATION_CHUNK);
        let first = warm_up + (inputs - warm_up) % count;
        let opening = Some(context_len - 1);
        Ok(Self { first, warm_up, opening, ..Self::over(sequence, count, chunk_len) })
    }

    /// The number of streams for the evaluation of `sequence`: as many as cost at most a tenth more reading, from
    /// 1 to 64. A short text has one stream.
    pub fn evaluation_count(sequence: &Sequence, context_len: usize) -> usize {
        let warm_up = warm_up(sequence, context_len);
        (sequence.len() / ((TARGETS_PER_WARM_UP + 1) * warm_up)).clamp(1, MAX_STREAMS)
    }

    /// Targets per stream, S; those of the opening are not counted.
    pub fn stream_len(&self) -> usize {
        self.sequence.len().saturating_sub(1 + self.first) / self.count
    }

    /// Ids that each stream reads before the first one with a target.
    pub fn warm_up(&self) -> usize {
        self.warm_up
    }

    /// Whether the state at every target is that of a single stream: there is only one, or every stream reads the document
    /// of its first target from the start, where the state is zeros.
    pub fn is_exact(&self) -> bool {
        self.count == 1 || self.sequence.longest_document().is_some_and(|longest| longest <= self.warm_up)
    }

    /// Chunks per stream, and one more for the opening.
    pub fn chunks(&self) -> usize {
        let in_stream = match &self.varying {
            Some((_, ends)) => ends.len(),
            None => self.stream_len().div_ceil(self.chunk_len),
        };
        in_stream + usize::from(self.opening.is_some())
    }

    /// The number of streams.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Ids at the end of the split that are neither input nor target of a stream.
    pub fn unused_ids(&self) -> usize {
        match self.chunks() {
            0 => self.sequence.len(),
            _ => self.sequence.len() - 1 - self.first - self.stream_len() * self.count,
        }
    }

    /// Chunk `index` of every stream, where the opening counts as one.
    ///
    /// # Panics
    /// If `index` is not below [`chunks`](Self::chunks).
    pub fn chunk(&self, index: usize) -> Chunk<'_> {
        assert!(index < self.chunks(), "chunk {index} of {}", self.chunks());
        let (sequence, stream_len) = (&self.sequence, self.stream_len());
        let index_in_stream = match self.opening {
            Some(first_target) if index == 0 => {
                let (input_len, target_len) = (self.first, self.first - first_target);
                return Chunk { sequence, start: 0, distance: 0, rows: 1, input_len, target_len, continues: false };
            }
            Some(_) => index - 1,
            None => index,
        };
        let Range { start: done, end } = self.range_in_stream(index_in_stream);
        // The first chunk of a stream starts with the inputs that have no target.
        let warm_up = if index_in_stream == 0 { self.warm_up } else { 0 };
        Chunk {
            sequence,
            start: self.first + done - warm_up,
            distance: stream_len,
            rows: self.count,
            input_len: warm_up + end - done,
            target_len: end - done,
            continues: index > 0,
        }
    }

    /// The inputs with targets of chunk `index` of a stream, counted from the first of the stream.
    fn range_in_stream(&self, index: usize) -> Range<usize> {
        match &self.varying {
            Some((_, ends)) => index.checked_sub(1).map_or(0, |before| ends[before])..ends[index],
            None => index * self.chunk_len..((index + 1) * self.chunk_len).min(self.stream_len()),
        }
    }
}

/// Ids that a stream of an evaluation reads before its first target, if there are several. As windows have
/// `context_len` ids before every target, so have streams. With documents that are not too long it is the longest one's
/// length, so that the start of the document of the first target is read, wherever in the document that is.
fn warm_up(sequence: &Sequence, context_len: usize) -> usize {
    let longest = sequence.longest_document().filter(|&longest| longest <= MAX_WARM_UP);
    longest.unwrap_or(WARM_UP).max(context_len)
}

/// Sections of equal length: `N` rows with `T` inputs and `K` targets each.
#[derive(Clone, Debug)]
pub struct Chunk<'a> {
    sequence: &'a Sequence,
    /// The position of the first input of the first row.
    start: usize,
    /// Ids from the start of a row to the start of the next.
    distance: usize,
    rows: usize,
    input_len: usize,
    target_len: usize,
    continues: bool,
}

impl Chunk<'_> {
    /// The number of rows, N.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// These of its rows, counted from 0.
    ///
    /// # Panics
    /// If there are not that many.
    #[must_use]
    pub fn part(self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        Self { start: self.start + rows.start * self.distance, rows: rows.len(), ..self }
    }

    /// Inputs per row, T.
    pub fn input_len(&self) -> usize {
        self.input_len
    }

    /// Targets per row, K.
    pub fn target_len(&self) -> usize {
        self.target_len
    }

    /// Whether each row continues the same row of the previous chunk, or its only row.
    pub fn continues(&self) -> bool {
        self.continues
    }

    /// The input ids, row by row, `[N, T]`.
    pub fn inputs(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows_of(0..self.input_len).flat_map(|positions| self.sequence.ids(positions))
    }

    /// The numbers of the labels of the inputs, `[N, T]`; `None` if the documents have no labels, or there are none.
    pub fn labels(&self) -> Option<impl Iterator<Item = u32> + '_> {
        let labels = || self.rows_of(0..self.input_len).flat_map(|positions| self.sequence.labels(positions));
        self.sequence.has_labels().then(labels)
    }

    /// The target ids, row by row, `[N, K]`.
    pub fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        let positions = self.input_len - self.target_len + 1..self.input_len + 1;
        self.rows_of(positions).flat_map(|positions| self.sequence.ids(positions))
    }

    /// The positions of a row, relative to its first input, in each row.
    fn rows_of(&self, positions: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let Self { start, distance, rows, .. } = *self;
        let starts = (0..rows).map(move |row| start + row * distance);
        starts.map(move |start| start + positions.start..start + positions.end)
    }
}
