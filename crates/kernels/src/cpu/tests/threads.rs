//! However many threads share the work, the numbers are the same to the last bit.

use rayon::ThreadPoolBuilder;

use super::super::elman::Activation;
use super::super::processor::Processor;
use super::naive::{Case, Kind};
use super::{cells, softmax_loss};

/// Runs `work` with 1, 2 and 3 threads.
///
/// # Panics
/// If the numbers differ.
fn assert_same(what: &str, work: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let bits = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let numbers = pool.install(&work);
        numbers.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let alone = bits(1);
    assert!(bits(2) == alone && bits(3) == alone, "{what} depends on the number of threads");
}

#[test]
fn cells_do_not_depend_on_threads() {
    for processor in Processor::all() {
        for kind in [Kind::Elman(Activation::Tanh), Kind::Gru, Kind::Lstm] {
            for by_ids in [false, true] {
                // Rows in numbers that neither two nor three threads share evenly.
                let case = Case::new(kind, [19, 4, 20, 130], true, by_ids);
                assert_same(&format!("{kind:?} by {processor:?}, ids {by_ids}"), || {
                    let (output, of) = cells::run::<f32>(processor, &case, false);
                    vec![output, of.input, of.kernel, of.recurrent, of.bias, of.hidden, of.memory]
                });
            }
        }
    }
}

#[test]
fn the_loss_does_not_depend_on_threads() {
    for processor in Processor::all() {
        for sizes in [[19, 70, 1300], [33, 2, 70_000]] {
            let case = softmax_loss::Case::new(sizes);
            assert_same(&format!("loss by {processor:?}"), || {
                let (nats, _, of) = softmax_loss::run::<f32>(processor, &case, false);
                vec![nats, of.input, of.kernel, of.bias]
            });
        }
    }
}
