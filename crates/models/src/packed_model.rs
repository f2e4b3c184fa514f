//! A language model packed for inference, one token at a time, for one or many sequences.
//!
//! The equations are those of [`LanguageModel`], on plain slices: without tensors and autodiff, and with
//! weights that are packed once. Tests compare the two.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use kernels::inference::{self, BatchRows, LayerState, MatrixView, Precision, normalize_row};

use crate::cell::{CellWeightsMut, f32_values};
use crate::language_model::LanguageModel;
use crate::packed_cell::PackedCell;
use crate::packed_output::PackedOutput;

/// `model` with its matrices rounded to the values of [`Precision::Int8`]; biases, norms, embeddings and
/// a tied output layer are unchanged.
pub fn quantize_roundtrip(mut model: LanguageModel) -> LanguageModel {
    fn round(weights: Param<Tensor<2>>) -> Param<Tensor<2>> {
        weights.map(|weights| {
            let (dims, device) = (weights.dims(), weights.device());
            let values = f32_values(weights);
            let rounded = inference::quantize_roundtrip(MatrixView::dense(&values, dims[1]));
            Tensor::from_data(TensorData::new(rounded, dims), &device)
        })
    }
    for layer in &mut model.stack.layers {
        for cell in std::iter::once(&mut layer.cell).chain(&mut layer.backward) {
            let CellWeightsMut { kernel, recurrent_kernel, other_matrices, .. } = cell.weights_mut();
            for weights in [kernel, recurrent_kernel].into_iter().chain(other_matrices) {
                *weights = round(weights.clone());
            }
        }
    }
    if let Some(projection) = &mut model.output.projection {
        projection.kernel = round(projection.kernel.clone());
    }
    model.output.kernel = model.output.kernel.map(round);
    for cluster in &mut model.output.clusters {
        for weights in [&mut cluster.projection, &mut cluster.kernel] {
            *weights = round(weights.clone());
        }
    }
    model
}

/// The packed weights of a language model.
pub struct PackedModel {
    /// `[V, D]`, row by row.
    embedding: Vec<f32>,
    embedding_dim: usize,
    /// `[labels + 1, D]`, row by row; empty in a model without labels.
    label_embedding: Vec<f32>,
    document_id: Option<u32>,
    layers: Vec<PackedLayer>,
    output: PackedOutput,
}

struct PackedLayer {
    recurrent: PackedCell,
    /// γ and β.
    norm: Option<[Vec<f32>; 2]>,
}

/// The recurrent state of a batch of sequences.
pub struct PackedState {
    layers: Vec<LayerState>,
    logits: BatchRows,
    /// The label number of each sequence.
    labels: Vec<u32>,
}

impl PackedState {
    /// The same state with the label number of each sequence from now on; 0 is no label. A model without labels ignores
    /// them.
    ///
    /// # Panics
    /// If there are not as many labels as sequences.
    #[must_use]
    pub fn with_labels(self, labels: &[u32]) -> Self {
        assert_eq!(labels.len(), self.labels.len(), "one label per sequence");
        Self { labels: labels.into(), ..self }
    }

    /// The state of a batch of one, repeated for `batch` sequences.
    pub fn expand_batch(&self, batch: usize) -> Self {
        let layers = self.layers.iter().map(|state| state.expand(batch)).collect();
        Self { layers, logits: self.logits.expand(batch), labels: vec![self.labels[0]; batch] }
    }
}

impl PackedModel {
    /// Packs `model`; `None` if a layer is bidirectional or its cell has no inference kernel.
    pub fn new(model: &LanguageModel, precision: Precision) -> Option<Self> {
        let embedding = f32_values(model.embedding.weight.val());
        let [_, embedding_dim] = model.embedding.weight.dims();
        let label_embedding = model.label_embedding.as_ref();
        let label_embedding = label_embedding.map_or_else(Vec::new, |labels| f32_values(labels.weight.val()));
        let layers = model.stack.layers.iter().map(|layer| {
            if layer.backward.is_some() {
                return None;
            }
            let norm = layer.norm.as_ref();
            let norm = norm.map(|norm| [&norm.gain, &norm.bias].map(|weights| f32_values(weights.val())));
            Some(PackedLayer { recurrent: PackedCell::new(&layer.cell, precision)?, norm })
        });
        let layers = layers.collect::<Option<Vec<_>>>()?;
        let output = PackedOutput::new(model, &embedding, precision);
        let document_id = model.document_id;
        Some(Self { embedding, embedding_dim, label_embedding, document_id, layers, output })
    }

