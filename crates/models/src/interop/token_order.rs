//! Weights of models whose tokens have other ids, or that read one-hot vectors, brought into the form of models here.

use super::array::{Array, Tensors};
use super::layout::Layout;
use super::{keras, names};
use crate::error::{Error, Result};
use crate::language_model::LanguageModel;

/// The logit of a token that another program's model does not have: its probability is zero, and it is finite in 16 bits.
const ABSENT: f64 = -1e4;
/// Scripts use one-hot vectors for characters; the matrix of more tokens would be large.
const MOST_ONE_HOT: usize = 8192;

/// Adds the embedding of a network of `tokens` tokens that reads one-hot vectors: the identity matrix. `model.embedding_dim` is
/// the number of tokens then.
///
/// # Errors
/// If there is an embedding already, or there are too many tokens.
pub fn with_one_hot_embedding(mut tensors: Tensors, layout: Layout, tokens: usize) -> Result<Tensors> {
    if tokens > MOST_ONE_HOT {
        let wrong = format!("{tokens} tokens, expected at most {MOST_ONE_HOT} for one-hot vectors");
        return Err(Error::WeightMismatch { wrong });
    }
    let name = names::embedding(layout);
    let mut values = vec![0.0; tokens * tokens];
    values.iter_mut().step_by(tokens + 1).for_each(|value| *value = 1.0);
    match tensors.insert(name.into(), Array { shape: vec![tokens, tokens], values }) {
        None => Ok(tensors),
        Some(_) => {
            Err(Error::WeightMismatch { wrong: format!("{name} exists, so the network reads no one-hot vectors") })
        }
    }
}

/// `tensors` in the order of the tokens of `model`: `ids` has for each of its ids the one in the other program, if there is any, and
/// `count` is the number of ids there. A token that is not there has an embedding of zeros and probability zero.
///
/// # Errors
/// If the order differs and `model` has an adaptive softmax, or a matrix has another number of tokens; all are listed.
pub fn reordered(
    tensors: Tensors,
    layout: Layout,
    model: &LanguageModel,
    ids: &[Option<u32>],
    count: usize,
) -> Result<Tensors> {
    let mut tensors = match layout {
        Layout::Pytorch => tensors,
        Layout::Keras => keras::without_model_name(tensors),
    };
    if ids.len() == count && (0..).zip(ids).all(|(ours, &theirs)| theirs == Some(ours)) {
        return Ok(tensors);
    }
    if !model.output.clusters.is_empty() {
        let expected =
            "softmax, because the tokens have other ids in the file of tokens, and clusters are ranges of ids";
        return Err(Error::out_of_range("model.output", "adaptive", expected));
    }
    let output = names::LayerPath::output(&model.output);
    let [kernel, bias] = [names::kernel(layout, output), names::bias(layout, output)];
    if tensors.contains_key(&kernel) || model.output.kernel.is_none() {
        tensors.entry(bias.clone()).or_insert_with(|| Array::vector(vec![0.0; count]));
    }
    let mut wrong = Vec::new();
    for (name, axis, absent) in [
        (names::embedding(layout), 0, 0.0),
        (kernel.as_str(), usize::from(layout == Layout::Keras), 0.0),
        (bias.as_str(), 0, ABSENT),
    ] {
        let Some(array) = tensors.get_mut(name) else { continue };
        match array.shape.get(axis) {
            Some(&found) if found == count => *array = taken(array, axis, ids, absent),
            found => wrong.push(format!("{name} has {} tokens", found.map_or("no".into(), usize::to_string))),
        }
    }
    if wrong.is_empty() {
        return Ok(tensors);
    }
    Err(Error::WeightMismatch { wrong: format!("{}; the file of tokens has {count}", wrong.join(", ")) })
}

