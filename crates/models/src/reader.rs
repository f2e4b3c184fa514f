//! A trained language model laid out for reading and writing token by token, for one text or for many at once.
//!
//! The same equations as [`LanguageModel`]'s, on plain numbers: no graph, no tensors, and weights that are packed
//! once. A law binds the two.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use kernels::inference::{self, Equations, Matrix, Memory, Precision, Recurrence, Texts, View};

use crate::cell::Cell;
use crate::language_model::LanguageModel;
use crate::norm::EPSILON;

/// `model` with the matrices as [`Precision::Int8`] keeps them; biases, norms and the vectors of the ids stay as
/// they are, and so does an output layer that is tied to them.
pub fn rounded(mut model: LanguageModel) -> LanguageModel {
    fn round(weights: Param<Tensor<2>>) -> Param<Tensor<2>> {
        weights.map(|weights| {
            let (dims, device) = (weights.dims(), weights.device());
            let numbers = inference::rounded(View::dense(&numbers(weights), dims[1]));
            Tensor::from_data(TensorData::new(numbers, dims), &device)
        })
    }
    for layer in &mut model.stack.layers {
        for cell in std::iter::once(&mut layer.cell).chain(&mut layer.backward) {
            let [kernel, recurrent] = match cell {
                Cell::Elman(cell) => [&mut cell.kernel, &mut cell.recurrent_kernel],
                Cell::Lstm(cell) => [&mut cell.kernel, &mut cell.recurrent_kernel],
                Cell::Gru(cell) => [&mut cell.kernel, &mut cell.recurrent_kernel],
            };
            for weights in [kernel, recurrent] {
                *weights = round(weights.clone());
            }
        }
    }
    if let Some(projection) = &mut model.output.projection {
        projection.kernel = round(projection.kernel.clone());
    }
    model.output.kernel = model.output.kernel.map(round);
    model
}

/// The weights of a language model, laid out.
pub struct Reader {
    table: Vec<f32>,
    size: usize,
    layers: Vec<Layer>,
    projection: Option<(Matrix, Vec<f32>)>,
    output: Matrix,
    bias: Vec<f32>,
}

struct Layer {
    recurrence: Recurrence,
    /// γ and β.
    norm: Option<[Vec<f32>; 2]>,
}

/// Texts that are being read.
pub struct Reading {
    memories: Vec<Memory>,
    logits: Texts,
}

impl Reading {
    /// What was read of the one text, as the beginning of `count` texts.
    pub fn repeated(&self, count: usize) -> Self {
        let memories = self.memories.iter().map(|memory| memory.repeated(count)).collect();
        Self { memories, logits: self.logits.repeated(count) }
    }
}

impl Reader {
    /// Lays out `model`; none if it reads in both directions, which no writer can, or its cells have no kernel.
    pub fn new(model: &LanguageModel, precision: Precision) -> Option<Self> {
        let table = numbers(model.embedding.weight.val());
        let [vocabulary, size] = model.embedding.weight.dims();
        let layers = model.stack.layers.iter().map(|layer| {
            let norm = layer.norm.as_ref();
            let norm =
                norm.map(|norm| [&norm.gain, &norm.bias].map(|weights| numbers(weights.val())));
            match layer.backward {
                Some(_) => None,
                None => Some(Layer { recurrence: recurrence(&layer.cell, precision)?, norm }),
            }
        });
        let layers = layers.collect::<Option<Vec<_>>>()?;
        let projection = model.output.projection.as_ref().map(|dense| {
            let [_, columns] = dense.kernel.dims();
            let kernel = numbers(dense.kernel.val());
            (Matrix::new(View::dense(&kernel, columns), precision), numbers(dense.bias.val()))
        });
        let output = match &model.output.kernel {
            Some(kernel) => Matrix::new(View::dense(&numbers(kernel.val()), vocabulary), precision),
            // What is read must be what is written with: a tied table stays as it is.
            None => Matrix::new(View::dense(&table, size).transposed(), Precision::F32),
        };
        let bias = numbers(model.output.bias.val());
        Some(Self { table, size, layers, projection, output, bias })
    }

    /// `count` texts of which nothing has been read.
    pub fn start(&self, count: usize) -> Reading {
        let memories = self.layers.iter().map(|layer| layer.recurrence.start(count)).collect();
        Reading { memories, logits: Texts::zeros(count, self.bias.len()) }
    }

