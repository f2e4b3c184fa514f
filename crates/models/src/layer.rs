//! The blueprint of one recurrent layer.

use serde::{Deserialize, Serialize};

use crate::cell::{Activation, CellKind};
use crate::config::check_share;
use crate::error::{Error, Result};
use crate::init::Initialization;
use crate::norm::LayerNorm;
use crate::stack::Layer;

/// The cells by their names in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellName {
    /// The plain recurrent network.
    Rnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit.
    Gru,
}

/// One recurrent layer, as it is written in a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerConfig {
    /// Which equations.
    pub cell: CellName,
    /// H, how many units.
    pub units: usize,
    /// The plain cell's activation, tanh if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// Whether a GRU's reset gate acts after the product, as it does if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_after: Option<bool>,
    /// Read the sequence from both ends.
    #[serde(default)]
    pub bidirectional: bool,
    /// Normalise what the layer hands on.
    #[serde(default)]
    pub layer_norm: bool,
    /// The share of the recurrent weights dropped while training.
    #[serde(default)]
    pub recurrent_dropout: f64,
}

impl LayerConfig {
    /// A layer of these equations and size, with no options.
    pub fn new(kind: CellKind, units: usize) -> Self {
        let (cell, activation, reset_after) = match kind {
            CellKind::Elman(activation) => (CellName::Rnn, Some(activation), None),
            CellKind::Lstm => (CellName::Lstm, None, None),
            CellKind::Gru { reset_after } => (CellName::Gru, None, Some(reset_after)),
        };
        let (bidirectional, layer_norm, recurrent_dropout) = (false, false, 0.0);
        Self { cell, units, activation, reset_after, bidirectional, layer_norm, recurrent_dropout }
    }

    /// Which equations the layer computes.
    pub fn kind(&self) -> CellKind {
        match self.cell {
            CellName::Rnn => CellKind::Elman(self.activation.unwrap_or_default()),
            CellName::Lstm => CellKind::Lstm,
            CellName::Gru => CellKind::Gru { reset_after: self.reset_after.unwrap_or(true) },
        }
    }

    /// How many numbers it hands on at each step.
    pub fn width(&self) -> usize {
        self.directions() * self.units
    }

    /// How many numbers it trains.
    pub fn parameters(&self, inputs: usize) -> usize {
        let norm = if self.layer_norm { LayerNorm::parameters(self.width()) } else { 0 };
        self.directions() * self.kind().parameters(inputs, self.units) + norm
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Refuses what makes no layer; `place` is what errors call it.
    ///
    /// # Errors
    /// Names the first setting that is out of range or another cell's.
    pub fn check(&self, place: &str) -> Result<()> {
        if !(1..=8_192).contains(&self.units) {
            return Err(Error::out_of_range(format!("{place}.units"), self.units, "1 to 8192"));
        }
        let misplaced =
            |key: &str, whose| Err(Error::out_of_range(format!("{place}.{key}"), "given", whose));
        if self.activation.is_some() && self.cell != CellName::Rnn {
            return misplaced(
                "activation",
                "nothing, for only `cell = \"rnn\"` has a choice of it",
            );
        }
        if self.reset_after.is_some() && self.cell != CellName::Gru {
            return misplaced("reset_after", "nothing, for only `cell = \"gru\"` has a reset gate");
        }
        check_share(format!("{place}.recurrent_dropout"), self.recurrent_dropout)
    }

    /// The layer with fresh weights, reading `inputs` numbers a step.
    pub(crate) fn init(&self, inputs: usize, weights: &Initialization) -> Layer {
        let cell = |weights: &Initialization| self.kind().init(inputs, self.units, weights);
        Layer {
            cell: cell(weights),
            backward: self.bidirectional.then(|| cell(&weights.at("backward"))),
            norm: self.layer_norm.then(|| LayerNorm::new(self.width(), &weights.at("norm"))),
            recurrent_dropout: self.recurrent_dropout,
        }
    }
}
