//! An adaptive softmax: an output layer with clusters of tokens.

use std::ops::Range;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData, s};
use kernels::softmax_loss;

use super::{LossOutput, OutputLayer};
use crate::adaptive_softmax::AdaptiveSoftmax;
use crate::init::Initialization;
use crate::token_cluster::TokenCluster;

/// Log-probabilities that are in memory at a time when the most probable tokens of an adaptive softmax are determined.
const BLOCK: usize = 1 << 21;

impl OutputLayer {
    /// Initial weights of an adaptive softmax, which has cutoffs: those of the head as by [`new`](Self::new).
    ///
    /// # Panics
    /// If there are no cutoffs.
    pub fn adaptive(
        inputs: usize,
        projection: Option<usize>,
        options: &AdaptiveSoftmax,
        vocab_size: usize,
        weights: &Initialization,
    ) -> Self {
        let size = projection.unwrap_or(inputs);
        let clusters = options.clusters(vocab_size).enumerate().map(|(index, tokens)| {
            let weights = weights.at(format!("clusters.{index}"));
            TokenCluster::new(size, options.cluster_dim(index, size), tokens.len(), &weights)
        });
        let clusters = clusters.collect();
        Self { clusters, ..Self::new(inputs, projection, false, options.head_classes(), weights) }
    }

    /// The ids of each cluster.
    pub(crate) fn cluster_ids(&self) -> Vec<Range<usize>> {
        let ids = self.clusters.iter().scan(self.head_tokens(), |first, cluster| {
            let ids = *first..*first + cluster.tokens();
            *first = ids.end;
            Some(ids)
        });
        ids.collect()
    }

    /// The loss of an adaptive softmax at each row's target, `[N]`.
    pub(super) fn adaptive_loss(&self, input: Tensor<2>, kernel: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        self.loss_of_ids(input, kernel, &integers(targets))
    }

    /// The same losses without gradients, and whether each target was the most probable token.
    pub(super) fn adaptive_loss_with_accuracy(
        &self,
        input: Tensor<2>,
        kernel: Tensor<2>,
        targets: Tensor<1, Int>,
    ) -> LossOutput {
        let (device, targets) = (targets.device(), integers(targets));
        let predicted = self.most_probable(&input, &kernel);
        let correct = targets.iter().zip(predicted).map(|(&target, predicted)| usize::from(target == predicted));
        let correct = Some(int_tensor(correct, &device));
        LossOutput { nats: self.loss_of_ids(input, kernel, &targets).without_autodiff(), correct }
    }

    /// The loss of an adaptive softmax: −ln of the head's probability of the target or its cluster, and for a target in a
    /// cluster −ln of its probability there. Of each cluster only the rows are computed whose targets it has.
    fn loss_of_ids(&self, input: Tensor<2>, kernel: Tensor<2>, targets: &[usize]) -> Tensor<1> {
        let device = input.device();
        let head_tokens = self.head_tokens();
        let mut classes = targets.to_vec();
        let mut of_clusters = Vec::new();
        for (index, (cluster, ids)) in self.clusters.iter().zip(self.cluster_ids()).enumerate() {
            let rows: Vec<usize> = (0..targets.len()).filter(|&row| ids.contains(&targets[row])).collect();
            if rows.is_empty() {
                continue;
            }
            rows.iter().for_each(|&row| classes[row] = head_tokens + index);
            let within = int_tensor(rows.iter().map(|&row| targets[row] - ids.start), &device);
            of_clusters.push((cluster, int_tensor(rows.into_iter(), &device), within));
        }
        let (largest, vocab_size) = (targets.iter().max().copied().unwrap_or(0), self.vocab_size());
        assert!(largest < vocab_size, "a target is {largest}; expected 0 to {}", vocab_size - 1);
        let classes = int_tensor(classes.into_iter(), &device);
        let mut nats = softmax_loss(input.clone(), kernel, self.bias.val(), classes, self.kernels);
        for (cluster, rows, within) in of_clusters {
            let loss = cluster.loss(input.clone().select(0, rows.clone()), within, self.kernels);
            nats = nats.select_assign(0, rows, loss, IndexingUpdateOp::Add);
        }
        nats
    }

