//! Batches of sentences, answers and questions as tensors, padded at the end of each row.
//!
//! Masks and row indices are computed here on the CPU, so the model needs no masks inside its RNNs: in both
//! directions the words of a row come before its padding.

use std::ops::Range;

use burn::tensor::{DType, Device, Element, Int, Tensor, TensorData};
use seqdata::WithStep;
use text_prep::Vocabulary;

use super::example::{EncodedSentence, Example, SUFFIX_BUCKETS};

/// The features of a word besides its id, each with the number of its values: shape and whether it is the first word;
/// suffix; answer (0 outside, 1 first word, 2 other words); question (0 no question, 1 not in it, 2 in it).
pub const FEATURES: [(&str, usize); 4] =
    [("shape", 16), ("ending", SUFFIX_BUCKETS as usize), ("answer", 3), ("asked", 3)];

/// The sizes of the two vocabularies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VocabSizes {
    /// V, the number of input ids.
    pub input: usize,
    /// W, the number of ids that the decoder can generate: the first W input ids. Other words can only be copied.
    pub output: usize,
}

/// N sentences of up to S words.
#[derive(Clone, Debug)]
pub struct SentenceBatch {
    /// Word ids, `[N, S]`; 0 is padding.
    pub ids: Tensor<2, Int>,
    /// Word ids in the extended vocabulary, `[N, S]`: the out-of-vocabulary words of a sentence have ids V, V + 1, …
    /// in order of first appearance.
    pub extended_ids: Tensor<2, Int>,
    /// The largest number of distinct out-of-vocabulary words in a sentence.
    pub max_oov_words: usize,
    /// 1 for words, 0 for padding, `[N, S]`.
    pub mask: Tensor<2>,
    /// The rows of `[N · S]` that are words.
    pub unpadded_rows: Tensor<1, Int>,
    /// The permutation of the rows of `[N · S]` that reverses each sentence and leaves padding in place.
    pub reverse_permutation: Tensor<1, Int>,
    /// The row of `[N · S]` of each sentence's last word, `[N]`.
    pub last_rows: Tensor<1, Int>,
    /// The values of the features, `[N, S]` each.
    shapes: Tensor<2, Int>,
    suffixes: Tensor<2, Int>,
    answer: Tensor<2, Int>,
    in_question: Tensor<2, Int>,
}

/// One answer per sentence.
#[derive(Clone, Debug)]
pub struct AnswerBatch {
    /// 1 for the words of the answer, else 0, `[N, S]`.
    pub mask: Tensor<2>,
    /// The sentences whose answer is short enough to be extracted, `[F]`.
    pub extractable: Tensor<1, Int>,
    /// The index of each of these answers among all spans of its sentence, `[F]`.
    pub span_indices: Tensor<1, Int>,
    /// The rows of `[N · S]` of each answer's words, `[N · A]`, where A is the length of the longest answer; shorter
    /// answers repeat their last word.
    pub word_rows: Tensor<1, Int>,
    /// The row of `[N · A]` of each answer's last word, `[N]`.
    pub last_rows: Tensor<1, Int>,
}

/// One question per sentence, padded to T words including the 0 that ends it; R words without padding.
#[derive(Clone, Debug)]
pub struct QuestionTargets {
    /// The id of the previous word, `[N, T]`; 0 for the first word.
    pub inputs: Tensor<2, Int>,
    /// The rows of `[N · T]` that are not padding, `[R]`.
    pub unpadded_rows: Tensor<1, Int>,
    /// The sentence of each row, `[R]`.
    pub sentence_rows: Tensor<1, Int>,
    /// Target ids in the decoder's vocabulary, `[R]`; the unknown id for words outside it.
    pub ids: Tensor<1, Int>,
    /// Target ids in the extended vocabulary, `[R]`.
    pub extended_ids: Tensor<1, Int>,
    /// 1 if the target is in the decoder's vocabulary, 0 if it can only be copied, `[R]`.
    pub in_vocab: Tensor<1>,
    /// 1 for each sentence word that equals the target, `[R, S]`.
    pub copy_mask: Tensor<2>,
}

/// A batch of examples.
#[derive(Clone, Debug)]
pub struct QuestionBatch {
    /// The sentences.
    pub sentences: SentenceBatch,
    /// The answers.
    pub answers: AnswerBatch,
    /// The questions.
    pub targets: QuestionTargets,
    /// The number of input and target words, without padding.
    pub num_tokens: usize,
    /// The index of this batch in the whole run, from 0.
    pub step: u64,
}

impl WithStep for QuestionBatch {
    fn with_step(self, _index: usize, step: u64) -> Self {
        Self { step, ..self }
    }
}

/// Pads rows to `width` elements each.
fn pad<T: Element>(rows: impl Iterator<Item = Vec<T>>, width: usize, padding: T) -> TensorData {
    let (mut values, mut count) = (Vec::new(), 0);
    for mut row in rows {
        row.resize(width, padding);
        values.append(&mut row);
        count += 1;
    }
    TensorData::new(values, [count, width])
}

