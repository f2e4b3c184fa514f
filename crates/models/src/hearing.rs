//! How much of the past a network still hears: what its last output owes to each earlier input.
//!
//! The gradient of the last output with respect to the input `k` steps back vanishes, or explodes,
//! with `k` (Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013, section 2).

use burn::tensor::{Int, Tensor, TensorData, TensorReadError};
use kernels::{Input, Steps};
use seqdata::Random;

use crate::language_model::LanguageModel;
use crate::stack::Reading;

/// Sums over rows, kept until all rows are in.
#[derive(Clone, Debug, PartialEq)]
pub struct Hearing {
    /// Σ over rows of `‖∂(v · h_T) / ∂x_{T−k}‖`, by `k`.
    sums: Vec<f64>,
    /// How many rows were summed.
    rows: u64,
}

impl Hearing {
    /// Nothing heard yet, of `steps` steps back and the last one.
    pub fn new(steps: usize) -> Self {
        Self { sums: vec![0.0; steps + 1], rows: 0 }
    }

    /// Listens to the rows of `ids` `[N, K + 1]`, each read from an empty state.
    ///
    /// ```text
    /// g_k = ‖∂(v · h_T) / ∂x_{T−k}‖       v standard normal, drawn for each row; x the embedded ids
    /// ```
    ///
    /// `h_T` is what the last layer hands on at the last step.
    ///
    /// # Errors
    /// If the device does not give the numbers back.
    ///
    /// # Panics
    /// If the rows are not `K + 1` ids long.
    pub fn listen(
        &mut self,
        model: &LanguageModel,
        ids: Tensor<2, Int>,
        seed: u64,
    ) -> Result<(), TensorReadError> {
        let [rows, time] = ids.dims();
        assert_eq!(time, self.sums.len(), "as many ids as steps to listen to");
        let vectors = model.embedding.input(ids, None).vectors();
        let vectors = vectors.detach().autodiff().require_grad();
        let reading = Reading { steps: Steps::Last, ..Reading::default() };
        let input = Input::Vectors(vectors.clone());
        let (hidden, _) = model.stack.run(input, model.start(rows), &reading);
        let last: Tensor<2> = hidden.squeeze_dim(1);

        let mut random = Random::keyed(seed, "hearing", &[self.rows]);
        let directions: Vec<f64> = (0..rows * last.dims()[1]).map(|_| random.normal()).collect();
        let options = (&last.device(), last.dtype());
        let directions = Tensor::from_data(TensorData::new(directions, last.dims()), options);
        let gradients = (last * directions).sum().backward();
        let gradient = vectors.grad(&gradients).expect("the output depends on its last input");
        let norms: Tensor<2> = (gradient.clone() * gradient).sum_dim(2).sqrt().squeeze_dim(2);
        let sums: Vec<f64> = norms.sum_dim(0).try_into_vec_as()?;
        self.sums.iter_mut().zip(sums.iter().rev()).for_each(|(sum, step)| *sum += step);
        self.rows += rows as u64;
        Ok(())
    }

    /// The mean norm `k` steps back over the mean norm at the last step, by `k`; the first is 1.
    pub fn relative(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.sums[0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::cell::{Activation, Cell, CellKind};
    use crate::config::LanguageModelConfig;
    use crate::layer::LayerConfig;

    fn model(kind: CellKind, units: usize) -> LanguageModel {
        let layers = vec![LayerConfig::new(kind, units)];
        LanguageModelConfig::new(50, 20, layers).init(1, &Device::flex()).unwrap()
    }

    fn listen(model: &LanguageModel, steps: usize) -> Vec<f64> {
        let ids: Vec<i32> = (0..16 * (steps as i32 + 1)).map(|at| at * at % 50).collect();
        let ids = TensorData::new(ids, [16, steps + 1]);
        let mut hearing = Hearing::new(steps);
        hearing.listen(model, Tensor::from_data(ids, &Device::flex()), 1).unwrap();
        hearing.relative()
    }

    #[test]
    fn untrained_tanh_layers_keep_the_gradient_and_lstms_do_not() {
        // Measured with Keras at 256 units: 0.79 and 0.02 after 20 steps.
        let rnn = listen(&model(CellKind::Elman(Activation::Tanh), 256), 20);
        let lstm = listen(&model(CellKind::Lstm, 256), 20);
        assert_eq!((rnn.len(), rnn[0], lstm[0]), (21, 1.0, 1.0));
        assert!((0.5..1.1).contains(&rnn[20]), "{}", rnn[20]);
        assert!(lstm[20] < 0.1, "{}", lstm[20]);
    }

    #[test]
    fn what_is_cut_off_from_the_past_hears_nothing_of_it() {
        let mut model = model(CellKind::Elman(Activation::Tanh), 8);
        let Cell::Elman(cell) = &mut model.stack.layers[0].cell else { panic!("an RNN") };
        cell.recurrent_kernel = cell.recurrent_kernel.clone().map(|kernel| kernel * 0.0);
        let heard = listen(&model, 3);
        assert_eq!(heard, [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_gain_of_one_half_halves_every_step() {
        // h′ = max(0, x + h / 2) with x > 0: each step back counts half as much, exactly.
        let mut model = model(CellKind::Elman(Activation::Relu), 20);
        let device = Device::flex();
        let Cell::Elman(cell) = &mut model.stack.layers[0].cell else { panic!("an RNN") };
        let eye = Tensor::<2>::eye(20, &device);
        cell.kernel = cell.kernel.clone().map(|_| eye.clone());
        cell.recurrent_kernel = cell.recurrent_kernel.clone().map(|_| eye.clone() / 2.0);
        model.embedding.weight = model.embedding.weight.map(|rows| rows.abs() + 0.1);
        for (k, heard) in listen(&model, 5).into_iter().enumerate() {
            assert!((heard - 0.5f64.powi(k as i32)).abs() < 1e-6, "{k}: {heard}");
        }
    }
}
