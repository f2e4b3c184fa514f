//! Token ids, splits, windows, streams and batches for language models.
//!
//! [`TextDataset`] reads a text or documents, tokenizes them and holds their ids in compact form. A [`Sequence`] has the ids
//! of one part of the split, documents in a new order for every pass; [`Windows`] and [`Streams`] cut it into items;
//! [`Loader`] puts items in order and makes a [`Batch`] of them on a device.
//!
//! How text becomes tokens is in `text-prep`; what a model computes from a batch is in `models`.

pub mod batch;
mod chunk_lengths;
mod counted_text;
pub mod dataset;
pub mod dataset_builder;
pub mod dataset_config;
pub mod dataset_input;
mod dataset_summary;
mod document_hashes;
mod document_index;
mod document_split;
#[cfg(test)]
mod document_stream_tests;
#[cfg(test)]
mod document_tests;
pub mod documents;
pub mod error;
pub mod evaluation_text;
#[cfg(test)]
mod file_split_tests;
mod final_ids;
pub mod hash;
pub mod ids;
pub mod ids_writer;
pub mod items;
pub mod lm_items;
pub mod loader;
#[cfg(test)]
mod loader_tests;
mod mmap;
#[cfg(test)]
mod property_tests;
pub mod random;
pub mod recall_task;
mod sections;
pub mod sequence;
pub mod shard;
mod sharded_loader;
pub mod split;
#[cfg(test)]
mod stream_tests;
pub mod streams;
#[cfg(test)]
mod subword_tests;
mod text_hash;
mod unknown_tokens;
pub mod vocab_builder;
pub mod windows;

pub use batch::Batch;
pub use dataset::{TextDataset, TextStats};
pub use dataset_builder::TextDatasetBuilder;
pub use dataset_config::{DatasetConfig, VocabSource};
pub use dataset_input::DatasetInput;
pub use document_hashes::{DocumentHashes, document_hash};
pub use documents::{DocumentLengths, Documents};
pub use error::{ConfigError, Error, Result};
pub use evaluation_text::EvaluationText;
pub use ids::Ids;
pub use ids_writer::IdsWriter;
pub use items::{Items, WithStep};
pub use lm_items::LmItems;
pub use loader::{EpochCursor, Loader, Order};
pub use random::Random;
pub use recall_task::RecallTask;
pub use sequence::{LABEL_DROPOUT, Sequence};
pub use shard::{Shard, ShardedBatch};
pub use sharded_loader::ShardedLoader;
pub use split::{Fractions, Part, Split};
pub use streams::Streams;
pub use text_hash::text_sha256;
pub use unknown_tokens::UnknownTokens;
pub use vocab_builder::NewTokens;
pub use windows::Windows;
