//! The settings for texts of different lengths.

use crate::config::TokenKind;

/// The time that the tables are for, in minutes.
const MINUTES: f64 = 3.0;

/// The settings for texts of up to so many bytes.
pub struct Row {
    up_to_bytes: f64,
    /// Hidden sizes to choose from, the largest first; none for a model that has its sizes.
    pub units: &'static [usize],
    /// The largest size is chosen with which the time allows so many passes over the text, or else the smallest.
    pub passes: f64,
    /// The embedding dimension.
    pub embedding_dim: usize,
    /// The dropout rate after the layer.
    pub dropout: f64,
    /// That of the recurrent weights.
    pub recurrent_dropout: f64,
    /// That of the embeddings.
    pub embedding_dropout: f64,
    /// Parallel streams; fewer where the passes are limited (`streams.rs`).
    pub batch_size: usize,
    /// Tokens per chunk.
    pub bptt_len: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
}

/// For characters.
const CHARACTERS: [Row; 4] = [
    Row {
        up_to_bytes: 40e3,
        units: &[384, 256, 128],
        passes: 60.0,
        embedding_dim: 32,
        dropout: 0.5,
        recurrent_dropout: 0.4,
        embedding_dropout: 0.1,
        batch_size: 8,
        bptt_len: 32,
        learning_rate: 0.003,
    },
    Row {
        up_to_bytes: 200e3,
        units: &[512, 384, 256],
        passes: 20.0,
        embedding_dim: 64,
        dropout: 0.5,
        recurrent_dropout: 0.4,
        embedding_dropout: 0.1,
        batch_size: 16,
        bptt_len: 64,
        learning_rate: 0.003,
    },
    Row {
        up_to_bytes: 800e3,
        units: &[512, 384, 256],
        passes: 4.0,
        embedding_dim: 64,
        dropout: 0.4,
        recurrent_dropout: 0.2,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 64,
        learning_rate: 0.003,
    },
    Row {
        up_to_bytes: f64::INFINITY,
        units: &[512, 384, 256],
        passes: 1.0,
        embedding_dim: 64,
        dropout: 0.2,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 32,
        bptt_len: 64,
        learning_rate: 0.003,
    },
];

/// For subwords and words.
const SUBWORDS: [Row; 4] = [
    Row {
        up_to_bytes: 500e3,
        units: &[512, 384, 256],
        passes: 5.0,
        embedding_dim: 256,
        dropout: 0.6,
        recurrent_dropout: 0.4,
        embedding_dropout: 0.1,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.01,
    },
    Row {
        up_to_bytes: 1e6,
        units: &[512, 384, 256],
        passes: 3.0,
        embedding_dim: 256,
        dropout: 0.5,
        recurrent_dropout: 0.3,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.01,
    },
    Row {
        up_to_bytes: 2.5e6,
        units: &[384, 256],
        passes: 2.5,
        embedding_dim: 256,
        dropout: 0.3,
        recurrent_dropout: 0.1,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.007,
    },
    Row {
        up_to_bytes: f64::INFINITY,
        units: &[512, 384, 256],
        passes: 0.3,
        embedding_dim: 256,
        dropout: 0.1,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.01,
    },
];

/// For runs that start from the built-in base, which has its sizes.
const FINE_TUNING: [Row; 2] = [Row { up_to_bytes: 40e3, batch_size: 8, ..FROM_BASE }, FROM_BASE];

const FROM_BASE: Row = Row {
    up_to_bytes: f64::INFINITY,
    units: &[],
    passes: 0.0,
    embedding_dim: 0,
    dropout: 0.4,
    recurrent_dropout: 0.2,
    embedding_dropout: 0.0,
    batch_size: 16,
    bptt_len: 32,
    learning_rate: 0.002,
};

impl Row {
    /// The settings for a text of `bytes` bytes in `minutes`. In twice the time the model sees a text twice as often, as it
    /// sees a text of half the length.
    pub fn find(kind: TokenKind, bytes: u64, minutes: f64) -> &'static Self {
        let table: &'static [Self] = match kind {
            TokenKind::Characters => &CHARACTERS,
            TokenKind::Subwords | TokenKind::Words => &SUBWORDS,
        };
        Self::in_table(table, bytes, minutes)
    }

    /// The same for a run that starts from the built-in base.
    pub fn of_fine_tuning(bytes: u64, minutes: f64) -> &'static Self {
        Self::in_table(&FINE_TUNING, bytes, minutes)
    }

    fn in_table(table: &'static [Self], bytes: u64, minutes: f64) -> &'static Self {
        let bytes = bytes as f64 * MINUTES / minutes;
        table.iter().find(|row| bytes <= row.up_to_bytes).unwrap_or(&table[table.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_time_needs_the_dropout_of_a_shorter_text() {
        for kind in [TokenKind::Characters, TokenKind::Subwords, TokenKind::Words] {
            let dropout = |bytes, minutes| Row::find(kind, bytes, minutes).dropout;
            assert!(dropout(5_000_000, 3.0) < dropout(5_000_000, 90.0));
            assert_eq!(dropout(400_000, 6.0), dropout(200_000, 3.0));
            assert!(Row::find(kind, u64::MAX, 1e-3).units.is_sorted_by(|a, b| a > b));
        }
    }

    #[test]
    fn every_table_has_settings_for_every_text() {
        for table in [&CHARACTERS[..], &SUBWORDS, &FINE_TUNING] {
            assert!(table.is_sorted_by(|a, b| a.up_to_bytes < b.up_to_bytes));
            assert_eq!(table[table.len() - 1].up_to_bytes, f64::INFINITY);
        }
        let batch_size = |bytes, minutes| Row::of_fine_tuning(bytes, minutes).batch_size;
        assert_eq!(batch_size(10_000, 1.0), batch_size(30_000, 3.0));
        assert!(Row::of_fine_tuning(u64::MAX, 1e-3).units.is_empty());
    }
}
