//! Sentences, answers and questions on a device, in rows that end in padding.
//!
//! Everything that says which rows are real is made here, in plain numbers, so that a network needs no
//! masks while it reads: the real words of a row come first in either direction.

use std::ops::Range;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use text_prep::Vocabulary;

use super::example::{ENDINGS, Example, Sentence};
use seqdata::loader::Placed;

/// What is known of each word besides itself, and how many values each of these has: its shape and
/// whether it is the first; its ending; whether an answer begins or goes on there; whether there is a
/// question, and whether it holds the word.
pub const FEATURES: [(&str, usize); 4] =
    [("shape", 16), ("ending", ENDINGS as usize), ("answer", 3), ("asked", 3)];

/// How many ids there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// V, those that can be read.
    pub read: usize,
    /// W, the first of these, which can be chosen when a question is written. Others can only be copied.
    pub written: usize,
}

/// N sentences of up to S words.
#[derive(Clone, Debug)]
pub struct Sentences {
    /// The ids of the words, `[N, S]`; 0 is padding.
    pub words: Tensor<2, Int>,
    /// The ids of the words in the extended vocabulary, `[N, S]`: those without an id of their own have
    /// V, V + 1, … in the order in which they come.
    pub extended: Tensor<2, Int>,
    /// How many words of the richest sentence have no id of their own.
    pub further: usize,
    /// 1 where a word is real, 0 in padding, `[N, S]`.
    pub real: Tensor<2>,
    /// Which rows of `[N · S]` are real words.
    pub rows: Tensor<1, Int>,
    /// Which row of `[N · S]` to read at each step from the last word to the first.
    pub mirror: Tensor<1, Int>,
    /// The row of `[N · S]` of each sentence's last word, `[N]`.
    pub last: Tensor<1, Int>,
    /// The values of the features, `[N, S]` each.
    shapes: Tensor<2, Int>,
    endings: Tensor<2, Int>,
    marks: Tensor<2, Int>,
    asked: Tensor<2, Int>,
}

/// One answer a sentence.
#[derive(Clone, Debug)]
pub struct Answers {
    /// 1 where a word belongs to the answer, `[N, S]`.
    pub inside: Tensor<2>,
    /// Which answers are short enough to be found, `[F]`, and their numbers among all spans of their
    /// sentence, `[F]`.
    pub findable: Tensor<1, Int>,
    /// See `findable`.
    pub span: Tensor<1, Int>,
    /// The rows of `[N · S]` of each answer's words, its last one repeated up to the longest answer's
    /// length A, `[N · A]`.
    pub words: Tensor<1, Int>,
    /// The row of `[N · A]` of each answer's last word, `[N]`.
    pub last: Tensor<1, Int>,
}

/// One question a sentence, T words with the 0 that ends it; R words in all.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The word before each, `[N, T]`: 0 before the first.
    pub inputs: Tensor<2, Int>,
    /// Which rows of `[N · T]` are real, `[R]`.
    pub rows: Tensor<1, Int>,
    /// Which sentence each belongs to, `[R]`.
    pub sentence: Tensor<1, Int>,
    /// The ids of the words that are chosen, the unknown id for those that cannot be, `[R]`.
    pub ids: Tensor<1, Int>,
    /// Their ids in the extended vocabulary, `[R]`.
    pub extended: Tensor<1, Int>,
    /// 0 where a word can only be copied, else 1, `[R]`.
    pub has_id: Tensor<1>,
    /// 1 where the word stands in its sentence, `[R, S]`.
    pub copies: Tensor<2>,
}

/// What a step learns from.
#[derive(Clone, Debug)]
pub struct QuestionBatch {
    /// What is read.
    pub sentences: Sentences,
    /// What is asked for.
    pub answers: Answers,
    /// The questions.
    pub targets: Targets,
    /// How many words are read and written.
    pub tokens: usize,
    /// The number of this batch in the whole run, counted from 0.
    pub step: u64,
}

impl Placed for QuestionBatch {
    fn placed(self, _index: usize, step: u64) -> Self {
        Self { step, ..self }
    }
}

/// Rows of `[N, S]`, filled up with what stands for padding.
struct Rows {
    width: usize,
}

impl Rows {
    fn lift<T: burn::tensor::Element>(
        &self,
        rows: impl Iterator<Item = Vec<T>>,
        padding: T,
    ) -> TensorData {
        let mut values = Vec::new();
        let mut count = 0;
        for mut row in rows {
            row.resize(self.width, padding);
            values.append(&mut row);
            count += 1;
        }
        TensorData::new(values, [count, self.width])
    }
}

