//! Products with weights that are packed once, in f32 or int8.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::batch_rows::BatchRows;
use crate::cpu::bf16::Operands;
use crate::cpu::matmul::PackedMatrix;
use crate::cpu::quantized::{self, QuantizedMatrix};
use crate::cpu::scratch::Scratch;
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::view::{MatrixPtr, MatrixView};
use crate::profile::{self, Part};

/// The storage type of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As trained.
    #[default]
    F32,
    /// Integers from −127 to 127, with one scale per column.
    Int8,
}

/// The values of `matrix`, row after row, quantized to int8 and back.
pub fn quantize_roundtrip(matrix: MatrixView<f32>) -> Vec<f32> {
    let mut scales = vec![0f32; matrix.columns];
    let row = |at: usize| {
        let mut row = vec![0f32; matrix.columns];
        matrix.rows(at..at + 1).copy_to(&mut row);
        row
    };
    for at in 0..matrix.rows {
        let row = row(at);
        scales.iter_mut().zip(row).for_each(|(s, w)| *s = s.max(quantized::scale(w)));
    }
    let values = (0..matrix.rows).flat_map(row).enumerate().map(|(at, value)| {
        let scale = scales[at % scales.len()];
        f32::from(quantized::quantize(value, scale)) * scale
    });
    values.collect()
}

/// A weight matrix `[K, N]`, packed.
pub struct PackedWeights {
    weights: Weights,
    inputs: usize,
}

enum Weights {
    F32(PackedMatrix<f32>),
    Int8(QuantizedMatrix),
}

/// What a product is added to.
#[derive(Clone, Copy)]
enum Addend<'a> {
    Nothing,
    /// The values of the output.
    Output,
    /// In every row these, one for each column including padding.
    Bias(&'a [f32]),
}

impl PackedWeights {
    /// Packs `matrix`.
    pub fn new(matrix: MatrixView<f32>, precision: Precision) -> Self {
        struct Pack<'a>(MatrixView<'a, f32>, Precision);
        impl WithSimd for Pack<'_> {
            type Output = Weights;

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> Weights {
                let packed = PackedMatrix::new_parallel(simd, Operands::Unrounded, self.0);
                match self.1 {
                    Precision::F32 => Weights::F32(packed),
                    Precision::Int8 => Weights::Int8(QuantizedMatrix::new(simd, &packed)),
                }
            }
        }
        Self { weights: SimdLevel::selected().run(Pack(matrix, precision)), inputs: matrix.rows }
    }

    /// y = x W, or y += x W if `add`.
    ///
    /// # Panics
    /// If x or y is too narrow, or their batch sizes differ.
    pub fn multiply(&self, x: &BatchRows, y: &mut BatchRows, add: bool) {
        self.multiply_plus(if add { Addend::Output } else { Addend::Nothing }, x, y);
    }

    /// y = x W plus `addend`.
    fn multiply_plus(&self, addend: Addend, x: &BatchRows, y: &mut BatchRows) {
        assert_eq!(x.batch_size(), y.batch_size(), "x and y must have the same batch size");
        assert!(self.inputs <= x.0.width(), "x has {} columns", x.0.width());
        assert!(self.columns() <= y.0.width(), "y has {} columns", y.0.width());
        let batch = x.batch_size();
        let x = x.0.all(self.inputs);
        let to = y.0.shared();
        let panels = self.panels();
        // Waking another thread takes longer than a small product.
        let parts = match self.inputs * self.columns() * batch.max(4) {
            ..2_000_000 => 1,
            _ => rayon::current_num_threads().min(panels),
        };
        let _section = profile::section(Part::Waiting);
        (0..parts).into_par_iter().for_each(|part| {
            let panels = part * panels / parts..(part + 1) * panels / parts;
            // SAFETY: each part writes its own columns.
            let to = unsafe { to.ptr(0, 0) };
            let addend = match addend {
                Addend::Nothing => None,
                Addend::Output => Some(to),
                Addend::Bias(bias) => Some(MatrixPtr::same_rows(bias)),
            };
            SimdLevel::selected().run(Panels { matrix: self, x, to, addend, panels });
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
struct Panels<'a> {
    matrix: &'a PackedWeights,
    x: MatrixView<'a, f32>,
    to: MatrixPtr<f32>,
    addend: Option<MatrixPtr<f32>>,
    panels: Range<usize>,
}

impl WithSimd for Panels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, x, to, addend, panels } = self;
        // SAFETY: `PackedWeights::multiply_plus` has checked that y is wide enough; it is initialized, and there is a bias
        // for each column.
        unsafe {
            match &matrix.weights {
                Weights::F32(packed) => packed.multiply_columns(simd, x, to, addend, panels),
                Weights::Int8(quantized) => quantized.multiply_columns(simd, x, to, addend, panels),
            }
        }
    }
}

/// A linear layer with packed weights.
pub struct PackedLinear {
    weights: PackedWeights,
    /// b, padded as the columns of the weights.
    bias: Scratch<f32>,
    outputs: usize,
}

impl PackedLinear {
    /// Packs W `[D, P]`, for y = x W + b.
    ///
    /// # Panics
    /// If W and b do not have the same number of columns.
    pub fn new(kernel: MatrixView<f32>, bias: &[f32], precision: Precision) -> Self {
        assert_eq!(bias.len(), kernel.columns, "W and b must have the same number of columns");
        let weights = PackedWeights::new(kernel, precision);
        let mut padded = Scratch::zeros(weights.columns());
        padded[..bias.len()].copy_from_slice(bias);
        Self { weights, bias: padded, outputs: bias.len() }
    }

    /// P.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// y = x W + b.
    ///
    /// # Panics
    /// As [`PackedWeights::multiply`].
    pub fn multiply(&self, x: &BatchRows, y: &mut BatchRows) {
        self.weights.multiply_plus(Addend::Bias(&self.bias), x, y);
    }
}
