//! A recurrent layer over whole sequences, forwards and backwards, whatever its cell.
//!
//! Sequences are split over threads by rows of the batch: a thread goes through all steps of its rows
//! and never waits for another one. Inside, everything lies time-major: row `t · N + n`. What belongs to
//! one cell alone, the equations of a single step, is in a file of its own.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::number::Number;
use super::processor::Processor;
use super::product::{Packed, Target, View};
use super::scratch::Scratch;
use super::shape::{Rows, Shape, Shared};

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

/// Runs `layer` over whole sequences; `every` asks for all hidden states, else only the last. Gives them as
/// [`slots`] says.
///
/// # Panics
/// If sizes do not fit together, any of them is zero, or an id names no row of the table.
pub fn forward<T: Number, C: Cell<T>>(
    processor: Processor,
    cell: C,
    shape: Shape,
    input: Input<T>,
    layer: Layer<T>,
    every: bool,
) -> (Vec<T>, Tape<T>) {
    check::<T, C>(shape, input, layer);
    processor.run(Prepare { cell, shape, input, layer, every })
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

struct Prepare<'a, T, C> {
    cell: C,
    shape: Shape,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    every: bool,
}

impl<T: Number, C: Cell<T>> WithSimd for Prepare<'_, T, C> {
    type Output = (Vec<T>, Tape<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { cell, shape, input, layer, every } = self;
        let Shape { batch, time, inputs, units } = shape;
        let rows = batch * time;
        let kernel = arranged(layer.kernel, units, C::INPUT);
        let recurrent = arranged(layer.recurrent, units, C::RECURRENT);
        let kernel = Packed::shared(simd, kernel.as_view());
        let recurrent = Packed::shared(simd, recurrent.as_view());
        let width = units.next_multiple_of(T::PAD);
        let mut bias = Scratch::zeros(C::BLOCKS * width);
        for (from, to) in layer.bias.chunks(units).zip(bias.chunks_mut(width)) {
            to[..units].copy_from_slice(from);
        }
        let memory_rows = if C::MEMORY { rows + batch } else { 0 };
        let ids = match input {
            Input::Vectors(_) => None,
            Input::Ids(_, ids) => Some(Distinct::new(ids, [batch, time])),
        };
        let input_rows = ids.as_ref().map_or(rows, |ids| ids.which.len());
        let mut tape = Tape {
            shape,
            inputs: Rows::new(input_rows, inputs),
            ids,
            sums: Rows::new(rows, C::BLOCKS * width),
            hidden: Rows::new(rows + batch, units),
            memory: Rows::new(memory_rows, units),
            every,
        };
        // Words come again and again: each is projected once, wherever it stands.
        let projected = tape.ids.as_ref().zip(input.table()).map(|(ids, table)| {
            project(simd, table, ids, &mut tape.inputs, &kernel)
        });
        let slots = slots(&shape, every, C::MEMORY);
        let mut output: Vec<T> = Vec::with_capacity(batch * slots * units);
        let forth = Forth {
            cell,
            shape,
            input,
            layer,
            kernel: &kernel,
            recurrent: &recurrent,
            bias: &bias,
            projected: projected.as_ref().zip(tape.ids.as_ref()),
            inputs: tape.inputs.shared(),
            sums: tape.sums.shared(),
            hidden: tape.hidden.shared(),
            memory: tape.memory.shared(),
            // SAFETY: each thread writes the sequences of its rows, and nobody reads them before all have.
            output: unsafe { Target::new(output.as_mut_ptr(), units) },
            slots,
            every,
        };
        shape.parts().into_par_iter().for_each(|part| {
            simd.vectorize(Part(forth, part));
        });
        // SAFETY: the parts together have written all sequences, in each of them all slots: there is at
        // least one step.
        unsafe { output.set_len(batch * slots * units) };
        (output, tape)
    }
}

/// One part of the batch on its way through all steps.
struct Part<A>(A, Range<usize>);

