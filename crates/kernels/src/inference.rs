//! Weights laid out for writing: one step at a time, for one text or for many at once, without gradients.
//!
//! Packed once and read from front to back at every step. They may be kept in eight bits, which takes a
//! quarter of the memory; what that costs in loss is the model's to measure.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

pub use crate::cpu::equations::Equations;
use crate::cpu::equations::by_cell;
use crate::cpu::number::Number;
use crate::cpu::processor::Processor;
use crate::cpu::product::Packed;
use crate::cpu::quantized::{self, Quantized};
use crate::cpu::scratch::Scratch;
use crate::cpu::sequence::{Cell, Forward, arranged};
use crate::cpu::shape::{Rows, Shared};
use crate::cpu::view::Target;
pub use crate::cpu::view::View;

/// How weights are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As they were trained.
    #[default]
    F32,
    /// As whole numbers from −127 to 127, with a factor for every column.
    Int8,
}

/// Numbers a row of which belongs to each text.
#[derive(Debug)]
pub struct Texts(Rows<f32>);

impl Texts {
    /// Zeros, `width` for each of `count` texts.
    pub fn zeros(count: usize, width: usize) -> Self {
        let mut rows = Rows::new(count, width);
        (0..count).for_each(|row| rows.row_mut(row).fill(0.0));
        Self(rows)
    }

    /// How many texts.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// The numbers of text `text`; there may be more than were asked for.
    pub fn row(&self, text: usize) -> &[f32] {
        self.0.row(text)
    }

    /// The same, to write to.
    pub fn row_mut(&mut self, text: usize) -> &mut [f32] {
        self.0.row_mut(text)
    }

    /// The numbers of the one text, for `count` texts.
    pub fn repeated(&self, count: usize) -> Self {
        let mut rows = Rows::new(count, self.0.width());
        (0..count).for_each(|row| rows.row_mut(row).copy_from_slice(self.0.row(0)));
        Self(rows)
    }
}

/// The numbers of `matrix`, row after row, as they are kept in eight bits.
pub fn rounded(matrix: View<f32>) -> Vec<f32> {
    let mut columns = vec![0f32; matrix.columns];
    let row = |at: usize| {
        let mut row = vec![0f32; matrix.columns];
        matrix.rows(at..at + 1).copy_to(&mut row);
        row
    };
    for at in 0..matrix.rows {
        let row = row(at);
        columns.iter_mut().zip(row).for_each(|(c, w)| *c = c.max(quantized::scale(w)));
    }
    let numbers = (0..matrix.rows).flat_map(row).enumerate().map(|(at, number)| {
        let scale = columns[at % columns.len()];
        f32::from(quantized::quotient(number, scale)) * scale
    });
    numbers.collect()
}

/// A matrix `[K, N]` that rows are multiplied with.
pub struct Matrix {
    weights: Weights,
    inputs: usize,
}

enum Weights {
    F32(Packed<f32>),
    Int8(Quantized),
}

impl Matrix {
    /// Lays `matrix` out.
    pub fn new(matrix: View<f32>, precision: Precision) -> Self {
        struct Lay<'a>(View<'a, f32>, Precision);
        impl WithSimd for Lay<'_> {
            type Output = Weights;

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> Weights {
                let packed = Packed::shared(simd, self.0);
                match self.1 {
                    Precision::F32 => Weights::F32(packed),
                    Precision::Int8 => Weights::Int8(Quantized::new(simd, &packed)),
                }
            }
        }
        Self { weights: Processor::best().run(Lay(matrix, precision)), inputs: matrix.rows }
    }

    /// y = x W for every text, or y += x W if `add`.
    ///
    /// # Panics
    /// If x or y is too narrow, or they are not for as many texts.
    pub fn multiply(&self, x: &Texts, y: &mut Texts, add: bool) {
        assert_eq!(x.count(), y.count(), "x and y must be for as many texts");
        assert!(self.inputs <= x.0.width(), "x has {} columns", x.0.width());
        assert!(self.columns() <= y.0.width(), "y has {} columns", y.0.width());
        let count = x.count();
        let x = x.0.all(self.inputs);
        let to = y.0.shared();
        let panels = self.panels();
        // A product that is over before another thread has heard of it is not worth sharing.
        let parts = match self.inputs * self.columns() * count.max(4) {
            ..2_000_000 => 1,
            _ => rayon::current_num_threads().min(panels),
        };
        (0..parts).into_par_iter().for_each(|part| {
            let panels = part * panels / parts..(part + 1) * panels / parts;
            // SAFETY: each part writes to columns of its own.
            let to = unsafe { to.target(0, 0) };
            Processor::best().run(Part { matrix: self, x, to, panels, add });
        });
    }

    fn columns(&self) -> usize {
        match &self.weights {
            Weights::F32(packed) => packed.columns(),
            Weights::Int8(quantized) => quantized.columns(),
        }
    }

    fn panels(&self) -> usize {
        match &self.weights {
            Weights::F32(packed) => packed.panels(),
            Weights::Int8(quantized) => quantized.panels(),
        }
    }
}

/// Some panels of a product.
struct Part<'a> {
    matrix: &'a Matrix,
    x: View<'a, f32>,
    to: Target<f32>,
    panels: std::ops::Range<usize>,
    add: bool,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, x, to, panels, add } = self;
        // SAFETY: `Matrix::multiply` has seen to it that y is wide enough.
        unsafe {
            match &matrix.weights {
                Weights::F32(packed) => packed.multiply_panels(simd, x, to, add, panels),
                Weights::Int8(quantized) => quantized.multiply_panels(simd, x, to, add, panels),
            }
        }
    }
}

