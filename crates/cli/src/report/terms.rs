//! What the terms in progress lines, reports and tables mean.

use crate::view::format::decimals;

/// The losses, in one line.
pub const LOSSES: &str = "the loss says how badly the next token is predicted (lower is better), in nats per token; perplexity is \
    e to the power of the loss; bits per byte are the loss of a text in bits, divided by its bytes";

/// What a network is compared with, after [`LOSSES`].
pub const COUNTING: &str = "; counting is the best n-gram model of characters";

/// The losses beside that of the chart, as a message of the full-screen view.
pub const LOSSES_IN_VIEW: &str = "perplexity: e to the power of the loss; bits per byte: loss in bits / bytes";

/// What a network is compared with, as a message of the full-screen view.
pub const COUNTING_IN_VIEW: &str = "counting: the best n-gram model of characters, to compare with";

/// A loss in nats per token, with its bits per byte, if they are defined.
pub fn loss_in_words(nats_per_token: f64, bits_per_byte: Option<f64>) -> String {
    let bits = bits_per_byte.map(|bits| format!(" ({} bits per byte)", decimals(bits, 3)));
    decimals(nats_per_token, 3) + " nats/token" + &bits.unwrap_or_default()
}

/// The last section of an evaluation report.
pub const HOW_TO_READ: &str = "
## How to read this

- Loss, in nats/token: the mean of −ln p, where p is the model's probability of the true next token. Lower is better.
- Perplexity: e to the power of the loss. A model that chose evenly among so many tokens would have the same loss.
- Bits per byte: the loss of the whole text in bits, divided by its bytes, to compare models with different tokens.
- Carried: each token is predicted from all that was read before it; by window: from the last few tokens only.
- Counting, 5-gram and unigram predict from frequencies in the training text, uniform from none.
- A token is a character, a part of a word or a word; n-grams are sequences of n tokens, or of n characters for counting.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_in_words_has_bits_per_byte_if_they_are_defined() {
        assert_eq!(loss_in_words(1.23456, Some(2.5)), "1.235 nats/token (2.500 bits per byte)");
        assert_eq!(loss_in_words(1.23456, None), "1.235 nats/token");
    }

    #[test]
    fn the_terms_of_the_view_fit_into_80_columns() {
        // A margin on both sides, and the two columns before a message.
        for term in [LOSSES_IN_VIEW, COUNTING_IN_VIEW] {
            assert!(term.chars().count() <= 80 - 2 - 2, "{term}");
        }
    }
}