    /// Reads one more id of every text, and says nothing yet.
    ///
    /// # Panics
    /// If there are not as many ids as texts, or one is not below V.
    pub fn read(&self, ids: &[u32], reading: &mut Reading) {
        let mut x = Texts::zeros(ids.len(), self.size);
        for (text, &id) in ids.iter().enumerate() {
            let row = &self.table[id as usize * self.size..][..self.size];
            x.row_mut(text)[..self.size].copy_from_slice(row);
        }
        let mut normed = None;
        let memories = reading.memories.iter_mut().zip(&self.layers);
        let mut below: Option<&Texts> = None;
        for (memory, layer) in memories {
            let x = normed.as_ref().or(below).unwrap_or(&x);
            layer.recurrence.step(x, memory);
            normed = layer.norm.as_ref().map(|norm| normalized(&memory.hidden, layer, norm));
            below = Some(&memory.hidden);
        }
    }

    /// The logits of what follows, V numbers of each text.
    pub fn logits<'a>(&self, reading: &'a mut Reading) -> impl Iterator<Item = &'a [f32]> {
        let Reading { memories, logits } = reading;
        let (last, top) = (memories.last(), self.layers.last());
        let (last, top) = last.zip(top).expect("a model has layers");
        let normed = top.norm.as_ref().map(|norm| normalized(&last.hidden, top, norm));
        let hidden = normed.as_ref().unwrap_or(&last.hidden);
        let projected = self.projection.as_ref().map(|(kernel, bias)| {
            let mut projected = Texts::zeros(hidden.count(), bias.len());
            (0..hidden.count()).for_each(|text| {
                projected.row_mut(text)[..bias.len()].copy_from_slice(bias);
            });
            kernel.multiply(hidden, &mut projected, true);
            projected
        });
        let vocabulary = self.bias.len();
        for text in 0..hidden.count() {
            logits.row_mut(text)[..vocabulary].copy_from_slice(&self.bias);
        }
        self.output.multiply(projected.as_ref().unwrap_or(hidden), logits, true);
        let logits: &'a Texts = logits;
        (0..logits.count()).map(move |text| &logits.row(text)[..vocabulary])
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("a trained model lies in memory")
}

/// The layer's equations and weights; none if they have no kernel.
fn recurrence(cell: &Cell, precision: Precision) -> Option<Recurrence> {
    let [kernel, recurrent] = [cell.kernel(), cell.recurrent_kernel()].map(|w| numbers(w.val()));
    let columns = cell.kernel().dims()[1];
    let (equations, bias) = match cell {
        Cell::Elman(cell) => (Equations::Elman(cell.activation), numbers(cell.bias.val())),
        Cell::Lstm(cell) => (Equations::Lstm, numbers(cell.bias.val())),
        Cell::Gru(cell) => {
            let more = numbers(cell.recurrent_bias.as_ref()?.val());
            let bias = numbers(cell.bias.val());
            let (gates, own) = bias.split_at(2 * cell.recurrent_kernel.dims()[0]);
            let both = gates.iter().zip(&more).map(|(one, other)| one + other);
            let biases = own.iter().copied().chain(both);
            (Equations::Gru, biases.chain(more[gates.len()..].iter().copied()).collect())
        }
    };
    let [kernel, recurrent] = [&kernel, &recurrent].map(|w| View::dense(w, columns));
    Some(Recurrence::new(equations, kernel, recurrent, &bias, precision))
}

