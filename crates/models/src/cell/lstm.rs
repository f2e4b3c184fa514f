//! Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::module::{Module, Param};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Tensor, s};

use super::CellState;
use crate::init::{Initialization, Initializer};

/// The weights of an LSTM layer from `D` inputs to `H` units.
///
/// ```text
/// a      = x W + h U + b               four blocks of H columns: i, f, g, o
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)       what to add, what to keep, what to show
/// g      = tanh(a_g)                   what could be added
/// c′     = f ∘ c + i ∘ g
/// h′     = o ∘ tanh(c′)
/// ```
///
/// No peepholes, no coupled gates; the order of the blocks is that of Keras and of PyTorch.
#[derive(Module, Debug)]
pub struct Lstm {
    /// W, `[D, 4H]`.
    pub kernel: Param<Tensor<2>>,
    /// U, `[H, 4H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// b, `[4H]`.
    pub bias: Param<Tensor<1>>,
}

impl Lstm {
    /// Fresh weights as Keras draws them: Glorot uniform over all of W, orthogonal over all of U,
    /// zero bias but for the forget gate's, which is 1 (Jozefowicz et al. 2015, section 2.2).
    pub fn new(inputs: usize, units: usize, weights: &Initialization) -> Self {
        let mut bias = vec![0.0; 4 * units];
        bias[units..2 * units].fill(1.0);
        Self {
            kernel: weights.matrix("kernel", [inputs, 4 * units], Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix(
                "recurrent_kernel",
                [units, 4 * units],
                Initializer::Orthogonal,
            ),
            bias: weights.vector("bias", bias),
        }
    }

    /// H.
    pub fn units(&self) -> usize {
        self.recurrent_kernel.dims()[0]
    }

    /// Zero states `[N, H]`, in the dtype and on the device of the weights.
    pub fn start(&self, batch: usize) -> CellState {
        let weights = self.recurrent_kernel.val();
        let options = (&weights.device(), weights.dtype());
        let zeros = Tensor::zeros([batch, self.units()], options);
        CellState { hidden: zeros.clone(), memory: Some(zeros) }
    }

    /// One step of the equations above; `input` is `[N, D]`.
    ///
    /// # Panics
    /// If the state is another cell's, without a memory.
    pub fn step(&self, input: Tensor<2>, state: CellState) -> CellState {
        let CellState { hidden, memory } = state;
        let units = self.units();

        let a = input.matmul(self.kernel.val())
            + hidden.matmul(self.recurrent_kernel.val())
            + self.bias.val().unsqueeze();
        let gate = |k: usize| a.clone().slice(s![.., k * units..(k + 1) * units]);
        let (i, f, g, o) = (sigmoid(gate(0)), sigmoid(gate(1)), gate(2).tanh(), sigmoid(gate(3)));

        let memory = f * memory.expect("an LSTM's state has a memory") + i * g;
        CellState { hidden: o * memory.clone().tanh(), memory: Some(memory) }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// The textbook's equations, one number at a time, in f64.
    fn naive([w, u, b]: [&[f64]; 3], input: &[f64], (hidden, memory): (&mut [f64], &mut [f64])) {
        let units = hidden.len();
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
        let before = hidden.to_vec();
        let sum = |column: usize| {
            let from_input = input.iter().enumerate().map(|(d, x)| x * w[d * 4 * units + column]);
            let from_state = before.iter().enumerate().map(|(k, h)| h * u[k * 4 * units + column]);
            from_input.chain(from_state).sum::<f64>() + b[column]
        };
        for unit in 0..units {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| sum(gate * units + unit));
            memory[unit] = sigma(f) * memory[unit] + sigma(i) * g.tanh();
            hidden[unit] = sigma(o) * memory[unit].tanh();
        }
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.try_into_vec_as::<f64>().unwrap()
    }

    #[test]
    fn it_agrees_with_its_naive_twin_over_many_steps() {
        let device = Device::flex();
        let (inputs, units, batch) = (3, 5, 2);
        let cell = Lstm::new(inputs, units, &Initialization::new(3, &device));
        let weights = [
            values(cell.kernel.val()),
            values(cell.recurrent_kernel.val()),
            values(cell.bias.val()),
        ];
        let mut random = seqdata::Random::keyed(4, "inputs", &[]);
        let mut state = cell.start(batch);
        let mut expected = vec![(vec![0.0; units], vec![0.0; units]); batch];
        for _ in 0..7 {
            let drawn: Vec<f32> = (0..batch * inputs).map(|_| random.normal() as f32).collect();
            let input = Tensor::from_data(TensorData::new(drawn.clone(), [batch, inputs]), &device);
            state = cell.step(input, state);
            for (row, (hidden, memory)) in expected.iter_mut().enumerate() {
                let input: Vec<f64> =
                    drawn[row * inputs..(row + 1) * inputs].iter().map(|&x| x.into()).collect();
                let [w, u, b] = &weights;
                naive([w, u, b], &input, (hidden, memory));
            }
        }
        let hidden: Vec<f64> = expected.iter().flat_map(|(hidden, _)| hidden.clone()).collect();
        let memory: Vec<f64> = expected.iter().flat_map(|(_, memory)| memory.clone()).collect();
        for (found, expected) in [(state.hidden, hidden), (state.memory.unwrap(), memory)] {
            for (found, expected) in values(found).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} against {expected}");
            }
        }
    }

    #[test]
    fn the_forget_bias_is_one_and_the_rest_is_zero() {
        let cell = Lstm::new(2, 3, &Initialization::new(1, &Device::flex()));
        let expected = [0., 0., 0., 1., 1., 1., 0., 0., 0., 0., 0., 0.];
        assert_eq!(values(cell.bias.val()), expected);
    }
}
