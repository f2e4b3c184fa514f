//! Long short-term memory with layer normalisation inside the cell (Ba, Kiros and Hinton 2016), with the mogrifier
//! (Melis, Kočiský and Blunsom 2020), or with both.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::inference::{self, KernelCell};
use kernels::{CellState, Input, LstmWeights, SequenceOptions, reference};

use super::lstm::{self, Lstm};
use super::recurrent_cell::{CellSpec, CellWeightsMut, RecurrentCell, f32_values};
use crate::error::{Error, Result};
use crate::init::{Initialization, Initializer};
use crate::norm::LayerNorm;

/// The most rounds of the mogrifier. Each of them is a step of computation, and the paper uses 5 or 6.
const MAX_ROUNDS: usize = 32;
/// The largest rank of the matrices of the mogrifier.
const MAX_RANK: usize = 8_192;

/// The options of an LSTM cell. One without any is [`CellKind::Lstm`](super::CellKind::Lstm).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LstmOptions {
    /// Whether the sums of the input and of the state, and the cell state before the output gate, are normalised.
    pub cell_norm: bool,
    /// How many times input and state modulate each other before a step: 0 for a cell without the mogrifier.
    pub mogrifier_rounds: usize,
    /// The rank of the matrices of the mogrifier; 0 for matrices that are no products of two.
    pub mogrifier_rank: usize,
}

impl LstmOptions {
    /// Checks the options of a layer, which has the name `path` in errors.
    ///
    /// # Errors
    /// Names the first option that is out of range, or given for another cell than an LSTM.
    pub(crate) fn check(self, is_lstm: bool, path: &str) -> Result<()> {
        let Self { cell_norm, mogrifier_rounds: rounds, mogrifier_rank: rank } = self;
        let wrong = |key: &str, found: &dyn ToString, expected: &str| {
            Err(Error::out_of_range(format!("{path}.{key}"), found.to_string(), expected.to_owned()))
        };
        if !is_lstm {
            if cell_norm {
                return wrong("cell_norm", &true, "false: only `cell = \"lstm\"` has normalisation inside the cell");
            }
            for (key, value) in [("mogrifier_rounds", rounds), ("mogrifier_rank", rank)] {
                if value > 0 {
                    return wrong(key, &value, "0: only `cell = \"lstm\"` has the mogrifier");
                }
            }
        }
        if rounds > MAX_ROUNDS {
            let expected = format!("0 for none, or 1 to {MAX_ROUNDS}, such as 5 as in its paper");
            return wrong("mogrifier_rounds", &rounds, &expected);
        }
        if rank > MAX_RANK {
            return wrong("mogrifier_rank", &rank, &format!("0 for full matrices, or 1 to {MAX_RANK}"));
        }
        if rank > 0 && rounds == 0 {
            let expected = format!("0, because `{path}.mogrifier_rounds` is 0: set that, too, for instance to 5");
            return wrong("mogrifier_rank", &rank, &expected);
        }
        Ok(())
    }

    /// The shapes of the factors of round `round`, from `inputs` to `units`.
    fn factors(self, round: usize, inputs: usize, units: usize) -> Vec<[usize; 2]> {
        let [from, to] = if round.is_multiple_of(2) { [units, inputs] } else { [inputs, units] };
        match self.mogrifier_rank {
            0 => vec![[from, to]],
            rank => vec![[from, rank], [rank, to]],
        }
    }

    /// The number of trainable parameters of the options alone.
    pub(super) fn num_params(self, inputs: usize, units: usize) -> usize {
        let rounds = 0..self.mogrifier_rounds;
        let factors = rounds.flat_map(|round| self.factors(round, inputs, units));
        let norm = if self.cell_norm { 8 * units + LayerNorm::num_params(units) } else { 0 };
        norm + factors.map(|[rows, columns]| rows * columns).sum::<usize>()
    }
}

/// The weights of an LSTM layer with [`LstmOptions`], from `D` inputs to `H` units.
///
/// ```text
/// x ← 2 σ(h Q₁) ∘ x                    r rounds, the odd ones of x and the even ones of h
/// h ← 2 σ(x Q₂) ∘ h
///     ⋮
/// a       = γ_x ∘ N(x W) + γ_h ∘ N(h U) + b    N: mean 0 and variance 1; without normalisation x W + h U + b
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)
/// g       = tanh(a_g)
/// c′      = f ∘ c + i ∘ g
/// h′      = o ∘ tanh(γ_c ∘ N(c′) + β_c)        without normalisation o ∘ tanh(c′)
/// ```
#[derive(Module, Debug)]
pub struct ExtendedLstm {
    /// W, `[D, 4H]`.
    pub kernel: Param<Tensor<2>>,
    /// U, `[H, 4H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// b, `[4H]`.
    pub bias: Param<Tensor<1>>,
    /// Normalisation, if there is any.
    pub norm: Option<CellNorm>,
    /// The rounds of the mogrifier.
    pub modulations: Vec<Modulation>,
}

/// The weights of layer normalisation inside the cell.
#[derive(Module, Debug)]
pub struct CellNorm {
    /// γ_x, `[4H]`.
    pub input_gain: Param<Tensor<1>>,
    /// γ_h, `[4H]`.
    pub recurrent_gain: Param<Tensor<1>>,
    /// γ_c and β_c.
    pub cell: LayerNorm,
}

