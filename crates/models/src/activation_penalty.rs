//! Activation regularisation (AR) and temporal activation regularisation (TAR) of the last layer's outputs (Merity, McCann
//! and Socher 2017, "Revisiting Activation Regularization for Language RNNs"; Merity, Keskar and Socher 2018, section 4.6).

use burn::tensor::{Tensor, s};

/// The weights of the two penalties, which are added to the mean loss in training; 0 for none.
///
/// ```text
/// α mean((m ⊙ h_t)²) + β mean((h_t − h_(t−1))²)
/// ```
///
/// h are the last layer's outputs and m ⊙ h the same after dropout. The papers write L2 norms; their published program, and
/// this code, take means of squares over all rows, steps and units. There are no differences across two batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationPenalty {
    /// α.
    pub activation: f64,
    /// β.
    pub temporal: f64,
}

impl ActivationPenalty {
    /// Whether both weights are 0.
    pub fn is_none(self) -> bool {
        self.activation == 0.0 && self.temporal == 0.0
    }

    /// The penalty of outputs `[N, T, H]`, which are `dropped` after dropout; `None` if both weights are 0.
    pub fn of(self, outputs: &Tensor<3>, dropped: &Tensor<3>) -> Option<Tensor<1>> {
        let Self { activation, temporal } = self;
        let steps = outputs.dims()[1];
        let activation = (activation > 0.0).then(|| mean_square(dropped.clone()).mul_scalar(activation));
        let temporal = (temporal > 0.0 && steps > 1).then(|| {
            let difference = outputs.clone().slice(s![.., 1.., ..]) - outputs.clone().slice(s![.., ..steps - 1, ..]);
            mean_square(difference).mul_scalar(temporal)
        });
        match (activation, temporal) {
            (Some(activation), Some(temporal)) => Some(activation + temporal),
            (activation, temporal) => activation.or(temporal),
        }
    }
}

fn mean_square(values: Tensor<3>) -> Tensor<1> {
    (values.clone() * values).mean()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// Two rows of three steps of two units.
    const OUTPUTS: [[[f32; 2]; 3]; 2] = [[[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]], [[-2.0, 4.0], [1.5, 1.0], [2.0, -3.0]]];

    fn penalty(activation: f64, temporal: f64, steps: usize) -> Option<f64> {
        let outputs = Tensor::<3>::from_data(TensorData::from(OUTPUTS), &Device::flex()).narrow(1, 0, steps);
        let dropped = outputs.clone().mul_scalar(2.0);
        let penalty = ActivationPenalty { activation, temporal }.of(&outputs, &dropped)?;
        Some(penalty.try_into_scalar::<f64>().unwrap())
    }

    #[test]
    fn penalties_are_the_equations() {
        let (mut squares, mut differences) = (0.0, 0.0);
        for row in OUTPUTS {
            for unit in 0..2 {
                squares += row.iter().map(|step| (2.0 * f64::from(step[unit])).powi(2)).sum::<f64>();
                let pairs = row.windows(2).map(|pair| f64::from(pair[1][unit] - pair[0][unit]).powi(2));
                differences += pairs.sum::<f64>();
            }
        }
        let (ar, tar) = (squares / 12.0, differences / 8.0);
        for (activation, temporal) in [(2.0, 0.0), (0.0, 1.0), (2.0, 0.5)] {
            let found = penalty(activation, temporal, 3).unwrap();
            assert!((found - (activation * ar + temporal * tar)).abs() < 1e-5, "{found} {ar} {tar}");
        }
    }

    #[test]
    fn there_is_no_penalty_without_weights_or_differences() {
        assert_eq!(penalty(0.0, 0.0, 3), None);
        assert_eq!(penalty(0.0, 1.0, 1), None);
        assert!(penalty(1.0, 1.0, 1).is_some());
    }
}
