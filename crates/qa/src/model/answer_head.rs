//! The heads of answer extraction: `ln p` of every span of a sentence up to a maximum length.

use std::ops::Range;

use burn::module::{Module, Param};
use burn::tensor::activation::{log_sigmoid, log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use models::dense::Dense;
use models::init::{Initialization, Initializer};

use crate::data::{AnswerBatch, SentenceBatch, int_tensor};

/// Subtracted from the scores of spans that reach beyond the sentence.
const MASKED: f64 = 1e9;

/// The order of the spans of a sentence of S words, up to L words long: the span from word i with length l has
/// index `i · L + l − 1`. Some indexes are of spans that reach beyond the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanIndex {
    /// S.
    pub sentence_len: usize,
    /// L.
    pub max_len: usize,
}

impl SpanIndex {
    /// S · L, the number of indexes.
    pub fn count(self) -> usize {
        self.sentence_len * self.max_len
    }

    /// The index of a span; `None` if it is empty, too long or beyond the sentence.
    pub fn index(self, span: &Range<usize>) -> Option<usize> {
        let fits = (1..=self.max_len).contains(&span.len()) && span.end <= self.sentence_len;
        fits.then(|| span.start * self.max_len + span.len() - 1)
    }

    /// The span of an index.
    pub fn span(self, index: usize) -> Range<usize> {
        let start = index / self.max_len;
        start..start + index % self.max_len + 1
    }

    /// `value` of the first and the last word of each span, as a tensor.
    fn map(self, value: impl Fn(usize, usize) -> usize, device: &Device) -> Tensor<1, Int> {
        let spans = (0..self.count()).map(|index| self.span(index));
        int_tensor(spans.map(|span| value(span.start, span.end - 1) as i32).collect(), device)
    }

    /// The entries of a table over first and last words `[N, S, S]` for each span, `[N, S · L]`; unspecified for
    /// spans that reach beyond the sentence.
    fn gather(self, table: Tensor<3>) -> Tensor<2> {
        let [batch, words, _] = table.dims();
        let entry = |first, last: usize| first * words + last.min(words - 1);
        let entries = self.map(entry, &table.device());
        table.reshape([batch, words * words]).select(1, entries)
    }

    /// Log-softmax of the scores `[N, S · L]` over the spans whose words all have `mask` `[N, S]` 1.
    fn log_probs(self, scores: Tensor<2>, mask: Tensor<2>) -> Tensor<2> {
        let [batch, words] = mask.dims();
        // One more column of padding, for spans that reach beyond the last word.
        let padding = Tensor::zeros([batch, 1], (&mask.device(), mask.dtype()));
        let mask = Tensor::cat(vec![mask, padding], 1);
        let last = self.map(|_, last| last.min(words), &mask.device());
        let penalty = mask.select(1, last).sub_scalar(1.0).mul_scalar(MASKED);
        log_softmax(scores + penalty, 1)
    }
}

/// Scores the spans of a sentence from encoder outputs. The names of the variants are part of parameter paths.
// A model has one or two: boxing would save little memory.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum AnswerHead {
    /// Scores each span by its first and last words.
    Pointers(SpanHead),
    /// Classifies each word as part of an answer or not (Foster 2019, chapter 7).
    Tags(TaggerHead),
}

impl AnswerHead {
    /// `ln p` of every span, `[N, S · L]` with L = `max_len`, from `states` `[N, S, E]`. `mask` `[N, S]` is 1 at
    /// words and 0 at padding.
    pub fn forward(&self, states: Tensor<3>, mask: Tensor<2>, max_len: usize) -> Tensor<2> {
        let spans = SpanIndex { sentence_len: states.dims()[1], max_len };
        match self {
            Self::Pointers(head) => head.forward(states, mask, spans),
            Self::Tags(head) => head.forward(states, mask, spans),
        }
    }

