//! The models that the tests export: every kind of layer and every option that ONNX can express, with weights that differ.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, WordOptions};

use crate::adaptive_softmax::AdaptiveSoftmax;
use crate::bundle::{LmBundle, LmMetadata};
use crate::cell::{Activation, CellKind};
use crate::interop::array::Array;
use crate::language_model::{LanguageModel, LanguageModelConfig, TokenInput};
use crate::stack::LayerConfig;

pub(super) const VOCABULARY: usize = 13;
/// The document token begins the second row and is nowhere else.
pub(super) const IDS: [[i32; 5]; 3] = [[3, 1, 12, 0, 3], [2, 5, 6, 7, 8], [9, 10, 11, 4, 4]];
pub(super) const LABELS: [i32; 3] = [0, 2, 1];

/// A model to export.
pub(super) struct Case {
    pub name: &'static str,
    pub config: LanguageModelConfig,
    /// Whether `rten` reads it: it has neither a vanilla RNN nor the GRU whose reset gate is before the product.
    pub is_in_rten: bool,
}

/// All kinds of layers and options, by name.
pub(super) fn cases() -> Vec<Case> {
    let config = |layers| LanguageModelConfig::new(VOCABULARY, 4, layers);
    let single = |kind| config(vec![LayerConfig::new(kind, 5)]);
    let rnn = |activation| single(CellKind::Elman(activation));
    let gru = |reset_after| CellKind::Gru { reset_after };
    let lstm = LayerConfig::lstm(5);
    let normalised = config(vec![lstm.clone().layer_norm(true), LayerConfig::gru(6), lstm.clone().layer_norm(true)]);
    let every_cell = config(vec![
        LayerConfig::new(CellKind::Elman(Activation::Tanh), 3),
        LayerConfig::new(gru(false), 6).layer_norm(true),
        lstm.clone(),
        LayerConfig::new(gru(true), 4),
    ]);
    let adaptive = AdaptiveSoftmax::default().cutoffs([4, 9]).division(2);
    let case = |name, is_in_rten, config| Case { name, config, is_in_rten };
    vec![
        case("rnn_tanh", false, rnn(Activation::Tanh)),
        case("rnn_sigmoid", false, rnn(Activation::Sigmoid)),
        case("rnn_relu", false, rnn(Activation::Relu)),
        case("lstm", true, single(CellKind::Lstm)),
        case("gru", true, single(gru(true))),
        case("gru_before", false, single(gru(false))),
        case("stack", true, normalised.projection_dim(4).tie_weights(true)),
        case("every_cell", false, every_cell.tie_weights(true)),
        case("projection", true, single(CellKind::Lstm).projection_dim(6)),
        case("labels", true, single(CellKind::Lstm).labels(["a", "b"])),
        case("documents", true, config(vec![lstm.clone(), LayerConfig::gru(5)]).document_id(2).labels(["a", "b"])),
        case("adaptive", true, config(vec![lstm]).projection_dim(6).adaptive_softmax(adaptive)),
    ]
}

/// The configuration of this name.
pub(super) fn config_of(name: &str) -> LanguageModelConfig {
    cases().into_iter().find(|case| case.name == name).unwrap().config
}

/// Replaces each weight by a multiple of 1/64: biases are not zero, and no two weights of a gate are equal by chance.
struct Weights(usize);

impl ModuleMapper for Weights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        let first = 17 * self.0;
        param.map(|tensor| {
            let values = (0..tensor.shape().num_elements()).map(|at| (((first + 29 * at) % 61) as f32 - 30.0) / 64.0);
            Tensor::from_data(TensorData::new(values.collect(), tensor.shape()), &tensor.device())
        })
    }
}

/// A model with its tokenizer.
pub(super) fn bundle(config: LanguageModelConfig) -> LmBundle {
    let words = ["the", "fox", "saw", "a", "grape", "and", "ran", "away", "from", "it", "."];
    let counts = words.iter().rev().enumerate().rev().map(|(count, word)| (*word, count as u64 + 1));
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("prose").unwrap(),
        pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
        vocabulary: Vocabulary::from_counts(counts, 1, true),
        document_separator: None,
        oov: OovPolicy::Unknown,
    };
    assert_eq!(tokenizer.vocabulary.len(), VOCABULARY);
    let model = config.init(1, &Device::flex()).unwrap().map(&mut Weights(0));
    LmBundle::new(model, tokenizer, LmMetadata::new(config, 20, 1, String::new()))
}

/// The outputs of a model by name, in the order of the graph.
pub(super) type Outputs = Vec<(String, Array)>;

/// Our own outputs for all of [`IDS`].
pub(super) fn expected(model: &LanguageModel) -> Outputs {
    let rows = |rows: [[i32; 5]; 3]| Tensor::<2, Int>::from_ints(rows, &Device::flex());
    let input = TokenInput { ids: rows(IDS), labels: Some(rows(LABELS.map(|label| [label; 5]))) };
    let (logits, state) = model.forward_all(input, model.init_state(3));
    let state_array = |tensor: Tensor<2>| {
        let shape = [&[1], &tensor.dims()[..]].concat();
        Array { shape, values: tensor.try_into_vec_as().unwrap() }
    };
    let mut outputs =
        vec![("logits".to_string(), Array { shape: logits.dims().into(), values: logits.try_into_vec_as().unwrap() })];
    for (index, layer) in state.into_iter().enumerate() {
        outputs.push((format!("h{index}_out"), state_array(layer.hidden)));
        outputs.extend(layer.cell.map(|cell| (format!("c{index}_out"), state_array(cell))));
    }
    outputs
}

/// Compares outputs with their names and shapes.
pub(super) fn assert_close(found: &Outputs, expected: &Outputs, name: &str) {
    let names = |outputs: &Outputs| outputs.iter().map(|output| output.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{name}");
    for ((output, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.shape, expected.shape, "{name}, {output}");
        for (found, expected) in found.values.iter().zip(&expected.values) {
            assert!((found - expected).abs() < 1e-5, "{name}, {output}: {found} {expected}");
        }
    }
}
