//! A packed matrix in int8: q = round(w / s), with one scale s = max |w| / 127 per column.

use std::ops::Range;

use pulp::Simd;

use super::matmul::PackedMatrix;
use super::simd_float::SimdFloat;
use super::tile::{K_BLOCK, MAX_PANEL_VECTORS, multiply_panel, panel_vectors};
use super::view::{MatrixPtr, MatrixView};
use crate::profile::{self, Part};

/// The smallest scale for `weight`; that of several weights is the largest of theirs.
pub fn scale(weight: f32) -> f32 {
    weight.abs() / 127.0
}

/// q of `weight`: with a scale of at least its own, from −127 to 127 and at most half a scale away.
pub fn quantize(weight: f32, scale: f32) -> i8 {
    // A column of zeros has scale 0.
    (weight / scale.max(f32::MIN_POSITIVE)).round() as i8
}

/// A matrix B `[K, N]`, in panels like those of [`PackedMatrix`].
pub struct QuantizedMatrix {
    panels: Vec<i8>,
    scales: Vec<f32>,
    rows: usize,
    /// Columns of a full panel.
    width: usize,
}

impl QuantizedMatrix {
    /// `packed`, rounded.
    #[inline(always)]
    pub fn new<S: Simd>(_: S, packed: &PackedMatrix<f32>) -> Self {
        let width = panel_vectors::<S>() * f32::lanes::<S>();
        let (rows, columns) = (packed.rows(), packed.columns());
        let mut scales = vec![0f32; columns];
        let mut panels = Vec::with_capacity(rows * columns);
        let finite = packed.values().iter().all(|weight| weight.is_finite());
        assert!(finite, "weights must be finite to be stored in int8");
        for (scales, panel) in scales.chunks_mut(width).zip(packed.values().chunks(width * rows)) {
            for row in panel.chunks_exact(scales.len()) {
                for (scale, value) in scales.iter_mut().zip(row) {
                    *scale = scale.max(self::scale(*value));
                }
            }
            for row in panel.chunks_exact(scales.len()) {
                panels.extend(row.iter().zip(&*scales).map(|(&w, &s)| quantize(w, s)));
            }
        }
        Self { panels, scales, rows, width }
    }

    /// Columns, including padding.
    pub fn columns(&self) -> usize {
        self.scales.len()
    }

    /// The number of panels.
    pub fn panels(&self) -> usize {
        self.scales.len().div_ceil(self.width)
    }

    /// C = A B in the columns of `panels`, plus `addend` if there is one, which may be C itself.
    ///
    /// # Safety
    /// `c` has as many rows as A and [`Self::columns`] columns, which may be written (see [`MatrixPtr::new`]). `addend` has
    /// as many, those of the panels initialized.
    #[inline(always)]
    pub unsafe fn multiply_columns<S: Simd>(
        &self,
        simd: S,
        a: MatrixView<f32>,
        c: MatrixPtr<f32>,
        addend: Option<MatrixPtr<f32>>,
        panels: Range<usize>,
    ) {
        let full = panel_vectors::<S>() * f32::lanes::<S>();
        assert_eq!(self.width, full, "B was packed for another SIMD level");
        let _section = profile::section(Part::MatrixProduct);
        let mut block = [0f32; K_BLOCK * MAX_PANEL_VECTORS * f32::PAD];
        for panel in panels {
            let start = panel * full;
            let scales = &self.scales[start..(start + full).min(self.scales.len())];
            let width = scales.len();
            let values = &self.panels[start * self.rows..(start + width) * self.rows];
            for from in (0..self.rows).step_by(K_BLOCK) {
                let to = (from + K_BLOCK).min(self.rows);
                let block = &mut block[..(to - from) * width];
                let rows = values[from * width..to * width].chunks_exact(width);
                for (wide, row) in block.chunks_exact_mut(width).zip(rows) {
                    for ((wide, &value), &scale) in wide.iter_mut().zip(row).zip(scales) {
                        *wide = f32::from(value) * scale;
                    }
                }
                let (a, c) = (a.columns(from..to), c.offset(0, start));
                // Later blocks of columns of A add to what the first one has written.
                let addend = if from > 0 { Some(c) } else { addend.map(|addend| addend.offset(0, start)) };
                // SAFETY: the panel's columns are among those of `c` and the addend.
                unsafe { multiply_panel(simd, a, block, block, c, addend) };
            }
        }
    }
}