struct Forth<'a, T: Number, C> {
    cell: C,
    shape: Shape,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    kernel: &'a Packed<T>,
    recurrent: &'a Packed<T>,
    bias: &'a [T],
    projected: Option<(&'a Rows<T>, &'a Distinct)>,
    inputs: Shared<'a, T>,
    sums: Shared<'a, T>,
    hidden: Shared<'a, T>,
    memory: Shared<'a, T>,
    output: Target<T>,
    slots: usize,
    every: bool,
}

impl<T: Number, C: Copy> Clone for Forth<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Number, C: Copy> Copy for Forth<'_, T, C> {}

impl<T: Number, C: Cell<T>> WithSimd for Part<Forth<'_, T, C>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(pass, part) = self;
        let Shape { batch, time, inputs, units } = pass.shape;
        let width = units.next_multiple_of(T::PAD);
        let starts = [first(C::INPUT) * width, first(C::RECURRENT) * width];
        // SAFETY: this thread alone reads and writes the rows of `part`, at every step, and never two parts
        // of them at once that are the same: a step reads h and c in its own rows and writes those in the
        // rows of the next. Products are as wide as the blocks that they are written to.
        unsafe {
            for n in part.clone() {
                fill(pass.hidden.row(n), pass.layer.hidden.rows(n..n + 1));
                if let Some(memory) = pass.layer.memory {
                    fill(pass.memory.row(n), memory.rows(n..n + 1));
                }
            }
            for t in 0..time {
                let rows = t * batch + part.start..t * batch + part.end;
                let sums = |column| pass.sums.target(rows.start, column);
                for (n, row) in part.clone().zip(rows.clone()) {
                    let sums = pass.sums.row(row);
                    let (of_input, others) = sums.split_at_mut(C::INPUT.len() * width);
                    match (pass.input, pass.projected) {
                        (Input::Vectors(x), _) => {
                            let at = n * time + t;
                            fill(pass.inputs.row(row), x.rows(at..at + 1));
                        }
                        (_, projected) => {
                            let (rows, ids) = projected.expect("ids are projected beforehand");
                            of_input.copy_from_slice(rows.row(ids.place[row] as usize));
                        }
                    }
                    // Blocks that only the recurrent weights add to begin at zero.
                    others.fill(T::default());
                }
                if pass.projected.is_none() {
                    let x = pass.inputs.view(rows.clone(), 0..inputs);
                    pass.kernel.multiply(simd, x, sums(starts[0]), false);
                }
                let h = pass.hidden.view(rows.clone(), 0..units);
                pass.recurrent.multiply(simd, h, sums(starts[1]), true);
                for (n, row) in part.clone().zip(rows) {
                    let memory = |row| if C::MEMORY { pass.memory.row(row) } else { &mut [] };
                    let step = Forward {
                        sums: pass.sums.row(row),
                        bias: pass.bias,
                        hidden: pass.hidden.row(row),
                        memory: memory(row),
                        new_hidden: pass.hidden.row(row + batch),
                        new_memory: memory(row + batch),
                    };
                    pass.cell.forward(simd, step);
                    if pass.every || t + 1 == time {
                        let slot = if pass.every { t } else { 0 };
                        let output = pass.output.from(n * pass.slots + slot, 0);
                        output.write(&pass.hidden.row(row + batch)[..units]);
                    }
                }
            }
            if C::MEMORY {
                for n in part {
                    let output = pass.output.from((n + 1) * pass.slots - 1, 0);
                    output.write(&pass.memory.row(time * batch + n)[..units]);
                }
            }
        }
    }
}

/// The gradients of all that went into [`forward`].
pub struct Gradients<T> {
    /// Of the vectors `[N, T, D]`, or of the table.
    pub input: Vec<T>,
    /// Of W.
    pub kernel: Vec<T>,
    /// Of U.
    pub recurrent: Vec<T>,
    /// Of the biases of all sums.
    pub bias: Vec<T>,
    /// Of h.
    pub hidden: Vec<T>,
    /// Of c, empty if there is none.
    pub memory: Vec<T>,
}

