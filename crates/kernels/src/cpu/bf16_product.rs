//! C (+)= A B with both matrices rounded to bf16: A is converted in blocks, while B was packed in advance.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::bf16::{self, BLOCK, PANEL, PairProducts, convert};
#[cfg(target_arch = "x86_64")]
use super::bf16_tile;
use super::scratch::Scratch;
use super::simd_float::SimdFloat;
use super::view::{MatrixPtr, MatrixView};

/// Rows of A that are converted at a time, once for all panels.
const ROWS: usize = 64;

/// C = A B plus `addend` in the columns of `panels`.
pub(super) struct PairProduct<'a, T> {
    pub a: MatrixView<'a, T>,
    /// Panels of B, each [`PANEL`] columns wide or, at the end, narrower.
    pub b: &'a [u32],
    /// The columns of B, a multiple of [`SimdFloat::PAD`].
    pub columns: usize,
    /// It has as many rows as A and columns as B, which may be written.
    pub c: MatrixPtr<T>,
    /// The same, initialized; it may be C itself.
    pub addend: Option<MatrixPtr<T>>,
    pub panels: Range<usize>,
    pub by: PairProducts,
}

impl<T: SimdFloat> WithSimd for PairProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { a, b, columns, c, addend, panels, by } = self;
        let pairs = a.columns.div_ceil(2);
        assert_eq!(b.len(), pairs * columns, "B must have a row for each two columns of A");
        assert!(size_of::<T>() == size_of::<f32>() && columns.is_multiple_of(T::PAD), "pairs are multiplied in f32");
        let mut buffer = Scratch::<f32>::new(ROWS.min(a.rows) * BLOCK.min(pairs));
        let buffer: &mut [u32] = bytemuck::cast_slice_mut(&mut buffer);
        for from in (0..pairs).step_by(BLOCK) {
            let depth = from..(from + BLOCK).min(pairs);
            // Later blocks of k add to what the first one has written.
            let addend = if from > 0 { Some(c) } else { addend };
            for row in (0..a.rows).step_by(ROWS) {
                let a = convert(a.rows(row..(row + ROWS).min(a.rows)), depth.clone(), buffer);
                for panel in panels.clone() {
                    let start = panel * PANEL;
                    let width = PANEL.min(columns - start);
                    let b = &b[start * pairs..][depth.start * width..depth.end * width];
                    let (c, addend) = (c.offset(row, start), addend.map(|addend| addend.offset(row, start)));
                    // SAFETY: C and the addend have these rows and columns, as for the whole product.
                    unsafe {
                        match by {
                            #[cfg(target_arch = "x86_64")]
                            PairProducts::Instruction => bf16_tile::multiply_panel(a, b, width, c, addend),
                            PairProducts::Emulated => bf16::multiply_panel(a, b, width, c, addend),
                        }
                    }
                }
            }
        }
    }
}
