//! The names of embedding, dense and normalisation layers in both layouts.

use std::collections::HashMap;

use super::layout::Layout;
use crate::output_layer::OutputLayer;
use crate::stack::Layer;

/// One of the two dense layers that a model may have.
#[derive(Clone, Copy)]
pub(super) struct LayerPath {
    pytorch: &'static str,
    keras: &'static str,
}

pub(super) const PROJECTION: LayerPath = LayerPath { pytorch: "projection", keras: "dense" };

impl LayerPath {
    /// The output layer, or the head of an adaptive softmax in PyTorch; Keras numbers its dense layers.
    pub fn output(output: &OutputLayer) -> Self {
        let pytorch = if output.clusters.is_empty() { "output" } else { "output.head" };
        Self { pytorch, keras: if output.projection.is_some() { "dense_1" } else { "dense" } }
    }
}

pub(super) fn embedding(layout: Layout) -> &'static str {
    match layout {
        Layout::Pytorch => "embedding.weight",
        Layout::Keras => "embedding/embeddings",
    }
}

/// Keras numbers layers of one class.
pub(super) fn label_embedding(layout: Layout) -> &'static str {
    match layout {
        Layout::Pytorch => "label_embedding.weight",
        Layout::Keras => "embedding_1/embeddings",
    }
}

pub(super) fn kernel(layout: Layout, path: LayerPath) -> String {
    match layout {
        Layout::Pytorch => format!("{}.weight", path.pytorch),
        Layout::Keras => format!("{}/kernel", path.keras),
    }
}

pub(super) fn bias(layout: Layout, path: LayerPath) -> String {
    match layout {
        Layout::Pytorch => format!("{}.bias", path.pytorch),
        Layout::Keras => format!("{}/bias", path.keras),
    }
}

/// Keras's names of the layers of a stack, which are numbered by class.
#[derive(Default)]
pub(super) struct KerasNames(HashMap<&'static str, usize>);

impl KerasNames {
    /// The name of the next recurrent layer.
    pub fn next(&mut self, layer: &Layer) -> String {
        self.numbered(match layer.backward {
            Some(_) => "bidirectional",
            None => layer.cell.kind().spec().keras_name,
        })
    }

    /// The names of gain and bias of the next normalisation layer.
    pub fn norm(&mut self) -> [String; 2] {
        let layer = self.numbered("layer_normalization");
        ["gamma", "beta"].map(|name| format!("{layer}/{name}"))
    }

    fn numbered(&mut self, name: &'static str) -> String {
        let count = self.0.entry(name).or_default();
        *count += 1;
        match *count {
            1 => name.into(),
            count => format!("{name}_{}", count - 1),
        }
    }
}
