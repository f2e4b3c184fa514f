//! A trained language model with another vocabulary, other dropout rates or another output layer, to be trained further.

use std::ops::Range;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use super::model::LanguageModel;
use crate::cell::f32_values;
use crate::dense::Dense;
use crate::output_layer::OutputLayer;
use crate::stack::Layer;

impl LanguageModel {
    /// This model with the vocabulary of `fresh`, which extends its own; otherwise as [`adapt`](Self::adapt).
    ///
    /// # Panics
    /// If `fresh` has a smaller vocabulary, fewer labels or other sizes.
    pub fn resize_vocab(self, fresh: Self) -> Self {
        let (old, new) = (self.vocab_size(), fresh.vocab_size());
        assert!(old <= new, "{old} tokens do not fit into {new}");
        self.adapt(fresh, &beginning(old, new))
    }

    /// This model with the vocabulary, the labels, the dropout rates and the output layer of `fresh`, a model of the same
    /// sizes otherwise.
    ///
    /// `origins` has for each id of `fresh` the ids of this model whose mean its weights are at first; with none they are
    /// those of `fresh`. The vectors of new labels, and of no label if there were none, are zeros, so that the model
    /// predicts as before until it is trained. A projection of another size has the weights of `fresh`, as has the kernel
    /// after it. With an adaptive softmax, so has a token that is in another cluster than its origins. If only `fresh` has a
    /// kernel of its own, it is at first the embedding, which was used instead.
    ///
    /// # Panics
    /// If `fresh` has fewer labels or other sizes, or `origins` has another length or an id that does not exist.
    #[must_use]
    pub fn adapt(self, fresh: Self, origins: &[Vec<u32>]) -> Self {
        assert_eq!(origins.len(), fresh.vocab_size(), "the origins are not those of the vocabulary");
        let mut model = fresh;
        let shared_kernel = self.embedding.weight.val().transpose();
        model.embedding.weight = mean_of(model.embedding.weight, self.embedding.weight.val(), 0, origins);
        assert!(self.label_embedding.is_none() || model.label_embedding.is_some(), "the new model has no labels");
        if let Some(labels) = &mut model.label_embedding {
            let zeros = labels.weight.clone().map(|weight| weight.zeros_like());
            labels.weight = match self.label_embedding {
                Some(own) => {
                    let (old, new) = (own.weight.dims()[0], zeros.dims()[0]);
                    mean_of(zeros, own.weight.val(), 0, &beginning(old, new))
                }
                None => zeros,
            };
        }
        assert_eq!(model.stack.layers.len(), self.stack.layers.len(), "the new model has other layers");
        model.stack.kernels = self.stack.kernels;
        for (layer, own) in model.stack.layers.iter_mut().zip(self.stack.layers) {
            *layer = Layer { recurrent_dropout: layer.recurrent_dropout, ..own };
        }
        let size = |projection: &Option<Dense>| projection.as_ref().map(|projection| projection.kernel.dims());
        let output = &mut model.output;
        let of_classes = class_origins(output, &self.output, origins);
        let ids = [output.cluster_ids(), self.output.cluster_ids()];
        if size(&output.projection) == size(&self.output.projection) {
            output.projection = self.output.projection;
            let kernel = self.output.kernel.map_or(shared_kernel, |kernel| kernel.val());
            output.kernel = output.kernel.take().map(|fresh| mean_of(fresh, kernel, 1, &of_classes));
            let [new_ids, old_ids] = ids;
            let clusters = output.clusters.iter_mut().zip(self.output.clusters);
            for ((cluster, own), (new_ids, old_ids)) in clusters.zip(new_ids.into_iter().zip(old_ids)) {
                if cluster.projection.dims() == own.projection.dims() {
                    let of_tokens: Vec<_> = origins[new_ids].iter().map(|of| among(of, old_ids.clone())).collect();
                    cluster.kernel = mean_of(cluster.kernel.clone(), own.kernel.val(), 1, &of_tokens);
                    cluster.projection = own.projection;
                }
            }
        }
        output.bias = mean_of(output.bias.clone(), self.output.bias.val(), 0, &of_classes);
        model
    }
}

/// The origins of each class of an output layer: those of tokens that have a class in the head of the old one, too, and
/// clusters of the same number.
fn class_origins(new: &OutputLayer, old: &OutputLayer, origins: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let old_tokens = old.head_tokens();
    let tokens = origins[..new.head_tokens()].iter().map(|origins| among(origins, 0..old_tokens));
    let class = |index| (index < old.clusters.len()).then_some((old_tokens + index) as u32).into_iter().collect();
    tokens.chain((0..new.clusters.len()).map(class)).collect()
}

/// The origins of a token, counted from the first of `ids`; none if one is not among these.
fn among(origins: &[u32], ids: Range<usize>) -> Vec<u32> {
    let are_known = origins.iter().all(|&id| ids.contains(&(id as usize)));
    origins.iter().filter(|_| are_known).map(|id| id - ids.start as u32).collect()
}

