//! Evaluation metrics: what a text, a question or an answer is worth, computed from tokens and words alone.
//!
//! | module | metric |
//! |---|---|
//! | [`kneser_ney`] | the interpolated Kneser–Ney n-gram baseline |
//! | [`bleu`], [`rouge`] | corpus BLEU-1 to BLEU-4 and ROUGE-L |
//! | [`squad`] | exact match and F1 of answers, as SQuAD's evaluation script computes them |
//! | [`memorization`], [`suffix_array`] | how much of a sample occurs in the training text |
//! | [`invented_words`] | which words of a sample the training text does not contain |
//!
//! This crate knows no models, tensors or files.

pub mod bleu;
pub mod invented_words;
pub mod kneser_ney;
pub mod memorization;
pub mod rouge;
pub mod squad;
pub mod suffix_array;

pub use bleu::Bleu;
pub use invented_words::{Lexicon, Novelty};
pub use kneser_ney::NGrams;
pub use memorization::{Copied, NGramsHeld, Run, Source};
pub use rouge::RougeL;
pub use squad::Answers;

/// Words as string slices, which compare and hash alike whatever type owns them.
fn borrowed<S: AsRef<str>>(words: &[S]) -> Vec<&str> {
    words.iter().map(AsRef::as_ref).collect()
}