    /// The losses of `answers` in nats. For a span head `−ln p` of each answer of at most `max_len` words; none
    /// if there is no such answer. For a tagger the binary cross-entropy of each word.
    pub fn loss(
        &self,
        states: Tensor<3>,
        sentences: &SentenceBatch,
        answers: &AnswerBatch,
        max_len: usize,
    ) -> Option<Tensor<1>> {
        match self {
            Self::Pointers(_) => (answers.extractable.dims()[0] > 0).then(|| {
                let log_probs = self.forward(states, sentences.mask.clone(), max_len);
                let span = answers.span_indices.clone().unsqueeze_dim(1);
                log_probs.select(0, answers.extractable.clone()).gather(1, span).squeeze_dim::<1>(1).neg()
            }),
            Self::Tags(head) => {
                let logits: Tensor<1> = head.logits(states).flatten(0, 1);
                let inside: Tensor<1> = answers.mask.clone().flatten(0, 1);
                // −ln p of a word's label: σ(x) inside the answer, σ(−x) outside.
                let sign = inside.mul_scalar(2.0).sub_scalar(1.0);
                Some(log_sigmoid(logits * sign).neg().select(0, sentences.unpadded_rows.clone()))
            }
        }
    }
}

/// With p = relu(h P + p₀) and q = relu(h Q + q₀), the score of the span from word i to word j is
///
/// ```text
/// score(i, j) = b · pᵢ + e · qⱼ + pᵢᵀ U qⱼ + Σ m · hₜ (t from i to j) + w(j − i)
/// ```
///
/// with terms for the first word, the last word, their interaction, the words of the span, and its length; after
/// pointer networks for spans (Wang and Jiang 2017) and biaffine scores (Dozat and Manning 2017, eq. 2 to 6).
#[derive(Module, Debug)]
pub struct SpanHead {
    /// P and p₀, `[E, A]`.
    pub begin: Dense,
    /// Q and q₀, `[E, A]`.
    pub end: Dense,
    /// U, and in the last row e (each p is extended by a 1), `[A + 1, A]`.
    pub together: Param<Tensor<2>>,
    /// b, `[A, 1]`.
    pub alone: Param<Tensor<2>>,
    /// m, `[E, 1]`.
    pub inside: Param<Tensor<2>>,
    /// w, `[L]`.
    pub length: Param<Tensor<1>>,
}

/// A, the size of p and q.
const BIAFFINE_DIM: usize = 64;

impl SpanHead {
    /// Initial weights for states of size `inputs` (E) and spans of up to `max_len` words (L).
    pub fn new(inputs: usize, max_len: usize, weights: &Initialization) -> Self {
        let matrix = |name, sizes| weights.matrix(name, sizes, Initializer::GlorotUniform);
        Self {
            begin: Dense::new(inputs, BIAFFINE_DIM, &weights.at("begin")),
            end: Dense::new(inputs, BIAFFINE_DIM, &weights.at("end")),
            together: matrix("together", [BIAFFINE_DIM + 1, BIAFFINE_DIM]),
            alone: matrix("alone", [BIAFFINE_DIM, 1]),
            inside: matrix("inside", [inputs, 1]),
            length: weights.vector("length", vec![0.0; max_len]),
        }
    }

    fn forward(&self, states: Tensor<3>, mask: Tensor<2>, spans: SpanIndex) -> Tensor<2> {
        let [batch, words, width] = states.dims();
        let rows = states.reshape([batch * words, width]);
        let (p, q) = (relu(self.begin.forward(rows.clone())), relu(self.end.forward(rows.clone())));
        let column = |rows: Tensor<2>| rows.reshape([batch, words, 1]);
        // Σ m · hₜ is the difference of two prefix sums.
        let inside = column(rows.matmul(self.inside.val()));
        let prefix_sums = inside.clone().cumsum(1);
        let starts = column(p.clone().matmul(self.alone.val())) - (prefix_sums.clone() - inside);
        let ones = Tensor::ones([batch * words, 1], (&p.device(), p.dtype()));
        let p = Tensor::cat(vec![p, ones], 1).matmul(self.together.val());
        let per_word = |rows: Tensor<2>| rows.reshape([batch, words, BIAFFINE_DIM]);
        let table = per_word(p).matmul(per_word(q).swap_dims(1, 2));
        let table = table + starts + prefix_sums.swap_dims(1, 2);
        let length = self.length.val();
        let lengths = spans.map(|first, last| last - first, &length.device());
        spans.log_probs(spans.gather(table) + length.select(0, lengths).unsqueeze(), mask)
    }
}