/// The origins of `new` tokens whose beginning are the `old` ones.
fn beginning(old: usize, new: usize) -> Vec<Vec<u32>> {
    (0..new).map(|id| (id < old).then_some(id as u32).into_iter().collect()).collect()
}

/// `fresh` whose slice at each index of dimension `dim` is the mean of the slices of `old` at the `origins` of that index,
/// if it has any.
fn mean_of<const D: usize>(
    fresh: Param<Tensor<D>>,
    old: Tensor<D>,
    dim: usize,
    origins: &[Vec<u32>],
) -> Param<Tensor<D>> {
    let (new_dims, old_dims) = (fresh.dims(), old.dims());
    for other in (0..D).filter(|&other| other != dim) {
        assert_eq!(new_dims[other], old_dims[other], "the new model has other sizes");
    }
    let (new_count, old_count) = (new_dims[dim], old_dims[dim]);
    let inner: usize = new_dims[dim + 1..].iter().product();
    let old = f32_values(old);
    fresh.map(|fresh| {
        let (device, dtype) = (fresh.device(), fresh.dtype());
        let mut values = f32_values(fresh);
        for (at, value) in values.iter_mut().enumerate() {
            let (outer, index, within) = (at / inner / new_count, at / inner % new_count, at % inner);
            let of = |&origin: &u32| old[(outer * old_count + origin as usize) * inner + within];
            let origins = &origins[index];
            if !origins.is_empty() {
                *value = origins.iter().map(of).sum::<f32>() / origins.len() as f32;
            }
        }
        Tensor::from_data(TensorData::new(values, new_dims), (&device, dtype))
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;
    use crate::adaptive_softmax::AdaptiveSoftmax;
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    fn config() -> LanguageModelConfig {
        LanguageModelConfig::new(5, 4, vec![LayerConfig::lstm(6).recurrent_dropout(0.4), LayerConfig::gru(6)])
    }

    fn init(config: &LanguageModelConfig, seed: u64) -> LanguageModel {
        config.init(seed, &Device::flex()).unwrap()
    }

    fn logits(model: &LanguageModel, ids: [i32; 3]) -> Vec<f32> {
        let ids = Tensor::<2, Int>::from_ints([ids], &Device::flex());
        f32_values(model.forward_last(ids, model.init_state(1)).0)
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn new_tokens_start_as_the_mean_of_their_parts_wherever_the_old_ones_move() {
        for config in [config(), config().projection_dim(4).tie_weights(true)] {
            let old = init(&config, 1);
            let fresh = init(&config.clone().vocab_size(7), 2);
            // A new token at id 1, which moves the others, and one of the parts 2 and 4 at the end.
            let origins: Vec<Vec<u32>> =
                [&[0][..], &[], &[1], &[2], &[3], &[4], &[2, 4, 4]].map(<[u32]>::to_vec).into();
            let adapted = old.clone().adapt(fresh.clone(), &origins);
            let rows = |model: &LanguageModel| {
                let rows = f32_values(model.embedding.weight.val());
                rows.chunks(4).map(<[f32]>::to_vec).collect::<Vec<_>>()
            };
            let (before, first, now) = (rows(&old), rows(&fresh), rows(&adapted));
            assert_eq!(now[1], first[1]);
            for (new, old) in [(0, 0), (2, 1), (3, 2), (4, 3), (5, 4)] {
                assert_eq!(now[new], before[old]);
            }
            for (at, value) in now[6].iter().enumerate() {
                assert!((value - (before[2][at] + 2.0 * before[4][at]) / 3.0).abs() < 1e-7);
            }
            // The same input has the same logits, and the logit of the new token is the mean of those of its parts.
            let (before, now) = (logits(&old, [1, 2, 3]), logits(&adapted, [2, 3, 4]));
            assert_close(&[now[0], now[2], now[3], now[4], now[5]], &before);
            assert_close(&now[6..], &[(before[2] + 2.0 * before[4]) / 3.0]);
        }
    }

    #[test]
    fn dropout_is_that_of_the_new_model_and_the_weights_are_not() {
        let old = init(&config().dropout(0.2), 1);
        let layers = [LayerConfig::lstm(6), LayerConfig::gru(6).recurrent_dropout(0.3)];
        let other =
            config().layers(layers).dropout(0.5).layer_dropout(0.1).embedding_dropout(0.25).locked_dropout(true);
        let adapted = old.clone().adapt(init(&other, 2), &beginning(5, 5));
        assert_eq!((adapted.dropout, adapted.embedding_dropout), (0.5, 0.25));
        assert_eq!((adapted.stack.layer_dropout, adapted.stack.locked_dropout), (0.1, true));
        let recurrent: Vec<f64> = adapted.stack.layers.iter().map(|layer| layer.recurrent_dropout).collect();
        assert_eq!(recurrent, [0.0, 0.3]);
        assert_eq!(logits(&adapted, [1, 2, 3]), logits(&old, [1, 2, 3]));
    }

    #[test]
    fn only_the_changed_part_of_the_output_layer_starts_anew() {
        let projected = config().projection_dim(4);
        let tied = projected.clone().tie_weights(true);
        let adapt = |old: &LanguageModelConfig, new: &LanguageModelConfig| {
            let (old, fresh) = (init(old, 1), init(new, 2));
            (old.clone(), fresh.clone(), old.adapt(fresh, &beginning(5, 5)))
        };
        // A kernel of its own begins with the values of the embedding.
        let (old, _, adapted) = adapt(&tied, &projected);
        assert!(adapted.output.kernel.is_some());
        assert_close(&logits(&adapted, [1, 2, 3]), &logits(&old, [1, 2, 3]));
        // The embedding is used instead of the kernel; the projection stays.
        let (old, _, adapted) = adapt(&projected, &tied);
        assert!(adapted.output.kernel.is_none());
        let values = |model: &LanguageModel| f32_values(model.output.projection.as_ref().unwrap().kernel.val());
        assert_eq!(values(&adapted), values(&old));
        // A projection of another size.
        let (old, fresh, adapted) = adapt(&projected, &config().projection_dim(3));
        assert_eq!(values(&adapted), values(&fresh));
        let kernel = |model: &LanguageModel| f32_values(model.output.kernel.as_ref().unwrap().val());
        assert_eq!(kernel(&adapted), kernel(&fresh));
        assert_eq!(f32_values(adapted.embedding.weight.val()), f32_values(old.embedding.weight.val()));
    }

    #[test]
    fn tokens_that_stay_in_their_cluster_keep_their_weights() {
        let adaptive = |vocab_size, cutoffs: [usize; 2]| {
            let clusters = AdaptiveSoftmax::default().cutoffs(cutoffs).division(2);
            config().vocab_size(vocab_size).adaptive_softmax(clusters)
        };
        let old = init(&adaptive(7, [3, 5]), 1);
        // Two new tokens at the end; the same cutoffs.
        let fresh = init(&adaptive(9, [3, 5]), 2);
        let resized = old.clone().resize_vocab(fresh.clone());
        let (before, now) = (logits(&old, [1, 2, 3]), logits(&resized, [1, 2, 3]));
        assert_close(&now[..5], &before[..5]);
        // The last cluster has the same probability and more tokens.
        let total = |logits: &[f32]| logits.iter().map(|logit| logit.exp()).sum::<f32>();
        assert!((total(&now[5..]) - total(&before[5..])).abs() < 1e-5);
        assert!((now[5] - now[6] - (before[5] - before[6])).abs() < 1e-5);
        let kernel = |model: &LanguageModel, cluster: usize| f32_values(model.output.clusters[cluster].kernel.val());
        assert_eq!(kernel(&resized, 0), kernel(&old, 0));
        // The tokens 3 and 4 get into the head, as does a model without clusters.
        let moved = old.clone().adapt(init(&adaptive(7, [5, 6]), 2), &beginning(7, 7));
        let column =
            |model: &LanguageModel, id: usize| f32_values(model.output.kernel.as_ref().unwrap().val().narrow(1, id, 1));
        assert_eq!(column(&moved, 2), column(&old, 2));
        assert_eq!(column(&moved, 4), column(&init(&adaptive(7, [5, 6]), 2), 4));
        assert_eq!(column(&moved, 6), column(&old, 4));
        let plain = config().vocab_size(7);
        let whole = old.clone().adapt(init(&plain, 2), &beginning(7, 7));
        assert!(whole.output.clusters.is_empty());
        assert_eq!((column(&whole, 2), column(&whole, 3)), (column(&old, 2), column(&init(&plain, 2), 3)));
        let divided = init(&plain, 1).adapt(fresh, &beginning(7, 9));
        assert_eq!(column(&divided, 2), column(&init(&plain, 1), 2));
    }

    #[test]
    fn initial_embeddings_and_output_layer_do_not_depend_on_the_layers_between() {
        let config = config().projection_dim(4).labels(["a"]);
        let all = init(&config, 3);
        let around = config.init_around_layers(3, &Device::flex()).unwrap();
        assert_eq!(f32_values(around.embedding.weight.val()), f32_values(all.embedding.weight.val()));
        let kernel = |model: &LanguageModel| f32_values(model.output.kernel.as_ref().unwrap().val());
        assert_eq!(kernel(&around), kernel(&all));
        let own = logits(&all, [1, 2, 3]);
        assert_eq!(logits(&all.adapt(around, &beginning(5, 5)), [1, 2, 3]), own);
    }
}