/// What a layer hands on, normalised: the equation of [`crate::norm::LayerNorm`].
fn normalized(hidden: &Texts, layer: &Layer, [gain, bias]: &[Vec<f32>; 2]) -> Texts {
    let units = layer.recurrence.units();
    let mut normed = Texts::zeros(hidden.count(), units);
    for text in 0..hidden.count() {
        let x = &hidden.row(text)[..units];
        let mean = x.iter().sum::<f32>() / units as f32;
        let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / units as f32;
        let root = (variance + EPSILON as f32).sqrt();
        let weights = gain.iter().zip(bias);
        for ((y, x), (gain, bias)) in normed.row_mut(text).iter_mut().zip(x).zip(weights) {
            *y = (x - mean) / root * gain + bias;
        }
    }
    normed
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;
    use crate::config::LanguageModelConfig;
    use crate::layer::LayerConfig;
    use crate::{Activation, CellKind};

    fn configs() -> Vec<LanguageModelConfig> {
        let rnn = CellKind::Elman(Activation::Relu);
        let gru = CellKind::Gru { reset_after: true };
        let layer = |kind, units| LayerConfig::new(kind, units);
        let plain = |kind| LanguageModelConfig::new(37, 5, vec![layer(kind, 19)]);
        let norm = LayerConfig { layer_norm: true, ..layer(CellKind::Lstm, 7) };
        let stack = vec![norm.clone(), layer(gru, 33), norm];
        let options = LanguageModelConfig {
            tied: true,
            projection: 5,
            ..LanguageModelConfig::new(37, 5, stack)
        };
        vec![plain(rnn), plain(gru), plain(CellKind::Lstm), options]
    }

    const TEXTS: [[i32; 4]; 3] = [[1, 2, 3, 4], [36, 0, 5, 5], [9, 8, 7, 6]];

    #[test]
    fn it_reads_what_the_model_reads() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let reader = Reader::new(&model, Precision::F32).unwrap();
            let mut reading = reader.start(3);
            for step in 0..4 {
                let ids = TEXTS.map(|text| text[step] as u32);
                reader.read(&ids, &mut reading);
                let ids = Tensor::<2, Int>::from_ints(TEXTS, &Device::flex());
                let ids = ids.narrow(1, 0, step + 1);
                let expected: Vec<f32> =
                    model.next(ids, model.start(3)).0.try_into_vec_as().unwrap();
                let found: Vec<f32> = reader.logits(&mut reading).flatten().copied().collect();
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-5, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_text_is_read_alike_alone_and_among_others() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let reader = Reader::new(&model, Precision::F32).unwrap();
            let (mut alone, mut together) = (reader.start(1), reader.start(1));
            reader.read(&[5], &mut alone);
            reader.read(&[5], &mut together);
            let mut together = together.repeated(9);
            reader.read(&[7], &mut alone);
            reader.read(&[1, 2, 3, 4, 7, 6, 7, 8, 9], &mut together);
            let alone: Vec<f32> = reader.logits(&mut alone).flatten().copied().collect();
            let together: Vec<&[f32]> = reader.logits(&mut together).collect();
            assert_eq!(together[4], alone);
            assert_eq!(together[6], alone);
            assert_ne!(together[5], alone);
        }
    }

    #[test]
    fn eight_bits_are_near() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let logits = |precision| -> Vec<f32> {
                let reader = Reader::new(&model, precision).unwrap();
                let mut reading = reader.start(1);
                (1..5).for_each(|id| reader.read(&[id], &mut reading));
                reader.logits(&mut reading).flatten().copied().collect()
            };
            let (exact, near) = (logits(Precision::F32), logits(Precision::Int8));
            assert_ne!(exact, near);
            let largest = exact.iter().fold(0f32, |largest, logit| largest.max(logit.abs()));
            for (exact, near) in exact.iter().zip(&near) {
                assert!((exact - near).abs() < 0.05 * largest, "{exact} {near}");
            }
        }
    }

    #[test]
    fn rounded_weights_say_what_eight_bits_say() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let logits = |model, precision| -> Vec<f32> {
                let reader = Reader::new(model, precision).unwrap();
                let mut reading = reader.start(1);
                (1..5).for_each(|id| reader.read(&[id], &mut reading));
                reader.logits(&mut reading).flatten().copied().collect()
            };
            let kept = logits(&model, Precision::Int8);
            let rounded = logits(&rounded(model.clone()), Precision::F32);
            for (kept, rounded) in kept.iter().zip(&rounded) {
                assert!((kept - rounded).abs() < 1e-6, "{kept} {rounded}");
            }
        }
    }

    #[test]
    fn what_has_no_kernel_is_not_laid_out() {
        let kind = CellKind::Gru { reset_after: false };
        let config = LanguageModelConfig::new(7, 3, vec![LayerConfig::new(kind, 4)]);
        let model = config.init(1, &Device::flex()).unwrap();
        assert!(Reader::new(&model, Precision::F32).is_none());
    }
}