/// A recurrent layer that is gone through step by step.
pub struct Recurrence {
    equations: Equations,
    kernel: Matrix,
    recurrent: Matrix,
    bias: Scratch<f32>,
    units: usize,
}

/// What a layer remembers of every text.
#[derive(Debug)]
pub struct Memory {
    /// h.
    pub hidden: Texts,
    /// c, without numbers if there is none.
    pub memory: Texts,
}

impl Memory {
    /// What is remembered of the one text, for `count` texts.
    pub fn repeated(&self, count: usize) -> Self {
        let memory = self.memory.0.width();
        let memory = if memory == 0 { Texts::zeros(count, 0) } else { self.memory.repeated(count) };
        Self { hidden: self.hidden.repeated(count), memory }
    }
}

impl Recurrence {
    /// Lays out W `[D, G · H]`, U `[H, G · H]` and the biases of all sums, in the order of the cell's kernel.
    pub fn new(
        equations: Equations,
        kernel: View<f32>,
        recurrent: View<f32>,
        bias: &[f32],
        precision: Precision,
    ) -> Self {
        fn lay<C: Cell<f32>>(
            _: C,
            [kernel, recurrent]: [View<f32>; 2],
            bias: &[f32],
            precision: Precision,
        ) -> ([Matrix; 2], Scratch<f32>) {
            let units = recurrent.rows;
            let width = units.next_multiple_of(f32::PAD);
            let matrices = [(kernel, C::INPUT), (recurrent, C::RECURRENT)].map(|(view, blocks)| {
                Matrix::new(arranged(view, units, blocks).as_view(), precision)
            });
            let mut wide = Scratch::zeros(C::BLOCKS * width);
            for (from, to) in bias.chunks(units).zip(wide.chunks_mut(width)) {
                to[..units].copy_from_slice(from);
            }
            (matrices, wide)
        }
        let units = recurrent.rows;
        let ([kernel, recurrent], bias) =
            by_cell!(equations, cell => lay(cell, [kernel, recurrent], bias, precision));
        Self { equations, kernel, recurrent, bias, units }
    }

    /// H.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Nothing remembered yet, of `count` texts.
    pub fn start(&self, count: usize) -> Memory {
        let memory = if self.equations == Equations::Lstm { self.units } else { 0 };
        Memory { hidden: Texts::zeros(count, self.units), memory: Texts::zeros(count, memory) }
    }

    /// Reads x, a row for every text.
    pub fn step(&self, x: &Texts, memory: &mut Memory) {
        by_cell!(self.equations, cell => self.step_of(cell, x, memory));
    }

    fn step_of<C: Cell<f32>>(&self, cell: C, x: &Texts, state: &mut Memory) {
        let width = self.units.next_multiple_of(f32::PAD);
        let count = x.count();
        let mut sums = Texts(Rows::new(count, C::BLOCKS * width));
        let hidden = &state.hidden;
        match C::INPUT.len() == C::BLOCKS {
            true => {
                self.kernel.multiply(x, &mut sums, false);
                self.recurrent.multiply(hidden, &mut sums, true);
            }
            false => {
                // The blocks of x W come first, those of h U after the first of them.
                let mut of_state = Texts(Rows::new(count, C::RECURRENT.len() * width));
                self.kernel.multiply(x, &mut sums, false);
                self.recurrent.multiply(hidden, &mut of_state, false);
                for row in 0..count {
                    let others = &mut sums.row_mut(row)[width..];
                    let (shared, own) = of_state.row(row).split_at((C::INPUT.len() - 1) * width);
                    let (both, rest) = others.split_at_mut(shared.len());
                    both.iter_mut().zip(shared).for_each(|(sum, &more)| *sum += more);
                    rest.copy_from_slice(own);
                }
            }
        }
        let mut after = Rows::new(count, self.units);
        let mut memory_after = Rows::new(if C::MEMORY { count } else { 0 }, self.units);
        let pass = Pass {
            cell,
            sums: sums.0.shared(),
            bias: &self.bias,
            hidden: &state.hidden.0,
            memory: C::MEMORY.then_some(&state.memory.0),
            after: after.shared(),
            memory_after: memory_after.shared(),
            count,
        };
        Processor::best().run(pass);
        state.hidden = Texts(after);
        if C::MEMORY {
            state.memory = Texts(memory_after);
        }
    }
}

/// The equations of all rows of a step.
struct Pass<'a, C> {
    cell: C,
    sums: Shared<'a, f32>,
    bias: &'a [f32],
    hidden: &'a Rows<f32>,
    memory: Option<&'a Rows<f32>>,
    after: Shared<'a, f32>,
    memory_after: Shared<'a, f32>,
    count: usize,
}

impl<C: Cell<f32>> WithSimd for Pass<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.count {
            // SAFETY: these rows are this thread's alone, one after another.
            let (sums, new_hidden, new_memory) = unsafe {
                let memory = if C::MEMORY { self.memory_after.row(row) } else { &mut [] };
                (self.sums.row(row), self.after.row(row), memory)
            };
            let step = Forward {
                sums,
                bias: self.bias,
                hidden: self.hidden.row(row),
                memory: self.memory.map_or(&[], |memory| memory.row(row)),
                new_hidden,
                new_memory,
            };
            self.cell.forward(simd, step);
        }
    }
}
