//! The tokens of a dataset that have no id of their own.

use text_prep::TokenCounter;

use crate::split::Part;

/// The tokens for which the ids of a dataset have the unknown token. Takes 4 bytes for each of them, and the text of each
/// different one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownTokens {
    /// The different ones.
    distinct: Vec<String>,
    /// Those of each part in the order of its ids, as indices in `distinct`.
    of_parts: [Vec<u32>; 3],
}

impl UnknownTokens {
    /// The tokens with these provisional ids, which are those of `counter`.
    pub(crate) fn new(mut of_parts: [Vec<u32>; 3], counter: &TokenCounter) -> Self {
        let mut distinct = of_parts.concat();
        distinct.sort_unstable();
        distinct.dedup();
        for id in of_parts.iter_mut().flatten() {
            let provisional = *id;
            *id = distinct.partition_point(|&other| other < provisional) as u32;
        }
        Self { distinct: distinct.iter().map(|&provisional| counter.token(provisional).to_owned()).collect(), of_parts }
    }

    /// The number of different ones.
    pub fn distinct(&self) -> usize {
        self.distinct.len()
    }

    /// Those of `part`, one for each unknown token of its ids, in their order.
    pub fn of(&self, part: Part) -> impl ExactSizeIterator<Item = &str> {
        self.of_parts[part as usize].iter().map(|&index| self.distinct[index as usize].as_str())
    }
}
