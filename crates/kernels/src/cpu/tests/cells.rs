//! The cells against their naive twins: what comes out, and every gradient.

use super::super::elman::{Activation, Elman};
use super::super::gru::Gru;
use super::super::lstm::Lstm;
use super::super::number::Number;
use super::super::processor::Processor;
use super::super::sequence::{Cell, Gradients, Input, Layer, backward, forward};
use super::super::shape::Shape;
use super::super::view::View;
use super::naive::{Case, Kind, Outcome, Sizes};
use super::{Lie, Matrix, assert_near, of, tolerance};

/// N, T, D, H: each of 1, 3, 17, 33 and 129 in each place, and units that fill whole cache lines.
const SIZES: [Sizes; 8] = [
    [1, 1, 1, 1],
    [1, 3, 17, 33],
    [3, 17, 33, 129],
    [17, 33, 129, 1],
    [33, 129, 1, 3],
    [129, 1, 3, 17],
    [4, 3, 17, 48],
    [5, 2, 100, 16],
];

/// All hidden states or the last, ids or vectors, and whether W and U lie column after column and h and c
/// in a wider matrix.
const WAYS: [(bool, bool, bool); 4] =
    [(true, false, false), (false, false, true), (true, true, true), (false, true, false)];

/// The case by a kernel: what comes out, and the gradients.
pub fn run<T: Number>(processor: Processor, case: &Case, strided: bool) -> (Vec<T>, Gradients<T>) {
    match case.kind {
        Kind::Elman(activation) => run_cell(processor, Elman(activation), case, strided),
        Kind::Gru => run_cell(processor, Gru, case, strided),
        Kind::Lstm => run_cell(processor, Lstm, case, strided),
    }
}

fn run_cell<T: Number, C: Cell<T>>(
    processor: Processor,
    cell: C,
    case: &Case,
    strided: bool,
) -> (Vec<T>, Gradients<T>) {
    let [batch, time, inputs, units] = case.sizes;
    let gates = case.kind.gates() * units;
    let (weights, states) =
        if strided { (Lie::Transposed, Lie::Slice) } else { (Lie::Dense, Lie::Dense) };
    let kernel = Matrix::new(&case.kernel, gates, weights);
    let recurrent = Matrix::new(&case.recurrent, gates, weights);
    let hidden = Matrix::new(&case.hidden, units, states);
    let memory = C::MEMORY.then(|| Matrix::new(&case.memory, units, states));
    let (rows, ids) = match &case.table {
        Some((table, ids)) => (Matrix::new(table, inputs, states), Some(ids)),
        None => (Matrix::new(&case.input, inputs, states), None),
    };
    let input = match ids {
        Some(ids) => Input::Ids(rows.view(), ids),
        None => Input::Vectors(rows.view()),
    };
    let bias = of(&case.bias);
    let layer = Layer {
        kernel: kernel.view(),
        recurrent: recurrent.view(),
        bias: &bias,
        hidden: hidden.view(),
        memory: memory.as_ref().map(Matrix::view),
    };
    let shape = Shape { batch, time, inputs, units };
    let (output, tape) = forward(processor, cell, shape, input, layer, case.every);
    let gradient: Vec<T> = of(&case.gradient);
    (output, backward(processor, cell, tape, input, layer, &gradient))
}

fn check<T: Number>(processor: Processor, case: &Case, strided: bool, expected: &Outcome) {
    let (output, found) = run::<T>(processor, case, strided);
    let parts = [
        ("output", &output, &expected.output),
        ("input", &found.input, &expected.input),
        ("kernel", &found.kernel, &expected.kernel),
        ("recurrent", &found.recurrent, &expected.recurrent),
        ("bias", &found.bias, &expected.bias),
        ("hidden", &found.hidden, &expected.hidden),
        ("memory", &found.memory, &expected.memory),
    ];
    for (name, found, expected) in parts {
        let Case { kind, sizes, every, table, .. } = case;
        let what = format!(
            "{name} of {kind:?} {sizes:?} by {processor:?}, every {every}, ids {}, strided {strided}",
            table.is_some()
        );
        assert_near(&what, found, expected, tolerance::<T>());
    }
}

fn check_all(kind: Kind) {
    for sizes in SIZES {
        for (every, by_ids, strided) in WAYS {
            let case = Case::new(kind, sizes, every, by_ids);
            let expected = case.run();
            for processor in Processor::all() {
                check::<f32>(processor, &case, strided, &expected);
                check::<f64>(processor, &case, strided, &expected);
            }
        }
    }
}

#[test]
fn elman_is_its_naive_twin() {
    Kind::ALL.into_iter().filter(|kind| matches!(kind, Kind::Elman(_))).for_each(check_all);
}

#[test]
fn gru_is_its_naive_twin() {
    check_all(Kind::Gru);
}

#[test]
fn lstm_is_its_naive_twin() {
    check_all(Kind::Lstm);
}

#[test]
fn rows_that_no_id_names_have_no_gradient() {
    let case = Case::new(Kind::Lstm, [3, 5, 4, 2], true, true);
    let (_, gradients) = run::<f32>(Processor::best(), &case, false);
    for (row, gradient) in gradients.input.chunks(4).enumerate() {
        assert_eq!(gradient.iter().any(|&number| number != 0.0), row % 2 == 1, "row {row}");
    }
}

/// Runs a layer of 2 × 3 steps from 4 numbers to 5 units, with W and the ids that are given.
fn refused(columns: usize, ids: &[u32]) {
    let zeros = [0f32; 200];
    let view = |rows, columns| View::new(&zeros, [rows, columns], [columns, 1]);
    let layer = Layer {
        kernel: view(4, columns),
        recurrent: view(5, 5),
        bias: &zeros[..5],
        hidden: view(2, 5),
        memory: None,
    };
    let shape = Shape { batch: 2, time: 3, inputs: 4, units: 5 };
    let cell = Elman(Activation::Tanh);
    forward(Processor::best(), cell, shape, Input::Ids(view(9, 4), ids), layer, true);
}

#[test]
#[should_panic = "an id names no row"]
fn an_id_beyond_the_table_is_refused() {
    refused(5, &[0, 1, 2, 9, 4, 5]);
}

#[test]
#[should_panic = "table and ids"]
fn ids_for_other_steps_are_refused() {
    refused(5, &[0; 5]);
}

#[test]
#[should_panic = "W"]
fn weights_of_other_units_are_refused() {
    refused(6, &[0; 6]);
}
