//! The table of layers that Keras prints: name, output shape, parameters.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::config::LanguageModelConfig;
use crate::norm::LayerNorm;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    /// The layer's name, numbered where a kind occurs twice.
    pub name: String,
    /// Keras's name of its kind.
    pub kind: &'static str,
    /// The output shape; the batch is open.
    pub output_shape: Vec<Option<usize>>,
    /// Trainable numbers.
    pub parameters: usize,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The layers, from input to output.
    pub layers: Vec<LayerSummary>,
    /// Trainable numbers of all layers.
    pub total_parameters: usize,
}

impl Summary {
    /// The table of `config` for windows of `length` ids.
    pub fn new(config: &LanguageModelConfig, length: usize) -> Self {
        let mut table = Table::default();
        let &LanguageModelConfig { vocabulary, embedding, projection, tied, .. } = config;
        table.add("InputLayer", vec![length], 0);
        table.add("Embedding", vec![length, embedding], vocabulary * embedding);
        let mut inputs = embedding;
        for (at, layer) in config.layers.iter().enumerate() {
            let top = at + 1 == config.layers.len();
            let shape = |width| if top { vec![width] } else { vec![length, width] };
            let width = layer.width();
            let norm = if layer.layer_norm { LayerNorm::parameters(width) } else { 0 };
            let kind = layer.kind().keras_name();
            table.add(kind, shape(width), layer.parameters(inputs) - norm);
            if norm > 0 {
                table.add("LayerNormalization", shape(width), norm);
            }
            let dropout = if top { config.dropout } else { config.layer_dropout };
            if dropout > 0.0 {
                table.add("Dropout", shape(width), 0);
            }
            inputs = width;
        }
        if projection > 0 {
            table.add("Dense", vec![projection], (inputs + 1) * projection);
            inputs = projection;
        }
        let kernel = if tied { 0 } else { inputs * vocabulary };
        table.add("Dense", vec![vocabulary], kernel + vocabulary);
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
        writeln!(f, "{:<24}{:<20}{:>12}", "layer (kind)", "output shape", "parameters")?;
        for layer in &self.layers {
            let size = |size: &Option<usize>| size.map_or("None".into(), |size| size.to_string());
            let shape: Vec<String> = layer.output_shape.iter().map(size).collect();
            let name = format!("{} ({})", layer.name, layer.kind);
            let shape = format!("({})", shape.join(", "));
            writeln!(f, "{name:<24}{shape:<20}{:>12}", thousands(layer.parameters))?;
        }
        write!(f, "{:<44}{:>12}", "total", thousands(self.total_parameters))
    }
}

/// `1853901` as `1,853,901`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::Device;

    use crate::cell::{Activation, CellKind};
    use crate::layer::LayerConfig;

    use super::*;

    const AESOP: usize = 4_169;

    fn seed(vocabulary: usize, layers: &[(CellKind, usize)]) -> LanguageModelConfig {
        let layers = layers.iter().map(|&(kind, units)| LayerConfig::new(kind, units)).collect();
        let config = LanguageModelConfig::new(vocabulary, 100, layers);
        LanguageModelConfig { dropout: 0.2, ..config }
    }

    #[test]
    fn the_seeds_model_has_the_seeds_numbers() {
        let summary = Summary::new(&seed(AESOP, &[(CellKind::Lstm, 256)]), 20);
        let parameters: Vec<usize> = summary.layers.iter().map(|l| l.parameters).collect();
        assert_eq!(parameters, [0, 416_900, 365_568, 0, 1_071_433]);
        assert_eq!(summary.total_parameters, 1_853_901);
        assert_eq!(summary.layers[1].output_shape, [None, Some(20), Some(100)]);
        assert_eq!(summary.layers[4].output_shape, [None, Some(4_169)]);
        assert!(summary.to_string().ends_with("1,853,901"));
    }

    #[test]
    fn the_whole_family_has_kerass_numbers() {
        let rnn = CellKind::Elman(Activation::Tanh);
        let gru = |reset_after| CellKind::Gru { reset_after };
        for (kind, cell, total) in [
            (rnn, 91_392, 1_579_725),
            (gru(true), 274_944, 1_763_277),
            (gru(false), 274_176, 1_762_509),
        ] {
            let summary = Summary::new(&seed(AESOP, &[(kind, 256)]), 20);
            assert_eq!(summary.layers[2].parameters, cell, "{kind:?}");
            assert_eq!(summary.total_parameters, total, "{kind:?}");
        }
    }

    #[test]
    fn a_second_layer_adds_what_the_seed_says() {
        let summary = Summary::new(&seed(AESOP, &[(CellKind::Lstm, 256); 2]), 20);
        assert_eq!(summary.layers[2].output_shape, [None, Some(20), Some(256)]);
        assert_eq!(summary.layers[3].name, "lstm_1");
        assert_eq!(summary.layers[3].parameters, 525_312);
        assert_eq!(summary.total_parameters, 2_379_213);
    }

    #[test]
    fn the_table_counts_the_real_weights() {
        let kinds = [
            CellKind::Elman(Activation::Relu),
            CellKind::Gru { reset_after: true },
            CellKind::Gru { reset_after: false },
            CellKind::Lstm,
        ];
        let mixed = seed(50, &kinds.map(|kind| (kind, 7)));
        let mut options = LanguageModelConfig { tied: true, projection: 100, ..mixed.clone() };
        options.layers[1].layer_norm = true;
        for config in [mixed, options] {
            let model = config.init(1, &Device::flex()).unwrap();
            assert_eq!(model.num_params(), Summary::new(&config, 20).total_parameters);
        }
    }
}