pub(crate) fn int_tensor(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// The features of a sentence that depend on an answer or a question.
#[derive(Clone, Debug, Default)]
pub struct SentenceFeatures<'a> {
    /// The words of the answer to generate a question about; may be empty.
    pub answer: Range<usize>,
    /// For each word, whether it occurs in the question; `None` if there is no question.
    pub in_question: Option<&'a [bool]>,
}

impl SentenceBatch {
    /// Makes a batch of sentences and their features on a device.
    ///
    /// # Panics
    /// If there are no sentences, a sentence is empty, or the numbers of sentences and features differ.
    pub fn new(sentences: &[&EncodedSentence], features: &[SentenceFeatures], device: &Device) -> Self {
        assert_eq!(sentences.len(), features.len(), "every sentence has its features");
        let lengths: Vec<usize> = sentences.iter().map(|sentence| sentence.ids.len()).collect();
        assert!(lengths.iter().all(|&length| length > 0), "a sentence has at least one word");
        let width = lengths.iter().copied().max().expect("there is a sentence");
        let per_word = |values: &dyn Fn(usize) -> Vec<i32>| -> Tensor<2, Int> {
            Tensor::from_data(pad((0..sentences.len()).map(values), width, 0), device)
        };
        let row = |sentence: usize, word: usize| (sentence * width + word) as i32;
        let all = || lengths.iter().copied().enumerate();
        let rows = |rows: Vec<i32>| int_tensor(rows, device);
        let reversed = |(sentence, length): (usize, usize)| {
            let source = move |word| if word < length { length - 1 - word } else { word };
            (0..width).map(move |word| row(sentence, source(word)))
        };
        let answer = |sentence: usize| -> Vec<i32> {
            let answer = &features[sentence].answer;
            let value = |word| match word {
                _ if !answer.contains(&word) => 0,
                _ if word == answer.start => 1,
                _ => 2,
            };
            (0..lengths[sentence]).map(value).collect()
        };
        let in_question = |sentence: usize| match features[sentence].in_question {
            None => vec![0; lengths[sentence]],
            Some(words) => words.iter().map(|&is_in_question| 1 + i32::from(is_in_question)).collect(),
        };
        let ids = |ids: &[u32]| ids.iter().map(|&id| id as i32).collect::<Vec<i32>>();
        let mask = pad(lengths.iter().map(|&length| vec![1.0f32; length]), width, 0.0);
        Self {
            ids: per_word(&|n| ids(&sentences[n].ids)),
            extended_ids: per_word(&|n| ids(&sentences[n].extended_ids)),
            max_oov_words: sentences.iter().map(|sentence| sentence.oov_words.len()).max().unwrap_or(0),
            mask: Tensor::from_data(mask, device),
            unpadded_rows: rows(all().flat_map(|(n, length)| (0..length).map(move |word| row(n, word))).collect()),
            reverse_permutation: rows(all().flat_map(reversed).collect()),
            last_rows: rows(all().map(|(n, length)| row(n, length - 1)).collect()),
            shapes: per_word(&|n| sentences[n].shapes.iter().map(|&shape| i32::from(shape)).collect()),
            suffixes: per_word(&|n| sentences[n].suffix_ids.iter().map(|&id| i32::from(id)).collect()),
            answer: per_word(&answer),
            in_question: per_word(&in_question),
        }
    }

    /// The features given the answers, without questions, in the order of [`FEATURES`].
    pub fn answer_features(&self) -> [Tensor<2, Int>; 4] {
        self.features(self.answer.clone(), self.in_question.zeros_like())
    }

    /// The features without answers and questions.
    pub fn base_features(&self) -> [Tensor<2, Int>; 4] {
        self.features(self.answer.zeros_like(), self.in_question.zeros_like())
    }

    /// The features given the questions, without answers.
    pub fn question_features(&self) -> [Tensor<2, Int>; 4] {
        self.features(self.answer.zeros_like(), self.in_question.clone())
    }

    fn features(&self, answer: Tensor<2, Int>, in_question: Tensor<2, Int>) -> [Tensor<2, Int>; 4] {
        [self.shapes.clone(), self.suffixes.clone(), answer, in_question]
    }
}

impl AnswerBatch {
    /// Makes a batch of one answer per sentence, as ranges of words. The longest sentence has `width` words; answers
    /// of up to `max_len` words are extractable.
    ///
    /// # Panics
    /// If there are no answers, or an answer is empty or ends after `width`.
    pub fn new(answers: &[Range<usize>], width: usize, max_len: usize, device: &Device) -> Self {
        assert!(answers.iter().all(|answer| answer.start < answer.end && answer.end <= width));
        let longest = answers.iter().map(ExactSizeIterator::len).max().expect("there is an answer");
        let all = || answers.iter().enumerate();
        let extractable = || all().filter(|(_, answer)| answer.len() <= max_len);
        let mask =
            all().map(|(_, answer)| (0..width).map(|word| f32::from(u8::from(answer.contains(&word)))).collect());
        let word_rows = all().flat_map(|(row, answer)| {
            let last = answer.end - 1;
            (0..longest).map(move |word| (row * width + (answer.start + word).min(last)) as i32)
        });
        let span_index = |(_, answer): (usize, &Range<usize>)| (answer.start * max_len + answer.len() - 1) as i32;
        let last = |(row, answer): (usize, &Range<usize>)| (row * longest + answer.len() - 1) as i32;
        Self {
            mask: Tensor::from_data(pad(mask, width, 0.0), device),
            extractable: int_tensor(extractable().map(|(row, _)| row as i32).collect(), device),
            span_indices: int_tensor(extractable().map(span_index).collect(), device),
            word_rows: int_tensor(word_rows.collect(), device),
            last_rows: int_tensor(all().map(last).collect(), device),
        }
    }
}

