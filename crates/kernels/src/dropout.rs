//! Dropout: the fused kernel where there is one, else Burn's product. The values are the same.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};

pub use crate::cpu::dropout::DropoutMask;
use crate::dispatch::has_cpu_kernels;
use crate::ops::DropoutOps;

/// `values` times a mask of shape `mask_dims`, which is 1 in dimensions along which the mask is the same; differentiable.
///
/// # Panics
/// If the mask has another shape.
pub fn dropout<const D: usize>(values: Tensor<D>, mask: DropoutMask, mask_dims: [usize; D]) -> Tensor<D> {
    if !has_cpu_kernels(&values) {
        let mask = TensorData::new(mask.factors(), mask_dims);
        let mask = Tensor::from_data(mask, (&values.device(), values.dtype()));
        return values * mask;
    }
    let mask = expanded(mask, mask_dims, values.dims());
    Tensor::from_dispatch(Dispatch::dropout(mask, values.into_dispatch()))
}

/// The mask with one entry per value of a tensor of shape `dims`.
fn expanded<const D: usize>(mut mask: DropoutMask, mask_dims: [usize; D], dims: [usize; D]) -> DropoutMask {
    // The values per index of the dimension: those of all dimensions after it.
    let mut inner = 1;
    for (&of_mask, size) in mask_dims.iter().zip(dims).rev() {
        if of_mask != size {
            assert_eq!(of_mask, 1, "a mask {mask_dims:?} does not fit {dims:?}");
            mask = mask.repeated(inner, size);
        }
        inner *= size;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_repeated_along_dimensions_of_size_one() {
        // Keeps the entries at even positions.
        let draw = |count| {
            let even = |from: usize, to: &mut [u32]| {
                to.iter_mut().enumerate().for_each(|(at, to)| *to = u32::from((from + at).is_multiple_of(2)));
            };
            DropoutMask::draw(count, 1, 2.0, even)
        };
        let factors =
            |dims_of_mask: [usize; 3]| expanded(draw(dims_of_mask.iter().product()), dims_of_mask, [2, 3, 2]).factors();
        assert_eq!(factors([2, 3, 2]), [2., 0., 2., 0., 2., 0., 2., 0., 2., 0., 2., 0.]);
        assert_eq!(factors([2, 1, 2]), [2., 0., 2., 0., 2., 0., 2., 0., 2., 0., 2., 0.]);
        assert_eq!(factors([2, 3, 1]), [2., 2., 0., 0., 2., 2., 0., 0., 2., 2., 0., 0.]);
        assert_eq!(factors([1, 3, 1]), [2., 2., 0., 0., 2., 2., 2., 2., 0., 0., 2., 2.]);
        assert_eq!(factors([2, 1, 1]), [2., 2., 2., 2., 2., 2., 0., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn a_mask_without_entries_stays_empty() {
        let empty = DropoutMask::draw(0, 1, 2.0, |_, _| {});
        assert!(expanded(empty.clone(), [1, 3, 0], [2, 3, 0]).factors().is_empty());
        assert!(expanded(empty, [1, 1, 0], [0, 3, 0]).factors().is_empty());
    }
}