fn list(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// What is marked and asked in a sentence.
#[derive(Clone, Debug, Default)]
pub struct Marks<'a> {
    /// The words of the answer that a question is to be about.
    pub answer: Range<usize>,
    /// For each word, whether the question holds it; none without a question.
    pub asked: Option<&'a [bool]>,
}

impl Sentences {
    /// Lifts sentences with their marks onto a device.
    ///
    /// # Panics
    /// If there are none, one is empty, or there are not as many marks.
    pub fn new(sentences: &[&Sentence], marks: &[Marks], device: &Device) -> Self {
        assert_eq!(sentences.len(), marks.len(), "every sentence has its marks");
        let lengths: Vec<usize> = sentences.iter().map(|sentence| sentence.ids.len()).collect();
        assert!(lengths.iter().all(|&length| length > 0), "a sentence has a word");
        let width = lengths.iter().copied().max().expect("there is a sentence");
        let rows = Rows { width };
        let ints = |values: TensorData| Tensor::<2, Int>::from_data(values, device);
        let ids = |ids: &[u32]| ids.iter().map(|&id| id as i32).collect::<Vec<i32>>();
        let each = |row: usize, at: usize| (row * width + at) as i32;
        let all = || lengths.iter().copied().enumerate();
        Self {
            words: ints(rows.lift(sentences.iter().map(|sentence| ids(&sentence.ids)), 0)),
            extended: ints(rows.lift(sentences.iter().map(|sentence| ids(&sentence.extended)), 0)),
            further: sentences.iter().map(|sentence| sentence.further.len()).max().unwrap_or(0),
            real: Tensor::from_data(
                rows.lift(lengths.iter().map(|&length| vec![1.0f32; length]), 0.0),
                device,
            ),
            rows: list(
                all().flat_map(|(row, len)| (0..len).map(move |at| each(row, at))).collect(),
                device,
            ),
            mirror: list(
                all()
                    .flat_map(|(row, len)| {
                        let at = move |t: usize| if t < len { len - 1 - t } else { t };
                        (0..width).map(move |t| each(row, at(t)))
                    })
                    .collect(),
                device,
            ),
            last: list(all().map(|(row, len)| each(row, len - 1)).collect(), device),
            shapes: ints(
                rows.lift(
                    sentences
                        .iter()
                        .map(|sentence| sentence.shapes.iter().map(|&s| i32::from(s)).collect()),
                    0,
                ),
            ),
            endings: ints(
                rows.lift(
                    sentences
                        .iter()
                        .map(|sentence| sentence.endings.iter().map(|&e| i32::from(e)).collect()),
                    0,
                ),
            ),
            marks: ints(rows.lift(
                marks.iter().zip(&lengths).map(|(marks, &length)| {
                    let mark = |word| match &marks.answer {
                        answer if answer.is_empty() || !answer.contains(&word) => 0,
                        answer if answer.start == word => 1,
                        _ => 2,
                    };
                    (0..length).map(mark).collect()
                }),
                0,
            )),
            asked: ints(rows.lift(
                marks.iter().zip(&lengths).map(|(marks, &length)| match marks.asked {
                    None => vec![0; length],
                    Some(asked) => asked.iter().map(|&held| 1 + i32::from(held)).collect(),
                }),
                0,
            )),
        }
    }

    /// The features with the answers marked and no question.
    pub fn marked(&self) -> [Tensor<2, Int>; 4] {
        self.features(self.marks.clone(), self.asked.zeros_like())
    }

    /// The features with neither.
    pub fn plain(&self) -> [Tensor<2, Int>; 4] {
        self.features(self.marks.zeros_like(), self.asked.zeros_like())
    }

    /// The features with the questions and no answer.
    pub fn asked(&self) -> [Tensor<2, Int>; 4] {
        self.features(self.marks.zeros_like(), self.asked.clone())
    }

    /// In the order of [`FEATURES`].
    fn features(&self, marks: Tensor<2, Int>, asked: Tensor<2, Int>) -> [Tensor<2, Int>; 4] {
        [self.shapes.clone(), self.endings.clone(), marks, asked]
    }
}