/// The way back: from the gradient of what [`forward`] gave. It uses the tape up.
///
/// # Panics
/// If the tape is that of another cell, or sizes are not those of the way there.
pub fn backward<T: Number, C: Cell<T>>(
    processor: Processor,
    cell: C,
    tape: Tape<T>,
    input: Input<T>,
    layer: Layer<T>,
    gradient: &[T],
) -> Gradients<T> {
    let Shape { batch, time, units, .. } = tape.shape;
    check::<T, C>(tape.shape, input, layer);
    let sums = C::BLOCKS * units.next_multiple_of(T::PAD);
    let states = if C::MEMORY { (time + 1) * batch } else { 0 };
    let of_ids = matches!(input, Input::Ids(..));
    let found = (tape.sums.width, tape.memory.count(), tape.ids.is_some());
    assert_eq!(found, (sums, states, of_ids), "the tape must be that of the same cell and input");
    let slots = slots(&tape.shape, tape.every, C::MEMORY);
    assert_eq!(gradient.len(), batch * slots * units, "there must be a gradient for every output");
    processor.run(Return { cell, tape, input, layer, gradient })
}

struct Return<'a, T: Number, C> {
    cell: C,
    tape: Tape<T>,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    gradient: &'a [T],
}

impl<T: Number, C: Cell<T>> WithSimd for Return<'_, T, C> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients<T> {
        let Self { cell, mut tape, input, layer, gradient } = self;
        let shape = tape.shape;
        let Shape { batch, time, inputs, units } = shape;
        let kernel = arranged(layer.kernel, units, C::INPUT);
        let recurrent = arranged(layer.recurrent, units, C::RECURRENT);
        let kernel = Packed::shared(simd, kernel.as_view().transposed());
        let recurrent = Packed::shared(simd, recurrent.as_view().transposed());
        let mut dx = Rows::new(tape.inputs.count(), inputs);
        let mut dh = Rows::new(batch, units);
        let mut dc = Rows::new(if C::MEMORY { batch } else { 0 }, units);
        let back = Back {
            cell,
            shape,
            kernel: &kernel,
            recurrent: &recurrent,
            gradient: View::dense(gradient, units),
            slots: slots(&shape, tape.every, C::MEMORY),
            every: tape.every,
            sums: tape.sums.shared(),
            hidden: tape.hidden.shared(),
            memory: tape.memory.shared(),
            dx: tape.ids.is_none().then(|| dx.shared()),
            dh: dh.shared(),
            dc: dc.shared(),
        };
        shape.parts().into_par_iter().for_each(|part| {
            simd.vectorize(Part(back, part));
        });
        let unit_width = units.next_multiple_of(T::PAD);
        let gathered = tape.ids.as_ref().map(|ids| {
            let gathered = gather(simd, &tape.sums, ids, C::INPUT.len() * unit_width);
            multiply_rows(simd, gathered.all(gathered.width), &kernel, &mut dx);
            gathered
        });
        let (kernel, recurrent, bias) = weights::<T, C, S>(simd, &tape, gathered.as_ref());
        let out = |rows: &Rows<T>, at: &dyn Fn(usize) -> usize, count: usize, width: usize| {
            let mut out = Vec::with_capacity(count * width);
            (0..count).for_each(|row| out.extend_from_slice(&rows.row(at(row))[..width]));
            out
        };
        let input = match input {
            Input::Vectors(_) => {
                out(&dx, &|row| row % time * batch + row / time, batch * time, inputs)
            }
            Input::Ids(table, _) => {
                let mut sums = vec![T::default(); table.rows * inputs];
                let which = tape.ids.iter().flat_map(|ids| &ids.which);
                for (row, &id) in which.enumerate() {
                    sums[id as usize * inputs..][..inputs].copy_from_slice(&dx.row(row)[..inputs]);
                }
                sums
            }
        };
        let same = |row| row;
        let hidden = out(&dh, &same, batch, units);
        let memory = if C::MEMORY { out(&dc, &same, batch, units) } else { Vec::new() };
        Gradients { input, kernel, recurrent, bias, hidden, memory }
    }
}

