//! One panel of a packed matrix.

use pulp::{Simd, WithSimd};

use super::bf16::{Operands, pack_pairs};
use super::simd_float::SimdFloat;
use super::view::MatrixView;
use crate::profile::{self, Part};

/// [`pack_panel`], compiled for the instructions of `simd` even if the caller is not.
pub(super) struct PackPanel<'a, T>(pub Operands, pub MatrixView<'a, T>, pub &'a mut [T]);

impl<T: SimdFloat> WithSimd for PackPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        pack_panel(simd, self.0, self.1, self.2);
    }
}

/// Fills the panel with the rows of `b`, or with pairs of rows if they are rounded to bf16; each padded with zeros.
#[inline(always)]
pub(super) fn pack_panel<T: SimdFloat, S: Simd>(_: S, operands: Operands, b: MatrixView<T>, panel: &mut [T]) {
    if operands == Operands::Bf16 {
        return pack_pairs(b, bytemuck::cast_slice_mut(panel));
    }
    let width = panel.len() / b.rows.max(1);
    assert!(panel.len() == width * b.rows, "a panel must have as many rows as B");
    if b.columns < width {
        panel.fill(T::default());
    }
    if b.column_stride == 1 {
        for (k, row) in panel.chunks_exact_mut(width).enumerate() {
            // SAFETY: `b` has as many rows as the panel, and row k is contiguous and has one value per column.
            let source = unsafe { std::slice::from_raw_parts(b.row(k), b.columns) };
            row[..b.columns].copy_from_slice(source);
        }
        return;
    }
    // Columns are contiguous: small blocks, so that both reading and writing stay in the cache.
    for (at, block) in panel.chunks_mut(T::PAD * width).enumerate() {
        let from = at * T::PAD;
        for column in 0..b.columns {
            for (k, row) in block.chunks_exact_mut(width).enumerate() {
                // SAFETY: `b` has as many rows as the panel, and this column.
                row[column] = unsafe { b.at(from + k, column) };
            }
        }
    }
}