    /// The log-probabilities of an adaptive softmax `[N, V]`, from the input and the logits of the head.
    pub(super) fn log_probabilities(&self, input: Tensor<2>, head: Tensor<2>) -> Tensor<2> {
        let head = log_softmax(head, 1);
        let tokens = self.head_tokens();
        let mut parts = vec![head.clone().slice(s![.., ..tokens])];
        for (index, cluster) in self.clusters.iter().enumerate() {
            let of_cluster = head.clone().slice(s![.., tokens + index..tokens + index + 1]);
            parts.push(log_softmax(cluster.forward(input.clone(), self.kernels), 1) + of_cluster);
        }
        Tensor::cat(parts, 1)
    }

    /// The most probable token of each row by an adaptive softmax. Where a token of the head is at least as probable as every
    /// cluster, it is that token, and no cluster is computed.
    fn most_probable(&self, input: &Tensor<2>, kernel: &Tensor<2>) -> Vec<usize> {
        let (rows, tokens) = (input.dims()[0], self.head_tokens());
        let block = (BLOCK / self.vocab_size()).max(1);
        let mut predicted = Vec::with_capacity(rows);
        for from in (0..rows).step_by(block) {
            let input = input.clone().slice(s![from..(from + block).min(rows), ..]);
            let head = self.head(input.clone(), kernel.clone()).without_autodiff();
            let (best, ids) = head.clone().slice(s![.., ..tokens]).max_dim_with_indices(1);
            let of_clusters = head.clone().slice(s![.., tokens..]).max_dim(1);
            let is_open: Vec<f32> = of_clusters.greater(best).float().try_into_vec_as().expect("logits can be read");
            let open: Vec<usize> = (0..is_open.len()).filter(|&row| is_open[row] != 0.0).collect();
            let mut ids = integers(ids.squeeze_dim(1));
            if !open.is_empty() {
                let at = int_tensor(open.iter().copied(), &input.device());
                let log_p = self.log_probabilities(input.select(0, at.clone()), head.select(0, at));
                let best = integers(log_p.without_autodiff().argmax(1).squeeze_dim(1));
                open.into_iter().zip(best).for_each(|(row, id)| ids[row] = id);
            }
            predicted.extend(ids);
        }
        predicted
    }
}