/// Classifies each word as part of an answer or not (Foster 2019, chapter 7).
#[derive(Module, Debug)]
pub struct TaggerHead {
    /// From a state to a logit.
    pub dense: Dense,
}

impl TaggerHead {
    /// Initial weights for states of size `inputs`.
    pub fn new(inputs: usize, weights: &Initialization) -> Self {
        Self { dense: Dense::new(inputs, 1, &weights.at("dense")) }
    }

    /// `[N, S]`.
    fn logits(&self, states: Tensor<3>) -> Tensor<2> {
        let [batch, words, width] = states.dims();
        self.dense.forward(states.reshape([batch * words, width])).reshape([batch, words])
    }

    /// The score of a span is the sum of the logits of its words: its log-likelihood ratio to no answer.
    fn forward(&self, states: Tensor<3>, mask: Tensor<2>, spans: SpanIndex) -> Tensor<2> {
        let logits = self.logits(states);
        let [batch, words] = logits.dims();
        let device = logits.device();
        // 1 where word w is in span s.
        let inside = (0..spans.count()).flat_map(|index| {
            let span = spans.span(index);
            (0..words).map(move |word| f32::from(u8::from(span.contains(&word))))
        });
        let inside = TensorData::new(inside.collect::<Vec<f32>>(), [spans.count(), words]);
        let inside = Tensor::<2>::from_data(inside, (&device, logits.dtype()));
        let scores = logits.matmul(inside.transpose());
        spans.log_probs(scores.reshape([batch, spans.count()]), mask)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::s;

    use super::*;

    #[test]
    fn indexes_and_spans_are_mapped_to_each_other() {
        let spans = SpanIndex { sentence_len: 5, max_len: 3 };
        for index in 0..spans.count() {
            let span = spans.span(index);
            assert_eq!(spans.index(&span), (span.end <= 5).then_some(index), "{span:?}");
        }
        assert_eq!(spans.index(&(1..1)), None);
        assert_eq!(spans.index(&(0..4)), None);
    }

    fn heads(device: &Device) -> [AnswerHead; 2] {
        let weights = Initialization::new(1, device);
        [
            AnswerHead::Pointers(SpanHead::new(4, 3, &weights.at("pointers"))),
            AnswerHead::Tags(TaggerHead::new(4, &weights.at("tags"))),
        ]
    }

    #[test]
    fn padding_has_probability_zero_and_the_rest_sums_to_one() {
        let device = Device::flex();
        let mut random = seqdata::Random::keyed(1, "states", &[]);
        let states: Vec<f32> = (0..2 * 5 * 4).map(|_| random.normal() as f32).collect();
        let states = Tensor::<3>::from_data(TensorData::new(states, [2, 5, 4]), &device);
        let mask = Tensor::from_floats([[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0, 0.0]], &device);
        let spans = SpanIndex { sentence_len: 5, max_len: 3 };
        for head in heads(&device) {
            let all = head.forward(states.clone(), mask.clone(), 3).exp();
            let all: Vec<f32> = all.try_into_vec_as().unwrap();
            for (row, length) in [(0, 5), (1, 2)] {
                let row = &all[row * spans.count()..][..spans.count()];
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
                let beyond = |(index, p): (usize, &f32)| spans.span(index).end > length && *p != 0.0;
                assert!(!row.iter().enumerate().any(beyond), "{row:?}");
                assert!(row.iter().filter(|&&p| p > 0.0).count() >= length);
            }
            // A sentence has the same probabilities alone as in a batch with a longer one.
            let alone = head.forward(states.clone().slice(s![1..2, ..2]), Tensor::ones([1, 2], &device), 3).exp();
            let alone: Vec<f32> = alone.try_into_vec_as().unwrap();
            for (index, p) in alone.iter().enumerate() {
                let batched = all[spans.count() + index];
                assert!((batched - p).abs() < 1e-6, "{batched} {p}");
            }
        }
    }
}
