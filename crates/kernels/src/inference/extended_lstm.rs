//! An LSTM with normalisation inside the cell, with the mogrifier or with both, one step at a time.

use super::batch_rows::BatchRows;
use super::norm::normalize_row;
use super::packed_weights::{PackedWeights, Precision};
use super::recurrent_layer::LayerState;
use crate::cpu::view::MatrixView;
use crate::profile::{self, Part};

/// The layer of [`reference::ExtendedLstm`](crate::reference::ExtendedLstm), with packed weights.
pub struct ExtendedLstmLayer {
    /// W.
    kernel: PackedWeights,
    /// U.
    recurrent: PackedWeights,
    /// b, `[4H]`.
    bias: Vec<f32>,
    norm: Option<CellNormValues>,
    modulations: Vec<Vec<PackedFactor>>,
    units: usize,
}

/// The weights of layer normalisation inside an LSTM, as in [`CellNormWeights`](crate::reference::CellNormWeights).
pub struct CellNormValues {
    /// γ_x, `[4H]`.
    pub input_gain: Vec<f32>,
    /// γ_h, `[4H]`.
    pub recurrent_gain: Vec<f32>,
    /// γ_c, `[H]`.
    pub cell_gain: Vec<f32>,
    /// β_c, `[H]`.
    pub cell_bias: Vec<f32>,
}

/// A factor of a modulation.
struct PackedFactor {
    weights: PackedWeights,
    columns: usize,
}

impl ExtendedLstmLayer {
    /// Packs W `[D, 4H]`, U `[H, 4H]` and the factors of each modulation.
    ///
    /// # Panics
    /// If a vector does not have a value for each of the 4H sums, or each of the H units.
    pub fn new(
        [kernel, recurrent]: [MatrixView<f32>; 2],
        bias: Vec<f32>,
        norm: Option<CellNormValues>,
        modulations: &[Vec<MatrixView<f32>>],
        precision: Precision,
    ) -> Self {
        let units = recurrent.rows;
        assert_eq!(bias.len(), 4 * units, "b must have a value for each sum");
        if let Some(CellNormValues { input_gain, recurrent_gain, cell_gain, cell_bias }) = &norm {
            assert!([input_gain, recurrent_gain].iter().all(|gain| gain.len() == 4 * units), "one gain for each sum");
            assert!([cell_gain, cell_bias].iter().all(|values| values.len() == units), "one value for each unit");
        }
        let factor = |matrix: &MatrixView<f32>| PackedFactor {
            weights: PackedWeights::new(*matrix, precision),
            columns: matrix.columns,
        };
        Self {
            kernel: PackedWeights::new(kernel, precision),
            recurrent: PackedWeights::new(recurrent, precision),
            bias,
            norm,
            modulations: modulations.iter().map(|factors| factors.iter().map(factor).collect()).collect(),
            units,
        }
    }

    /// H.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The zero state of `batch` sequences.
    pub fn init_state(&self, batch: usize) -> LayerState {
        let zeros = || BatchRows::zeros(batch, self.units);
        LayerState { hidden: zeros(), cell: zeros() }
    }

    /// One step with input x, one row per sequence.
    pub fn step(&self, x: &BatchRows, state: &mut LayerState) {
        let (batch, count) = (x.batch_size(), 4 * self.units);
        let modulated = (!self.modulations.is_empty()).then(|| self.modulated(x, &state.hidden));
        let (x, hidden) = modulated.as_ref().map_or((x, &state.hidden), |(x, hidden)| (x, hidden));
        let mut sums = BatchRows::zeros(batch, count);
        self.kernel.multiply(x, &mut sums, false);
        match &self.norm {
            None => self.recurrent.multiply(hidden, &mut sums, true),
            Some(norm) => {
                let mut of_hidden = BatchRows::zeros(batch, count);
                self.recurrent.multiply(hidden, &mut of_hidden, false);
                for row in 0..batch {
                    let (sums, of_hidden) = (&mut sums.row_mut(row)[..count], &mut of_hidden.row_mut(row)[..count]);
                    normalize_row(sums);
                    normalize_row(of_hidden);
                    let gains = norm.input_gain.iter().zip(&norm.recurrent_gain);
                    for ((sum, more), (gain, more_gain)) in sums.iter_mut().zip(of_hidden).zip(gains) {
                        *sum = *sum * gain + *more * more_gain;
                    }
                }
            }
        }
        let _section = profile::section(Part::ElementWise);
        for row in 0..batch {
            let sums = &mut sums.row_mut(row)[..count];
            sums.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum += bias);
            self.advance(sums, state.cell.row_mut(row), state.hidden.row_mut(row));
        }
    }

    /// c and h after the step, from the sums of a row.
    fn advance(&self, sums: &[f32], cell: &mut [f32], hidden: &mut [f32]) {
        let units = self.units;
        let (cell, hidden) = (&mut cell[..units], &mut hidden[..units]);
        let gate = |index: usize, unit: usize| sums[index * units + unit];
        for (unit, c) in cell.iter_mut().enumerate() {
            *c = sigmoid(gate(1, unit)) * *c + sigmoid(gate(0, unit)) * gate(2, unit).tanh();
        }
        hidden.copy_from_slice(cell);
        if let Some(norm) = &self.norm {
            normalize_row(hidden);
            let weights = norm.cell_gain.iter().zip(&norm.cell_bias);
            hidden.iter_mut().zip(weights).for_each(|(h, (gain, bias))| *h = *h * gain + bias);
        }
        hidden.iter_mut().enumerate().for_each(|(unit, h)| *h = sigmoid(gate(3, unit)) * h.tanh());
    }

    /// x and h after all rounds.
    fn modulated(&self, x: &BatchRows, hidden: &BatchRows) -> (BatchRows, BatchRows) {
        let (mut x, mut hidden) = (copied(x), copied(hidden));
        for (round, factors) in self.modulations.iter().enumerate() {
            let (from, to) = if round % 2 == 0 { (&hidden, &mut x) } else { (&x, &mut hidden) };
            let mut product: Option<BatchRows> = None;
            for PackedFactor { weights, columns } in factors {
                let mut next = BatchRows::zeros(from.batch_size(), *columns);
                weights.multiply(product.as_ref().unwrap_or(from), &mut next, false);
                product = Some(next);
            }
            let (Some(product), Some(last)) = (product, factors.last()) else { continue };
            let _section = profile::section(Part::ElementWise);
            for row in 0..to.batch_size() {
                let product = &product.row(row)[..last.columns];
                to.row_mut(row).iter_mut().zip(product).for_each(|(to, &product)| *to *= 2.0 * sigmoid(product));
            }
        }
        (x, hidden)
    }
}

fn copied(rows: &BatchRows) -> BatchRows {
    let mut copy = BatchRows::zeros(rows.batch_size(), rows.0.width());
    (0..rows.batch_size()).for_each(|row| copy.row_mut(row).copy_from_slice(rows.row(row)));
    copy
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