struct Back<'a, T: Number, C> {
    cell: C,
    shape: Shape,
    kernel: &'a Packed<T>,
    recurrent: &'a Packed<T>,
    gradient: View<'a, T>,
    slots: usize,
    every: bool,
    sums: Shared<'a, T>,
    hidden: Shared<'a, T>,
    memory: Shared<'a, T>,
    dx: Option<Shared<'a, T>>,
    dh: Shared<'a, T>,
    dc: Shared<'a, T>,
}

impl<T: Number, C: Copy> Clone for Back<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Number, C: Copy> Copy for Back<'_, T, C> {}

impl<T: Number, C: Cell<T>> WithSimd for Part<Back<'_, T, C>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(pass, part) = self;
        let Shape { batch, time, units, .. } = pass.shape;
        let width = units.next_multiple_of(T::PAD);
        let blocks = |of: &[usize]| first(of) * width..(first(of) + of.len()) * width;
        // SAFETY: as on the way there; what is read and what is written are different matrices.
        unsafe {
            for n in part.clone() {
                pass.dh.row(n).fill(T::default());
                if C::MEMORY {
                    let last = (n + 1) * pass.slots - 1;
                    fill(pass.dc.row(n), pass.gradient.rows(last..last + 1));
                }
            }
            for t in (0..time).rev() {
                let rows = t * batch + part.start..t * batch + part.end;
                for (n, row) in part.clone().zip(rows.clone()) {
                    let dh = pass.dh.row(n);
                    if pass.every || t + 1 == time {
                        let slot = n * pass.slots + if pass.every { t } else { 0 };
                        pass.gradient.rows(slot..slot + 1).add_to(dh);
                    }
                    let memory = |row| if C::MEMORY { pass.memory.row(row) } else { &mut [] };
                    let step = Backward {
                        sums: pass.sums.row(row),
                        hidden: pass.hidden.row(row),
                        memory: memory(row),
                        new_hidden: pass.hidden.row(row + batch),
                        new_memory: memory(row + batch),
                        dh,
                        dc: if C::MEMORY { pass.dc.row(n) } else { &mut [] },
                    };
                    pass.cell.backward(simd, step);
                }
                let sums = |columns| pass.sums.view(rows.clone(), columns);
                let dh = pass.dh.target(part.start, 0);
                pass.recurrent.multiply(simd, sums(blocks(C::RECURRENT)), dh, true);
                if let Some(dx) = pass.dx {
                    let dx = dx.target(rows.start, 0);
                    pass.kernel.multiply(simd, sums(blocks(C::INPUT)), dx, false);
                }
            }
        }
    }
}

/// The gradients of W, U and the biases from those of the sums: one product over all rows and steps for
/// every few columns, shared out over the threads. Of ids, `gathered` holds the sums' gradients by id.
fn weights<T: Number, C: Cell<T>, S: Simd>(
    simd: S,
    tape: &Tape<T>,
    gathered: Option<&Rows<T>>,
) -> (Vec<T>, Vec<T>, Vec<T>) {
    /// Columns that one thread takes at a time: two panels.
    const COLUMNS: usize = 96;
    let Shape { batch, time, inputs, units } = tape.shape;
    let width = units.next_multiple_of(T::PAD);
    let rows = batch * time;
    let empty = |rows: usize, blocks: usize| Vec::<T>::with_capacity(rows * blocks * units);
    let mut kernel = empty(inputs, C::INPUT.len());
    let mut recurrent = empty(units, C::RECURRENT.len());
    let mut bias = empty(1, C::BLOCKS);
    // SAFETY: each task writes to columns of its own, and nobody reads them before all have.
    let (dw, du, db) = unsafe {
        (
            Target::new(kernel.as_mut_ptr(), C::INPUT.len() * units),
            Target::new(recurrent.as_mut_ptr(), C::RECURRENT.len() * units),
            Target::new(bias.as_mut_ptr(), 0),
        )
    };
    let tasks: Vec<(usize, Range<usize>)> = (0..C::BLOCKS)
        .flat_map(|block| (0..units).step_by(COLUMNS).map(move |from| (block, from)))
        .map(|(block, from)| (block, from..(from + COLUMNS).min(units)))
        .collect();
    let x = tape.inputs.all(inputs).transposed();
    let h = tape.hidden.view(0..rows, 0..units).transposed();
    tasks.into_par_iter().for_each(|(block, columns)| {
        let of = |blocks: &[usize]| blocks.iter().position(|&at| at == block);
        let to = |target: Target<T>, at: usize| target.from(0, at * units + columns.start);
        let start = block * width;
        let columns_of = start + columns.start..start + columns.end;
        let sums = tape.sums.view(0..rows, columns_of.clone());
        // Not of every block: W has none for m of a GRU.
        let by_input = || match gathered {
            Some(gathered) => gathered.all(gathered.width).columns(columns_of.clone()),
            None => sums,
        };
        simd.vectorize(Columns {
            sums,
            bias: to(db, block),
            recurrent: of(C::RECURRENT).map(|at| (h, to(du, at))),
            input: of(C::INPUT).map(|at| (x, by_input(), to(dw, at))),
        });
    });
    // SAFETY: the tasks together have written all columns: every block has biases, and every block of W and
    // U is one of them.
    unsafe {
        kernel.set_len(inputs * C::INPUT.len() * units);
        recurrent.set_len(units * C::RECURRENT.len() * units);
        bias.set_len(C::BLOCKS * units);
    }
    (kernel, recurrent, bias)
}

