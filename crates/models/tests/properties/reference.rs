//! Every cell against a reference implementation: the textbook's equations on scalars, in f64.

use burn::module::Param;
use burn::tensor::Tensor;
use models::norm::LayerNorm;
use models::{Activation, Cell, CellKind, LayerConfig};

use super::{BATCH, INPUTS, SETTINGS, TIME, kinds, run, values};

const UNITS: usize = 4;

/// The weights of one cell: W, U, b, b′ with `gates` blocks of columns.
struct Weights {
    w: Vec<f64>,
    u: Vec<f64>,
    b: Vec<f64>,
    recurrent_bias: Option<Vec<f64>>,
    /// γ_x, γ_h, γ_c and β_c.
    norm: Option<[Vec<f64>; 4]>,
    /// The factors of each Q, by rows.
    modulations: Vec<Vec<Vec<Vec<f64>>>>,
    gates: usize,
}

impl Weights {
    fn of(cell: &Cell) -> Self {
        let extended = match cell {
            Cell::ExtendedLstm(cell) => Some(cell),
            _ => None,
        };
        let norm = extended.and_then(|cell| cell.norm.as_ref()).map(|norm| {
            let LayerNorm { gain, bias } = &norm.cell;
            [&norm.input_gain, &norm.recurrent_gain, gain, bias].map(|weights| values(&weights.val()))
        });
        let by_rows = |matrix: &Param<Tensor<2>>| -> Vec<Vec<f64>> {
            values(&matrix.val()).chunks(matrix.dims()[1]).map(<[f64]>::to_vec).collect()
        };
        let rounds = extended.into_iter().flat_map(|cell| &cell.modulations);
        Self {
            norm,
            modulations: rounds.map(|round| round.factors.iter().map(by_rows).collect()).collect(),
            w: values(&cell.kernel().val()),
            u: values(&cell.recurrent_kernel().val()),
            b: values(&cell.bias().val()),
            recurrent_bias: cell.recurrent_bias().map(|bias| values(&bias.val())),
            gates: cell.kind().spec().gates,
        }
    }

    /// The columns of x W, without b.
    fn input_products(&self, x: &[f64]) -> Vec<f64> {
        let column = |at: usize| self.input_sum(at / UNITS, at % UNITS, x) - self.b[at];
        (0..self.gates * UNITS).map(column).collect()
    }

    /// The columns of h U.
    fn state_products(&self, h: &[f64]) -> Vec<f64> {
        (0..self.gates * UNITS).map(|at| self.state_sum(at / UNITS, at % UNITS, h)).collect()
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

/// Layer normalisation without gain and bias.
fn normalized(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean) / (variance + 1e-5).sqrt()).collect()
}

/// x and h after the rounds of the mogrifier.
fn modulated(weights: &Weights, x: &[f64], h: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut h) = (x.to_vec(), h.to_vec());
    for (round, factors) in weights.modulations.iter().enumerate() {
        let mut product = if round % 2 == 0 { h.clone() } else { x.clone() };
        for factor in factors {
            let column = |at: usize| product.iter().zip(factor).map(|(value, row)| value * row[at]).sum();
            product = (0..factor[0].len()).map(column).collect();
        }
        let target = if round % 2 == 0 { &mut x } else { &mut h };
        assert_eq!(target.len(), product.len());
        target.iter_mut().zip(product).for_each(|(target, product)| *target *= 2.0 * sigma(product));
    }
    (x, h)
}

/// One step of `kind` on one row; only an LSTM uses `c`.
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
        CellKind::ExtendedLstm(options) => {
            assert_eq!(weights.modulations.len(), options.mogrifier_rounds);
            let (x, h_before) = modulated(weights, x, &before);
            let (mut of_input, mut of_state) = (weights.input_products(&x), weights.state_products(&h_before));
            if let Some([input_gain, state_gain, ..]) = &weights.norm {
                (of_input, of_state) = (normalized(&of_input), normalized(&of_state));
                of_input.iter_mut().zip(input_gain).for_each(|(sum, gain)| *sum *= gain);
                of_state.iter_mut().zip(state_gain).for_each(|(sum, gain)| *sum *= gain);
            }
            let sum = |gate: usize, unit: usize| {
                let column = gate * UNITS + unit;
                of_input[column] + of_state[column] + weights.b[column]
            };
            for (unit, c) in c.iter_mut().enumerate() {
                *c = sigma(sum(1, unit)) * *c + sigma(sum(0, unit)) * sum(2, unit).tanh();
            }
            let mut shown = c.to_vec();
            if let Some([.., gain, bias]) = &weights.norm {
                shown = normalized(&shown);
                shown.iter_mut().zip(gain.iter().zip(bias)).for_each(|(c, (gain, bias))| *c = *c * gain + bias);
            }
            for (unit, h) in h.iter_mut().enumerate() {
                *h = sigma(sum(3, unit)) * shown[unit].tanh();
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
            // Normalisation divides by a deviation, which is small where the few values of a row are alike: so rounding
            // errors grow.
            let tolerance = if weights.norm.is_some() { 10.0 * setting.tolerance } else { setting.tolerance };
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
                    let tolerance = tolerance * expected.abs().max(1.0);
                    assert!(error < tolerance, "{kind:?}: {found} {expected}");
                }
            }
            if let Some(memory) = &end[0].cell {
                for (found, expected) in values(memory).iter().zip(&c) {
                    assert!((found - expected).abs() < tolerance, "{kind:?}");
                }
            }
        }
    }
}