    /// The zero state of `batch` sequences without labels.
    pub fn init_state(&self, batch: usize) -> PackedState {
        let layers = self.layers.iter().map(|layer| layer.recurrent.init_state(batch)).collect();
        PackedState { layers, logits: BatchRows::zeros(batch, self.output.vocab_size()), labels: vec![0; batch] }
    }

    /// Reads one more id of every sequence, without computing logits. The state of a sequence is reset before the
    /// document token.
    ///
    /// # Panics
    /// If there are not as many ids as sequences, or an id or label does not exist.
    pub fn step(&self, ids: &[u32], state: &mut PackedState) {
        let mut x = BatchRows::zeros(ids.len(), self.embedding_dim);
        let dim = self.embedding_dim;
        for (row, &id) in ids.iter().enumerate() {
            let x = &mut x.row_mut(row)[..dim];
            x.copy_from_slice(&self.embedding[id as usize * dim..][..dim]);
            if !self.label_embedding.is_empty() {
                let label = &self.label_embedding[state.labels[row] as usize * dim..][..dim];
                x.iter_mut().zip(label).for_each(|(x, label)| *x += label);
            }
            if Some(id) == self.document_id {
                state.layers.iter_mut().for_each(|layer| layer.reset(row));
            }
        }
        let mut normed = None;
        let mut below: Option<&BatchRows> = None;
        for (state, layer) in state.layers.iter_mut().zip(&self.layers) {
            let x = normed.as_ref().or(below).unwrap_or(&x);
            layer.recurrent.step(x, state);
            normed = layer.norm.as_ref().map(|norm| layer_norm(&state.hidden, layer, norm));
            below = Some(&state.hidden);
        }
    }

    /// Reads more ids of each of several sequences whose states are separate, each of one sequence, and returns the logits after
    /// the last ones: the first V values of each row. All of them have the same bits as those of one sequence at a time.
    ///
    /// # Panics
    /// If there are no states, the numbers of states and of lists of ids differ, the lists differ in length, or an id or label
    /// does not exist.
    pub fn read_each(&self, ids: &[&[u32]], states: &mut [&mut PackedState]) -> BatchRows {
        assert!(ids.len() == states.len() && ids.iter().all(|list| list.len() == ids[0].len()));
        let layer = |at: usize| -> Vec<&LayerState> { states.iter().map(|state| &state.layers[at]).collect() };
        let layers = (0..self.layers.len()).map(|at| LayerState::gather(&layer(at))).collect();
        let labels = states.iter().map(|state| state.labels[0]).collect();
        let logits = BatchRows::zeros(ids.len(), self.output.vocab_size());
        let mut batch = PackedState { layers, logits, labels };
        for at in 0..ids[0].len() {
            let step: Vec<u32> = ids.iter().map(|ids| ids[at]).collect();
            self.step(&step, &mut batch);
        }
        self.compute_logits(&mut batch);
        for (row, state) in states.iter_mut().enumerate() {
            state.layers.iter_mut().zip(&batch.layers).for_each(|(state, batch)| state.copy_from(batch, row));
        }
        batch.logits
    }

    /// Reads more ids of a batch of one sequence, and returns the logits after each of them: the first V values of each row.
    /// They have the same bits as those after one id at a time, and are computed faster.
    ///
    /// # Panics
    /// If there are no ids, the state is of several sequences, or an id or label does not exist.
    pub fn logits_of_each(&self, ids: &[u32], state: &mut PackedState) -> BatchRows {
        let mut hidden: Vec<Vec<f32>> = Vec::with_capacity(ids.len());
        for &id in ids {
            self.step(&[id], state);
            hidden.extend(state.layers.last().map(|last| last.hidden.row(0).to_vec()));
        }
        let mut rows = BatchRows::zeros(ids.len(), hidden[0].len());
        hidden.iter().enumerate().for_each(|(row, values)| rows.row_mut(row).copy_from_slice(values));
        let top = self.layers.last().expect("a model has layers");
        let normed = top.norm.as_ref().map(|norm| layer_norm(&rows, top, norm));
        let mut logits = BatchRows::zeros(ids.len(), self.output.vocab_size());
        self.output.logits(normed.as_ref().unwrap_or(&rows), &mut logits);
        logits
    }

    /// The last layer's outputs h after the last step, H values per sequence: what the output layer computes the logits from.
    pub fn outputs(&self, state: &PackedState) -> Vec<Vec<f32>> {
        let (last, top) = state.layers.last().zip(self.layers.last()).expect("a model has layers");
        let normed = top.norm.as_ref().map(|norm| layer_norm(&last.hidden, top, norm));
        let hidden = normed.as_ref().unwrap_or(&last.hidden);
        (0..hidden.batch_size()).map(|row| hidden.row(row)[..top.recurrent.units()].to_vec()).collect()
    }