fn int_tensor(values: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

fn integers(ids: Tensor<1, Int>) -> Vec<usize> {
    let ids: Vec<i64> = ids.try_into_vec_as().expect("ids can be read as integers");
    ids.into_iter().map(|id| usize::try_from(id).unwrap_or_else(|_| panic!("an id is {id}, below 0"))).collect()
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, Param};
    use kernels::KernelMode;

    use super::*;
    use crate::cell::f32_values;
    use crate::embedding::Embedding;

    const INPUTS: usize = 6;
    const VOCAB: usize = 12;
    /// In the head and in both clusters.
    const TARGETS: [i32; 7] = [0, 3, 4, 6, 7, 11, 4];

    fn output(kernels: KernelMode) -> OutputLayer {
        let device = Device::flex();
        let weights = Initialization::new(3, &device);
        let options = AdaptiveSoftmax::default().cutoffs([4, 7]).division(2);
        let output = OutputLayer::adaptive(INPUTS, None, &options, VOCAB, &weights);
        // Biases that differ, and logits that differ by more than those of initial weights.
        let bias =
            output.bias.clone().map(|bias| Tensor::arange(0..bias.dims()[0] as i64, &bias.device()).float() * 0.3);
        let kernel = output.kernel.clone().map(|kernel| kernel.map(|kernel| kernel * 2.0));
        OutputLayer { bias, kernel, kernels, ..output }
    }

    fn embedding() -> Embedding {
        Embedding::new(VOCAB, 2, &Initialization::zeros(&Device::flex()))
    }

    fn input() -> Tensor<2> {
        let values: Vec<f32> = (0..TARGETS.len() * INPUTS).map(|at| (at * at % 17) as f32 / 4.0 - 2.0).collect();
        Tensor::from_data(TensorData::new(values, [TARGETS.len(), INPUTS]), &Device::flex())
    }

    fn targets() -> Tensor<1, Int> {
        Tensor::from_ints(TARGETS, &Device::flex())
    }

    /// x W for a row x.
    fn product(x: &[f64], weights: &Param<Tensor<2>>) -> Vec<f64> {
        let (columns, values) = (weights.dims()[1], f32_values(weights.val()));
        let term = |row: usize, column: usize| x[row] * f64::from(values[row * columns + column]);
        (0..columns).map(|column| (0..x.len()).map(|row| term(row, column)).sum()).collect()
    }

    fn softmax(logits: Vec<f64>) -> Vec<f64> {
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        logits.into_iter().map(|logit| logit.exp() / sum).collect()
    }

    /// The probabilities of all tokens, row by row.
    fn expected(output: &OutputLayer) -> Vec<Vec<f64>> {
        let rows: Vec<f64> = f32_values(input()).into_iter().map(f64::from).collect();
        let of_row = |x: &[f64]| {
            let bias = f32_values(output.bias.val());
            let logits = product(x, output.kernel.as_ref().unwrap());
            let head = softmax(logits.iter().zip(bias).map(|(logit, bias)| logit + f64::from(bias)).collect());
            let mut p = head[..4].to_vec();
            for (cluster, of_cluster) in output.clusters.iter().zip(&head[4..]) {
                let within = softmax(product(&product(x, &cluster.projection), &cluster.kernel));
                p.extend(within.iter().map(|p| of_cluster * p));
            }
            p
        };
        rows.chunks(INPUTS).map(of_row).collect()
    }

    #[test]
    fn an_adaptive_softmax_has_the_probability_of_the_cluster_times_that_of_the_token() {
        for kernels in [KernelMode::default(), KernelMode::Composed] {
            let output = output(kernels);
            assert_eq!((output.vocab_size(), output.head_tokens()), (VOCAB, 4));
            let expected = expected(&output);
            let log_p = f32_values(output.forward(input(), &embedding()));
            for (row, (expected, log_p)) in expected.iter().zip(log_p.chunks(VOCAB)).enumerate() {
                let p: Vec<f64> = log_p.iter().map(|&log_p| f64::from(log_p).exp()).collect();
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-5, "row {row}: {p:?}");
                for (p, expected) in p.iter().zip(expected) {
                    assert!((p - expected).abs() < 1e-5, "row {row}: {p} {expected}");
                }
            }
            let losses = output.loss_with_accuracy(input(), &embedding(), targets());
            let correct: Vec<i64> = losses.correct.unwrap().try_into_vec_as().unwrap();
            let nats = [output.loss(input(), &embedding(), targets()), losses.nats].map(f32_values);
            for (row, (expected, &target)) in expected.iter().zip(&TARGETS).enumerate() {
                let target = target as usize;
                for nats in &nats {
                    assert!((f64::from(nats[row]) + expected[target].ln()).abs() < 3e-5, "row {row}: {}", nats[row]);
                }
                let is_best = expected.iter().all(|&p| p <= expected[target]);
                assert_eq!(correct[row] != 0, is_best, "row {row}: {expected:?}");
            }
        }
    }

    #[test]
    fn the_most_probable_token_may_be_in_the_head_or_in_a_cluster() {
        // What is added to the biases of the head's six classes, and the ids that this makes most probable.
        let none = [0.0; 6];
        let (to_tokens, to_clusters) = ([40.0, 40.0, 40.0, 40.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 40.0, 40.0]);
        for (added, ids) in [(none, 0..VOCAB), (to_tokens, 0..4), (to_clusters, 4..VOCAB)] {
            let output = output(KernelMode::default());
            let bias = output.bias.clone().map(|bias| bias + Tensor::from_floats(added, &Device::flex()));
            let output = OutputLayer { bias, ..output };
            let kernel = output.kernel.as_ref().unwrap().val();
            let found = output.most_probable(&input(), &kernel);
            let best = |p: &Vec<f64>| (0..VOCAB).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
            assert_eq!(found, expected(&output).iter().map(best).collect::<Vec<_>>());
            assert!(found.iter().all(|id| ids.contains(id)), "{found:?}");
        }
    }

    #[test]
    fn a_cluster_without_targets_gets_no_gradient() {
        let device = Device::flex().autodiff();
        for (ids, expected) in [([1, 2, 3], [false; 2]), ([1, 5, 4], [true, false]), ([7, 8, 5], [true; 2])] {
            let output = output(KernelMode::default()).train();
            let targets = Tensor::<1, Int>::from_ints(ids, &device);
            let input = input().narrow(0, 0, 3).to_device(&device);
            let gradients = output.loss(input, &embedding(), targets).sum().backward();
            let has_gradient = |cluster: &TokenCluster| cluster.kernel.grad(&gradients).is_some();
            assert_eq!(output.clusters.iter().map(has_gradient).collect::<Vec<_>>(), expected);
            assert!(output.bias.grad(&gradients).is_some());
        }
    }

    #[test]
    #[should_panic(expected = "a target is 12; expected 0 to 11")]
    fn a_target_beyond_the_last_cluster_is_rejected() {
        output(KernelMode::default()).loss(
            input().narrow(0, 0, 1),
            &embedding(),
            Tensor::from_ints([12], &Device::flex()),
        );
    }
}
