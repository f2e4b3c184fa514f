//! Strict loading, as by PyTorch's `load_state_dict(strict=True)`: all missing, extra and misshapen
//! tensors are collected and reported in one error. Only biases may be left out, as by `bias=False`.

use std::collections::BTreeSet;

use text_prep::error::one_line;

use super::array::{Array, Tensors};
use crate::error::{Error, Result};

/// The tensors of a file that were not taken yet, and the errors so far.
#[derive(Debug)]
pub struct StrictLoader {
    left: Tensors,
    /// The names of all tensors of the file.
    names: BTreeSet<String>,
    missing: Vec<String>,
    zero_biases: Vec<String>,
    misshapen: Vec<String>,
}

impl StrictLoader {
    /// All of `tensors`.
    pub fn new(tensors: Tensors) -> Self {
        let names = tensors.keys().cloned().collect();
        Self { left: tensors, names, missing: Vec::new(), zero_biases: Vec::new(), misshapen: Vec::new() }
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

    /// As [`take`](Self::take) for a bias. If no tensor of the file has a name that begins with `group`, which all
    /// biases of its layer do, the layer has none: then it is zeros, and [`finish`](Self::finish) returns its name.
    /// Take the kernel of the layer before: a bias takes no memory if an earlier tensor is wrong.
    pub fn take_bias(&mut self, name: &str, shape: &[usize], group: &str) -> Option<Array> {
        if self.names.iter().any(|name| name.starts_with(group)) {
            return self.take(name, shape);
        }
        self.zero_biases.push(format!("{name} {shape:?}"));
        let is_right = self.missing.is_empty() && self.misshapen.is_empty();
        is_right.then(|| Array { shape: shape.into(), values: vec![0.0; shape.iter().product()] })
    }

    /// Whether a tensor of this name is left.
    pub fn contains(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    /// Checks that no tensor was missing or misshapen and that none is left. Returns the names and shapes of the
    /// biases that the file does not have.
    ///
    /// # Errors
    /// Lists all tensors that are wrong.
    pub fn finish(mut self) -> Result<Vec<String>> {
        if !(self.left.is_empty() && self.missing.is_empty() && self.misshapen.is_empty()) {
            // They may be there under another name.
            self.missing.extend(std::mem::take(&mut self.zero_biases));
        }
        let extra = self.left.iter().map(|(name, array)| format!("{} {:?}", one_line(name), array.shape));
        let lists = [("missing", self.missing), ("of another shape", self.misshapen), ("extra", extra.collect())];
        let wrong: Vec<String> = lists
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", names.join(", ")))
            .collect();
        if wrong.is_empty() { Ok(self.zero_biases) } else { Err(Error::WeightMismatch { wrong: wrong.join("; ") }) }
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

    #[test]
    fn only_all_biases_of_a_layer_together_may_be_missing() {
        let array = |values: Vec<f64>| Array::vector(values);
        let mut loader = StrictLoader::new([("one.bias_a".to_string(), array(vec![1.0]))].into());
        assert_eq!(loader.take_bias("one.bias_a", &[1], "one.bias").unwrap().values, [1.0]);
        assert_eq!(loader.take_bias("two.bias", &[2], "two.bias").unwrap().values, [0.0; 2]);
        assert_eq!(loader.finish().unwrap(), ["two.bias [2]"]);
        let mut loader = StrictLoader::new([("one.bias_a".to_string(), array(vec![1.0]))].into());
        for name in ["one.bias_a", "one.bias_b"] {
            loader.take_bias(name, &[1], "one.bias");
        }
        assert!(loader.finish().unwrap_err().to_string().contains("missing: one.bias_b [1]"));
        let mut loader = StrictLoader::new(Tensors::new());
        assert_eq!((loader.take("kernel", &[1 << 40]), loader.take_bias("bias", &[1 << 40], "bias")), (None, None));
        // With another error, the bias may have another name.
        let mut loader = StrictLoader::new([("decoder.bias".to_string(), array(vec![1.0]))].into());
        loader.take_bias("output.bias", &[1], "output.bias");
        let error = loader.finish().unwrap_err().to_string();
        assert!(error.contains("missing: output.bias [1]; extra: decoder.bias [1]"), "{error}");
    }
}
