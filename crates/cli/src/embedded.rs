//! What the binary carries with it, so that `pastiche train` works in an empty folder.

/// The default configuration.
pub const LSTM_CONFIG: &str = include_str!("../../../configs/lstm.toml");

/// Known corpora by name, with their descriptions.
pub const DATASETS: &[(&str, &str)] = &[
    ("fables", include_str!("../../../datasets/fables/dataset.toml")),
    ("aesop", include_str!("../../../datasets/aesop/dataset.toml")),
];

/// The one text that is carried along: original fables written for this project.
pub const FABLES: &str = include_str!("../../../datasets/fables/fables.txt");

/// Questions and answers over these, written for this project, in the form of SQuAD.
pub const FABLES_QA: &str = include_str!("../../../datasets/fables-qa/fables-qa.json");

/// The configuration of a network that asks.
pub const QA_CONFIG: &str = include_str!("../../../configs/qa.toml");
