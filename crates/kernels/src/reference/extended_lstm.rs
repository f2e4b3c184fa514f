//! LSTM with layer normalisation inside the cell (Ba, Kiros and Hinton 2016, eq. 20 to 22), with the mogrifier (Melis,
//! Kočiský and Blunsom 2020), or with both.

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use super::layer::ReferenceCell;
use super::lstm::next_cell_state;
use super::norm::normalize;
use crate::types::{CellState, LstmWeights};

/// ```text
/// x ← 2 σ(h Q₁) ∘ x                    r rounds, the odd ones of x and the even ones of h
/// h ← 2 σ(x Q₂) ∘ h
///     ⋮
/// a      = γ_x ∘ N(x W) + γ_h ∘ N(h U) + b    with N(v) = (v − μ) / √(σ² + ε) over all 4H values of a row;
///                                             without normalisation x W + h U + b
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)
/// g      = tanh(a_g)
/// c′     = f ∘ c + i ∘ g
/// h′     = o ∘ tanh(γ_c ∘ N(c′) + β_c)        without normalisation o ∘ tanh(c′)
/// ```
///
/// The paper has a bias in each normalisation of a sum, too: b is their sum with its bias.
#[derive(Clone, Debug)]
pub struct ExtendedLstm {
    /// W, U and b.
    pub lstm: LstmWeights,
    /// The weights of normalisation, if there is any.
    pub norm: Option<CellNormWeights>,
    /// The factors of each Q, one or two, whose product it is: of `[H, D]` in odd rounds and of `[D, H]` in even ones.
    pub modulations: Vec<Vec<Tensor<2>>>,
}

/// The weights of layer normalisation inside an LSTM.
#[derive(Clone, Debug)]
pub struct CellNormWeights {
    /// γ_x, `[4H]`.
    pub input_gain: Tensor<1>,
    /// γ_h, `[4H]`.
    pub recurrent_gain: Tensor<1>,
    /// γ_c, `[H]`.
    pub cell_gain: Tensor<1>,
    /// β_c, `[H]`.
    pub cell_bias: Tensor<1>,
}

impl ExtendedLstm {
    /// The input's part of the sums, and b.
    fn input_sums(&self, input: Tensor<2>) -> Tensor<2> {
        let gain = self.norm.as_ref().map(|norm| &norm.input_gain);
        normalized(input.matmul(self.lstm.kernel.clone()), gain) + self.lstm.bias.clone().unsqueeze()
    }

    /// x and h after all rounds.
    fn modulated(&self, mut x: Tensor<2>, mut h: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        for (round, factors) in self.modulations.iter().enumerate() {
            let (from, to) = if round % 2 == 0 { (&h, &mut x) } else { (&x, &mut h) };
            let product = factors.iter().fold(from.clone(), |product, factor| product.matmul(factor.clone()));
            *to = to.clone() * sigmoid(product).mul_scalar(2.0);
        }
        (x, h)
    }
}

/// `sums`, normalised with this gain if there is one.
fn normalized(sums: Tensor<2>, gain: Option<&Tensor<1>>) -> Tensor<2> {
    match gain {
        Some(gain) => normalize(sums) * gain.clone().unsqueeze(),
        None => sums,
    }
}

impl ReferenceCell for ExtendedLstm {
    /// With modulations, the sums depend on the state: then these are the inputs themselves.
    fn project(&self, rows: Tensor<2>) -> Tensor<2> {
        if self.modulations.is_empty() { self.input_sums(rows) } else { rows }
    }

    fn step(&self, projected: Tensor<2>, state: CellState) -> CellState {
        let CellState { hidden, cell } = state;
        let (sums, hidden) = if self.modulations.is_empty() {
            (projected, hidden)
        } else {
            let (input, hidden) = self.modulated(projected, hidden);
            (self.input_sums(input), hidden)
        };
        let gain = self.norm.as_ref().map(|norm| &norm.recurrent_gain);
        let sums = sums + normalized(hidden.matmul(self.lstm.recurrent.clone()), gain);
        let (output_gate, c) = next_cell_state(sums, cell);
        let output_cell_state = match &self.norm {
            None => c.clone(),
            Some(norm) => normalized(c.clone(), Some(&norm.cell_gain)) + norm.cell_bias.clone().unsqueeze(),
        };
        CellState { hidden: output_gate * output_cell_state.tanh(), cell: Some(c) }
    }
}
