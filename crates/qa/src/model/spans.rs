//! Where an answer may stand: how likely every span of a sentence is, up to a longest one.

use std::ops::Range;

use crate::data::{Answers, Sentences};
use burn::module::{Module, Param};
use burn::tensor::activation::{log_sigmoid, log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};

use models::dense::Dense;
use models::init::{Initialization, Initializer};

/// Far below any score: what is no span of the sentence.
const NEVER: f64 = 1e9;

/// The spans of a sentence of S words, up to L words long: begin i and length l have the number
/// `i · L + l − 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    /// S.
    pub words: usize,
    /// L.
    pub longest: usize,
}

impl Spans {
    /// How many numbers there are, those that reach beyond the sentence included.
    pub fn count(self) -> usize {
        self.words * self.longest
    }

    /// The number of a span; none if it is empty, too long or beyond the sentence.
    pub fn number(self, span: &Range<usize>) -> Option<usize> {
        let fits = (1..=self.longest).contains(&span.len()) && span.end <= self.words;
        fits.then(|| span.start * self.longest + span.len() - 1)
    }

    /// The span of a number.
    pub fn span(self, number: usize) -> Range<usize> {
        let begin = number / self.longest;
        begin..begin + number % self.longest + 1
    }

    /// A number for the begin and the last word of each span, on a device.
    fn each(self, number: impl Fn(usize, usize) -> usize, device: &Device) -> Tensor<1, Int> {
        let spans = (0..self.count()).map(|span| self.span(span));
        let numbers: Vec<i32> = spans.map(|span| number(span.start, span.end - 1) as i32).collect();
        Tensor::from_data(TensorData::new(numbers, [self.count()]), device)
    }

    /// What stands in a table of begins and last words `[N, S, S]` for each span, `[N, S · L]`; nothing
    /// in particular for spans that reach beyond the sentence.
    fn pick(self, table: Tensor<3>) -> Tensor<2> {
        let [batch, words, _] = table.dims();
        let number = |begin, last: usize| begin * words + last.min(words - 1);
        let numbers = self.each(number, &table.device());
        table.reshape([batch, words * words]).select(1, numbers)
    }

    /// The logarithms `[N, S · L]` of the probabilities with these scores, of spans whose words are all
    /// `real` `[N, S]`.
    fn among(self, scores: Tensor<2>, real: Tensor<2>) -> Tensor<2> {
        let [batch, words] = real.dims();
        // A word of padding more, for spans that reach beyond.
        let padding = Tensor::zeros([batch, 1], (&real.device(), real.dtype()));
        let real = Tensor::cat(vec![real, padding], 1);
        let last = self.each(|_, last| last.min(words), &real.device());
        let never = real.select(1, last).sub_scalar(1.0).mul_scalar(NEVER);
        log_softmax(scores + never, 1)
    }
}

/// Finds answers among the hidden states of a sentence.
// One or two a network: what a box saves is less than what it hides.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Extractor {
    /// By a pointer to the begin and one to the end, and by how well the two fit together.
    Pointers(Pointers),
    /// Word by word, as the book does: is it part of an answer?
    Tags(Tags),
}

impl Extractor {
    /// ln p of every span, `[N, S · L]`, from `states` `[N, S, E]`.
    pub fn forward(&self, states: Tensor<3>, real: Tensor<2>, longest: usize) -> Tensor<2> {
        let spans = Spans { words: states.dims()[1], longest };
        match self {
            Self::Pointers(pointers) => pointers.forward(states, real, spans),
            Self::Tags(tags) => tags.forward(states, real, spans),
        }
    }

