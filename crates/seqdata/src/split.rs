//! Which ids are learned from and which are held out. Contiguous, disjoint, cut before windows
//! are, so that no window crosses a border.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The shares of the windows that are held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fractions {
    /// Held out to choose the best weights, above 0.
    pub valid: f64,
    /// Held out and never looked at while training, 0 for none.
    pub test: f64,
}

/// Three neighbouring ranges of ids: train, then valid, then test.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Learned from.
    pub train: Range<usize>,
    /// Chosen by.
    pub valid: Range<usize>,
    /// Judged by; may be empty.
    pub test: Range<usize>,
}

impl Split {
    /// Cuts `tokens` ids so that training holds `⌊(1 − valid − test) · (tokens − length)⌋` windows
    /// of `length` and their targets. This is the cut of a framework that holds out the last share
    /// of all windows, less the windows that would cross a border.
    ///
    /// # Errors
    /// If the text or one of the splits cannot hold a window, or a fraction is out of range.
    pub fn cut(tokens: usize, length: usize, fractions: Fractions) -> Result<Self> {
        let Fractions { valid, test } = fractions;
        if !(valid > 0.0 && valid < 1.0) {
            return Err(Error::OutOfRange {
                key: "split.valid_fraction",
                found: valid.to_string(),
                expected: "a number above 0 and below 1",
            });
        }
        if !(test >= 0.0 && test + valid < 1.0) {
            return Err(Error::OutOfRange {
                key: "split.test_fraction",
                found: test.to_string(),
                expected: "0 or more, and below 1 together with `split.valid_fraction`",
            });
        }
        let needed = length + 1;
        if tokens < needed {
            return Err(Error::TextTooShort { tokens, length, needed });
        }
        let windows = (tokens - length) as f64;
        // A share such as 1 − 0.1 − 0.2 falls a hair below the number that was meant.
        let border = |share: f64| (share * windows + 1e-6).floor() as usize + length;
        let train_end = border(1.0 - valid - test);
        let valid_end = if test > 0.0 { border(1.0 - test) } else { tokens };
        let split =
            Self { train: 0..train_end, valid: train_end..valid_end, test: valid_end..tokens };
        split.check(length)?;
        Ok(split)
    }

    /// Moves the borders to where `kept(range)` ids of each part are left.
    pub(crate) fn shrink(&self, kept: impl Fn(&Range<usize>) -> usize) -> Self {
        let train_end = kept(&self.train);
        let valid_end = train_end + kept(&self.valid);
        let end = valid_end + kept(&self.test);
        Self { train: 0..train_end, valid: train_end..valid_end, test: valid_end..end }
    }

    /// Refuses a split that cannot hold one window of `length`; an empty test split is allowed.
    pub(crate) fn check(&self, length: usize) -> Result<()> {
        let parts = [("train", &self.train), ("valid", &self.valid), ("test", &self.test)];
        for (split, range) in parts {
            let unused = split == "test" && range.is_empty();
            if range.len() < length + 1 && !unused {
                return Err(Error::SplitTooShort {
                    split,
                    tokens: range.len(),
                    length,
                    needed: length + 1,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(tokens: usize, valid: f64, test: f64) -> Result<Split> {
        Split::cut(tokens, 20, Fractions { valid, test })
    }

    #[test]
    fn aesop_is_cut_where_keras_cuts_it() {
        let split = cut(50_436, 0.1, 0.0).unwrap();
        assert_eq!(split.train, 0..45_394);
        assert_eq!(split.valid, 45_394..50_436);
        assert!(split.test.is_empty());
    }

    #[test]
    fn three_parts_touch_and_do_not_overlap() {
        let split = cut(1_020, 0.1, 0.2).unwrap();
        assert_eq!(split, Split { train: 0..720, valid: 720..820, test: 820..1_020 });
    }

    #[test]
    fn what_cannot_hold_a_window_is_refused_by_name() {
        assert_eq!(
            cut(20, 0.1, 0.0).unwrap_err().to_string(),
            "the text holds 20 tokens, a window of 20 and its target need 21: \
             lower `windows.length` or take a longer text"
        );
        assert_eq!(
            cut(190, 0.1, 0.0).unwrap_err().to_string(),
            "the valid split holds 17 tokens, a window of 20 and its target need 21: \
             lower `windows.length` or `vocabulary.min_count`, or give it a larger share by \
             `split.valid_fraction` and `split.test_fraction`"
        );
        for valid in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(cut(1_000, valid, 0.0).is_err(), "{valid}");
        }
        assert!(cut(1_000, 0.5, 0.5).is_err());
    }
}
