//! Initial weights from the distributions of Keras or PyTorch, drawn from the run's random streams.
//!
//! Every parameter has its own stream, keyed by seed and path, and an id that is a hash of its path:
//! the same model has the same bytes in any process and on any backend.

use burn::module::{Param, ParamId};
use burn::tensor::{DType, Device, Tensor, TensorData};
use seqdata::Random;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Which distributions the embeddings and the output layer of a model have at first. Its other weights have those of
/// Keras with either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitScheme {
    /// As in Keras: embeddings uniform over ±0.05, the kernel of the output layer Glorot uniform.
    #[default]
    Keras,
    /// As in PyTorch: embeddings uniform over ±0.1, as in its word language model; the kernel of the output layer
    /// uniform over ±1/√inputs, as in `nn.Linear`.
    Uniform,
}

impl InitScheme {
    /// The distribution of an embedding.
    pub fn embedding(self) -> Initializer {
        let limit = match self {
            Self::Keras => 0.05,
            Self::Uniform => 0.1,
        };
        Initializer::Uniform { limit }
    }

    /// The distribution of the kernel of an output layer with this many inputs.
    pub fn output_kernel(self, inputs: usize) -> Initializer {
        match self {
            Self::Keras => Initializer::GlorotUniform,
            Self::Uniform => Initializer::Uniform { limit: (inputs as f64).sqrt().recip() },
        }
    }

    /// Whether it is the default, which files of a model leave out.
    pub(crate) fn is_keras(&self) -> bool {
        *self == Self::Keras
    }
}

/// The distribution of an initial matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// Uniform over ±`limit`.
    Uniform {
        /// The largest absolute value.
        limit: f64,
    },
    /// Uniform over ±√(6 / (rows + columns)) of the whole matrix (Glorot and Bengio 2010, eq. 16).
    GlorotUniform,
    /// Orthonormal rows, or columns if there are more rows than columns (Saxe et al. 2014).
    Orthogonal,
}

impl Initializer {
    /// Draws a `rows` × `columns` matrix, row by row.
    pub fn draw(self, random: &mut Random, rows: usize, columns: usize) -> Vec<f64> {
        let mut uniform = |limit: f64| {
            let draw = |_| (random.uniform() * 2.0 - 1.0) * limit;
            (0..rows * columns).map(draw).collect()
        };
        match self {
            Self::Uniform { limit } => uniform(limit),
            Self::GlorotUniform => uniform((6.0 / (rows + columns) as f64).sqrt()),
            Self::Orthogonal => orthogonal(random, rows, columns),
        }
    }
}

/// The vectors along the shorter side, orthonormalised by Gram-Schmidt in f64: the Q of a QR
/// decomposition whose R has a positive diagonal, as in Keras.
fn orthogonal(random: &mut Random, rows: usize, columns: usize) -> Vec<f64> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| random.normal()).collect();
        // Twice, because rounding leaves a part of the earlier directions (Giraud et al. 2005).
        for _ in 0..2 {
            for earlier in &basis {
                let projection = dot(earlier, &vector);
                vector.iter_mut().zip(earlier).for_each(|(v, e)| *v -= projection * e);
            }
        }
        let norm = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|v| *v /= norm);
        basis.push(vector);
    }
    let value = |row: usize, column: usize| {
        if rows <= columns { basis[row][column] } else { basis[column][row] }
    };
    (0..rows * columns).map(|i| value(i / columns, i % columns)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Creates the parameters of one model: holds seed, scheme, device and the current path.
#[derive(Clone, Debug)]
pub struct Initialization<'a> {
    /// None for zero weights.
    seed: Option<u64>,
    /// The distributions of embeddings and output layer.
    pub(crate) scheme: InitScheme,
    device: &'a Device,
    dtype: DType,
    path: String,
}

impl<'a> Initialization<'a> {
    /// The root path of a model, with the scheme of Keras.
    pub fn new(seed: u64, device: &'a Device) -> Self {
        Self { seed: Some(seed), ..Self::zeros(device) }
    }

    /// The root path of a model whose weights are zero, to be replaced by those of a file. They take memory only when
    /// they are read, so the sizes of a configuration can be compared with those of a file first.
    pub fn zeros(device: &'a Device) -> Self {
        Self { seed: None, scheme: InitScheme::Keras, device, dtype: DType::F32, path: String::new() }
    }

    /// The same with weights of this dtype, `F32` or `F64`.
    pub fn dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// The same with the distributions of this scheme.
    pub fn scheme(self, scheme: InitScheme) -> Self {
        Self { scheme, ..self }
    }