    /// What `answers` cost in `sentences`: one loss for each that is short enough to be found, none if no
    /// answer is; or one for each real word, where words are judged one by one.
    pub fn nats(
        &self,
        states: Tensor<3>,
        sentences: &Sentences,
        answers: &Answers,
        longest: usize,
    ) -> Option<Tensor<1>> {
        match self {
            Self::Pointers(_) => (answers.findable.dims()[0] > 0).then(|| {
                let all = self.forward(states, sentences.real.clone(), longest);
                let span = answers.span.clone().unsqueeze_dim(1);
                let found = all.select(0, answers.findable.clone()).gather(1, span);
                found.squeeze_dim::<1>(1).neg()
            }),
            Self::Tags(tags) => {
                let logits: Tensor<1> = tags.logits(states).flatten(0, 1);
                let inside: Tensor<1> = answers.inside.clone().flatten(0, 1);
                // −ln p of what a word is: σ(x) inside, σ(−x) outside.
                let sign = inside.mul_scalar(2.0).sub_scalar(1.0);
                Some(log_sigmoid(logits * sign).neg().select(0, sentences.rows.clone()))
            }
        }
    }
}

/// With p = relu(h P + p₀) and q = relu(h Q + q₀),
///
/// ```text
/// score(i, j) = b · pᵢ + e · qⱼ + pᵢᵀ U qⱼ + Σ m · hₜ (t from i to j) + w(j − i)
/// ```
///
/// a begin, an end, the two together, what lies between them, and how long it is; after pointer networks for
/// spans (Wang and Jiang 2017) and biaffine scores (Dozat and Manning 2017, eq. 2 to 6).
#[derive(Module, Debug)]
pub struct Pointers {
    /// P and p₀, `[E, A]`.
    pub begin: Dense,
    /// Q and q₀, `[E, A]`.
    pub end: Dense,
    /// U and, for a number 1 that stands behind each p, e in its last row, `[A + 1, A]`.
    pub together: Param<Tensor<2>>,
    /// b, `[A, 1]`.
    pub alone: Param<Tensor<2>>,
    /// m, `[E, 1]`.
    pub inside: Param<Tensor<2>>,
    /// w, `[L]`.
    pub length: Param<Tensor<1>>,
}

/// A, numbers in which a begin and an end meet.
const MEETING: usize = 64;

impl Pointers {
    /// Fresh weights for states of `inputs` numbers and spans up to `longest` words.
    pub fn new(inputs: usize, longest: usize, weights: &Initialization) -> Self {
        let matrix = |name, sizes| weights.matrix(name, sizes, Initializer::GlorotUniform);
        Self {
            begin: Dense::new(inputs, MEETING, &weights.at("begin")),
            end: Dense::new(inputs, MEETING, &weights.at("end")),
            together: matrix("together", [MEETING + 1, MEETING]),
            alone: matrix("alone", [MEETING, 1]),
            inside: matrix("inside", [inputs, 1]),
            length: weights.vector("length", vec![0.0; longest]),
        }
    }

    fn forward(&self, states: Tensor<3>, real: Tensor<2>, spans: Spans) -> Tensor<2> {
        let [batch, words, width] = states.dims();
        let rows = states.reshape([batch * words, width]);
        let (begin, end) =
            (relu(self.begin.forward(rows.clone())), relu(self.end.forward(rows.clone())));
        let column = |rows: Tensor<2>| rows.reshape([batch, words, 1]);
        // Up to each word and up to the one before it: their difference lies between.
        let inside = column(rows.matmul(self.inside.val()));
        let up_to = inside.clone().cumsum(1);
        let begins = column(begin.clone().matmul(self.alone.val())) - (up_to.clone() - inside);
        let one = Tensor::ones([batch * words, 1], (&begin.device(), begin.dtype()));
        let begin = Tensor::cat(vec![begin, one], 1).matmul(self.together.val());
        let meet = |rows: Tensor<2>| rows.reshape([batch, words, MEETING]);
        let table = meet(begin).matmul(meet(end).swap_dims(1, 2));
        let table = table + begins + up_to.swap_dims(1, 2);
        let length = self.length.val();
        let numbers = spans.each(|begin, last| last - begin, &length.device());
        spans.among(spans.pick(table) + length.select(0, numbers).unsqueeze(), real)
    }
}

