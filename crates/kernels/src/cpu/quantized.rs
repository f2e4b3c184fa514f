//! A packed matrix in eight bits: q = round(w / s) with one factor s = max |w| / 127 for every column.

use std::ops::Range;

use pulp::Simd;

use super::number::Number;
use super::product::{DEPTH, Packed, WIDTH, panel_product};
use super::view::{Target, View};

/// The factor that `weight` needs at least.
pub fn scale(weight: f32) -> f32 {
    weight.abs() / 127.0
}

/// q of `weight`.
pub fn quotient(weight: f32, scale: f32) -> i8 {
    // A column of zeros has no factor, and needs none.
    (weight / scale.max(f32::MIN_POSITIVE)).round() as i8
}

/// A matrix B `[K, N]`, in panels like those of [`Packed`].
pub struct Quantized {
    panels: Vec<i8>,
    scales: Vec<f32>,
    rows: usize,
    /// Columns of a full panel.
    width: usize,
}

impl Quantized {
    /// The nearest there is to `packed`.
    #[inline(always)]
    pub fn new<S: Simd>(_: S, packed: &Packed<f32>) -> Self {
        let width = WIDTH * f32::lanes::<S>();
        let (rows, columns) = (packed.rows(), packed.columns());
        let mut scales = vec![0f32; columns];
        let mut panels = Vec::with_capacity(rows * columns);
        let finite = packed.numbers().iter().all(|weight| weight.is_finite());
        assert!(finite, "weights that are no finite numbers cannot be kept in eight bits");
        for (scales, panel) in scales.chunks_mut(width).zip(packed.numbers().chunks(width * rows)) {
            for row in panel.chunks_exact(scales.len()) {
                for (scale, number) in scales.iter_mut().zip(row) {
                    *scale = scale.max(self::scale(*number));
                }
            }
            for row in panel.chunks_exact(scales.len()) {
                panels.extend(row.iter().zip(&*scales).map(|(&w, &s)| quotient(w, s)));
            }
        }
        Self { panels, scales, rows, width }
    }

    /// Columns, with those that only fill up.
    pub fn columns(&self) -> usize {
        self.scales.len()
    }

    /// How many panels.
    pub fn panels(&self) -> usize {
        self.scales.len().div_ceil(self.width)
    }

    /// C = A B, or C += A B if `add`, in the columns of some panels.
    ///
    /// # Safety
    /// `c` holds as many rows as A and `columns()` columns.
    #[inline(always)]
    pub unsafe fn multiply_panels<S: Simd>(
        &self,
        simd: S,
        a: View<f32>,
        c: Target<f32>,
        add: bool,
        panels: Range<usize>,
    ) {
        let lanes = f32::lanes::<S>();
        let full = WIDTH * lanes;
        assert_eq!(self.width, full, "B was packed for other instructions");
        let mut block = [0f32; DEPTH * WIDTH * f32::PAD];
        for panel in panels {
            let start = panel * full;
            let scales = &self.scales[start..(start + full).min(self.scales.len())];
            let width = scales.len();
            let numbers = &self.panels[start * self.rows..(start + width) * self.rows];
            for from in (0..self.rows).step_by(DEPTH) {
                let to = (from + DEPTH).min(self.rows);
                let block = &mut block[..(to - from) * width];
                let rows = numbers[from * width..to * width].chunks_exact(width);
                for (wide, row) in block.chunks_exact_mut(width).zip(rows) {
                    for ((wide, &number), &scale) in wide.iter_mut().zip(row).zip(scales) {
                        *wide = f32::from(number) * scale;
                    }
                }
                let (a, add, c) = (a.columns(from..to), add || from > 0, c.from(0, start));
                // SAFETY: the panel's columns are among those of `c`.
                unsafe {
                    match width / lanes {
                        3 => panel_product::<f32, S, 3>(simd, a, block, c, add),
                        2 => panel_product::<f32, S, 2>(simd, a, block, c, add),
                        _ => panel_product::<f32, S, 1>(simd, a, block, c, add),
                    }
                }
            }
        }
    }
}
