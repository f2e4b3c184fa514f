//! The results do not depend on the number of threads, not by one bit.

use rayon::ThreadPoolBuilder;

use super::super::bf16::Operands;
use super::super::dropout::{drop_in_place, dropped};
use super::super::elementwise::{scale, weighted_sum};
use super::super::elman::Activation;
use super::super::sequence::Division;
use super::super::simd_level::SimdLevel;
use super::super::transpose::transposed;
use super::reference_cells::{Case, Kind};
use super::{cast, cells, elementwise, softmax_loss, values};

/// Runs `work` with 1, 2 and 3 threads.
///
/// # Panics
/// If the results differ.
fn assert_same(what: &str, work: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let bits = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let values = pool.install(&work);
        values.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let expected = bits(1);
    assert!(bits(2) == expected && bits(3) == expected, "{what} depends on the number of threads");
}

/// Every level without rounding, and the best one also with factors rounded to bf16.
fn levels_and_operands() -> Vec<(SimdLevel, Operands)> {
    let all = SimdLevel::available().into_iter().map(|level| (level, Operands::Unrounded));
    all.chain([(SimdLevel::selected(), Operands::Bf16)]).collect()
}

#[test]
fn cells_do_not_depend_on_threads() {
    for (level, operands) in levels_and_operands() {
        for kind in [Kind::Elman(Activation::Tanh), Kind::Gru, Kind::Lstm] {
            for by_ids in [false, true] {
                // 19 rows: not divisible by two or three threads.
                let case = Case::new(kind, [19, 4, 20, 130], true, by_ids);
                let case = if by_ids { case.with_resets() } else { case };
                let values = |division| {
                    let (output, of) = cells::run_rounded::<f32>(level, operands, &case, false, division);
                    vec![output, of.input, of.kernel, of.recurrent, of.bias, of.hidden, of.cell_state]
                };
                for division in [Division::Sequences, Division::Units] {
                    let what = format!("{kind:?} by {level:?}, {operands:?}, ids {by_ids}, {division:?}");
                    assert_same(&what, || values(division));
                }
                let pool = ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
                let [sequences, units] =
                    [Division::Sequences, Division::Units].map(|division| pool.install(|| values(division)));
                assert_eq!(sequences, units, "{kind:?} by {level:?}, {operands:?}");
            }
        }
    }
}

#[test]
fn the_loss_does_not_depend_on_threads() {
    for (level, operands) in levels_and_operands() {
        for sizes in [[19, 70, 1300], [33, 2, 70_000]] {
            let case = softmax_loss::Case::new(sizes);
            for keeps in [false, true] {
                assert_same(&format!("loss by {level:?}, {operands:?}, kept {keeps}"), || {
                    let (nats, _, of) = softmax_loss::run_rounded::<f32>(level, operands, &case, false, keeps);
                    vec![nats, of.input, of.kernel, of.bias]
                });
            }
        }
    }
}

#[test]
fn passes_over_tensors_do_not_depend_on_threads() {
    for level in SimdLevel::available() {
        for count in elementwise::LENGTHS {
            let [x, y] = [1, 2].map(|seed| cast::<f32>(&values(seed, count)));
            assert_same(&format!("{count} values by {level:?}"), || {
                let mask = elementwise::mask(count);
                let [mut scaled, mut sum, mut in_place] = [(); 3].map(|()| x.clone());
                scale(level, 0.3, &mut scaled);
                weighted_sum(level, [0.7, 0.3], &mut sum, &y);
                drop_in_place(level, &mut in_place, &mask);
                vec![
                    mask.factors(),
                    dropped(level, &x, &mask),
                    in_place,
                    scaled,
                    sum,
                    transposed(&x[..count - count % 3], 3),
                ]
            });
        }
    }
}
