//! Initial weights have Keras's distributions.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use models::dense::Dense;
use models::embedding::Embedding;
use models::init::Initialization;
use models::{Activation, Cell, CellKind};
use serde::Deserialize;

use super::fixtures::fixture;

/// Statistics of one large matrix that Keras initialised.
#[derive(Deserialize)]
struct Drawn {
    minimum: f64,
    maximum: f64,
    variance: f64,
}

#[derive(Deserialize)]
struct Recurrent {
    kernel: Drawn,
    recurrent_deviation: f64,
    bias: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Initial {
    sizes: [usize; 3],
    layers: BTreeMap<String, serde_json::Value>,
}

impl Initial {
    fn layer<T: serde::de::DeserializeOwned>(&self, name: &str) -> T {
        serde_json::from_value(self.layers[name].clone()).unwrap()
    }
}

impl Drawn {
    /// Checks that `found` has the same range and variance.
    fn assert_like(&self, found: Tensor<2>, what: &str) {
        let values: Vec<f64> = found.try_into_vec_as().unwrap();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let minimum = values.iter().copied().fold(f64::INFINITY, f64::min);
        let maximum = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (found, expected) in [(minimum, self.minimum), (maximum, self.maximum), (variance, self.variance)] {
            assert!((found / expected - 1.0).abs() < 0.02, "{what}: {found}, Keras {expected}");
        }
    }
}

#[test]
fn initial_weights_have_the_distributions_of_keras() {
    let initial: Initial = fixture("initial.json");
    let [inputs, units, words] = initial.sizes;
    let device = Device::flex();
    let weights = Initialization::new(1, &device);

    #[derive(Deserialize)]
    struct Table {
        weights: Drawn,
    }
    let table: Table = initial.layer("embedding");
    let embedding = Embedding::new(words, inputs, &weights.at("embedding"));
    table.weights.assert_like(embedding.weight.val(), "embedding");

    #[derive(Deserialize)]
    struct DenseDrawn {
        kernel: Drawn,
        bias: Vec<f64>,
    }
    let drawn: DenseDrawn = initial.layer("dense");
    let dense = Dense::new(units, words, &weights.at("dense"));
    drawn.kernel.assert_like(dense.kernel.val(), "dense");
    assert_eq!(drawn.bias, distinct(&dense.bias.val().try_into_vec_as::<f64>().unwrap()));

    for (name, kind) in [
        ("rnn", CellKind::Elman(Activation::Tanh)),
        ("lstm", CellKind::Lstm),
        ("gru", CellKind::Gru { reset_after: true }),
    ] {
        let drawn: Recurrent = initial.layer(name);
        let cell = kind.init(inputs, units, &weights.at(name));
        drawn.kernel.assert_like(cell.kernel().val(), name);
        assert!(drawn.recurrent_deviation < 1e-5, "Keras's U is orthogonal over all gates");
        let deviation = deviation(cell.recurrent_kernel().val());
        assert!(deviation < 1e-5, "{name}: {deviation}");
        let biases: Vec<Vec<f64>> = biases(&cell).chunks(units).map(distinct).collect();
        assert_eq!(biases, drawn.bias, "{name}");
    }
}

/// The largest deviation of the rows from orthonormality.
fn deviation(matrix: Tensor<2>) -> f64 {
    let rows = matrix.dims()[0];
    let identity = Tensor::<2>::eye(rows, &matrix.device());
    let product = matrix.clone().matmul(matrix.transpose());
    (product - identity).abs().max().try_into_scalar::<f64>().unwrap()
}

fn biases(cell: &Cell) -> Vec<f64> {
    let read = |bias: Tensor<1>| bias.try_into_vec_as::<f64>().unwrap();
    let second = cell.recurrent_bias().map(|bias| read(bias.val()));
    [read(cell.bias().val()), second.unwrap_or_default()].concat()
}

fn distinct(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}
