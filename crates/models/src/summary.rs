//! The table of layers that Keras prints: name, output shape, parameters.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::config::LanguageModelConfig;

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
        let &LanguageModelConfig { vocabulary, embedding, dropout, .. } = config;
        table.add("InputLayer", vec![length], 0);
        table.add("Embedding", vec![length, embedding], vocabulary * embedding);
        let mut inputs = embedding;
        for (at, layer) in config.layers.iter().enumerate() {
            let top = at + 1 == config.layers.len();
            let shape = if top { vec![layer.units] } else { vec![length, layer.units] };
            let parameters = layer.cell.parameters(inputs, layer.units);
            table.add(layer.cell.keras_name(), shape, parameters);
            inputs = layer.units;
        }
        if dropout > 0.0 {
            table.add("Dropout", vec![inputs], 0);
        }
        table.add("Dense", vec![vocabulary], (inputs + 1) * vocabulary);
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

    use crate::cell::CellKind;
    use crate::config::LayerConfig;

    use super::*;

    fn lstm(vocabulary: usize, units: &[usize]) -> LanguageModelConfig {
        let layer = |&units| LayerConfig { cell: CellKind::Lstm, units };
        let layers = units.iter().map(layer).collect();
        LanguageModelConfig { vocabulary, embedding: 100, layers, dropout: 0.2 }
    }

    #[test]
    fn the_seeds_model_has_the_seeds_numbers() {
        let summary = Summary::new(&lstm(4_169, &[256]), 20);
        let parameters: Vec<usize> = summary.layers.iter().map(|l| l.parameters).collect();
        assert_eq!(parameters, [0, 416_900, 365_568, 0, 1_071_433]);
        assert_eq!(summary.total_parameters, 1_853_901);
        assert_eq!(summary.layers[1].output_shape, [None, Some(20), Some(100)]);
        assert_eq!(summary.layers[4].output_shape, [None, Some(4_169)]);
        assert!(summary.to_string().ends_with("1,853,901"));
    }

    #[test]
    fn a_second_layer_adds_what_the_seed_says() {
        let summary = Summary::new(&lstm(4_169, &[256, 256]), 20);
        assert_eq!(summary.layers[2].output_shape, [None, Some(20), Some(256)]);
        assert_eq!(summary.layers[3].name, "lstm_1");
        assert_eq!(summary.layers[3].parameters, 525_312);
        assert_eq!(summary.total_parameters, 2_379_213);
    }

    #[test]
    fn the_table_counts_the_real_weights() {
        let config = lstm(50, &[7, 5]);
        let model = config.init(1, &Device::flex()).unwrap();
        assert_eq!(model.num_params(), Summary::new(&config, 20).total_parameters);
    }
}
