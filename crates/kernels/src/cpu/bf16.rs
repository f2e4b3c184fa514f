//! Values rounded to bf16, for products of matrices with sums in f32.
//!
//! A bf16 is the upper half of an f32: its exponent, and 8 bits of precision. The instruction `vdpbf16ps` multiplies pairs
//! of them, so both matrices are stored as pairs of values with adjacent k: the one with the even k in the lower half of
//! 32 bits. Where the processor does not have the instruction, its results are computed bit for bit, slowly.

use std::ops::Range;

use super::simd_float::SimdFloat;
#[cfg(target_arch = "x86_64")]
use super::simd_level::SimdLevel;
use super::view::{MatrixPtr, MatrixView};

/// How the values of both factors of a matrix product are rounded before they are multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operands {
    /// Not at all.
    #[default]
    Unrounded,
    /// To bf16, the nearest with ties to even; sums are in f32. Values in f64, which only tests use, are not rounded.
    Bf16,
}

impl Operands {
    /// How values of type `T` are rounded.
    pub(super) fn of<T: SimdFloat>(self) -> Self {
        if size_of::<T>() == size_of::<f32>() { self } else { Self::Unrounded }
    }

    /// The rows of 32 bits or more that store `rows` rows of a packed matrix: one for each pair, if there are pairs.
    pub(super) fn stored_rows(self, rows: usize) -> usize {
        match self {
            Self::Unrounded => rows,
            Self::Bf16 => rows.div_ceil(2),
        }
    }
}

/// Whether this CPU multiplies pairs of bf16 in one instruction (AVX512-BF16), and kernels are not limited to narrower vectors.
pub fn has_bf16_instruction() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        matches!(SimdLevel::selected(), SimdLevel::Avx512(_)) && is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// What multiplies pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PairProducts {
    /// The CPU's instruction.
    #[cfg(target_arch = "x86_64")]
    Instruction,
    /// Plain Rust, with the same results.
    Emulated,
}

impl PairProducts {
    /// The instruction, if this CPU has it.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if has_bf16_instruction() {
            return Self::Instruction;
        }
        Self::Emulated
    }
}

/// Columns of a panel: three vectors of 512 bits, at every SIMD level.
pub(super) const PANEL: usize = 48;
/// Pairs in one block of k, whose sums are added to those before. Such a block of a panel takes 24 KiB or less.
pub(super) const BLOCK: usize = 128;

/// The value rounded to bf16, as the bits of an f32.
#[inline(always)]
fn rounded<T: SimdFloat>(value: T) -> u32 {
    let value = value.to_f64() as f32;
    let bits = value.to_bits();
    // Rounding could change NaN to infinity.
    let bits = if value.is_nan() { bits | 0x0040_0000 } else { bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) };
    bits & 0xffff_0000
}

/// Two values rounded to bf16.
#[inline(always)]
pub(super) fn pair<T: SimdFloat>(even: T, odd: T) -> u32 {
    (rounded(even) >> 16) | rounded(odd)
}

/// Fills the panel with a row for each two rows of `b`, padded with zeros.
#[inline(always)]
pub(super) fn pack_pairs<T: SimdFloat>(b: MatrixView<T>, panel: &mut [u32]) {
    let pairs = b.rows.div_ceil(2);
    let width = panel.len() / pairs.max(1);
    assert!(panel.len() == width * pairs && b.columns <= width, "a panel must have a row for each two rows of B");
    if b.columns < width {
        panel.fill(0);
    }
    if b.column_stride == 1 {
        for (at, to) in panel.chunks_exact_mut(width).enumerate() {
            // SAFETY: `b` has the first row, and the second one if it is not beyond the last; and rows are contiguous.
            unsafe { pack_two(b.row(2 * at), (2 * at + 1 < b.rows).then(|| b.row(2 * at + 1)), &mut to[..b.columns]) };
        }
        return;
    }
    // Columns are contiguous: small blocks, so that both reading and writing stay in the cache.
    for (at, block) in panel.chunks_mut(T::PAD * width).enumerate() {
        for column in 0..b.columns {
            for (k, row) in block.chunks_exact_mut(width).enumerate() {
                // SAFETY: `b` has the first of the two rows, and this column.
                row[column] = unsafe { pair_at(b.transposed(), column, at * T::PAD + k) };
            }
        }
    }
}

/// Pairs of the values that begin at `even` and `odd`, or of the former and 0.
///
/// # Safety
/// There are as many values as `to` has.
#[inline(always)]
unsafe fn pack_two<T: SimdFloat>(even: *const T, odd: Option<*const T>, to: &mut [u32]) {
    // SAFETY: the caller guarantees it.
    unsafe {
        let even = std::slice::from_raw_parts(even, to.len());
        match odd {
            Some(odd) => {
                let odd = std::slice::from_raw_parts(odd, to.len());
                for ((to, &even), &odd) in to.iter_mut().zip(even).zip(odd) {
                    *to = pair(even, odd);
                }
            }
            None => {
                for (to, &even) in to.iter_mut().zip(even) {
                    *to = pair(even, T::default());
                }
            }
        }
    }
}

