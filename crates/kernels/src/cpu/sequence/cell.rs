//! The face of a cell to a kernel: the equations of one step.

use pulp::Simd;

use crate::cpu::number::Number;

/// The equations of one step.
///
/// The sums of a step stand in blocks of H numbers (each filled up to a multiple of [`Number::PAD`]). The
/// input weights add to the blocks of `INPUT`, the recurrent weights to those of `RECURRENT`; the blocks of
/// either lie side by side, and in any order in the weights.
pub trait Cell<T: Number>: Copy + Send + Sync {
    /// Blocks of sums.
    const BLOCKS: usize;
    /// Where the blocks of W stand among the sums: in front.
    const INPUT: &'static [usize];
    /// Where the blocks of U stand among the sums.
    const RECURRENT: &'static [usize];
    /// Whether there is a memory c beside h.
    const MEMORY: bool;

    /// One row of one step. `sums` holds x W + h U without the bias, and keeps what `backward` needs.
    fn forward<S: Simd>(self, simd: S, step: Forward<T>);

    /// The same row on the way back: `sums` holds what `forward` left there and gets the gradient with
    /// respect to the sums. `dh` comes with the gradient of h′ and leaves with the part of the gradient of
    /// h that does not go through U; `dc` comes with that of c′ and leaves with that of c.
    fn backward<S: Simd>(self, simd: S, step: Backward<T>);
}

/// What one row of one step reads and writes; all of it in blocks of the same width.
pub struct Forward<'a, T> {
    /// The sums, `BLOCKS` blocks.
    pub sums: &'a mut [T],
    /// Their biases.
    pub bias: &'a [T],
    /// h.
    pub hidden: &'a [T],
    /// c, empty if there is none.
    pub memory: &'a [T],
    /// h′.
    pub new_hidden: &'a mut [T],
    /// c′.
    pub new_memory: &'a mut [T],
}

/// What one row of one step reads and writes on the way back.
pub struct Backward<'a, T> {
    /// The sums, `BLOCKS` blocks.
    pub sums: &'a mut [T],
    /// h.
    pub hidden: &'a [T],
    /// c.
    pub memory: &'a [T],
    /// h′.
    pub new_hidden: &'a [T],
    /// c′.
    pub new_memory: &'a [T],
    /// ∂/∂h′, then ∂/∂h.
    pub dh: &'a mut [T],
    /// ∂/∂c′, then ∂/∂c.
    pub dc: &'a mut [T],
}

/// `G` blocks of the same width, as vectors.
#[inline(always)]
pub fn blocks<T: Number, S: Simd, const G: usize>(all: &[T]) -> [&[T::Lanes<S>]; G] {
    let (all, _) = T::vectors::<S>(all);
    let mut blocks = all.chunks_exact(all.len() / G);
    std::array::from_fn(|_| blocks.next().expect("as many blocks as were cut"))
}

/// The same, to write to.
#[inline(always)]
pub fn blocks_mut<T: Number, S: Simd, const G: usize>(all: &mut [T]) -> [&mut [T::Lanes<S>]; G] {
    let (all, _) = T::vectors_mut::<S>(all);
    let mut blocks = all.chunks_exact_mut(all.len() / G);
    std::array::from_fn(|_| blocks.next().expect("as many blocks as were cut"))
}
