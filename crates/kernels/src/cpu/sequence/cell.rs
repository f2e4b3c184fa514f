//! The interface between a cell and the kernels: the equations of one step.

use pulp::Simd;

use crate::cpu::simd_float::SimdFloat;

/// A cell: the equations of one step.
///
/// The sums of a step (the pre-activations) are stored in blocks of H values, each padded to a multiple of
/// [`SimdFloat::PAD`]. The product with the input weights W is added to the blocks `INPUT`, that with the recurrent
/// weights U to `RECURRENT`. The blocks of each list are contiguous; the weights may have them in another order.
pub trait Cell<T: SimdFloat>: Copy + Send + Sync {
    /// The number of blocks of sums.
    const BLOCKS: usize;
    /// For each block of W, the index of its block of the sums; the lowest is 0.
    const INPUT: &'static [usize];
    /// For each block of U, the index of its block of the sums.
    const RECURRENT: &'static [usize];
    /// Whether the cell has a cell state c besides h.
    const HAS_CELL_STATE: bool;

    /// One row of one step. `sums` holds x W + h U without the bias, and is overwritten with what `backward` needs.
    fn forward<S: Simd>(self, simd: S, step: ForwardStep<T>);

    /// The same row in the backward pass. `sums` holds what `forward` saved, and is overwritten with the gradient of
    /// the sums. `dh` holds the gradient of h′, and is overwritten with the part of the gradient of h that does not
    /// go through U. `dc` holds the gradient of c′, and is overwritten with that of c.
    fn backward<S: Simd>(self, simd: S, step: BackwardStep<T>);
}

/// One row of one step; all blocks have the same width.
pub struct ForwardStep<'a, T> {
    /// The sums, `BLOCKS` blocks.
    pub sums: &'a mut [T],
    /// Their biases.
    pub bias: &'a [T],
    /// h.
    pub hidden: &'a [T],
    /// c, empty if the cell has none.
    pub cell_state: &'a [T],
    /// h′.
    pub new_hidden: &'a mut [T],
    /// c′.
    pub new_cell_state: &'a mut [T],
}

/// One row of one step in the backward pass.
pub struct BackwardStep<'a, T> {
    /// The sums, `BLOCKS` blocks.
    pub sums: &'a mut [T],
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

/// Splits `all` into `G` blocks of the same width, as SIMD vectors.
#[inline(always)]
pub fn blocks<T: SimdFloat, S: Simd, const G: usize>(all: &[T]) -> [&[T::Vector<S>]; G] {
    let (all, _) = T::vectors::<S>(all);
    let mut blocks = all.chunks_exact(all.len() / G);
    std::array::from_fn(|_| blocks.next().expect("G blocks"))
}

/// The same, mutable.
#[inline(always)]
pub fn blocks_mut<T: SimdFloat, S: Simd, const G: usize>(all: &mut [T]) -> [&mut [T::Vector<S>]; G] {
    let (all, _) = T::vectors_mut::<S>(all);
    let mut blocks = all.chunks_exact_mut(all.len() / G);
    std::array::from_fn(|_| blocks.next().expect("G blocks"))
}
