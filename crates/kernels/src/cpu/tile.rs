//! C (+)= A B for one panel of a packed B, in tiles of C that stay in registers.

use pulp::{Simd, WithSimd};

use super::simd_float::SimdFloat;
use super::view::{MatrixPtr, MatrixView};

/// Rows of B in one block of k. Such a block of a panel takes 24 KiB or less.
pub(super) const K_BLOCK: usize = 128;
/// The width of the widest panel in vectors.
pub(super) const MAX_PANEL_VECTORS: usize = 3;

/// The usual size of a cache line in bytes.
const CACHE_LINE: usize = 64;

/// The width of a panel in vectors. The sums of the largest tile fill 24 of 32 registers, or 12 of 16: a row of the
/// panel and a value of A need the others. Four rows of three vectors need 17 registers.
pub(super) const fn panel_vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { MAX_PANEL_VECTORS } else { 2 }
}

/// The rows of the largest tile.
const fn tile_rows<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 8 } else { 6 }
}

/// C = A B for a panel `b` with a row for each column of A, plus `addend` if there is one, which may be C itself.
/// Meanwhile the beginning of `next`, the panel that is multiplied after it, is fetched to the cache.
///
/// # Safety
/// `c` has as many rows as A, as wide as the panel, and they may be written. `addend` has the same, initialized.
#[inline(always)]
pub(super) unsafe fn multiply_panel<T: SimdFloat, S: Simd>(
    simd: S,
    a: MatrixView<T>,
    b: &[T],
    next: &[T],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    // A function of its own for each set of instructions: it is large, and is called from many places.
    simd.vectorize(PanelProduct { a, b, next, c, addend });
}

/// The panels that [`multiply_row`] multiplies at a time.
pub(super) const ROW_PANELS: usize = 4;

/// The same for one row A and [`ROW_PANELS`] panels of full width, one after another in `b`: the sums of one panel are
/// too few, so each would wait for the one before.
///
/// # Safety
/// `c` has one row, as wide as the panels, and it may be written. `addend` has the same, initialized.
#[inline(always)]
pub(super) unsafe fn multiply_row<T: SimdFloat, S: Simd>(
    simd: S,
    a: MatrixView<T>,
    b: &[T],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    simd.vectorize(RowProduct { a, b, c, addend });
}

/// The arguments of [`multiply_row`].
struct RowProduct<'a, T> {
    a: MatrixView<'a, T>,
    b: &'a [T],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
}

impl<T: SimdFloat> WithSimd for RowProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: the caller of `multiply_row` guarantees it.
        unsafe {
            if panel_vectors::<S>() == MAX_PANEL_VECTORS {
                self.multiply::<S, MAX_PANEL_VECTORS>(simd);
            } else {
                self.multiply::<S, 2>(simd);
            }
        }
    }
}

impl<T: SimdFloat> RowProduct<'_, T> {
    /// The product with panels `W` vectors wide.
    ///
    /// # Safety
    /// As for [`multiply_row`].
    #[inline(always)]
    unsafe fn multiply<S: Simd, const W: usize>(self, simd: S) {
        let Self { a, b, c, addend } = self;
        let (b, _) = T::vectors::<S>(b);
        assert_eq!(b.len(), a.columns * W * ROW_PANELS, "each panel must have a row for each column of A");
        for from in (0..a.columns).step_by(K_BLOCK) {
            let mut sums = [[T::splat(simd, T::default()); W]; ROW_PANELS];
            for k in from..(from + K_BLOCK).min(a.columns) {
                // SAFETY: A has this column, and each panel has this row.
                let a_value = T::splat(simd, unsafe { a.at(0, k) });
                for (panel, sums) in sums.iter_mut().enumerate() {
                    for (w, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: the same.
                        let b = unsafe { *b.get_unchecked((panel * a.columns + k) * W + w) };
                        *sum = T::mul_add(simd, a_value, b, *sum);
                    }
                }
            }
            // Later blocks of columns add to what the first one has written.
            let addend = if from > 0 { Some(c) } else { addend };
            for (panel, sums) in sums.into_iter().enumerate() {
                // SAFETY: both matrices have these vectors of the row.
                unsafe { store(simd, sums, c, addend, panel * W) };
            }
        }
    }
}

/// Writes vectors to the first row of `c`, from its vector `at` on, plus those of `addend`.
///
/// # Safety
/// `c` has these vectors, and they may be written; `addend` has the same, initialized.
#[inline(always)]
unsafe fn store<T: SimdFloat, S: Simd, const W: usize>(
    simd: S,
    vectors: [T::Vector<S>; W],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
    at: usize,
) {
    for (w, mut vector) in vectors.into_iter().enumerate() {
        // SAFETY: the caller guarantees it; a vector is a few contiguous values, read and written without requiring
        // alignment.
        unsafe {
            if let Some(addend) = addend {
                let before = addend.start.cast::<T::Vector<S>>().add(at + w).read_unaligned();
                vector = T::add(simd, before, vector);
            }
            c.start.cast::<T::Vector<S>>().add(at + w).write_unaligned(vector);
        }
    }
}

