//! Splits the ids into training, validation and test. The ranges are contiguous and disjoint, and are chosen
//! before windows are made, so that no window crosses a boundary.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{ConfigError, Error, Result};

/// A part of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For training.
    Train,
    /// For validation.
    Valid,
    /// For a test.
    Test,
}

impl Part {
    /// All parts, in the order of the ids.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];
}

/// The fractions of the windows, or with documents of the tokens, that are held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fractions {
    /// For validation, which selects the best weights; above 0.
    pub valid: f64,
    /// For a test after training; 0 for no test split.
    pub test: f64,
}

/// Three adjacent ranges of ids: training, validation, test.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// For training.
    pub train: Range<usize>,
    /// For validation.
    pub valid: Range<usize>,
    /// For a test; may be empty.
    pub test: Range<usize>,
}

impl Fractions {
    /// Checks that they are in range. `is_given` says of validation and test whether there is a separate input: then its
    /// fraction is 0 in the result.
    pub(crate) fn check(self, is_given: [bool; 2]) -> Result<Self> {
        let valid = if is_given[0] { 0.0 } else { self.valid };
        let test = if is_given[1] { 0.0 } else { self.test };
        if !(is_given[0] || valid > 0.0 && valid < 1.0) {
            let expected = "a number above 0 and below 1";
            return Err(ConfigError::new("split.valid_fraction", valid, expected).into());
        }
        if !(test >= 0.0 && test + valid < 1.0) {
            let expected = "0 or more, and below 1 together with `split.valid_fraction`";
            return Err(ConfigError::new("split.test_fraction", test, expected).into());
        }
        Ok(Self { valid, test })
    }
}

impl Split {
    /// Splits `tokens` ids so that training has `⌊(1 − valid − test) · (tokens − context_len)⌋` windows of
    /// `context_len` ids with their targets. This equals Keras's `validation_split`, which holds out the last
    /// fraction of all windows, without the windows that would cross a boundary.
    ///
    /// # Errors
    /// If the text or a split is shorter than a window and its target, or a fraction is out of range.
    pub fn new(tokens: usize, context_len: usize, fractions: Fractions) -> Result<Self> {
        let split = Self::of_input(tokens, context_len, fractions.check([false; 2])?)?;
        split.check_lengths(context_len)?;
        Ok(split)
    }

    /// The same for an input without the parts that have inputs of their own, whose fraction is 0.
    pub(crate) fn of_input(tokens: usize, context_len: usize, fractions: Fractions) -> Result<Self> {
        let Fractions { valid, test } = fractions;
        let needed = context_len + 1;
        if tokens < needed {
            return Err(Error::TextTooShort { tokens, context_len, needed });
        }
        let windows = (tokens - context_len) as f64;
        // A fraction such as 1 − 0.1 − 0.2 is rounded slightly below the exact value.
        let boundary = |fraction: f64| (fraction * windows + 1e-6).floor() as usize + context_len;
        let train_end = boundary(1.0 - valid - test);
        let valid_end = if test > 0.0 { boundary(1.0 - test) } else { tokens };
        Ok(Self::of_lengths([train_end, valid_end - train_end, tokens - valid_end]))
    }

    /// Splits the `tokens` ids of a file by the fractions of its tokens: of several files only all together need to be long
    /// enough for a window.
    pub(crate) fn of_file(tokens: usize, fractions: Fractions) -> Self {
        let Fractions { valid, test } = fractions;
        let boundary = |fraction: f64| (fraction * tokens as f64 + 1e-6).floor() as usize;
        let train_end = boundary(1.0 - valid - test);
        let valid_end = boundary(1.0 - test);
        Self::of_lengths([train_end, valid_end - train_end, tokens - valid_end])
    }

    /// Adjacent ranges of these lengths.
    pub(crate) fn of_lengths([train, valid, test]: [usize; 3]) -> Self {
        Self { train: 0..train, valid: train..train + valid, test: train + valid..train + valid + test }
    }

    /// The range of `part`.
    pub fn range(&self, part: Part) -> Range<usize> {
        match part {
            Part::Train => self.train.clone(),
            Part::Valid => self.valid.clone(),
            Part::Test => self.test.clone(),
        }
    }

    /// Rejects ranges shorter than one window and its target; an empty test range is allowed.
    pub(crate) fn check_lengths(&self, context_len: usize) -> Result<()> {
        let ranges = [("train", &self.train), ("valid", &self.valid), ("test", &self.test)];
        for (split, range) in ranges {
            let unused = split == "test" && range.is_empty();
            let (tokens, needed) = (range.len(), context_len + 1);
            if tokens < needed && !unused {
                return Err(Error::SplitTooShort { split, tokens, context_len, needed });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(tokens: usize, valid: f64, test: f64) -> Result<Split> {
        Split::new(tokens, 20, Fractions { valid, test })
    }

    #[test]
    fn aesops_fables_are_split_where_keras_splits_them() {
        let split = split(50_436, 0.1, 0.0).unwrap();
        assert_eq!(split.train, 0..45_394);
        assert_eq!(split.valid, 45_394..50_436);
        assert!(split.test.is_empty());
    }

    #[test]
    fn three_ranges_are_adjacent_and_disjoint() {
        let split = split(1_020, 0.1, 0.2).unwrap();
        assert_eq!(split, Split { train: 0..720, valid: 720..820, test: 820..1_020 });
    }

    #[test]
    fn the_parts_of_a_file_are_fractions_of_its_tokens() {
        let of_file = |tokens, valid, test| Split::of_file(tokens, Fractions { valid, test });
        assert_eq!(of_file(10, 0.1, 0.2), Split { train: 0..7, valid: 7..8, test: 8..10 });
        assert_eq!(of_file(1_000, 0.1, 0.0), Split { train: 0..900, valid: 900..1_000, test: 1_000..1_000 });
        assert_eq!(of_file(7, 0.0, 0.0), Split { train: 0..7, valid: 7..7, test: 7..7 });
        assert_eq!(of_file(0, 0.1, 0.1), Split { train: 0..0, valid: 0..0, test: 0..0 });
    }

    #[test]
    fn splits_shorter_than_a_window_are_rejected_by_name() {
        assert_eq!(
            split(20, 0.1, 0.0).unwrap_err().to_string(),
            "the text has 20 tokens, but a window of 20 and its target need 21: \
             lower `windows.context_len` or use a longer text"
        );
        assert_eq!(
            split(190, 0.1, 0.0).unwrap_err().to_string(),
            "the valid split has 17 tokens, but a window of 20 and its target need 21: \
             use a longer text, lower `windows.context_len` or `vocabulary.min_count`, or make the split larger with \
             `split.valid_fraction` and `split.test_fraction`"
        );
        for valid in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(split(1_000, valid, 0.0).is_err(), "{valid}");
        }
        assert!(split(1_000, 0.5, 0.5).is_err());
    }
}