    /// The path below this one, called `name`.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// A parameter matrix of this name.
    pub fn matrix(&self, name: &str, [rows, columns]: [usize; 2], initializer: Initializer) -> Param<Tensor<2>> {
        let path = self.at(name).path;
        let Some(seed) = self.seed else { return self.lazy_zeros(&path, [rows, columns]) };
        let mut random = Random::keyed(seed, &format!("weights/{path}"), &[]);
        let data = TensorData::new(initializer.draw(&mut random, rows, columns), [rows, columns]);
        parameter(&path, Tensor::from_data(data, (self.device, self.dtype)))
    }

    /// A parameter vector of this name and length, all zero.
    pub fn zero_vector(&self, name: &str, length: usize) -> Param<Tensor<1>> {
        match self.seed {
            None => self.lazy_zeros(&self.at(name).path, [length]),
            Some(_) => self.vector(name, vec![0.0; length]),
        }
    }

    /// A parameter vector of this name with these values.
    pub fn vector(&self, name: &str, values: Vec<f64>) -> Param<Tensor<1>> {
        let (path, length) = (self.at(name).path, values.len());
        if self.seed.is_none() {
            return self.lazy_zeros(&path, [length]);
        }
        let data = TensorData::new(values, [length]);
        parameter(&path, Tensor::from_data(data, (self.device, self.dtype)))
    }

    fn lazy_zeros<const D: usize>(&self, path: &str, shape: [usize; D]) -> Param<Tensor<D>> {
        let dtype = self.dtype;
        let zeros =
            move |device: &Device, require_grad| Tensor::zeros(shape, (device, dtype)).set_require_grad(require_grad);
        Param::uninitialized(ParamId::from(path_id(path)), zeros, self.device.clone(), true, shape.into())
    }
}

fn parameter<const D: usize>(path: &str, value: Tensor<D>) -> Param<Tensor<D>> {
    let mut parameter = Param::from_tensor(value);
    parameter.id = ParamId::from(path_id(path));
    parameter
}

/// The first eight bytes of the SHA-256 of a path.
fn path_id(path: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(path).into();
    u64::from_le_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(initializer: Initializer, rows: usize, columns: usize) -> Vec<f64> {
        initializer.draw(&mut Random::keyed(1, "init", &[]), rows, columns)
    }

    #[test]
    fn glorot_is_uniform_over_its_interval() {
        let limit = (6.0f64 / (100.0 + 1024.0)).sqrt();
        let values = draw(Initializer::GlorotUniform, 100, 1024);
        let largest = values.iter().fold(0f64, |a, b| a.max(b.abs()));
        assert!(largest <= limit && largest > 0.999 * limit);
        let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.01);
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        for (rows, columns) in [(32, 128), (128, 32), (16, 16)] {
            let values = draw(Initializer::Orthogonal, rows, columns);
            let short = rows.min(columns);
            let vector = |k: usize| -> Vec<f64> {
                let along = |i: usize| {
                    if rows <= columns { values[k * columns + i] } else { values[i * columns + k] }
                };
                (0..rows.max(columns)).map(along).collect()
            };
            for a in 0..short {
                for b in 0..short {
                    let expected = if a == b { 1.0 } else { 0.0 };
                    assert!((dot(&vector(a), &vector(b)) - expected).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn each_scheme_has_its_intervals() {
        let glorot = (6.0f64 / (200.0 + 1000.0)).sqrt();
        for (scheme, embedding, output) in
            [(InitScheme::Keras, 0.05, glorot), (InitScheme::Uniform, 0.1, 1.0 / 200f64.sqrt())]
        {
            for (initializer, limit) in [(scheme.embedding(), embedding), (scheme.output_kernel(200), output)] {
                let values = draw(initializer, 200, 1000);
                let largest = values.iter().fold(0f64, |a, b| a.max(b.abs()));
                assert!(largest <= limit && largest > 0.999 * limit, "{scheme:?}: {largest}, expected {limit}");
                let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
                assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.01, "{scheme:?}: {variance}");
            }
        }
    }

    #[test]
    fn a_weight_depends_on_seed_and_path_alone() {
        let device = Device::flex();
        let weight = |seed, name: &str| {
            let root = Initialization::new(seed, &device);
            let weight = root.at("layer").matrix(name, [3, 4], Initializer::GlorotUniform);
            (weight.id, weight.val().try_into_vec_as::<f32>().unwrap())
        };
        assert_eq!(weight(1, "a"), weight(1, "a"));
        assert_ne!(weight(1, "a").1, weight(2, "a").1);
        assert_ne!(weight(1, "a").1, weight(1, "b").1);
        assert_eq!(weight(1, "a").0, weight(2, "a").0);
    }
}
