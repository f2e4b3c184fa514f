//! The hidden sizes that the time of a run decides between.

use models::CellName;

use super::Choice;
use crate::view::format::decimals;

/// The hidden sizes that the time of a run decides between.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The largest first; none if the size is given.
    pub units: &'static [usize],
    /// The passes over the text that a size needs.
    pub passes: f64,
    /// The most passes over the text: with more, the model only memorises it.
    pub most_passes: f64,
}

impl Sizes {
    /// The reason for this size of a layer of these cells.
    pub fn choice(&self, units: usize, cell: CellName) -> Choice {
        let cell = match cell {
            CellName::Rnn => "an RNN",
            CellName::Lstm => "an LSTM",
            CellName::Gru => "a GRU",
        };
        let others: Vec<String> = self.units.iter().filter(|&&other| other != units).map(usize::to_string).collect();
        let others = others.join(" or ");
        let passes = decimals(self.passes, usize::from(self.passes < 1.0));
        let reason = if Some(&units) == self.units.last() {
            format!("{cell} of {units} units, the smallest, because the time is short")
        } else {
            format!(
                "{cell} of {units} units rather than {others}: the time allows {passes} passes over the text or more"
            )
        };
        Choice { keys: &["model.layers"], reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_said_with_its_alternatives() {
        let sizes = Sizes { units: &[512, 384, 256], passes: 20.0, most_passes: f64::INFINITY };
        let reason = |units| sizes.choice(units, CellName::Lstm).reason;
        let of = "the time allows 20 passes over the text or more";
        assert_eq!(reason(512), format!("an LSTM of 512 units rather than 384 or 256: {of}"));
        assert_eq!(reason(384), format!("an LSTM of 384 units rather than 512 or 256: {of}"));
        assert_eq!(reason(256), "an LSTM of 256 units, the smallest, because the time is short");
        assert!(sizes.choice(512, CellName::Gru).reason.starts_with("a GRU of 512 units"));
    }
}
