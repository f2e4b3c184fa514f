//! Tensors outside Burn: a shape and values in memory, read from parameters or written to them.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use crate::error::Result;

/// Tensors by name, as in a file.
pub type Tensors = BTreeMap<String, Array>;

/// A tensor of any shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The values in row-major order.
    pub values: Vec<f64>,
}

impl Array {
    /// A vector.
    pub fn vector(values: Vec<f64>) -> Self {
        Self { shape: vec![values.len()], values }
    }

    /// The transposed matrix.
    ///
    /// # Panics
    /// If it is not a matrix.
    pub(super) fn transposed(self) -> Self {
        let [rows, columns] = self.matrix();
        let value = |i: usize| self.values[(i % rows) * columns + i / rows];
        let values = (0..rows * columns).map(value).collect();
        Self { shape: vec![columns, rows], values }
    }

    /// The last dimension split into `order.len()` equal blocks and concatenated in this order.
    ///
    /// # Panics
    /// If the dimension cannot be split into equal blocks.
    pub(super) fn reordered(self, order: &[usize]) -> Self {
        let columns = *self.shape.last().expect("there is at least one dimension");
        let block = columns / order.len();
        assert_eq!(block * order.len(), columns, "{} blocks of {columns} columns", order.len());
        let reorder = |row: &[f64]| -> Vec<f64> {
            order.iter().flat_map(|&index| row[index * block..(index + 1) * block].to_vec()).collect()
        };
        let values = self.values.chunks(columns).flat_map(reorder).collect();
        Self { shape: self.shape, values }
    }

    fn matrix(&self) -> [usize; 2] {
        match self.shape[..] {
            [rows, columns] => [rows, columns],
            _ => panic!("expected a matrix, found shape {:?}", self.shape),
        }
    }
}

/// The weights of a cell in the layout of this crate.
pub(super) struct CellArrays {
    pub kernel: Array,
    pub recurrent_kernel: Array,
    pub bias: Array,
    pub recurrent_bias: Option<Array>,
}

/// The values of `parameter`.
pub(super) fn array<const D: usize>(parameter: &Param<Tensor<D>>) -> Result<Array> {
    let tensor = parameter.val();
    Ok(Array { shape: tensor.dims().into(), values: tensor.try_into_vec_as()? })
}

/// Replaces the values of `parameter`, if there are others; its id, device and dtype stay.
pub(super) fn set<const D: usize>(parameter: &mut Param<Tensor<D>>, array: Option<Array>) {
    let Some(array) = array else { return };
    *parameter = parameter.clone().map(|tensor| {
        let data = TensorData::new(array.values, tensor.dims());
        Tensor::from_data(data, (&tensor.device(), tensor.dtype()))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_transposed_and_their_blocks_reordered() {
        let matrix = Array { shape: vec![2, 3], values: vec![1., 2., 3., 4., 5., 6.] };
        let transposed = matrix.clone().transposed();
        assert_eq!(transposed, Array { shape: vec![3, 2], values: vec![1., 4., 2., 5., 3., 6.] });
        assert_eq!(transposed.transposed(), matrix);
        let reordered = matrix.clone().reordered(&[1, 0, 2]);
        assert_eq!(reordered.values, [2., 1., 3., 5., 4., 6.]);
        assert_eq!(reordered.reordered(&[1, 0, 2]), matrix);
    }
}