    /// The logits after the last step, V values per sequence.
    pub fn logits<'a>(&self, state: &'a mut PackedState) -> impl Iterator<Item = &'a [f32]> {
        self.compute_logits(state);
        let vocab_size = self.output.vocab_size();
        let logits: &'a BatchRows = &state.logits;
        (0..logits.batch_size()).map(move |row| &logits.row(row)[..vocab_size])
    }

    /// V.
    pub fn vocab_size(&self) -> usize {
        self.output.vocab_size()
    }

    fn compute_logits(&self, state: &mut PackedState) {
        let PackedState { layers, logits, .. } = state;
        let (last, top) = (layers.last(), self.layers.last());
        let (last, top) = last.zip(top).expect("a model has layers");
        let normed = top.norm.as_ref().map(|norm| layer_norm(&last.hidden, top, norm));
        let hidden = normed.as_ref().unwrap_or(&last.hidden);
        self.output.logits(hidden, logits);
    }
}

/// The equation of [`crate::norm::LayerNorm`].
fn layer_norm(hidden: &BatchRows, layer: &PackedLayer, [gain, bias]: &[Vec<f32>; 2]) -> BatchRows {
    let units = layer.recurrent.units();
    let mut normed = BatchRows::zeros(hidden.batch_size(), units);
    for row in 0..hidden.batch_size() {
        let y = &mut normed.row_mut(row)[..units];
        y.copy_from_slice(&hidden.row(row)[..units]);
        normalize_row(y);
        let weights = gain.iter().zip(bias);
        y.iter_mut().zip(weights).for_each(|(y, (gain, bias))| *y = *y * gain + bias);
    }
    normed
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;
    use crate::adaptive_softmax::AdaptiveSoftmax;
    use crate::language_model::{LanguageModelConfig, TokenInput};
    use crate::stack::LayerConfig;
    use crate::{Activation, CellKind};

    fn configs() -> Vec<LanguageModelConfig> {
        let rnn = CellKind::Elman(Activation::Relu);
        let gru = CellKind::Gru { reset_after: true };
        let layer = |kind, units| LayerConfig::new(kind, units);
        let single = |kind| LanguageModelConfig::new(37, 5, vec![layer(kind, 19)]);
        let norm = layer(CellKind::Lstm, 7).layer_norm(true);
        let stack = vec![norm.clone(), layer(gru, 33), norm];
        let options = LanguageModelConfig::new(37, 5, stack).tie_weights(true).projection_dim(5);
        // A reset in the first step, in the middle and in the last.
        let documents = options.clone().document_id(5).labels(["a", "b"]);
        let clusters = AdaptiveSoftmax::default().cutoffs([9, 20, 36]).division(2);
        let adaptive = single(gru).adaptive_softmax(clusters);
        let projected = adaptive.clone().projection_dim(6).document_id(30);
        let normalised = LanguageModelConfig::new(37, 5, vec![layer(CellKind::Lstm, 19).cell_norm(true)]);
        let both = layer(CellKind::Lstm, 33).cell_norm(true).mogrifier_rounds(2).mogrifier_rank(3);
        let mogrifier = vec![both, layer(CellKind::Lstm, 19).mogrifier_rounds(5)];
        let mogrifier = LanguageModelConfig::new(37, 5, mogrifier).document_id(5);
        let plain = [single(rnn), single(gru), single(CellKind::Lstm).document_id(8), options, documents];
        plain.into_iter().chain([adaptive, projected, normalised, mogrifier]).collect()
    }

    const SEQUENCES: [[i32; 4]; 3] = [[1, 2, 3, 4], [36, 0, 5, 5], [9, 8, 7, 6]];

    const LABELS: [u32; 3] = [0, 2, 1];

    /// The logits after ids 1 to 4.
    fn logits(model: &LanguageModel, precision: Precision) -> Vec<f32> {
        let packed = PackedModel::new(model, precision).unwrap();
        let mut state = packed.init_state(1);
        (1..5).for_each(|id| packed.step(&[id], &mut state));
        packed.logits(&mut state).flatten().copied().collect()
    }

    #[test]
    fn packed_logits_equal_those_of_the_model() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let packed = PackedModel::new(&model, Precision::F32).unwrap();
            let mut state = packed.init_state(3).with_labels(&LABELS);
            for step in 0..4 {
                let ids = SEQUENCES.map(|sequence| sequence[step] as u32);
                packed.step(&ids, &mut state);
                let numbers = |rows| Tensor::<2, Int>::from_ints(rows, &Device::flex()).narrow(1, 0, step + 1);
                let labels = Some(numbers(LABELS.map(|label| [label as i32; 4])));
                let input = TokenInput { ids: numbers(SEQUENCES), labels };
                let (outputs, expected, _) = model.forward_outputs(input, model.init_state(3), 1);
                let expected: Vec<f32> = expected.try_into_vec_as().unwrap();
                let expected = [expected, outputs.try_into_vec_as().unwrap()].concat();
                let mut found: Vec<f32> = packed.logits(&mut state).flatten().copied().collect();
                found.extend(packed.outputs(&state).concat());
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-5, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_sequence_has_the_same_logits_alone_and_in_a_batch() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let packed = PackedModel::new(&model, Precision::F32).unwrap();
            let [mut alone, mut batch] = [(); 2].map(|()| packed.init_state(1).with_labels(&[1]));
            packed.step(&[5], &mut alone);
            packed.step(&[5], &mut batch);
            let mut batch = batch.expand_batch(9);
            packed.step(&[7], &mut alone);
            packed.step(&[1, 2, 3, 4, 7, 6, 7, 8, 9], &mut batch);
            let alone: Vec<f32> = packed.logits(&mut alone).flatten().copied().collect();
            let batch: Vec<&[f32]> = packed.logits(&mut batch).collect();
            assert_eq!(batch[4], alone);
            assert_eq!(batch[6], alone);
            assert_ne!(batch[5], alone);
        }
    }

    #[test]
    fn sequences_with_separate_states_have_the_same_logits_as_alone() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let packed = PackedModel::new(&model, Precision::F32).unwrap();
            let states = || LABELS.map(|label| packed.init_state(1).with_labels(&[label]));
            let (mut alone, mut separate) = (states(), states());
            for step in 0..4 {
                let ids = SEQUENCES.map(|sequence| sequence[step] as u32);
                // The last sequence comes later than the others.
                let count = if step == 0 { 2 } else { 3 };
                let mut group: Vec<&mut PackedState> = separate.iter_mut().take(count).collect();
                let one_each: Vec<&[u32]> = ids[..count].chunks(1).collect();
                let logits = packed.read_each(&one_each, &mut group);
                for (row, (&id, state)) in ids[..count].iter().zip(&mut alone).enumerate() {
                    packed.step(&[id], state);
                    let expected: Vec<f32> = packed.logits(state).flatten().copied().collect();
                    assert_eq!(logits.row(row)[..packed.vocab_size()], expected);
                }
            }
        }
    }

    #[test]
    fn the_logits_after_each_id_are_those_of_one_at_a_time() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let packed = PackedModel::new(&model, Precision::F32).unwrap();
            let [mut alone, mut together] = [(); 2].map(|()| packed.init_state(1).with_labels(&[1]));
            for ids in [&[1, 5, 9, 30, 2, 7][..], &[5], &[8, 8, 36]] {
                let logits = packed.logits_of_each(ids, &mut together);
                for (row, &id) in ids.iter().enumerate() {
                    packed.step(&[id], &mut alone);
                    let expected: Vec<f32> = packed.logits(&mut alone).flatten().copied().collect();
                    assert_eq!(logits.row(row)[..packed.vocab_size()], expected);
                }
            }
        }
    }

    #[test]
    fn int8_logits_are_close_to_f32_logits() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let (f32, int8) = (logits(&model, Precision::F32), logits(&model, Precision::Int8));
            assert_ne!(f32, int8);
            let max = f32.iter().fold(0f32, |max, logit| max.max(logit.abs()));
            for (f32, int8) in f32.iter().zip(&int8) {
                assert!((f32 - int8).abs() < 0.05 * max, "{f32} {int8}");
            }
        }
    }

    #[test]
    fn rounded_weights_give_the_int8_logits() {
        for config in configs() {
            let model = config.init(3, &Device::flex()).unwrap();
            let int8 = logits(&model, Precision::Int8);
            let rounded = logits(&quantize_roundtrip(model), Precision::F32);
            for (int8, rounded) in int8.iter().zip(&rounded) {
                let limit = 1e-6 * rounded.abs().max(1.0);
                assert!((int8 - rounded).abs() < limit, "{int8} {rounded}");
            }
        }
    }

    #[test]
    fn a_cell_without_inference_kernel_is_not_packed() {
        let kind = CellKind::Gru { reset_after: false };
        let config = LanguageModelConfig::new(7, 3, vec![LayerConfig::new(kind, 4)]);
        let model = config.init(1, &Device::flex()).unwrap();
        assert!(PackedModel::new(&model, Precision::F32).is_none());
    }
}
