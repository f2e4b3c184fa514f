//! The gradients of the weights of y = x W + b, some columns at a time.

use pulp::{Simd, WithSimd};

use super::bf16::Operands;
use super::matmul::PackedMatrix;
use super::row_blocks::RowBlocks;
use super::scratch::Scratch;
use super::simd_float::SimdFloat;
use super::view::{MatrixPtr, MatrixView};
use crate::profile::{self, Part};

/// Some columns of dW (+)= xᵀ dy and db += Σ dy.
pub(super) struct WeightColumns<'a, T: SimdFloat> {
    /// How the factors of the product are rounded.
    pub operands: Operands,
    /// xᵀ.
    pub x: &'a RowBlocks<T>,
    /// These columns of dy.
    pub dy: MatrixView<'a, T>,
    /// These columns of dW.
    pub dw: MatrixPtr<T>,
    /// These values of db, initialized.
    pub db: MatrixPtr<T>,
    /// Whether dW is written, not added to.
    pub first: bool,
}

impl<T: SimdFloat> WithSimd for WeightColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self { operands, x, dy, dw, db, first } = self;
        let packed = PackedMatrix::new(simd, operands, dy);
        let mut totals = Scratch::zeros(packed.columns());
        packed.column_sums(simd, dy, &mut totals);
        // SAFETY: these columns belong to this task and are inside dw and db; db started as zeros, and later blocks
        // add to what the first one has written to dw.
        unsafe {
            db.add(&totals[..dy.columns]);
            packed.multiply_into(simd, x, dw, dy.columns, !first);
        }
    }
}
