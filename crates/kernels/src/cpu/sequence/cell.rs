//! The interface between a cell and the kernels: the equations of one step.

use pulp::Simd;

use crate::cpu::simd_float::SimdFloat;

/// The largest number of blocks of a cell.
pub const MAX_BLOCKS: usize = 4;

/// A cell: the equations of one step.
///
/// The sums of a step (the pre-activations) are stored in blocks of H values, each padded to a multiple of
/// [`SimdFloat::PAD`]. The product with the input weights W is added to the blocks `INPUT`, that with the recurrent
/// weights U to `RECURRENT`. The blocks of each list are contiguous; the weights may have them in another order.
pub trait Cell<T: SimdFloat>: Copy + Send + Sync {
    /// The number of blocks of sums, at most four.
    const BLOCKS: usize;
    /// For each block of W, the index of its block of the sums; the lowest is 0.
    const INPUT: &'static [usize];
    /// For each block of U, the index of its block of the sums.
    const RECURRENT: &'static [usize];
    /// Whether the cell has a cell state c besides h.
    const HAS_CELL_STATE: bool;

    /// Some units of one row of one step. `sums` holds x W + h U without the bias, and is overwritten with what
    /// `backward` needs.
    fn forward<S: Simd>(self, simd: S, step: ForwardStep<T>);

    /// The same units in the backward pass. `sums` holds what `forward` saved, and is overwritten with the gradient of
    /// the sums. `dh` holds the gradient of h′, and is overwritten with the part of the gradient of h that does not
    /// go through U. `dc` holds the gradient of c′, and is overwritten with that of c.
    fn backward<S: Simd>(self, simd: S, step: BackwardStep<T>);
}

/// Some units of one row of one step: as many values in each slice, a multiple of [`SimdFloat::PAD`].
pub struct ForwardStep<'a, T> {
    /// The sums, `BLOCKS` blocks; the others are empty.
    pub sums: [&'a mut [T]; MAX_BLOCKS],
    /// Their biases.
    pub bias: [&'a [T]; MAX_BLOCKS],
    /// h.
    pub hidden: &'a [T],
    /// c, empty if the cell has none.
    pub cell_state: &'a [T],
    /// h′.
    pub new_hidden: &'a mut [T],
    /// c′.
    pub new_cell_state: &'a mut [T],
}

/// Some units of one row of one step in the backward pass.
pub struct BackwardStep<'a, T> {
    /// The sums, `BLOCKS` blocks; the others are empty.
    pub sums: [&'a mut [T]; MAX_BLOCKS],
    /// h.
    pub hidden: &'a [T],
    /// c.
    pub cell_state: &'a [T],
    /// h′.
    pub new_hidden: &'a [T],
    /// c′.
    pub new_cell_state: &'a [T],
    /// The gradient of h′, then that of h.
    pub dh: &'a mut [T],
    /// The gradient of c′, then that of c.
    pub dc: &'a mut [T],
}

/// The `count` blocks of the same size that `row` consists of; the others are empty.
#[inline(always)]
pub fn split_blocks<T>(row: &[T], count: usize) -> [&[T]; MAX_BLOCKS] {
    let width = row.len() / count;
    std::array::from_fn(|block| if block < count { &row[block * width..(block + 1) * width] } else { &[] })
}

/// The same, mutable.
#[inline(always)]
pub fn split_blocks_mut<T>(row: &mut [T], count: usize) -> [&mut [T]; MAX_BLOCKS] {
    let width = row.len() / count;
    let mut blocks = row.chunks_exact_mut(width).take(count);
    std::array::from_fn(|_| blocks.next().unwrap_or_default())
}

/// The first `G` blocks as SIMD vectors.
#[inline(always)]
pub fn blocks<T: SimdFloat, S: Simd, const G: usize>(all: [&[T]; MAX_BLOCKS]) -> [&[T::Vector<S>]; G] {
    std::array::from_fn(|block| T::vectors::<S>(all[block]).0)
}

/// The same, mutable.
#[inline(always)]
pub fn blocks_mut<T: SimdFloat, S: Simd, const G: usize>(all: [&mut [T]; MAX_BLOCKS]) -> [&mut [T::Vector<S>]; G] {
    let mut all = all.into_iter();
    std::array::from_fn(|_| T::vectors_mut::<S>(all.next().expect("a block")).0)
}
