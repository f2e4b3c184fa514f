//! C (+)= A B for one block of a panel of pairs of bf16, by the instruction `vdpbf16ps` of AVX512-BF16.
//!
//! `pulp` does not have the instruction. A vector of B holds a pair for each of 16 columns, and a pair of A is the same for
//! all of them, so a pair is used like one value of the tiles in f32 (`tile.rs`).

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_storeu_ps,
};

use super::bf16::PairRows;
use super::simd_float::SimdFloat;
use super::view::MatrixPtr;

/// The rows of the largest tile; its sums fill 24 of 32 registers.
const TILE_ROWS: usize = 8;
/// Values in a vector.
const LANES: usize = 16;

/// C = A B for a block of a panel `width` columns wide, plus `addend` if there is one.
///
/// # Safety
/// The CPU has AVX512-BF16. `T` is f32. `c` has as many rows as A and columns as the panel, which may be written; `addend`
/// has the same, initialized.
///
/// # Panics
/// If the width is not that of one to three vectors, or A does not have a pair for each row of `b`.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn multiply_panel<T: SimdFloat>(
    a: PairRows,
    b: &[u32],
    width: usize,
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    // SAFETY: the caller guarantees it.
    unsafe {
        match width {
            48 => multiply::<T, 3>(a, b, c, addend),
            32 => multiply::<T, 2>(a, b, c, addend),
            16 => multiply::<T, 1>(a, b, c, addend),
            _ => panic!("a panel of pairs has {width} columns; expected 16, 32 or 48"),
        }
    }
}

/// The same for a panel `W` vectors wide.
///
/// # Safety
/// As for [`multiply_panel`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn multiply<T: SimdFloat, const W: usize>(
    a: PairRows,
    b: &[u32],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    let [row_stride, pair_stride] = a.strides;
    let pairs = b.len() / (W * LANES);
    let last = a.count.saturating_sub(1) * row_stride + pairs.saturating_sub(1) * pair_stride;
    assert!(last < a.values.len() && b.len() == pairs * W * LANES, "A must have a pair for each row of B");
    // Tiles of about the same height: in a low one, each sum waits for the one before.
    let tiles = a.count.div_ceil(TILE_ROWS);
    for at in 0..tiles {
        let (from, to) = (at * a.count / tiles, (at + 1) * a.count / tiles);
        let values = a.values[from * row_stride..].as_ptr();
        let (c, addend) = (c.offset(from, 0), addend.map(|addend| addend.offset(from, 0)));
        // SAFETY: the rows are rows of A, C and the addend, and A has these pairs.
        unsafe {
            match to - from {
                8 => tile::<T, 8, W>(values, a.strides, b, c, addend),
                7 => tile::<T, 7, W>(values, a.strides, b, c, addend),
                6 => tile::<T, 6, W>(values, a.strides, b, c, addend),
                5 => tile::<T, 5, W>(values, a.strides, b, c, addend),
                4 => tile::<T, 4, W>(values, a.strides, b, c, addend),
                3 => tile::<T, 3, W>(values, a.strides, b, c, addend),
                2 => tile::<T, 2, W>(values, a.strides, b, c, addend),
                _ => tile::<T, 1, W>(values, a.strides, b, c, addend),
            }
        }
    }
}

/// One tile of C with `M` rows of `W` vectors.
///
/// # Safety
/// The CPU has AVX512-BF16. `T` is f32. At `a`, with these strides from row to row and from pair to pair, A has `M` rows
/// and a pair for each row of `b`. `c` has `M` rows of `W` vectors, which may be written, and `addend` has as many,
/// initialized.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn tile<T: SimdFloat, const M: usize, const W: usize>(
    a: *const u32,
    [row_stride, pair_stride]: [usize; 2],
    b: &[u32],
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    let mut sums = [[_mm512_setzero_ps(); W]; M];
    for (at, b) in b.chunks_exact(W * LANES).enumerate() {
        // SAFETY: a row of `b` has W vectors, and A has this pair in each row.
        unsafe {
            let b: [__m512bh; W] = std::array::from_fn(|w| as_pairs(_mm512_loadu_ps(b.as_ptr().add(w * LANES).cast())));
            for (m, sums) in sums.iter_mut().enumerate() {
                let a = *a.add(m * row_stride + at * pair_stride);
                let a = std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(a.cast_signed()));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = _mm512_dpbf16_ps(*sum, a, b);
                }
            }
        }
    }
    for (m, sums) in sums.into_iter().enumerate() {
        for (w, mut sum) in sums.into_iter().enumerate() {
            // SAFETY: both matrices have W vectors in row m; they are read and written without requiring alignment.
            unsafe {
                if let Some(addend) = addend {
                    sum = _mm512_add_ps(_mm512_loadu_ps(addend.offset(m, w * LANES).start.cast()), sum);
                }
                _mm512_storeu_ps(c.offset(m, w * LANES).start.cast(), sum);
            }
        }
    }
}

/// The same 512 bits.
#[target_feature(enable = "avx512f,avx512bf16")]
fn as_pairs(vector: __m512) -> __m512bh {
    // SAFETY: both are 512 bits, and any bits are valid.
    unsafe { std::mem::transmute::<__m512, __m512bh>(vector) }
}
