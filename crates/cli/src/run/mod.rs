//! A training run: its directory, how it starts, the experiment that it runs, and what is recorded about it.

pub mod changed_text;
pub mod directory;
pub mod experiment;
pub mod experiment_lm;
pub mod experiment_qa;
pub mod init;
pub mod initial_model;
pub mod other_rank;
pub mod pretraining;
pub mod provenance;
pub mod ranks;
pub mod signals;
pub mod word_vectors;
