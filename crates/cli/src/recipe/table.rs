//! The settings for texts of different lengths.

use crate::config::TokenKind;

/// The time that the tables are for, in minutes.
const MINUTES: f64 = 3.0;

/// The settings for texts of up to so many bytes.
pub struct Row {
    up_to_bytes: f64,
    /// Hidden sizes to choose from, the largest first.
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
    /// Parallel streams.
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
        up_to_bytes: 200e3,
        units: &[512, 384, 256],
        passes: 30.0,
        embedding_dim: 256,
        dropout: 0.6,
        recurrent_dropout: 0.4,
        embedding_dropout: 0.1,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.003,
    },
    Row {
        up_to_bytes: 500e3,
        units: &[512, 384, 256],
        passes: 6.0,
        embedding_dim: 256,
        dropout: 0.5,
        recurrent_dropout: 0.3,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.003,
    },
    Row {
        up_to_bytes: 2e6,
        units: &[512, 384, 256],
        passes: 2.0,
        embedding_dim: 256,
        dropout: 0.2,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.005,
    },
    Row {
        up_to_bytes: f64::INFINITY,
        units: &[512, 384, 256],
        passes: 0.3,
        embedding_dim: 256,
        dropout: 0.1,
        recurrent_dropout: 0.0,
        embedding_dropout: 0.0,
        batch_size: 32,
        bptt_len: 32,
        learning_rate: 0.003,
    },
];

/// The settings for texts of up to so many bytes in a run that starts from the built-in base.
pub struct FineTuning {
    up_to_bytes: f64,
    /// The dropout rate after the last layer.
    pub dropout: f64,
    /// That of the recurrent weights.
    pub recurrent_dropout: f64,
    /// That of the embeddings.
    pub embedding_dropout: f64,
    /// Parallel streams.
    pub batch_size: usize,
    /// Tokens per chunk.
    pub bptt_len: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The factor of the learning rate from each layer to the one below it; 1 for the same rate in all layers.
    pub layer_decay: f64,
}

/// For runs that start from the base, by the length of the text.
const FINE_TUNING: [FineTuning; 2] = [
    FineTuning {
        up_to_bytes: 40e3,
        dropout: 0.3,
        recurrent_dropout: 0.2,
        embedding_dropout: 0.0,
        batch_size: 8,
        bptt_len: 32,
        learning_rate: 0.002,
        layer_decay: 1.0,
    },
    FineTuning {
        up_to_bytes: f64::INFINITY,
        dropout: 0.3,
        recurrent_dropout: 0.2,
        embedding_dropout: 0.0,
        batch_size: 16,
        bptt_len: 32,
        learning_rate: 0.002,
        layer_decay: 1.0,
    },
];

impl FineTuning {
    /// The settings for a text of `bytes` bytes in `minutes`, as [`Row::find`] finds those of a new model.
    pub fn find(bytes: u64, minutes: f64) -> &'static Self {
        let table: &[Self] = &FINE_TUNING;
        let bytes = bytes as f64 * MINUTES / minutes;
        table.iter().find(|row| bytes <= row.up_to_bytes).unwrap_or(&table[table.len() - 1])
    }
}

impl Row {
    /// The settings for a text of `bytes` bytes in `minutes`. In twice the time the model sees a text twice as often, as it
    /// sees a text of half the length.
    pub fn find(kind: TokenKind, bytes: u64, minutes: f64) -> &'static Self {
        let table: &[Self] = match kind {
            TokenKind::Characters => &CHARACTERS,
            TokenKind::Subwords | TokenKind::Words => &SUBWORDS,
        };
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
    fn there_are_settings_for_fine_tuning_on_every_text() {
        assert!(FINE_TUNING.is_sorted_by(|a, b| a.up_to_bytes < b.up_to_bytes));
        for (bytes, minutes) in [(500, 3.0), (500, 1e-3), (10_000_000, 3.0), (u64::MAX, 1.0)] {
            let row = FineTuning::find(bytes, minutes);
            assert!(bytes as f64 * MINUTES / minutes <= row.up_to_bytes);
            assert!(row.layer_decay > 0.0 && row.layer_decay <= 1.0 && row.learning_rate > 0.0);
        }
        assert_eq!(FineTuning::find(10_000, 1.0).batch_size, FineTuning::find(30_000, 3.0).batch_size);
    }
}
