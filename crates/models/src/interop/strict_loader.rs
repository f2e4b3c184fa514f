//! Strict loading, as by PyTorch's `load_state_dict(strict=True)`: all missing, extra and misshapen
//! tensors are collected and reported in one error.

use text_prep::error::one_line;

use super::array::{Array, Tensors};
use crate::error::{Error, Result};

/// The tensors of a file that were not taken yet, and the errors so far.
#[derive(Debug)]
pub struct StrictLoader {
    left: Tensors,
    missing: Vec<String>,
    misshapen: Vec<String>,
}

impl StrictLoader {
    /// All of `tensors`.
    pub fn new(tensors: Tensors) -> Self {
        Self { left: tensors, missing: Vec::new(), misshapen: Vec::new() }
    }

    /// Removes and returns the tensor of this name and shape. If it is missing or misshapen, the error is kept for
    /// [`finish`](Self::finish).
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Option<Array> {
        match self.left.remove(name) {
            None => self.missing.push(format!("{name} {shape:?}")),
            Some(found) if found.shape != shape => {
                let found = found.shape;
                self.misshapen.push(format!("{name} (found {found:?}, expected {shape:?})"));
            }
            found => return found,
        }
        None
    }

    /// Whether a tensor of this name is left.
    pub fn contains(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    /// Checks that no tensor was missing or misshapen and that none is left.
    ///
    /// # Errors
    /// Lists all of them.
    pub fn finish(self) -> Result<()> {
        let extra = self.left.iter().map(|(name, array)| format!("{} {:?}", one_line(name), array.shape));
        let lists = [("missing", self.missing), ("of another shape", self.misshapen), ("extra", extra.collect())];
        let wrong: Vec<String> = lists
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", names.join(", ")))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::WeightMismatch { wrong: wrong.join("; ") }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_reported_at_once() {
        let array = |shape: &[usize]| Array { shape: shape.into(), values: vec![1.0; shape.iter().product()] };
        let tensors = [("a", array(&[2])), ("b", array(&[3, 1])), ("c", array(&[1]))];
        let tensors = tensors.map(|(name, array)| (name.to_string(), array)).into();
        let mut loader = StrictLoader::new(tensors);
        assert_eq!(loader.take("a", &[2]).unwrap().values, [1.0; 2]);
        assert_eq!(loader.take("b", &[1, 3]), None);
        // A missing tensor of this size takes no memory.
        assert_eq!(loader.take("d", &[1 << 40]), None);
        let error = loader.finish().unwrap_err().to_string();
        assert!(error.contains("missing: d [1099511627776]"), "{error}");
        assert!(error.contains("b (found [3, 1], expected [1, 3])"), "{error}");
        assert!(error.contains("extra: c [1]"), "{error}");
        StrictLoader::new(Tensors::new()).finish().unwrap();
    }
}