/// Pair `at` of a row of `a`; beyond the last column is a zero.
///
/// # Safety
/// `a` has the row and the first column of the pair.
#[inline(always)]
unsafe fn pair_at<T: SimdFloat>(a: MatrixView<T>, row: usize, at: usize) -> u32 {
    // SAFETY: the caller guarantees it; the second column is read only if it exists.
    unsafe {
        let odd = if 2 * at + 1 < a.columns { a.at(row, 2 * at + 1) } else { T::default() };
        pair(a.at(row, 2 * at), odd)
    }
}

/// Rows of A as pairs.
#[derive(Clone, Copy)]
pub(super) struct PairRows<'a> {
    pub values: &'a [u32],
    pub count: usize,
    /// From one row to the next, and from one pair to the next.
    pub strides: [usize; 2],
}

/// Converts the pairs `depth` of all rows of `a`.
#[inline(always)]
pub(super) fn convert<'a, T: SimdFloat>(a: MatrixView<T>, depth: Range<usize>, to: &'a mut [u32]) -> PairRows<'a> {
    let (rows, pairs) = (a.rows, depth.len());
    let to = &mut to[..rows * pairs];
    // SAFETY: A has these rows, and the first column of each pair.
    unsafe {
        if a.row_stride == 1 && a.column_stride != 1 {
            // Column-major: one row of pairs for each two columns.
            let columns = a.transposed();
            for (at, to) in depth.zip(to.chunks_exact_mut(rows)) {
                pack_two(columns.row(2 * at), (2 * at + 1 < columns.rows).then(|| columns.row(2 * at + 1)), to);
            }
            return PairRows { values: to, count: rows, strides: [1, rows] };
        }
        for (row, to) in to.chunks_exact_mut(pairs).enumerate() {
            for (to, at) in to.iter_mut().zip(depth.clone()) {
                *to = pair_at(a, row, at);
            }
        }
    }
    PairRows { values: to, count: rows, strides: [pairs, 1] }
}

/// One block of k of a panel, as the instruction computes it.
///
/// # Safety
/// `c` has as many rows as A and columns as the panel, which may be written; `addend` has the same, initialized.
pub(super) unsafe fn multiply_panel<T: SimdFloat>(
    a: PairRows,
    b: &[u32],
    width: usize,
    c: MatrixPtr<T>,
    addend: Option<MatrixPtr<T>>,
) {
    let [row_stride, pair_stride] = a.strides;
    for row in 0..a.count {
        for column in 0..width {
            let mut sum = 0.0;
            for (at, b) in b.iter().skip(column).step_by(width).enumerate() {
                sum = add_products(sum, a.values[row * row_stride + at * pair_stride], *b);
            }
            // SAFETY: the caller guarantees it.
            unsafe {
                let before = addend.map(|addend| *addend.offset(row, column).start.cast::<f32>());
                *c.offset(row, column).start.cast::<f32>() = before.map_or(sum, |before| before + sum);
            }
        }
    }
}

/// What one lane of `vdpbf16ps` computes: two fused multiplications and additions, first that of the odd values. Subnormal
/// numbers are zeros, also as results (Intel's Software Developer's Manual, volume 2).
pub(super) fn add_products(sum: f32, a: u32, b: u32) -> f32 {
    let odd = |pair: u32| f32::from_bits(pair & 0xffff_0000);
    let even = |pair: u32| f32::from_bits(pair << 16);
    let sum = multiply_add(odd(a), odd(b), without_subnormal(sum));
    multiply_add(even(a), even(b), sum)
}

/// a b + c, with zeros for subnormal factors and results.
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    /// Values nearer to zero are below the normal numbers also after rounding to 24 bits: 2⁻¹²⁶ − 2⁻¹⁵¹.
    const SMALLEST: f64 = f32::MIN_POSITIVE as f64 * (1.0 - f32::EPSILON as f64 / 4.0);
    let (a, b) = (without_subnormal(a), without_subnormal(b));
    let result = a.mul_add(b, c);
    // Where it matters, this is exact: it has less than 53 bits.
    let exact = f64::from(a) * f64::from(b) + f64::from(c);
    if exact.abs() < SMALLEST { 0.0_f32.copysign(result) } else { result }
}

fn without_subnormal(value: f32) -> f32 {
    if value.is_subnormal() { 0.0_f32.copysign(value) } else { value }
}
