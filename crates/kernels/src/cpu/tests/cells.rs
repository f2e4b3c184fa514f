//! The cells against their reference implementations: outputs and all gradients.

use super::super::bf16::Operands;
use super::super::elman::{Activation, Elman};
use super::super::gru::Gru;
use super::super::lstm::Lstm;
use super::super::sequence::{
    Cell, Division, Gradients, Input, Layer, SequenceShape, backward, forward, forward_divided,
};
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

/// All hidden states or the last, ids or vectors, whether W and U are column-major and h and c slices of a wider matrix,
/// and whether the state is reset before some steps.
const VARIANTS: [(bool, bool, bool, bool); 6] = [
    (true, false, false, false),
    (false, false, true, false),
    (true, true, true, false),
    (false, true, false, false),
    (true, true, false, true),
    (false, false, true, true),
];

/// Runs a kernel on the case; returns the output and the gradients.
pub fn run<T: SimdFloat>(level: SimdLevel, case: &Case, strided: bool, division: Division) -> (Vec<T>, Gradients<T>) {
    run_rounded(level, Operands::Unrounded, case, strided, division)
}

/// The same with the factors of products rounded like this.
pub fn run_rounded<T: SimdFloat>(
    level: SimdLevel,
    operands: Operands,
    case: &Case,
    strided: bool,
    division: Division,
) -> (Vec<T>, Gradients<T>) {
    match case.kind {
        Kind::Elman(activation) => run_cell(level, operands, Elman(activation), case, strided, division),
        Kind::Gru => run_cell(level, operands, Gru, case, strided, division),
        Kind::Lstm => run_cell(level, operands, Lstm, case, strided, division),
    }
}

fn run_cell<T: SimdFloat, C: Cell<T>>(
    level: SimdLevel,
    operands: Operands,
    cell: C,
    case: &Case,
    strided: bool,
    division: Division,
) -> (Vec<T>, Gradients<T>) {
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
    let keep_state: Option<Vec<T>> = case.keep_state.as_deref().map(cast);
    let layer = Layer {
        kernel: kernel.view(),
        recurrent: recurrent.view(),
        bias: &bias,
        hidden: hidden.view(),
        cell_state: cell_state.as_ref().map(Matrix::view),
        keep_state: keep_state.as_deref(),
        operands,
    };
    let shape = SequenceShape { batch, time, inputs, units };
    let (output, cache) = forward_divided(level, division, cell, shape, input, layer, case.all_steps);
    let gradient: Vec<T> = cast(&case.gradient);
    (output, backward(level, cell, cache, input, layer, &gradient))
}

fn check<T: SimdFloat>(level: SimdLevel, case: &Case, strided: bool, expected: &Outcome) {
    for division in [Division::Sequences, Division::Units] {
        check_divided::<T>(level, case, strided, division, expected);
    }
}

fn check_divided<T: SimdFloat>(level: SimdLevel, case: &Case, strided: bool, division: Division, expected: &Outcome) {
    let (output, found) = run::<T>(level, case, strided, division);
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
        let Case { kind, sizes, all_steps, table, keep_state, .. } = case;
        let (ids, resets) = (table.is_some(), keep_state.is_some());
        let context = format!(
            "{name} of {kind:?} {sizes:?} by {level:?}, {division:?}, all_steps {all_steps}, ids {ids}, strided {strided}, resets \
             {resets}",
        );
        assert_near(&context, found, expected, tolerance::<T>());
    }
}

fn check_all(kind: Kind) {
    // More than one thread, also on a machine with one processor.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
    pool.install(|| check_sizes(kind));
}

