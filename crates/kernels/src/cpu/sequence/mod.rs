//! A recurrent layer over whole sequences, forwards and backwards, whatever its cell.
//!
//! Sequences are split over threads by rows of the batch: a thread goes through all steps of its rows
//! and never waits for another one. Inside, everything lies time-major: row `t · N + n`. What belongs to
//! one cell alone, the equations of a single step, is in a file of its own.

mod arranged;
mod backward;
mod cell;
mod distinct;
mod forward;
mod weights;

use std::ops::Range;

use super::number::Number;
use super::shape::{Rows, Shape};
use super::view::View;

pub use arranged::arranged;
use arranged::first;
pub use backward::{Gradients, backward};
pub use cell::{Backward, Cell, Forward, blocks, blocks_mut};
use distinct::Distinct;
pub use forward::forward;

/// What a layer reads at each step.
#[derive(Clone, Copy)]
pub enum Input<'a, T> {
    /// Row `n · T + t` of a matrix.
    Vectors(View<'a, T>),
    /// The row of a table that `ids[n · T + t]` names.
    Ids(View<'a, T>, &'a [u32]),
}

impl<'a, T> Input<'a, T> {
    fn table(self) -> Option<View<'a, T>>
    where
        T: Copy,
    {
        match self {
            Self::Vectors(_) => None,
            Self::Ids(table, _) => Some(table),
        }
    }
}

/// The weights of a layer and the state that it begins with.
#[derive(Clone, Copy)]
pub struct Layer<'a, T> {
    /// W, `[D, G · H]`.
    pub kernel: View<'a, T>,
    /// U, `[H, G · H]`.
    pub recurrent: View<'a, T>,
    /// The biases of all sums, `BLOCKS` blocks of H.
    pub bias: &'a [T],
    /// h, `[N, H]`.
    pub hidden: View<'a, T>,
    /// c, `[N, H]`.
    pub memory: Option<View<'a, T>>,
}

/// What the way back needs of the way there.
#[derive(Debug)]
pub struct Tape<T: Number> {
    shape: Shape,
    /// x: of vectors, T · N rows; of ids, one row each.
    inputs: Rows<T>,
    /// Which ids there are, and which of them stands where.
    ids: Option<Distinct>,
    /// What the cell kept, T · N rows.
    sums: Rows<T>,
    /// h before the first step and after each, (T + 1) · N rows.
    hidden: Rows<T>,
    /// c likewise.
    memory: Rows<T>,
    every: bool,
}

/// What a layer hands on: `[N, S, H]`, with S the steps that were asked for (all or the last) and, for a
/// cell with a memory, the last c behind them.
pub fn slots(shape: &Shape, every: bool, memory: bool) -> usize {
    if every { shape.time + usize::from(memory) } else { 1 + usize::from(memory) }
}

/// All that the kernels rely on where they write without looking.
fn check<T: Number, C: Cell<T>>(shape: Shape, input: Input<T>, layer: Layer<T>) {
    let Shape { batch, time, inputs, units } = shape;
    let empty = [batch, time, inputs, units].contains(&0);
    assert!(!empty, "{shape:?} must not be empty");
    let side_by_side = |blocks: &[usize]| {
        let mut all = first(blocks)..first(blocks) + blocks.len();
        all.end <= C::BLOCKS && all.all(|block| blocks.contains(&block))
    };
    assert!(first(C::INPUT) == 0 && side_by_side(C::INPUT) && side_by_side(C::RECURRENT));
    let sizes = |view: View<T>| [view.rows, view.columns];
    match input {
        Input::Vectors(vectors) => assert_eq!(sizes(vectors), [batch * time, inputs], "x"),
        Input::Ids(table, ids) => {
            assert_eq!((table.columns, ids.len()), (inputs, batch * time), "table and ids");
            assert!(ids.iter().all(|&id| (id as usize) < table.rows), "an id names no row");
        }
    }
    assert_eq!(sizes(layer.kernel), [inputs, C::INPUT.len() * units], "W");
    assert_eq!(sizes(layer.recurrent), [units, C::RECURRENT.len() * units], "U");
    assert_eq!(layer.bias.len(), C::BLOCKS * units, "biases");
    assert_eq!(sizes(layer.hidden), [batch, units], "h");
    assert_eq!(layer.memory.map(sizes), C::MEMORY.then_some([batch, units]), "c");
}

/// One part of the batch on its way through all steps.
struct Part<A>(A, Range<usize>);

/// Writes the one row of `from` to the beginning of `to`, and zeros after it.
#[inline(always)]
fn fill<T: Number>(to: &mut [T], from: View<T>) {
    let (known, rest) = to.split_at_mut(from.columns);
    from.copy_to(known);
    rest.fill(T::default());
}
