//! The layer summary as Keras prints it: name, output shape and number of parameters of each layer.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use text_prep::thousands;

use crate::language_model::LanguageModelConfig;
use crate::norm::LayerNorm;

/// One layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    /// The layer's name, with a number if a class occurs twice.
    pub name: String,
    /// Its class in Keras; that has no `AdaptiveSoftmax`.
    pub kind: &'static str,
    /// The output shape; `None` is the batch size.
    pub output_shape: Vec<Option<usize>>,
    /// The number of trainable parameters.
    pub parameters: usize,
}

/// All layers of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The layers, from input to output.
    pub layers: Vec<LayerSummary>,
    /// The number of trainable parameters of the model.
    pub total_parameters: usize,
}

impl Summary {
    /// The summary of `config` for windows of `length` ids.
    pub fn new(config: &LanguageModelConfig, length: usize) -> Self {
        let mut table = Table::default();
        let &LanguageModelConfig { vocab_size, embedding_dim, projection_dim, tie_weights, .. } = config;
        table.add("InputLayer", vec![length], 0);
        table.add("Embedding", vec![length, embedding_dim], vocab_size * embedding_dim);
        if !config.labels.is_empty() {
            table.add("Embedding", vec![length, embedding_dim], (config.labels.len() + 1) * embedding_dim);
            table.add("Add", vec![length, embedding_dim], 0);
        }
        let mut inputs = embedding_dim;
        for (index, layer) in config.layers.iter().enumerate() {
            let top = index + 1 == config.layers.len();
            let shape = |width| if top { vec![width] } else { vec![length, width] };
            let width = layer.width();
            let norm = if layer.layer_norm { LayerNorm::num_params(width) } else { 0 };
            let kind = layer.kind().spec().keras_class;
            table.add(kind, shape(width), layer.num_params(inputs) - norm);
            if norm > 0 {
                table.add("LayerNormalization", shape(width), norm);
            }
            let dropout = if top { config.dropout } else { config.layer_dropout };
            if dropout > 0.0 {
                table.add("Dropout", shape(width), 0);
            }
            inputs = width;
        }
        if projection_dim > 0 {
            table.add("Dense", vec![projection_dim], (inputs + 1) * projection_dim);
            inputs = projection_dim;
        }
        match &config.adaptive_softmax {
            Some(adaptive) => {
                table.add("AdaptiveSoftmax", vec![vocab_size], adaptive.num_params(inputs, vocab_size));
            }
            None => {
                let kernel = if tie_weights { 0 } else { inputs * vocab_size };
                table.add("Dense", vec![vocab_size], kernel + vocab_size);
            }
        }
        let total_parameters = table.layers.iter().map(|layer| layer.parameters).sum();
        Self { layers: table.layers, total_parameters }
    }
}

#[derive(Default)]
struct Table {
    layers: Vec<LayerSummary>,
    seen: HashMap<&'static str, usize>,
}

