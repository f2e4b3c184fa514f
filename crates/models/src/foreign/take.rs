//! Takes tensors out of a file one by one and remembers every one that is wrong, so that all of them
//! can be told at once.

use super::{Array, Tensors};
use crate::error::{Error, Result};

/// The tensors that nobody has asked for yet, and what was wrong with those that somebody did.
#[derive(Debug)]
pub struct Take {
    left: Tensors,
    missing: Vec<String>,
    misshapen: Vec<String>,
}

impl Take {
    /// All of `tensors`.
    pub fn new(tensors: Tensors) -> Self {
        Self { left: tensors, missing: Vec::new(), misshapen: Vec::new() }
    }

    /// The tensor of this name and shape. What is missing or misshapen is remembered, and zeros
    /// stand in for it until [`finish`](Self::finish).
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Array {
        let zeros = || Array { shape: shape.into(), values: vec![0.0; shape.iter().product()] };
        match self.left.remove(name) {
            None => {
                self.missing.push(format!("{name} {shape:?}"));
                zeros()
            }
            Some(found) if found.shape != shape => {
                let found = found.shape;
                self.misshapen.push(format!("{name} (found {found:?}, expected {shape:?})"));
                zeros()
            }
            Some(found) => found,
        }
    }

    /// Whether a tensor of this name is left.
    pub fn holds(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    /// Nothing was missing or misshapen, and nothing is left over.
    ///
    /// # Errors
    /// Lists all that was.
    pub fn finish(self) -> Result<()> {
        let extra = self.left.iter().map(|(name, array)| format!("{name} {:?}", array.shape));
        let lists = [
            ("missing", self.missing),
            ("of another shape", self.misshapen),
            ("extra", extra.collect()),
        ];
        let wrong: Vec<String> = lists
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", names.join(", ")))
            .collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::ForeignWeights { wrong: wrong.join("; ") }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let array = |shape: &[usize]| Array {
            shape: shape.into(),
            values: vec![1.0; shape.iter().product()],
        };
        let tensors = [("a", array(&[2])), ("b", array(&[3, 1])), ("c", array(&[1]))];
        let mut take = Take::new(tensors.map(|(name, array)| (name.to_string(), array)).into());
        assert_eq!(take.take("a", &[2]).values, [1.0; 2]);
        assert_eq!(take.take("b", &[1, 3]).values, [0.0; 3]);
        assert_eq!(take.take("d", &[1]).values, [0.0]);
        let error = take.finish().unwrap_err().to_string();
        assert!(error.contains("missing: d [1]"), "{error}");
        assert!(error.contains("b (found [3, 1], expected [1, 3])"), "{error}");
        assert!(error.contains("extra: c [1]"), "{error}");
        Take::new(Tensors::new()).finish().unwrap();
    }
}