impl QuestionTargets {
    /// The questions of `examples`, whose longest sentence has `width` words.
    fn new(examples: &[&Example], width: usize, sizes: VocabSizes, device: &Device) -> Self {
        let unknown = Vocabulary::UNKNOWN;
        let or_unknown = |id: u32, size: usize| if (id as usize) < size { id } else { unknown };
        let time = examples.iter().map(|example| example.question_ids.len() + 1).max().unwrap_or(1);
        let inputs = examples.iter().map(|example| {
            let ids = example.question_ids.iter().map(|&id| or_unknown(id, sizes.input) as i32);
            std::iter::once(0).chain(ids).collect()
        });
        let inputs = pad(inputs, time, 0);
        // A word that can be neither generated nor copied becomes the unknown word.
        let target = |example: &Example, id: u32| {
            let can_be_copied = || example.sentence.extended_ids.contains(&id);
            if (id as usize) < sizes.output || can_be_copied() { id } else { unknown }
        };
        // (row, time, extended id)
        let mut targets: Vec<(usize, usize, u32)> = Vec::new();
        for (row, example) in examples.iter().enumerate() {
            let ids = example.question_ids.iter().map(|&id| target(example, id)).chain([0]);
            targets.extend(ids.enumerate().map(|(at, id)| (row, at, id)));
        }
        let per_target =
            |value: &dyn Fn(&(usize, usize, u32)) -> i32| int_tensor(targets.iter().map(value).collect(), device);
        let copy_mask = targets.iter().map(|&(row, _, id)| {
            let ids = examples[row].sentence.extended_ids.iter();
            ids.map(|&word| f32::from(u8::from(word == id && id != unknown))).collect()
        });
        let in_vocab = targets.iter().map(|&(.., id)| f32::from(u8::from((id as usize) < sizes.output)));
        let in_vocab = TensorData::new(in_vocab.collect::<Vec<f32>>(), [targets.len()]);
        Self {
            inputs: Tensor::from_data(inputs, device),
            unpadded_rows: per_target(&|&(row, at, _)| (row * time + at) as i32),
            sentence_rows: per_target(&|&(row, ..)| row as i32),
            ids: per_target(&|&(.., id)| or_unknown(id, sizes.output) as i32),
            extended_ids: per_target(&|&(.., id)| id as i32),
            in_vocab: Tensor::from_data(in_vocab, device),
            copy_mask: Tensor::from_data(pad(copy_mask, width, 0.0), device),
        }
    }
}

impl QuestionBatch {
    /// Makes a batch of examples on a device, with step 0. Answers of up to `max_answer_len` words are extractable.
    ///
    /// # Panics
    /// If there are no examples.
    pub fn new(examples: &[&Example], sizes: VocabSizes, max_answer_len: usize, device: &Device) -> Self {
        let sentences: Vec<&EncodedSentence> = examples.iter().map(|example| &example.sentence).collect();
        let features: Vec<SentenceFeatures> = examples
            .iter()
            .map(|example| SentenceFeatures { answer: example.answer.clone(), in_question: Some(&example.in_question) })
            .collect();
        let answers: Vec<Range<usize>> = examples.iter().map(|example| example.answer.clone()).collect();
        let width = sentences.iter().map(|sentence| sentence.ids.len()).max().unwrap_or(0);
        let num_tokens = |example: &&Example| example.sentence.ids.len() + example.question_ids.len() + 1;
        Self {
            sentences: SentenceBatch::new(&sentences, &features, device),
            answers: AnswerBatch::new(&answers, width, max_answer_len, device),
            targets: QuestionTargets::new(examples, width, sizes, device),
            num_tokens: examples.iter().map(num_tokens).sum(),
            step: 0,
        }
    }

    /// Casts the float tensors to `dtype`, for models with another dtype than f32.
    pub fn cast(self, dtype: DType) -> Self {
        let Self { sentences, answers, targets, num_tokens, step } = self;
        Self {
            sentences: SentenceBatch { mask: sentences.mask.cast(dtype), ..sentences },
            answers: AnswerBatch { mask: answers.mask.cast(dtype), ..answers },
            targets: QuestionTargets {
                in_vocab: targets.in_vocab.cast(dtype),
                copy_mask: targets.copy_mask.cast(dtype),
                ..targets
            },
            num_tokens,
            step,
        }
    }
}
