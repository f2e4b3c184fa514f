//! Products with values rounded to bf16: the instruction against its emulation, and both against f64.

use std::io::Write;

use pulp::{Simd, WithSimd};

use super::super::bf16::{Operands, PairProducts, add_products, has_bf16_instruction, pair};
use super::super::elman::Activation;
use super::super::matmul::PackedMatrix;
use super::super::sequence::Division;
use super::super::simd_level::SimdLevel;
use super::super::view::{MatrixPtr, MatrixView};
use super::reference_cells::{Case, Kind};
use super::{Layout, Matrix, assert_near, cells, softmax_loss, values};

/// 2⁻⁷⁵.
const TINY: f32 = f32::from_bits(52 << 23);

#[test]
fn values_are_rounded_to_the_nearest_with_ties_to_even() {
    let (step, half) = (f32::EPSILON * 65_536.0, f32::EPSILON * 32_768.0);
    let cases = [
        (1.0, 1.0),
        (1.0 + half, 1.0),
        (1.0 + half * 1.01, 1.0 + step),
        (1.0 + step + half, 1.0 + 2.0 * step),
        (-1.0 - half * 0.99, -1.0),
        (f32::MAX, f32::INFINITY),
        (f32::NEG_INFINITY, f32::NEG_INFINITY),
        (-0.0, -0.0),
    ];
    for (value, expected) in cases {
        let expected: f32 = expected;
        assert_eq!(pair(value, 0.0) << 16, expected.to_bits(), "{value} as the even value");
        assert_eq!(pair(0.0, value), expected.to_bits(), "{value} as the odd value");
    }
    // A NaN whose last bits alone say that it is one.
    assert!(f32::from_bits(pair(0.0, f32::from_bits(0x7f80_0001))).is_nan());
}

#[test]
fn products_are_added_as_intel_documents_it() {
    let sum = |sum, a: [f32; 2], b: [f32; 2]| add_products(sum, pair(a[0], a[1]), pair(b[0], b[1]));
    assert_eq!(sum(1.0, [2.0, 3.0], [5.0, 7.0]), 32.0);
    // The odd product comes first: 2²⁵ + 1 is rounded to 2²⁵.
    assert_eq!(sum(1.0, [-1.0, 33_554_432.0], [33_554_432.0, 1.0]), 0.0);
    assert_eq!(sum(1.0, [33_554_432.0, -1.0], [1.0, 33_554_432.0]), 0.0);
    assert_eq!(sum(33_554_432.0, [1.0, -1.0], [1.0, 33_554_432.0]), 1.0);
    // Each product is exact: 129² − 16,640 = 1, although 129² = 16,641 is no bf16.
    assert_eq!(sum(-16_640.0, [0.0, 129.0], [0.0, 129.0]), 1.0);
    // Subnormal numbers are zeros.
    let small = f32::MIN_POSITIVE;
    assert_eq!(sum(small / 2.0, [0.0, 0.0], [0.0, 0.0]), 0.0);
    assert_eq!(sum(0.0, [small / 2.0, 0.0], [1e38, 0.0]), 0.0);
    assert_eq!(sum(0.0, [small, 0.0], [0.5, 0.0]), 0.0);
    assert_eq!(sum(0.0, [small, 0.0], [1.0, 0.0]), small);
    // So are those that are rounded to 24 bits below the smallest normal number: 2⁻¹²⁶ − 2⁻¹⁵⁰, but not 2⁻¹²⁶ − 2⁻¹⁵¹.
    assert_eq!(sum(small, [0.0, -TINY], [0.0, TINY]), 0.0);
    assert_eq!(sum(small, [0.0, -TINY / 2.0], [0.0, TINY]), small);
}

/// Reports what is not tested because the instruction is missing.
fn report(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}: this CPU does not have AVX512-BF16");
}

/// Whether this is an Intel processor, as far as Linux says so. The manual does not say whether a number is subnormal before
/// or after it is rounded, so that others may differ there, and none was at hand.
fn is_intel() -> bool {
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|cpus| cpus.contains("GenuineIntel"))
}

/// What multiplies pairs on this machine.
fn both() -> Vec<PairProducts> {
    let mut all = vec![PairProducts::Emulated];
    if has_bf16_instruction() {
        all.push(PairProducts::best());
    } else {
        report("only emulated");
    }
    all
}

/// A B, plus `added` to each value unless that is 0.
struct Multiply<'a> {
    a: MatrixView<'a, f32>,
    b: MatrixView<'a, f32>,
    added: f32,
    by: PairProducts,
}

impl WithSimd for Multiply<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { a, b, added, by } = self;
        let packed = PackedMatrix::new(simd, Operands::Bf16, b);
        let width = packed.columns();
        let mut c = vec![added; a.rows * width];
        // SAFETY: C has as many rows as A, as wide as the product, and there is no other reference to it.
        unsafe {
            let c = MatrixPtr::new(c.as_mut_ptr(), width);
            packed.multiply_pairs(simd, a, c, (added != 0.0).then_some(c), 0..packed.panels(), by);
        }
        c.chunks(width).flat_map(|row| &row[..b.columns]).copied().collect()
    }
}

