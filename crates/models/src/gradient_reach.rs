//! How far back gradients reach: the gradient of the last output with respect to each earlier input.
//!
//! The norm of this gradient vanishes or explodes with the lag `k` (Bengio, Simard and Frasconi 1994;
//! Pascanu, Mikolov and Bengio 2013, section 2).

use burn::tensor::{Tensor, TensorData, TensorReadError};
use kernels::{Input, Steps};
use seqdata::Random;

use crate::language_model::{LanguageModel, TokenInput};
use crate::stack::ForwardOptions;

/// Gradient norms by lag, summed over rows.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientReach {
    /// Σ over rows of `‖∂(v · h_T) / ∂x_{T−k}‖`, by `k`.
    sums: Vec<f64>,
    /// The number of rows summed.
    rows: u64,
}

impl GradientReach {
    /// No rows yet, for lags from 0 to `max_lag`.
    pub fn new(max_lag: usize) -> Self {
        Self { sums: vec![0.0; max_lag + 1], rows: 0 }
    }

    /// Adds rows of ids `[N, K + 1]`, each from a zero state; K is the maximum lag.
    ///
    /// ```text
    /// g_k = ‖∂(v · h_T) / ∂x_{T−k}‖       v standard normal, drawn for each row; x the embedded ids
    /// ```
    ///
    /// `h_T` is the output of the last layer at the last step.
    ///
    /// # Errors
    /// If the device fails to return the norms.
    ///
    /// # Panics
    /// If the rows are not `K + 1` ids long.
    pub fn accumulate(
        &mut self,
        model: &LanguageModel,
        input: impl Into<TokenInput>,
        seed: u64,
    ) -> Result<(), TensorReadError> {
        let input = input.into();
        let [rows, time] = input.ids.dims();
        assert_eq!(time, self.sums.len(), "one id per lag");
        let keep_state = model.keep_state(&input.ids);
        let vectors = model.layer_input(input, None).into_vectors();
        let vectors = vectors.detach().autodiff().require_grad();
        let options = ForwardOptions { steps: Steps::Last, keep_state, ..ForwardOptions::default() };
        let input = Input::Vectors(vectors.clone());
        let (hidden, _) = model.stack.forward(input, model.init_state(rows), &options);
        let last: Tensor<2> = hidden.squeeze_dim(1);

        let mut random = Random::keyed(seed, "hearing", &[self.rows]);
        let directions: Vec<f64> = (0..rows * last.dims()[1]).map(|_| random.normal()).collect();
        let directions = TensorData::new(directions, last.dims());
        let directions = Tensor::from_data(directions, (&last.device(), last.dtype()));
        let gradients = (last * directions).sum().backward();
        let gradient = vectors.grad(&gradients).expect("the output depends on its last input");
        let norms: Tensor<2> = (gradient.clone() * gradient).sum_dim(2).sqrt().squeeze_dim(2);
        let sums: Vec<f64> = norms.sum_dim(0).try_into_vec_as()?;
        self.sums.iter_mut().zip(sums.iter().rev()).for_each(|(sum, step)| *sum += step);
        self.rows += rows as u64;
        Ok(())
    }

    /// The mean norm at each lag divided by the mean norm at lag 0; the first is 1.
    pub fn relative_norms(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.sums[0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;
    use crate::cell::{Activation, Cell, CellKind};
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    fn model(kind: CellKind, units: usize) -> LanguageModel {
        let layers = vec![LayerConfig::new(kind, units)];
        LanguageModelConfig::new(50, 20, layers).init(1, &Device::flex()).unwrap()
    }

    fn relative_norms(model: &LanguageModel, max_lag: usize) -> Vec<f64> {
        let ids: Vec<i32> = (0..16 * (max_lag as i32 + 1)).map(|index| index * index % 50).collect();
        let ids = TensorData::new(ids, [16, max_lag + 1]);
        let mut reach = GradientReach::new(max_lag);
        reach.accumulate(model, Tensor::from_data(ids, &Device::flex()), 1).unwrap();
        reach.relative_norms()
    }

    #[test]
    fn the_gradient_persists_in_untrained_tanh_layers_and_vanishes_in_lstms() {
        // Measured with Keras at 256 units: 0.79 and 0.02 after 20 steps.
        let rnn = relative_norms(&model(CellKind::Elman(Activation::Tanh), 256), 20);
        let lstm = relative_norms(&model(CellKind::Lstm, 256), 20);
        assert_eq!((rnn.len(), rnn[0], lstm[0]), (21, 1.0, 1.0));
        assert!((0.5..1.1).contains(&rnn[20]), "{}", rnn[20]);
        assert!(lstm[20] < 0.1, "{}", lstm[20]);
    }

    #[test]
    fn no_gradient_reaches_beyond_the_beginning_of_a_document() {
        let mut model = model(CellKind::Lstm, 8);
        model.document_id = Some(7);
        let ids = Tensor::<2, Int>::from_ints([[3, 5, 7, 1, 2]], &Device::flex());
        let mut reach = GradientReach::new(4);
        reach.accumulate(&model, ids, 1).unwrap();
        let norms = reach.relative_norms();
        assert!(norms[..3].iter().all(|&norm| norm > 0.0), "{norms:?}");
        assert_eq!(norms[3..], [0.0, 0.0]);
    }

    #[test]
    fn without_recurrent_weights_no_gradient_reaches_the_past() {
        let mut model = model(CellKind::Elman(Activation::Tanh), 8);
        let Cell::Elman(cell) = &mut model.stack.layers[0].cell else { panic!("an RNN") };
        cell.recurrent_kernel = cell.recurrent_kernel.clone().map(|kernel| kernel * 0.0);
        assert_eq!(relative_norms(&model, 3), [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_recurrent_weight_of_one_half_halves_the_gradient_at_every_step() {
        // h′ = max(0, x + h / 2) with x > 0: the gradient halves exactly with each lag.
        let mut model = model(CellKind::Elman(Activation::Relu), 20);
        let device = Device::flex();
        let Cell::Elman(cell) = &mut model.stack.layers[0].cell else { panic!("an RNN") };
        let eye = Tensor::<2>::eye(20, &device);
        cell.kernel = cell.kernel.clone().map(|_| eye.clone());
        cell.recurrent_kernel = cell.recurrent_kernel.clone().map(|_| eye.clone() / 2.0);
        model.embedding.weight = model.embedding.weight.map(|rows| rows.abs() + 0.1);
        for (k, norm) in relative_norms(&model, 5).into_iter().enumerate() {
            assert!((norm - 0.5f64.powi(k as i32)).abs() < 1e-6, "{k}: {norm}");
        }
    }
}
