//! What the layouts call the parts of a model that are no cells.

use std::collections::HashMap;

use super::{Layout, keras};
use crate::stack::Layer;

/// One of the two dense layers that a model may have.
#[derive(Clone, Copy)]
pub struct Place {
    pytorch: &'static str,
    keras: &'static str,
}

pub const PROJECTION: Place = Place { pytorch: "projection", keras: "dense" };

impl Place {
    /// The output layer; Keras numbers its dense layers.
    pub fn output(projected: bool) -> Self {
        Self { pytorch: "output", keras: if projected { "dense_1" } else { "dense" } }
    }
}

pub fn embedding(layout: Layout) -> &'static str {
    match layout {
        Layout::Pytorch => "embedding.weight",
        Layout::Keras => "embedding/embeddings",
    }
}

pub fn kernel(layout: Layout, place: Place) -> String {
    match layout {
        Layout::Pytorch => format!("{}.weight", place.pytorch),
        Layout::Keras => format!("{}/kernel", place.keras),
    }
}

pub fn bias(layout: Layout, place: Place) -> String {
    match layout {
        Layout::Pytorch => format!("{}.bias", place.pytorch),
        Layout::Keras => format!("{}/bias", place.keras),
    }
}

/// Keras's names of the layers of a stack, which number those of a kind.
#[derive(Default)]
pub struct Layers(HashMap<&'static str, usize>);

impl Layers {
    /// The next layer's.
    pub fn next(&mut self, layer: &Layer) -> String {
        self.numbered(match layer.backward {
            Some(_) => "bidirectional",
            None => keras::layer_name(layer.cell.kind()),
        })
    }

    /// Keras's gain and bias of the next normalisation.
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