fn check_sizes(kind: Kind) {
    for sizes in SIZES {
        for (all_steps, by_ids, strided, resets) in VARIANTS {
            let case = Case::new(kind, sizes, all_steps, by_ids);
            let case = if resets { case.with_resets() } else { case };
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
fn a_reset_before_the_first_step_ignores_the_state() {
    for kind in Kind::ALL {
        let sizes @ [batch, time, _, units] = [2, 3, 4, 5];
        let mut case = Case::new(kind, sizes, true, false);
        let zeros =
            Case { hidden: vec![0.0; batch * units], cell_state: vec![0.0; case.cell_state.len()], ..case.clone() };
        case.keep_state = Some((0..batch * time).map(|at| f64::from(at % time != 0)).collect());
        let (found, gradients) = run::<f32>(SimdLevel::selected(), &case, false, Division::Units);
        let (expected, of_zeros) = run::<f32>(SimdLevel::selected(), &zeros, false, Division::Units);
        assert_eq!(found, expected, "{kind:?}");
        assert_eq!((gradients.input, gradients.recurrent), (of_zeros.input, of_zeros.recurrent), "{kind:?}");
        assert!(gradients.hidden.iter().chain(&gradients.cell_state).all(|&gradient| gradient == 0.0), "{kind:?}");
    }
}

#[test]
fn without_a_reset_keeping_the_state_changes_nothing() {
    let case = Case::new(Kind::Lstm, [3, 4, 5, 17], true, true);
    let kept = Case { keep_state: Some(vec![1.0; 12]), ..case.clone() };
    let [plain, kept] = [case, kept].map(|case| run::<f32>(SimdLevel::selected(), &case, false, Division::Units));
    assert_eq!(plain.0, kept.0);
    assert_eq!((plain.1.input, plain.1.recurrent), (kept.1.input, kept.1.recurrent));
}

#[test]
fn table_rows_without_ids_have_a_zero_gradient() {
    let case = Case::new(Kind::Lstm, [3, 5, 4, 2], true, true);
    let (_, gradients) = run::<f32>(SimdLevel::selected(), &case, false, Division::Units);
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
        keep_state: None,
        operands: Operands::Unrounded,
    };
    let shape = SequenceShape { batch: 2, time: 3, inputs: 4, units: 5 };
    let cell = Elman(Activation::Tanh);
    forward(SimdLevel::selected(), cell, shape, Input::Ids(view(9, 4), ids), layer, true);
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

/// The largest gradient of a backward pass whose output gradients are `scale` times [`SimdFloat::NEGLIGIBLE`] at most. None
/// but 0 is nearly subnormal.
fn largest_small_gradient<T: SimdFloat>(level: SimdLevel, kind: Kind, division: Division, scale: f64) -> f64 {
    let mut case = Case::new(kind, [3, 17, 33, 48], true, false);
    case.gradient.iter_mut().for_each(|gradient| *gradient *= scale * T::NEGLIGIBLE.to_f64());
    let (_, found) = run::<T>(level, &case, false, division);
    let parts = [&found.input, &found.kernel, &found.recurrent, &found.bias, &found.hidden, &found.cell_state];
    let all = parts.into_iter().flatten().map(|gradient| gradient.to_f64().abs());
    let smallest = all.clone().filter(|&gradient| gradient > 0.0).fold(f64::INFINITY, f64::min);
    assert!(smallest > 1e-7 * T::NEGLIGIBLE.to_f64(), "{smallest:e} in {kind:?} by {level:?}, {division:?}");
    all.fold(0.0, f64::max)
}

#[test]
fn negligible_gradients_are_zero() {
    fn check<T: SimdFloat>(level: SimdLevel, kind: Kind) {
        for division in [Division::Sequences, Division::Units] {
            assert_eq!(largest_small_gradient::<T>(level, kind, division, 0.5), 0.0, "{kind:?} by {level:?}");
            assert!(largest_small_gradient::<T>(level, kind, division, 100.0) > T::NEGLIGIBLE.to_f64());
        }
    }
    for level in SimdLevel::available() {
        for kind in Kind::ALL {
            check::<f32>(level, kind);
            check::<f64>(level, kind);
        }
    }
}
