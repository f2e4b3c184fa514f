//! Evaluation metrics, computed from tokens and words only.
//!
//! | module | metric |
//! |---|---|
//! | [`kneser_ney`] | the loss of an interpolated Kneser–Ney n-gram model |
//! | [`best_order`] | the losses of such models of several orders, and the best one |
//! | [`interpolation`] | the weights of two models whose probabilities are mixed |
//! | [`bleu`], [`rouge`] | corpus BLEU-1 to BLEU-4 and ROUGE-L |
//! | [`squad`] | exact match and F1 of answers, as in SQuAD's evaluation script |
//! | [`memorization`], [`suffix_array`] | how much of a sample occurs in the training text |
//! | [`ngram_filter`] | how many sequences of words of a sample stand in other texts, also by a small filter of these |
//! | [`invented_words`] | words of a sample that are not in the training text |
//!
//! This crate does not use models, tensors or files.

pub mod best_order;
pub mod bleu;
pub mod interpolation;
pub mod invented_words;
pub mod kneser_ney;
pub mod memorization;
pub mod ngram_filter;
pub mod rouge;
pub mod squad;
pub mod suffix_array;

pub use best_order::BestOrder;
pub use bleu::Bleu;
pub use interpolation::{TargetProbabilities, fit_weights};
pub use invented_words::{InventedWords, KnownWords};
pub use kneser_ney::{KneserNey, SeenContext};
pub use memorization::{Match, Memorization, NovelNgrams, TrainingText};
pub use ngram_filter::{CopiedShare, NgramFilter};
pub use rouge::RougeL;
pub use squad::SquadScores;

/// Words as string slices, so that words of different types compare and hash alike.
fn as_strs<S: AsRef<str>>(words: &[S]) -> Vec<&str> {
    words.iter().map(AsRef::as_ref).collect()
}
