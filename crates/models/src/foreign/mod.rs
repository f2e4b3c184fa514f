//! Weights from and for other programs: safetensors files in PyTorch's layout and in Keras's.
//!
//! A layout says how a cell's tensors are called, turned and ordered; that is a file beside this one.
//! Which tensors a whole model has is said in `model.rs`; what they are called, in `names.rs`.

mod file;
mod keras;
mod layout;
mod model;
mod names;
mod pytorch;
mod take;

pub use file::{read, write};
pub use layout::Layout;
pub use model::{export, export_stack, import, import_stack};
pub use take::Take;

use std::collections::BTreeMap;

/// Tensors by name, as they stand in a file.
pub type Tensors = BTreeMap<String, Array>;

/// A tensor of any shape, its numbers row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<f64>,
}

impl Array {
    /// A vector.
    pub fn vector(values: Vec<f64>) -> Self {
        Self { shape: vec![values.len()], values }
    }

    /// A matrix with rows and columns exchanged.
    ///
    /// # Panics
    /// If it is no matrix.
    fn transposed(self) -> Self {
        let [rows, columns] = self.matrix();
        let at = |i: usize| self.values[(i % rows) * columns + i / rows];
        let values = (0..rows * columns).map(at).collect();
        Self { shape: vec![columns, rows], values }
    }

    /// The last dimension cut into `order.len()` equal blocks and put together again in this order.
    ///
    /// # Panics
    /// If the blocks are not equal.
    fn reordered(self, order: &[usize]) -> Self {
        let columns = *self.shape.last().expect("there is at least one dimension");
        let block = columns / order.len();
        assert_eq!(block * order.len(), columns, "{} blocks of {columns} columns", order.len());
        let reorder = |row: &[f64]| -> Vec<f64> {
            order.iter().flat_map(|&at| row[at * block..(at + 1) * block].to_vec()).collect()
        };
        let values = self.values.chunks(columns).flat_map(reorder).collect();
        Self { shape: self.shape, values }
    }

    fn matrix(&self) -> [usize; 2] {
        match self.shape[..] {
            [rows, columns] => [rows, columns],
            _ => panic!("{:?} is the shape of no matrix", self.shape),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_turned_and_their_blocks_reordered() {
        let matrix = Array { shape: vec![2, 3], values: vec![1., 2., 3., 4., 5., 6.] };
        let turned = matrix.clone().transposed();
        assert_eq!(turned, Array { shape: vec![3, 2], values: vec![1., 4., 2., 5., 3., 6.] });
        assert_eq!(turned.transposed(), matrix);
        let reordered = matrix.clone().reordered(&[1, 0, 2]);
        assert_eq!(reordered.values, [2., 1., 3., 5., 4., 6.]);
        assert_eq!(reordered.reordered(&[1, 0, 2]), matrix);
    }
}
