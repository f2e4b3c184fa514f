//! An output layer packed for inference, with or without an adaptive softmax.

use burn::module::Param;
use burn::tensor::Tensor;
use kernels::inference::{BatchRows, MatrixView, PackedLinear, Precision, log_softmax};

use crate::cell::f32_values;
use crate::dense::Dense;
use crate::language_model::LanguageModel;
use crate::token_cluster::TokenCluster;

/// The packed weights of an output layer.
pub(crate) struct PackedOutput {
    projection: Option<PackedLinear>,
    /// From p to the logits of all tokens, or of the head of an adaptive softmax.
    head: PackedLinear,
    clusters: Vec<PackedCluster>,
    vocab_size: usize,
}

struct PackedCluster {
    projection: PackedLinear,
    kernel: PackedLinear,
}

impl PackedOutput {
    /// Packs the output layer of `model`, whose `embedding` has these values.
    pub fn new(model: &LanguageModel, embedding: &[f32], precision: Precision) -> Self {
        let output = &model.output;
        let bias = f32_values(output.bias.val());
        let head = match &output.kernel {
            Some(kernel) => linear(&f32_values(kernel.val()), &bias, precision),
            // A tied embedding is not quantized: the output layer must use the same values as the embedding.
            None => {
                let rows = MatrixView::dense(embedding, model.embedding.weight.dims()[1]);
                PackedLinear::new(rows.transposed(), &bias, Precision::F32)
            }
        };
        let dense =
            |Dense { kernel, bias }: &Dense| linear(&f32_values(kernel.val()), &f32_values(bias.val()), precision);
        let unbiased =
            |kernel: &Param<Tensor<2>>| linear(&f32_values(kernel.val()), &vec![0.0; kernel.dims()[1]], precision);
        let clusters = output.clusters.iter().map(|TokenCluster { projection, kernel }| PackedCluster {
            projection: unbiased(projection),
            kernel: unbiased(kernel),
        });
        Self {
            projection: output.projection.as_ref().map(dense),
            head,
            clusters: clusters.collect(),
            vocab_size: output.vocab_size(),
        }
    }

    /// V.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The logits of all tokens: the first V values of each row. Those of an adaptive softmax are logarithms of
    /// probabilities.
    pub fn logits(&self, hidden: &BatchRows, logits: &mut BatchRows) {
        let projected = self.projection.as_ref().map(|projection| product(projection, hidden));
        let input = projected.as_ref().unwrap_or(hidden);
        if self.clusters.is_empty() {
            self.head.multiply(input, logits);
            return;
        }
        let head = product(&self.head, input);
        let tokens = self.head.outputs() - self.clusters.len();
        let of_head: Vec<Vec<f32>> =
            (0..head.batch_size()).map(|row| log_probs(&head.row(row)[..self.head.outputs()])).collect();
        for (row, of_head) in of_head.iter().enumerate() {
            logits.row_mut(row)[..tokens].copy_from_slice(&of_head[..tokens]);
        }
        let mut first = tokens;
        for (index, PackedCluster { projection, kernel }) in self.clusters.iter().enumerate() {
            let within = product(kernel, &product(projection, input));
            let count = kernel.outputs();
            for (row, of_head) in of_head.iter().enumerate() {
                let of_cluster = of_head[tokens + index];
                let within = log_probs(&within.row(row)[..count]);
                let logits = &mut logits.row_mut(row)[first..first + count];
                logits.iter_mut().zip(within).for_each(|(logit, within)| *logit = of_cluster + within);
            }
            first += count;
        }
    }
}

/// Packs a matrix with as many columns as there are biases.
fn linear(kernel: &[f32], bias: &[f32], precision: Precision) -> PackedLinear {
    PackedLinear::new(MatrixView::dense(kernel, bias.len()), bias, precision)
}

fn product(layer: &PackedLinear, input: &BatchRows) -> BatchRows {
    let mut output = BatchRows::zeros(input.batch_size(), layer.outputs());
    layer.multiply(input, &mut output);
    output
}

/// ln softmax of a row.
fn log_probs(logits: &[f32]) -> Vec<f32> {
    log_softmax(logits).into_iter().map(|log_prob| log_prob as f32).collect()
}