/// The slices of dimension `axis` of a vector or matrix that have these numbers, `absent` for one without.
fn taken(array: &Array, axis: usize, ids: &[Option<u32>], absent: f64) -> Array {
    let size = array.shape[axis];
    let inner: usize = array.shape[axis + 1..].iter().product();
    let mut shape = array.shape.clone();
    shape[axis] = ids.len();
    let mut values = Vec::with_capacity(shape.iter().product());
    for block in array.values.chunks((size * inner).max(1)) {
        for id in ids {
            match id {
                Some(id) => values.extend(&block[*id as usize * inner..][..inner]),
                None => values.resize(values.len() + inner, absent),
            }
        }
    }
    Array { shape, values }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int, Tensor};

    use super::*;
    use crate::adaptive_softmax::AdaptiveSoftmax;
    use crate::interop::{export, import};
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    /// Our ids are padding, then the tokens of the other program in the order 2, 0, 1.
    const IDS: [Option<u32>; 4] = [None, Some(2), Some(0), Some(1)];

    fn logits(model: &LanguageModel, ids: [i32; 3]) -> Vec<f64> {
        let ids = Tensor::<2, Int>::from_ints([ids], &Device::flex());
        model.forward_last(ids, model.init_state(1)).0.try_into_vec_as().unwrap()
    }

    #[test]
    fn a_model_with_other_ids_computes_the_same() {
        let config = |tokens| LanguageModelConfig::new(tokens, 5, vec![LayerConfig::lstm(5)]);
        for (layout, tied) in
            [(Layout::Pytorch, false), (Layout::Pytorch, true), (Layout::Keras, false), (Layout::Keras, true)]
        {
            let config = |tokens| config(tokens).tie_weights(tied);
            let theirs = config(3).init(1, &Device::flex()).unwrap();
            let ours = config(4).init(2, &Device::flex()).unwrap();
            let tensors = export(&theirs, layout).unwrap();
            let tensors = reordered(tensors, layout, &ours, &IDS, 3).unwrap();
            let ours = import(ours, layout, tensors).unwrap().model;
            let (found, expected) = (logits(&ours, [2, 3, 1]), logits(&theirs, [0, 1, 2]));
            assert_eq!(found[1..], [expected[2], expected[0], expected[1]], "{layout:?}");
            assert_eq!(found[0], ABSENT);
        }
    }

    #[test]
    fn one_hot_vectors_are_an_embedding() {
        let config = LanguageModelConfig::new(3, 3, vec![LayerConfig::lstm(2)]);
        let model = config.init(1, &Device::flex()).unwrap();
        let mut tensors = export(&model, Layout::Pytorch).unwrap();
        assert!(with_one_hot_embedding(tensors.clone(), Layout::Pytorch, 3).is_err());
        tensors.remove("embedding.weight");
        let tensors = with_one_hot_embedding(tensors, Layout::Pytorch, 3).unwrap();
        assert_eq!(tensors["embedding.weight"].values, [1., 0., 0., 0., 1., 0., 0., 0., 1.]);
    }

    #[test]
    fn all_matrices_with_another_number_of_tokens_are_listed() {
        let plain = LanguageModelConfig::new(4, 3, vec![LayerConfig::lstm(2)]);
        let model = plain.init(1, &Device::flex()).unwrap();
        let tensors = export(&model, Layout::Pytorch).unwrap();
        let error = reordered(tensors.clone(), Layout::Pytorch, &model, &IDS, 3).unwrap_err().to_string();
        for part in
            ["embedding.weight has 4 tokens", "output.weight has 4", "output.bias has 4", "file of tokens has 3"]
        {
            assert!(error.contains(part), "{error}");
        }
        let same: Vec<_> = (0..4).map(Some).collect();
        assert_eq!(reordered(tensors.clone(), Layout::Pytorch, &model, &same, 4).unwrap(), tensors);
        let adaptive =
            plain.adaptive_softmax(AdaptiveSoftmax::default().cutoffs([2])).init(1, &Device::flex()).unwrap();
        let error = reordered(tensors, Layout::Pytorch, &adaptive, &IDS, 3).unwrap_err().to_string();
        assert!(error.contains("model.output") && error.contains("clusters are ranges"), "{error}");
    }
}