impl Answers {
    /// One answer for each of some sentences, of which the longest has `width` words.
    ///
    /// # Panics
    /// If an answer is empty or beyond its sentence.
    pub fn new(answers: &[Range<usize>], width: usize, longest: usize, device: &Device) -> Self {
        assert!(answers.iter().all(|answer| answer.start < answer.end && answer.end <= width));
        let most = answers.iter().map(ExactSizeIterator::len).max().expect("there is an answer");
        let all = || answers.iter().enumerate();
        let findable = || all().filter(|(_, answer)| answer.len() <= longest);
        let inside = all().map(|(_, answer)| {
            (0..width).map(|word| f32::from(u8::from(answer.contains(&word)))).collect()
        });
        let words = all().flat_map(|(row, answer)| {
            let last = answer.end - 1;
            (0..most).map(move |at| (row * width + (answer.start + at).min(last)) as i32)
        });
        let number = |(_, answer): (usize, &Range<usize>)| {
            (answer.start * longest + answer.len() - 1) as i32
        };
        let last = |(row, answer): (usize, &Range<usize>)| (row * most + answer.len() - 1) as i32;
        Self {
            inside: Tensor::from_data(Rows { width }.lift(inside, 0.0), device),
            findable: list(findable().map(|(row, _)| row as i32).collect(), device),
            span: list(findable().map(number).collect(), device),
            words: list(words.collect(), device),
            last: list(all().map(last).collect(), device),
        }
    }
}

impl Targets {
    /// The questions of some examples whose longest sentence has `width` words.
    fn new(examples: &[&Example], width: usize, known: Known, device: &Device) -> Self {
        let unknown = Vocabulary::UNKNOWN;
        let below = |id: u32, count: usize| if (id as usize) < count { id } else { unknown };
        let time = examples.iter().map(|example| example.question.len() + 1).max().unwrap_or(1);
        let inputs = examples.iter().map(|example| {
            let words = example.question.iter().map(|&id| below(id, known.read) as i32);
            std::iter::once(0).chain(words).collect()
        });
        let inputs = Rows { width: time }.lift(inputs, 0);
        // A word that can be neither chosen nor copied is the unknown one.
        let word = |example: &Example, id: u32| {
            let can_be_copied = || example.sentence.extended.contains(&id);
            if (id as usize) < known.written || can_be_copied() { id } else { unknown }
        };
        let mut targets: Vec<(usize, usize, u32)> = Vec::new();
        for (row, example) in examples.iter().enumerate() {
            let words = example.question.iter().map(|&id| word(example, id)).chain([0]);
            targets.extend(words.enumerate().map(|(at, id)| (row, at, id)));
        }
        let each = |number: fn(&(usize, usize, u32), usize) -> i32, count: usize| {
            list(targets.iter().map(|target| number(target, count)).collect(), device)
        };
        let copies = targets.iter().map(|&(row, _, id)| {
            let words = examples[row].sentence.extended.iter();
            words.map(|&word| f32::from(u8::from(word == id && id != unknown))).collect()
        });
        let has_id =
            targets.iter().map(|&(.., id)| f32::from(u8::from((id as usize) < known.written)));
        let has_id = TensorData::new(has_id.collect::<Vec<f32>>(), [targets.len()]);
        let ids = targets.iter().map(|&(.., id)| below(id, known.written) as i32);
        Self {
            inputs: Tensor::from_data(inputs, device),
            rows: each(|&(row, at, _), time| (row * time + at) as i32, time),
            sentence: each(|&(row, ..), _| row as i32, time),
            ids: list(ids.collect(), device),
            extended: each(|&(.., id), _| id as i32, time),
            has_id: Tensor::from_data(has_id, device),
            copies: Tensor::from_data(Rows { width }.lift(copies, 0.0), device),
        }
    }
}

impl QuestionBatch {
    /// Lifts examples onto a device, as step 0. Answers longer than `longest` words are not to be found.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(examples: &[&Example], known: Known, longest: usize, device: &Device) -> Self {
        let sentences: Vec<&Sentence> = examples.iter().map(|example| &example.sentence).collect();
        let marks: Vec<Marks> = examples
            .iter()
            .map(|example| Marks { answer: example.answer.clone(), asked: Some(&example.asked) })
            .collect();
        let answers: Vec<Range<usize>> =
            examples.iter().map(|example| example.answer.clone()).collect();
        let width = sentences.iter().map(|sentence| sentence.ids.len()).max().unwrap_or(0);
        let words = |example: &&Example| example.sentence.ids.len() + example.question.len() + 1;
        Self {
            sentences: Sentences::new(&sentences, &marks, device),
            answers: Answers::new(&answers, width, longest, device),
            targets: Targets::new(examples, width, known, device),
            tokens: examples.iter().map(words).sum(),
            step: 0,
        }
    }

    /// The same with numbers of this dtype, for networks of another than 32 bits.
    pub fn cast(self, dtype: DType) -> Self {
        let Self { sentences, answers, targets, tokens, step } = self;
        Self {
            sentences: Sentences { real: sentences.real.cast(dtype), ..sentences },
            answers: Answers { inside: answers.inside.cast(dtype), ..answers },
            targets: Targets {
                has_id: targets.has_id.cast(dtype),
                copies: targets.copies.cast(dtype),
                ..targets
            },
            tokens,
            step,
        }
    }
}