/// The arguments of [`multiply_panel`].
struct PanelProduct<'a, T> {
    a: MatrixView<'a, T>,
    b: &'a [T],
    next: &'a [T],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
}

impl<T: SimdFloat> WithSimd for PanelProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.b.len() / (self.a.columns.max(1) * T::lanes::<S>());
        // SAFETY: the caller of `multiply_panel` guarantees it.
        unsafe {
            match vectors {
                3 if panel_vectors::<S>() >= 3 => self.multiply::<S, 3>(simd),
                2 => self.multiply::<S, 2>(simd),
                _ => self.multiply::<S, 1>(simd),
            }
        }
    }
}

impl<T: SimdFloat> PanelProduct<'_, T> {
    /// The product with a panel `W` vectors wide.
    ///
    /// # Safety
    /// As for [`multiply_panel`].
    #[inline(always)]
    unsafe fn multiply<S: Simd, const W: usize>(self, simd: S) {
        let Self { a, b, next, c, addend } = self;
        let (vectors, _) = T::vectors::<S>(b);
        // Tiles of about the same height: in a low one, each sum waits for the one before.
        let tiles = a.rows.div_ceil(tile_rows::<S>());
        for from in (0..a.columns).step_by(K_BLOCK) {
            let to = (from + K_BLOCK).min(a.columns);
            let next = if to < a.columns { &b[to * W * T::lanes::<S>()..] } else { next };
            let (a, block) = (a.columns(from..to), &vectors[from * W..to * W]);
            // Later blocks of columns add to what the first one has written.
            let addend = if from > 0 { Some(c) } else { addend };
            for at in 0..tiles {
                let rows = at * a.rows / tiles..(at + 1) * a.rows / tiles;
                let addend = addend.map(|addend| addend.offset(rows.start, 0));
                let (c, a) = (c.offset(rows.start, 0), a.rows(rows));
                // Each tile fetches its part of the next block, some bytes for each row of this block.
                let start = size_of_val(block) * at / tiles;
                let next = next.as_ptr().cast::<u8>().wrapping_add(start);
                let stride = size_of_val(&block[..W]).div_ceil(tiles);
                // SAFETY: the rows are rows of `c` and the addend. A has as many columns as B has rows: both have the
                // same range of k.
                unsafe {
                    match a.rows {
                        8 if tile_rows::<S>() >= 8 => tile::<T, S, 8, W>(simd, a, block, (next, stride), c, addend),
                        7 if tile_rows::<S>() >= 7 => tile::<T, S, 7, W>(simd, a, block, (next, stride), c, addend),
                        6 => tile::<T, S, 6, W>(simd, a, block, (next, stride), c, addend),
                        5 => tile::<T, S, 5, W>(simd, a, block, (next, stride), c, addend),
                        4 => tile::<T, S, 4, W>(simd, a, block, (next, stride), c, addend),
                        3 => tile::<T, S, 3, W>(simd, a, block, (next, stride), c, addend),
                        2 => tile::<T, S, 2, W>(simd, a, block, (next, stride), c, addend),
                        _ => tile::<T, S, 1, W>(simd, a, block, (next, stride), c, addend),
                    }
                }
            }
        }
    }
}

/// One tile of C with `M` rows of `W` vectors. For each row of `b` it fetches the memory at `next` and then moves it by
/// `stride` bytes.
///
/// # Safety
/// A has `M` rows and as many columns as `b` has rows of `W` vectors. `c` has `M` rows of `W` vectors, which may be
/// written, and `addend` has as many, initialized.
#[inline(always)]
unsafe fn tile<T: SimdFloat, S: Simd, const M: usize, const W: usize>(
    simd: S,
    a: MatrixView<T>,
    b: &[T::Vector<S>],
    (mut next, stride): (*const u8, usize),
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    let mut sums = [[T::splat(simd, T::default()); W]; M];
    let mut column = a.start;
    for b in b.chunks_exact(W) {
        for (m, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row m of A has one value for each row of `b`, and `column` is at one of them.
            let a = T::splat(simd, unsafe { *column.add(m * a.row_stride) });
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = T::mul_add(simd, a, b, *sum);
            }
        }
        column = column.wrapping_add(a.column_stride);
        // A single row reads B as fast as the memory allows.
        if M > 1 {
            for line in 0..size_of_val(b).div_ceil(CACHE_LINE) {
                prefetch(next.wrapping_add(line * CACHE_LINE));
            }
            next = next.wrapping_add(stride);
        }
    }
    for (m, sums) in sums.into_iter().enumerate() {
        let addend = addend.map(|addend| addend.offset(m, 0));
        // SAFETY: both matrices have `W` vectors in row m.
        unsafe { store(simd, sums, c.offset(m, 0), addend, 0) };
    }
}

/// Asks the CPU to fetch the cache line at `address` to the core's own L2 cache; a second block may not fit into L1. On
/// other processors than x86 it does nothing.
#[inline(always)]
fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 CPU has the instruction, and it accepts any address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