/// Some columns of the gradients of b, U and W.
struct Columns<'a, T> {
    sums: View<'a, T>,
    bias: Target<T>,
    /// hᵀ, and where the product with the sums goes.
    recurrent: Option<(View<'a, T>, Target<T>)>,
    /// xᵀ, what it is multiplied with, and where that goes.
    input: Option<(View<'a, T>, View<'a, T>, Target<T>)>,
}

impl<T: Number> WithSimd for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, bias, recurrent, input } = self;
        let packed = Packed::new(simd, sums);
        let mut totals = Scratch::zeros(packed.columns());
        packed.column_sums(simd, &mut totals);
        // SAFETY: these columns are this task's alone, and the targets have them.
        unsafe {
            bias.write(&totals[..sums.columns]);
            if let Some((h, target)) = recurrent {
                packed.multiply_into(simd, h, target, sums.columns);
            }
            match input {
                Some((x, by_input, target)) if by_input.is(&sums) => {
                    packed.multiply_into(simd, x, target, sums.columns);
                }
                Some((x, by_input, target)) => {
                    Packed::new(simd, by_input).multiply_into(simd, x, target, sums.columns);
                }
                None => {}
            }
        }
    }
}

/// The ids of a batch, each once, and where they stand.
#[derive(Debug)]
struct Distinct {
    /// The ids, by first appearance.
    which: Vec<u32>,
    /// For row `t · N + n` the place of its id in `which`.
    place: Vec<u32>,
    /// For each of `which` its rows, one after another.
    rows: Vec<u32>,
    /// Where those of each begin; and the end.
    starts: Vec<u32>,
}

