//! Every cell against a reference implementation: the textbook's equations on scalars, in f64.

use models::{Activation, Cell, CellKind, LayerConfig};

use super::{BATCH, INPUTS, SETTINGS, TIME, kinds, run, values};

const UNITS: usize = 4;

/// The weights of one cell: W, U, b, b′ with `gates` blocks of columns.
struct Weights {
    w: Vec<f64>,
    u: Vec<f64>,
    b: Vec<f64>,
    recurrent_bias: Option<Vec<f64>>,
    gates: usize,
}

impl Weights {
    fn of(cell: &Cell) -> Self {
        Self {
            w: values(&cell.kernel().val()),
            u: values(&cell.recurrent_kernel().val()),
            b: values(&cell.bias().val()),
            recurrent_bias: cell.recurrent_bias().map(|bias| values(&bias.val())),
            gates: cell.kind().spec().gates,
        }
    }

    /// Σ xᵢ Wᵢ + b in column `unit` of block `gate`.
    fn input_sum(&self, gate: usize, unit: usize, x: &[f64]) -> f64 {
        let column = gate * UNITS + unit;
        let products = x.iter().enumerate().map(|(i, x)| x * self.w[i * self.gates * UNITS + column]);
        products.sum::<f64>() + self.b[column]
    }

    /// Σ hᵢ Uᵢ (+ b′) in column `unit` of block `gate`.
    fn state_sum(&self, gate: usize, unit: usize, h: &[f64]) -> f64 {
        let column = gate * UNITS + unit;
        let products = h.iter().enumerate().map(|(i, h)| h * self.u[i * self.gates * UNITS + column]);
        products.sum::<f64>() + self.recurrent_bias.as_ref().map_or(0.0, |bias| bias[column])
    }
}

fn sigma(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One step of `kind` on one row; only the LSTM uses `c`.
fn step(kind: CellKind, weights: &Weights, x: &[f64], h: &mut [f64], c: &mut [f64]) {
    let before = h.to_vec();
    let sum = |gate, unit| weights.input_sum(gate, unit, x) + weights.state_sum(gate, unit, &before);
    match kind {
        CellKind::Elman(activation) => {
            for (unit, h) in h.iter_mut().enumerate() {
                let a = sum(0, unit);
                *h = match activation {
                    Activation::Tanh => a.tanh(),
                    Activation::Sigmoid => sigma(a),
                    Activation::Relu => a.max(0.0),
                };
            }
        }
        CellKind::Lstm => {
            for unit in 0..UNITS {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| sum(gate, unit));
                c[unit] = sigma(f) * c[unit] + sigma(i) * g.tanh();
                h[unit] = sigma(o) * c[unit].tanh();
            }
        }
        CellKind::Gru { reset_after } => {
            let r: Vec<f64> = (0..UNITS).map(|unit| sigma(sum(1, unit))).collect();
            let reset: Vec<f64> = r.iter().zip(&before).map(|(r, h)| r * h).collect();
            for unit in 0..UNITS {
                let z = sigma(sum(0, unit));
                let past = if reset_after {
                    r[unit] * weights.state_sum(2, unit, &before)
                } else {
                    weights.state_sum(2, unit, &reset)
                };
                let n = (weights.input_sum(2, unit, x) + past).tanh();
                h[unit] = z * before[unit] + (1.0 - z) * n;
            }
        }
    }
}

#[test]
fn every_cell_agrees_with_its_reference_implementation() {
    for setting in SETTINGS {
        for kind in kinds() {
            let stack = setting.stack(&[LayerConfig::new(kind, UNITS)]);
            let weights = Weights::of(&stack.layers[0].cell);
            let inputs = setting.inputs(BATCH, TIME);
            let start = setting.state(&stack, BATCH);
            let mut h = values(&start[0].hidden);
            let mut c = start[0].cell.as_ref().map_or(vec![0.0; h.len()], values);
            let (outputs, end) = run(&stack, inputs.clone(), start);

            for (input, output) in inputs.iter().zip(&outputs) {
                let input = values(input);
                for row in 0..BATCH {
                    let (of_row, x) = (row * UNITS..(row + 1) * UNITS, &input[row * INPUTS..]);
                    let mut state = h[of_row.clone()].to_vec();
                    step(kind, &weights, &x[..INPUTS], &mut state, &mut c[of_row.clone()]);
                    h[of_row].copy_from_slice(&state);
                }
                for (found, expected) in values(output).iter().zip(&h) {
                    let error = (found - expected).abs();
                    let tolerance = setting.tolerance * expected.abs().max(1.0);
                    assert!(error < tolerance, "{kind:?}: {found} {expected}");
                }
            }
            if let Some(memory) = &end[0].cell {
                for (found, expected) in values(memory).iter().zip(&c) {
                    assert!((found - expected).abs() < setting.tolerance, "{kind:?}");
                }
            }
        }
    }
}