impl Table {
    fn add(&mut self, kind: &'static str, shape: Vec<usize>, parameters: usize) {
        let name = if kind == "InputLayer" { "input".into() } else { kind.to_lowercase() };
        let count = self.seen.entry(kind).or_default();
        let name = if *count == 0 { name } else { format!("{name}_{count}") };
        *count += 1;
        let output_shape = std::iter::once(None).chain(shape.into_iter().map(Some)).collect();
        self.layers.push(LayerSummary { name, kind, output_shape, parameters });
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_layer = |layer: &LayerSummary| {
            let size = |size: &Option<usize>| size.map_or("None".into(), |size| size.to_string());
            let shape: Vec<String> = layer.output_shape.iter().map(size).collect();
            let name = format!("{} ({})", layer.name, layer.kind);
            [name, format!("({})", shape.join(", ")), thousands(layer.parameters)]
        };
        let heading = ["layer (kind)", "output shape", "parameters"].map(String::from);
        let total = ["total".into(), String::new(), thousands(self.total_parameters)];
        let rows: Vec<[String; 3]> =
            [heading].into_iter().chain(self.layers.iter().map(of_layer)).chain([total]).collect();
        // Columns that are as wide as most tables need, or as this one does.
        let width = |column: usize, usual: usize| {
            rows.iter().map(|row| row[column].chars().count() + 2).fold(usual, usize::max)
        };
        let [names, shapes, parameters] = [width(0, 24), width(1, 20), width(2, 12)];
        for (at, [name, shape, count]) in rows.iter().enumerate() {
            let line_end = if at == 0 { "" } else { "\n" };
            write!(f, "{line_end}{name:<names$}{shape:<shapes$}{count:>parameters$}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::Device;

    use crate::adaptive_softmax::AdaptiveSoftmax;
    use crate::cell::{Activation, CellKind};
    use crate::stack::LayerConfig;

    use super::*;

    /// The vocabulary size of the Keras baseline, which was trained on Aesop's fables.
    const AESOP: usize = 4_169;

    fn baseline(vocab_size: usize, layers: &[(CellKind, usize)]) -> LanguageModelConfig {
        let layers = layers.iter().map(|&(kind, units)| LayerConfig::new(kind, units)).collect();
        let config = LanguageModelConfig::new(vocab_size, 100, layers);
        config.dropout(0.2)
    }

    #[test]
    fn the_baseline_has_as_many_parameters_as_in_keras() {
        let summary = Summary::new(&baseline(AESOP, &[(CellKind::Lstm, 256)]), 20);
        let parameters: Vec<usize> = summary.layers.iter().map(|l| l.parameters).collect();
        assert_eq!(parameters, [0, 416_900, 365_568, 0, 1_071_433]);
        assert_eq!(summary.total_parameters, 1_853_901);
        assert_eq!(summary.layers[1].output_shape, [None, Some(20), Some(100)]);
        assert_eq!(summary.layers[4].output_shape, [None, Some(4_169)]);
        assert!(summary.to_string().ends_with("1,853,901"));
    }

    #[test]
    fn the_columns_of_the_table_are_as_wide_as_they_have_to_be() {
        let plain = baseline(AESOP, &[(CellKind::Lstm, 256)]);
        let adaptive = plain.clone().adaptive_softmax(AdaptiveSoftmax::default().cutoffs([1_000, 2_000]));
        for (config, name) in [(plain, "dense (Dense)"), (adaptive, "adaptivesoftmax (AdaptiveSoftmax)")] {
            let table = Summary::new(&config, 20).to_string();
            let lines: Vec<&str> = table.lines().collect();
            assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{table}");
            let last = lines.iter().find(|line| line.starts_with(name)).unwrap();
            assert!(last.contains("  (None, 4169)  "), "{table}");
        }
    }

    #[test]
    fn every_cell_has_as_many_parameters_as_in_keras() {
        let rnn = CellKind::Elman(Activation::Tanh);
        let gru = |reset_after| CellKind::Gru { reset_after };
        for (kind, cell, total) in
            [(rnn, 91_392, 1_579_725), (gru(true), 274_944, 1_763_277), (gru(false), 274_176, 1_762_509)]
        {
            let summary = Summary::new(&baseline(AESOP, &[(kind, 256)]), 20);
            assert_eq!(summary.layers[2].parameters, cell, "{kind:?}");
            assert_eq!(summary.total_parameters, total, "{kind:?}");
        }
    }

    #[test]
    fn a_second_layer_has_as_many_parameters_as_in_keras() {
        let summary = Summary::new(&baseline(AESOP, &[(CellKind::Lstm, 256); 2]), 20);
        assert_eq!(summary.layers[2].output_shape, [None, Some(20), Some(256)]);
        assert_eq!(summary.layers[3].name, "lstm_1");
        assert_eq!(summary.layers[3].parameters, 525_312);
        assert_eq!(summary.total_parameters, 2_379_213);
    }

    #[test]
    fn the_summary_counts_the_parameters_of_the_module() {
        let kinds = [
            CellKind::Elman(Activation::Relu),
            CellKind::Gru { reset_after: true },
            CellKind::Gru { reset_after: false },
            CellKind::Lstm,
            LayerConfig::lstm(1).cell_norm(true).mogrifier_rounds(3).kind(),
            LayerConfig::lstm(1).mogrifier_rounds(4).mogrifier_rank(2).kind(),
        ];
        let mixed = baseline(50, &kinds.map(|kind| (kind, 7)));
        let mut options = mixed.clone().tie_weights(true).projection_dim(100);
        options.layers[1].layer_norm = true;
        let labelled = mixed.clone().labels(["a", "b", "c"]);
        let clusters = AdaptiveSoftmax::default().cutoffs([10, 20]).division(2);
        let adaptive = mixed.clone().adaptive_softmax(clusters);
        for config in [mixed, options, labelled, adaptive.clone().projection_dim(5), adaptive] {
            let model = config.init(1, &Device::flex()).unwrap();
            assert_eq!(model.num_params(), Summary::new(&config, 20).total_parameters);
        }
    }
}