impl Distinct {
    /// Of ids `[N, T]`.
    fn new(ids: &[u32], [batch, time]: [usize; 2]) -> Self {
        const NONE: u32 = u32::MAX;
        let largest = ids.iter().max().map_or(0, |&id| id as usize);
        let mut seen = vec![NONE; largest + 1];
        let (mut which, mut counts, mut place) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch * time {
            let id = ids[row % batch * time + row / batch];
            let at = &mut seen[id as usize];
            if *at == NONE {
                *at = which.len() as u32;
                which.push(id);
                counts.push(0);
            }
            counts[*at as usize] += 1;
            place.push(*at);
        }
        let mut starts = vec![0];
        starts.extend(counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        }));
        let mut next = starts.clone();
        let mut rows = vec![0; place.len()];
        for (row, &at) in place.iter().enumerate() {
            rows[next[at as usize] as usize] = row as u32;
            next[at as usize] += 1;
        }
        Self { which, place, rows, starts }
    }

    /// The rows in which the id at `place` stands, in order.
    fn rows_of(&self, place: usize) -> &[u32] {
        &self.rows[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// The vectors of the distinct ids into `inputs`, and their products with W.
fn project<T: Number, S: Simd>(
    simd: S,
    table: View<T>,
    ids: &Distinct,
    inputs: &mut Rows<T>,
    kernel: &Packed<T>,
) -> Rows<T> {
    let mut projected = Rows::new(ids.which.len(), kernel.columns());
    for (row, &id) in ids.which.iter().enumerate() {
        fill(inputs.row_mut(row), table.rows(id as usize..id as usize + 1));
    }
    let x = inputs.all(table.columns);
    multiply_rows(simd, x, kernel, &mut projected);
    projected
}

/// For each of the distinct ids, the sum of the first `width` columns over its rows.
fn gather<T: Number, S: Simd>(_: S, sums: &Rows<T>, ids: &Distinct, width: usize) -> Rows<T> {
    let mut gathered = Rows::new(ids.which.len(), width);
    let shared = gathered.shared();
    (0..ids.which.len()).into_par_iter().with_min_len(16).for_each(|place| {
        // SAFETY: each row is one task's alone.
        let total = unsafe { shared.row(place) };
        let (first, others) = ids.rows_of(place).split_first().expect("every id stands somewhere");
        total.copy_from_slice(&sums.row(*first as usize)[..width]);
        for &row in others {
            let row = &sums.row(row as usize)[..width];
            total.iter_mut().zip(row).for_each(|(total, &number)| *total += number);
        }
    });
    gathered
}

/// The product of all rows of `a` with `b` into the rows of `to`, shared out over the threads.
fn multiply_rows<T: Number, S: Simd>(simd: S, a: View<T>, b: &Packed<T>, to: &mut Rows<T>) {
    /// Rows that one thread takes at a time.
    const ROWS: usize = 32;
    struct Some<'a, T: Number>(View<'a, T>, &'a Packed<T>, Target<T>);
    impl<T: Number> WithSimd for Some<'_, T> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            // SAFETY: these rows are this task's alone, as wide as the product.
            unsafe { self.1.multiply(simd, self.0, self.2, false) }
        }
    }
    assert!(a.rows <= to.count() && b.columns() == to.width, "the product must have its place");
    let shared = to.shared();
    (0..a.rows.div_ceil(ROWS)).into_par_iter().for_each(|at| {
        let rows = at * ROWS..((at + 1) * ROWS).min(a.rows);
        // SAFETY: each task has rows of its own.
        let to = unsafe { shared.target(rows.start, 0) };
        simd.vectorize(Some(a.rows(rows), b, to));
    });
}

/// The first of the blocks, wherever it stands in the list.
fn first(blocks: &[usize]) -> usize {
    *blocks.iter().min().expect("a cell has weights")
}

/// Weights with their blocks where the sums have them, each filled up with zeros.
enum Arranged<'a, T: Number> {
    AsTheyAre(View<'a, T>),
    Copied(Rows<T>, usize),
}

impl<T: Number> Arranged<'_, T> {
    fn as_view(&self) -> View<'_, T> {
        match self {
            Self::AsTheyAre(view) => *view,
            Self::Copied(rows, count) => rows.view(0..*count, 0..rows.width),
        }
    }
}

fn arranged<'a, T: Number>(
    weights: View<'a, T>,
    units: usize,
    blocks: &[usize],
) -> Arranged<'a, T> {
    let width = units.next_multiple_of(T::PAD);
    if width == units && blocks.is_sorted() {
        return Arranged::AsTheyAre(weights);
    }
    let mut rows = Rows::new(weights.rows, blocks.len() * width);
    for row in 0..weights.rows {
        let to = rows.row_mut(row);
        for (at, &block) in blocks.iter().enumerate() {
            let block = block - first(blocks);
            let from = weights.rows(row..row + 1).columns(at * units..(at + 1) * units);
            fill(&mut to[block * width..(block + 1) * width], from);
        }
    }
    Arranged::Copied(rows, weights.rows)
}

/// Writes the one row of `from` to the beginning of `to`, and zeros after it.
#[inline(always)]
fn fill<T: Number>(to: &mut [T], from: View<T>) {
    let (known, rest) = to.split_at_mut(from.columns);
    from.copy_to(known);
    rest.fill(T::default());
}