/// Bits of all kinds: values around 1, numbers of any size, and many near the smallest normal one.
fn patterns(seed: u64, count: usize, kind: usize) -> Vec<f32> {
    // Values have 24 bits each.
    let low = values(seed + 100, count).into_iter().map(|value| (value * 16_777_216.0) as i64 as u32);
    let high = values(seed, count).into_iter().map(|value| ((value * 16_777_216.0) as i64 as u32) << 8);
    let bits = high.zip(low).map(|(high, low)| high ^ low);
    bits.map(|bits| match kind {
        0 => f32::from_bits((bits & 0x807f_ffff) | 0x3f00_0000),
        1 => f32::from_bits((bits & 0xf07f_ffff) | 0x0f80_0000),
        2 => f32::from_bits((bits & 0x87ff_ffff) | 0x1c00_0000),
        _ => f32::from_bits(bits),
    })
    .collect()
}

/// The bits, equal for all NaN.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() }).collect()
}

#[test]
fn the_emulation_has_the_bits_of_the_instruction() {
    if !has_bf16_instruction() {
        return report("skipped");
    }
    if !is_intel() {
        let _ = writeln!(std::io::stderr(), "skipped: the emulation was compared with Intel's processors only");
        return;
    }
    for kind in 0..4 {
        // One pair and a second block of pairs, so that there is one rounding to compare and many.
        for [rows, k, columns] in [[40, 1, 64], [40, 2, 64], [9, 530, 50]] {
            let (a, b) = (patterns(kind as u64, rows * k, kind), patterns(7 + kind as u64, k * columns, kind));
            let (a, b) = (MatrixView::dense(&a, k), MatrixView::dense(&b, columns));
            let run = |by| bits(&SimdLevel::selected().run(Multiply { a, b, added: 0.0, by }));
            assert!(run(PairProducts::Emulated) == run(PairProducts::best()), "{rows} × {k} × {columns}, {kind}");
        }
    }
    // Sums of the smallest normal number and much smaller products.
    let a = [1.0, 0.5, 0.75, -1.0, -0.5, -0.75, -2.0].map(|factor| [f32::MIN_POSITIVE, 0.0, 0.0, factor * TINY]);
    let (a, b) = (a.concat(), [1.0, 0.0, 0.0, TINY]);
    let (a, b) = (MatrixView::dense(&a, 4), MatrixView::dense(&b, 1));
    let run = |by| bits(&SimdLevel::selected().run(Multiply { a, b, added: 0.0, by }));
    assert_eq!(run(PairProducts::Emulated), run(PairProducts::best()));
}

#[test]
fn products_equal_those_of_the_rounded_values() {
    let round = |value: f64| f64::from(f32::from_bits(pair(0.0, value as f32)));
    for [rows, k, columns] in [[1, 7, 20], [20, 64, 100], [13, 300, 49], [70, 513, 33]] {
        let (a, b) = (values(1, rows * k), values(2, k * columns));
        let expected = |row: usize, column: usize| -> f64 {
            (0..k).map(|at| round(a[row * k + at]) * round(b[at * columns + column])).sum::<f64>() + 0.25
        };
        for layouts in
            [(Layout::Dense, Layout::Dense), (Layout::Transposed, Layout::Slice), (Layout::Slice, Layout::Transposed)]
        {
            let (a, b) = (Matrix::<f32>::new(&a, k, layouts.0), Matrix::<f32>::new(&b, columns, layouts.1));
            for by in both() {
                for level in SimdLevel::available() {
                    let found = level.run(Multiply { a: a.view(), b: b.view(), added: 0.25, by });
                    for (at, &found) in found.iter().enumerate() {
                        let expected = expected(at / columns, at % columns);
                        let near = (f64::from(found) - expected).abs() < 1e-5 * (k as f64).sqrt();
                        assert!(near, "{rows} × {k} × {columns} by {level:?}: {found} at {at}, expected {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn layers_and_losses_are_near_those_in_f32() {
    /// Relative to the largest value; the rounding errors of both factors are up to 1/512 each.
    const TOLERANCE: f64 = 0.02;
    let level = SimdLevel::selected();
    let compare = |what: &str, found: &[Vec<f32>], expected: &[Vec<f32>]| {
        assert_ne!(found, expected, "{what} was not rounded");
        for (found, expected) in found.iter().zip(expected) {
            let expected: Vec<f64> = expected.iter().map(|&value| f64::from(value)).collect();
            assert_near(what, found, &expected, TOLERANCE);
        }
    };
    for kind in [Kind::Elman(Activation::Tanh), Kind::Gru, Kind::Lstm] {
        for by_ids in [false, true] {
            let case = Case::new(kind, [5, 4, 20, 33], true, by_ids);
            let run = |operands| {
                let (output, of) = cells::run_rounded::<f32>(level, operands, &case, by_ids, Division::Sequences);
                vec![output, of.input, of.kernel, of.recurrent, of.bias, of.hidden, of.cell_state]
            };
            compare(&format!("{kind:?}, ids {by_ids}"), &run(Operands::Bf16), &run(Operands::Unrounded));
        }
    }
    let case = softmax_loss::Case::new([19, 40, 300]);
    let run = |operands| {
        let (nats, _, of) = softmax_loss::run_rounded::<f32>(level, operands, &case, true, true);
        vec![nats, of.input, of.kernel, of.bias]
    };
    compare("loss", &run(Operands::Bf16), &run(Operands::Unrounded));
}