/// One round of the mogrifier.
#[derive(Module, Debug)]
pub struct Modulation {
    /// Q: one matrix, or two whose product it is; of `[H, D]` in odd rounds and of `[D, H]` in even ones.
    pub factors: Vec<Param<Tensor<2>>>,
}

impl ExtendedLstm {
    /// Initial weights as those of [`Lstm`]; gains are 1, and the factors of Q are Glorot uniform.
    pub fn new(inputs: usize, units: usize, options: LstmOptions, weights: &Initialization) -> Self {
        let Lstm { kernel, recurrent_kernel, bias } = Lstm::new(inputs, units, weights);
        let norm = options.cell_norm.then(|| {
            let weights = weights.at("cell_norm");
            CellNorm {
                input_gain: weights.vector("input_gain", vec![1.0; 4 * units]),
                recurrent_gain: weights.vector("recurrent_gain", vec![1.0; 4 * units]),
                cell: LayerNorm::new(units, &weights.at("cell")),
            }
        });
        let modulation = |round: usize| {
            let weights = weights.at("modulations").at(round);
            let shapes = options.factors(round, inputs, units).into_iter().enumerate();
            let factor = |(at, shape): (usize, _)| weights.matrix(&at.to_string(), shape, Initializer::GlorotUniform);
            Modulation { factors: shapes.map(factor).collect() }
        };
        let modulations = (0..options.mogrifier_rounds).map(modulation).collect();
        Self { kernel, recurrent_kernel, bias, norm, modulations }
    }

    /// The options of this cell.
    pub fn options(&self) -> LstmOptions {
        let rank = self.modulations.first().and_then(|round| match round.factors.as_slice() {
            [left, _] => Some(left.lazy_shape()[1]),
            _ => None,
        });
        LstmOptions {
            cell_norm: self.norm.is_some(),
            mogrifier_rounds: self.modulations.len(),
            mogrifier_rank: rank.unwrap_or(0),
        }
    }

    pub(super) const fn spec(options: LstmOptions) -> CellSpec {
        // Each normalisation saves its input, what is subtracted from it, squares and results, of 4H values twice and of H
        // values; each round a product before and after its activation, and the modulated vector.
        let norm = if options.cell_norm { 45 } else { 0 };
        let lstm = Lstm::spec();
        CellSpec { activations_per_unit: lstm.activations_per_unit + norm + 4 * options.mogrifier_rounds, ..lstm }
    }

    /// The packed layer for inference.
    pub(crate) fn packed(&self, precision: inference::Precision) -> inference::ExtendedLstmLayer {
        fn values<const D: usize>(weights: &Param<Tensor<D>>) -> Vec<f32> {
            f32_values(weights.val())
        }
        fn view((values, columns): &(Vec<f32>, usize)) -> inference::MatrixView<'_, f32> {
            inference::MatrixView::dense(values, *columns)
        }
        let matrix = |weights: &Param<Tensor<2>>| (values(weights), weights.dims()[1]);
        let [kernel, recurrent] = [matrix(&self.kernel), matrix(&self.recurrent_kernel)];
        let rounds = self.modulations.iter().map(|round| round.factors.iter().map(matrix).collect());
        let rounds: Vec<Vec<_>> = rounds.collect();
        let views: Vec<Vec<_>> = rounds.iter().map(|factors| factors.iter().map(view).collect()).collect();
        let norm = self.norm.as_ref().map(|norm| inference::CellNormValues {
            input_gain: values(&norm.input_gain),
            recurrent_gain: values(&norm.recurrent_gain),
            cell_gain: values(&norm.cell.gain),
            cell_bias: values(&norm.cell.bias),
        });
        let matrices = [view(&kernel), view(&recurrent)];
        inference::ExtendedLstmLayer::new(matrices, values(&self.bias), norm, &views, precision)
    }
}

impl RecurrentCell for ExtendedLstm {
    fn kernel(&self) -> &Param<Tensor<2>> {
        &self.kernel
    }

    fn recurrent_kernel(&self) -> &Param<Tensor<2>> {
        &self.recurrent_kernel
    }

    fn bias(&self) -> &Param<Tensor<1>> {
        &self.bias
    }

    fn weights_mut(&mut self) -> CellWeightsMut<'_> {
        let Self { kernel, recurrent_kernel, bias, modulations, .. } = self;
        let other_matrices = modulations.iter_mut().flat_map(|round| &mut round.factors).collect();
        CellWeightsMut { kernel, recurrent_kernel, bias, recurrent_bias: None, other_matrices }
    }

    fn init_state(&self, batch: usize) -> CellState {
        lstm::zero_state(&self.recurrent_kernel, batch)
    }

    fn forward(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        options: &SequenceOptions,
    ) -> (Tensor<3>, CellState) {
        let norm = self.norm.as_ref().map(|norm| reference::CellNormWeights {
            input_gain: norm.input_gain.val(),
            recurrent_gain: norm.recurrent_gain.val(),
            cell_gain: norm.cell.gain.val(),
            cell_bias: norm.cell.bias.val(),
        });
        let rounds = self.modulations.iter();
        let modulations = rounds.map(|round| round.factors.iter().map(Param::val).collect()).collect();
        let lstm = LstmWeights { kernel: self.kernel.val(), recurrent, bias: self.bias.val() };
        reference::run(input, &reference::ExtendedLstm { lstm, norm, modulations }, state, options)
    }

    /// Its layer for inference is another one.
    fn inference_kernel(&self) -> Option<(KernelCell, Vec<f32>)> {
        None
    }
}
