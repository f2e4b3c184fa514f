//! The cells against their reference implementations: outputs and all gradients.

use super::super::elman::{Activation, Elman};
use super::super::gru::Gru;
use super::super::lstm::Lstm;
use super::super::sequence::{Cell, Gradients, Input, Layer, SequenceShape, backward, forward};
use super::super::simd_float::SimdFloat;
use super::super::simd_level::SimdLevel;
use super::super::view::MatrixView;
use super::reference_cells::{Case, Kind, Outcome, Sizes};
use super::{Layout, Matrix, assert_near, cast, tolerance};

/// N, T, D, H: each takes the values 1, 3, 17, 33 and 129; and units that fill whole cache lines.
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

/// All hidden states or the last, ids or vectors, and whether W and U are column-major and h and c slices of a wider
/// matrix.
const VARIANTS: [(bool, bool, bool); 4] =
    [(true, false, false), (false, false, true), (true, true, true), (false, true, false)];

/// Runs a kernel on the case; returns the output and the gradients.
pub fn run<T: SimdFloat>(level: SimdLevel, case: &Case, strided: bool) -> (Vec<T>, Gradients<T>) {
    match case.kind {
        Kind::Elman(activation) => run_cell(level, Elman(activation), case, strided),
        Kind::Gru => run_cell(level, Gru, case, strided),
        Kind::Lstm => run_cell(level, Lstm, case, strided),
    }
}

fn run_cell<T: SimdFloat, C: Cell<T>>(level: SimdLevel, cell: C, case: &Case, strided: bool) -> (Vec<T>, Gradients<T>) {
    let [batch, time, inputs, units] = case.sizes;
    let gates = case.kind.gates() * units;
    let (weights, states) = if strided { (Layout::Transposed, Layout::Slice) } else { (Layout::Dense, Layout::Dense) };
    let kernel = Matrix::new(&case.kernel, gates, weights);
    let recurrent = Matrix::new(&case.recurrent, gates, weights);
    let hidden = Matrix::new(&case.hidden, units, states);
    let cell_state = C::HAS_CELL_STATE.then(|| Matrix::new(&case.cell_state, units, states));
    let (rows, ids) = match &case.table {
        Some((table, ids)) => (Matrix::new(table, inputs, states), Some(ids)),
        None => (Matrix::new(&case.input, inputs, states), None),
    };
    let input = match ids {
        Some(ids) => Input::Ids(rows.view(), ids),
        None => Input::Vectors(rows.view()),
    };
    let bias = cast(&case.bias);
    let layer = Layer {
        kernel: kernel.view(),
        recurrent: recurrent.view(),
        bias: &bias,
        hidden: hidden.view(),
        cell_state: cell_state.as_ref().map(Matrix::view),
    };
    let shape = SequenceShape { batch, time, inputs, units };
    let (output, cache) = forward(level, cell, shape, input, layer, case.all_steps);
    let gradient: Vec<T> = cast(&case.gradient);
    (output, backward(level, cell, cache, input, layer, &gradient))
}

fn check<T: SimdFloat>(level: SimdLevel, case: &Case, strided: bool, expected: &Outcome) {
    let (output, found) = run::<T>(level, case, strided);
    let parts = [
        ("output", &output, &expected.output),
        ("input", &found.input, &expected.input),
        ("kernel", &found.kernel, &expected.kernel),
        ("recurrent", &found.recurrent, &expected.recurrent),
        ("bias", &found.bias, &expected.bias),
        ("hidden", &found.hidden, &expected.hidden),
        ("cell_state", &found.cell_state, &expected.cell_state),
    ];
    for (name, found, expected) in parts {
        let Case { kind, sizes, all_steps, table, .. } = case;
        let context = format!(
            "{name} of {kind:?} {sizes:?} by {level:?}, all_steps {all_steps}, ids {}, strided {strided}",
            table.is_some()
        );
        assert_near(&context, found, expected, tolerance::<T>());
    }
}

fn check_all(kind: Kind) {
    for sizes in SIZES {
        for (all_steps, by_ids, strided) in VARIANTS {
            let case = Case::new(kind, sizes, all_steps, by_ids);
            let expected = case.run();
            for level in SimdLevel::available() {
                check::<f32>(level, &case, strided, &expected);
                check::<f64>(level, &case, strided, &expected);
            }
        }
    }
}

#[test]
fn elman_equals_the_reference_implementation() {
    Kind::ALL.into_iter().filter(|kind| matches!(kind, Kind::Elman(_))).for_each(check_all);
}

#[test]
fn gru_equals_the_reference_implementation() {
    check_all(Kind::Gru);
}

#[test]
fn lstm_equals_the_reference_implementation() {
    check_all(Kind::Lstm);
}

#[test]
fn table_rows_without_ids_have_a_zero_gradient() {
    let case = Case::new(Kind::Lstm, [3, 5, 4, 2], true, true);
    let (_, gradients) = run::<f32>(SimdLevel::best(), &case, false);
    for (row, gradient) in gradients.input.chunks(4).enumerate() {
        assert_eq!(gradient.iter().any(|&value| value != 0.0), row % 2 == 1, "row {row}");
    }
}

/// Runs a layer with N = 2, T = 3, D = 4, H = 5, and the given width of W and ids.
fn run_with(columns: usize, ids: &[u32]) {
    let zeros = [0f32; 200];
    let view = |rows, columns| MatrixView::new(&zeros, [rows, columns], [columns, 1]);
    let layer = Layer {
        kernel: view(4, columns),
        recurrent: view(5, 5),
        bias: &zeros[..5],
        hidden: view(2, 5),
        cell_state: None,
    };
    let shape = SequenceShape { batch: 2, time: 3, inputs: 4, units: 5 };
    let cell = Elman(Activation::Tanh);
    forward(SimdLevel::best(), cell, shape, Input::Ids(view(9, 4), ids), layer, true);
}

#[test]
#[should_panic = "an id is not in the table"]
fn an_id_outside_the_table_is_rejected() {
    run_with(5, &[0, 1, 2, 9, 4, 5]);
}

#[test]
#[should_panic = "table and ids"]
fn a_wrong_number_of_ids_is_rejected() {
    run_with(5, &[0; 5]);
}

#[test]
#[should_panic = "W"]
fn weights_of_a_wrong_width_are_rejected() {
    run_with(6, &[0; 6]);
}