/// The book's tagger: of each word, whether it belongs to an answer (Foster 2019, chapter 7).
#[derive(Module, Debug)]
pub struct Tags {
    /// From a state to one number, before its sigmoid.
    pub dense: Dense,
}

impl Tags {
    /// Fresh weights for states of `inputs` numbers.
    pub fn new(inputs: usize, weights: &Initialization) -> Self {
        Self { dense: Dense::new(inputs, 1, &weights.at("dense")) }
    }

    /// `[N, S]`.
    fn logits(&self, states: Tensor<3>) -> Tensor<2> {
        let [batch, words, width] = states.dims();
        self.dense.forward(states.reshape([batch * words, width])).reshape([batch, words])
    }

    /// A span's score is what it gains over no answer: Σ x over its words, each x the logarithm of the
    /// odds that the word belongs to an answer.
    fn forward(&self, states: Tensor<3>, real: Tensor<2>, spans: Spans) -> Tensor<2> {
        let odds = self.logits(states);
        let [batch, words] = odds.dims();
        let device = odds.device();
        // 1 where word w stands in span s.
        let inside = (0..spans.count()).flat_map(|span| {
            let span = spans.span(span);
            (0..words).map(move |word| f32::from(u8::from(span.contains(&word))))
        });
        let inside = TensorData::new(inside.collect::<Vec<f32>>(), [spans.count(), words]);
        let inside = Tensor::<2>::from_data(inside, (&device, odds.dtype()));
        let scores = odds.matmul(inside.transpose());
        spans.among(scores.reshape([batch, spans.count()]), real)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::s;

    use super::*;

    #[test]
    fn a_span_has_its_number_and_a_number_its_span() {
        let spans = Spans { words: 5, longest: 3 };
        for number in 0..spans.count() {
            let span = spans.span(number);
            assert_eq!(spans.number(&span), (span.end <= 5).then_some(number), "{span:?}");
        }
        assert_eq!(spans.number(&(1..1)), None);
        assert_eq!(spans.number(&(0..4)), None);
    }

    fn extractors(device: &Device) -> [Extractor; 2] {
        let weights = Initialization::new(1, device);
        [
            Extractor::Pointers(Pointers::new(4, 3, &weights.at("pointers"))),
            Extractor::Tags(Tags::new(4, &weights.at("tags"))),
        ]
    }

    #[test]
    fn probabilities_are_of_real_spans_and_add_up_to_one() {
        let device = Device::flex();
        let mut random = seqdata::Random::keyed(1, "states", &[]);
        let states: Vec<f32> = (0..2 * 5 * 4).map(|_| random.normal() as f32).collect();
        let states = Tensor::<3>::from_data(TensorData::new(states, [2, 5, 4]), &device);
        let real =
            Tensor::from_floats([[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0, 0.0]], &device);
        let spans = Spans { words: 5, longest: 3 };
        for extractor in extractors(&device) {
            let all = extractor.forward(states.clone(), real.clone(), 3).exp();
            let all: Vec<f32> = all.try_into_vec_as().unwrap();
            for (row, length) in [(0, 5), (1, 2)] {
                let row = &all[row * spans.count()..][..spans.count()];
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
                let beyond =
                    |(number, p): (usize, &f32)| spans.span(number).end > length && *p != 0.0;
                assert!(!row.iter().enumerate().any(beyond), "{row:?}");
                assert!(row.iter().filter(|&&p| p > 0.0).count() >= length);
            }
            // A sentence alone has the same probabilities as beside a longer one.
            let alone = extractor
                .forward(states.clone().slice(s![1..2, ..2]), Tensor::ones([1, 2], &device), 3)
                .exp();
            let alone: Vec<f32> = alone.try_into_vec_as().unwrap();
            for (number, p) in alone.iter().enumerate() {
                let there = all[spans.count() + number];
                assert!((there - p).abs() < 1e-6, "{there} {p}");
            }
        }
    }
}
