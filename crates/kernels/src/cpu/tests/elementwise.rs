//! Dropout masks, products, sums and transposed copies against plain loops, value by value and bit by bit.

use super::super::dropout::{DropoutMask, drop_in_place, dropped};
use super::super::elementwise::{scale, sum_of_squares, weighted_sum};
use super::super::simd_level::SimdLevel;
use super::super::transpose::transposed;
use super::{cast, values};

/// Around the width of a vector, and more than a thread processes at a time.
pub(super) const LENGTHS: [usize; 6] = [1, 15, 16, 17, 33, 2 * 32_768 + 5];

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// A random number for each position.
fn number(at: usize) -> u32 {
    (at as u32).wrapping_mul(0x9e37_79b9)
}

/// A mask that drops about a quarter of `count` values.
pub(super) fn mask(count: usize) -> DropoutMask {
    DropoutMask::draw(count, 1 << 30, 1.25, |from, to| {
        for (at, to) in to.iter_mut().enumerate() {
            *to = number(from + at);
        }
    })
}

#[test]
fn dropout_is_a_product_with_zero_or_the_scale() {
    for count in LENGTHS {
        let mask = mask(count);
        let factors: Vec<f32> = (0..count).map(|at| if number(at) < 1 << 30 { 0.0 } else { 1.25 }).collect();
        assert_eq!(mask.factors(), factors);
        let mut input = cast::<f32>(&values(1, count));
        // 0 times infinity is NaN.
        input[0] = f32::INFINITY;
        let expected: Vec<f32> = input.iter().zip(&factors).map(|(value, factor)| value * factor).collect();
        for level in SimdLevel::available() {
            assert_eq!(bits(&dropped(level, &input, &mask)), bits(&expected), "{count} by {level:?}");
            let mut in_place = input.clone();
            drop_in_place(level, &mut in_place, &mask);
            assert_eq!(bits(&in_place), bits(&expected), "{count} by {level:?}");
        }
    }
}

#[test]
#[should_panic = "one entry per value"]
fn a_mask_of_another_length_is_rejected() {
    dropped(SimdLevel::selected(), &[0f32; 5], &mask(4));
}

#[test]
fn products_and_sums_are_rounded_one_by_one() {
    for count in LENGTHS {
        let [x, y] = [1, 2].map(|seed| cast::<f32>(&values(seed, count)));
        for level in SimdLevel::available() {
            let mut scaled = x.clone();
            scale(level, 0.3, &mut scaled);
            let expected: Vec<f32> = x.iter().map(|x| x * 0.3).collect();
            assert_eq!(bits(&scaled), bits(&expected), "{count} by {level:?}");
            let mut sum = x.clone();
            weighted_sum(level, [0.7, 0.3], &mut sum, &y);
            let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x * 0.7 + y * 0.3).collect();
            assert_eq!(bits(&sum), bits(&expected), "{count} by {level:?}");
        }
    }
}

#[test]
fn squares_are_added_to_eight_sums_in_turn() {
    for count in LENGTHS {
        let x = cast::<f32>(&values(1, count));
        let rest = x.len() % 8;
        let mut sums = [0f32; 8];
        for (at, x) in x[..count - rest].iter().enumerate() {
            sums[at % 8] += x * x;
        }
        let pairs = (0..4).map(|at| sums[at] + sums[at + 4]);
        let expected = pairs.chain(x[count - rest..].iter().map(|x| x * x)).fold(0f32, |sum, value| sum + value);
        for level in SimdLevel::available() {
            assert_eq!(sum_of_squares(level, &x).to_bits(), expected.to_bits(), "{count} by {level:?}");
        }
    }
}

#[test]
fn a_transposed_copy_has_rows_for_columns() {
    for [rows, columns] in [[1, 1], [1, 40], [40, 1], [16, 32], [17, 33], [70, 129]] {
        let matrix = cast::<f32>(&values(1, rows * columns));
        let expected: Vec<f32> =
            (0..columns).flat_map(|column| matrix.iter().skip(column).step_by(columns).copied()).collect();
        assert_eq!(transposed(&matrix, columns), expected, "{rows} {columns}");
    }
    assert!(transposed::<f32>(&[], 3).is_empty());
}
