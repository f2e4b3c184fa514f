//! A rule that lower-cases text character by character: Σ becomes σ even at the end of a word.

use super::Rule;
use crate::chars::push_lower;

pub(super) struct LowerCase;

impl Rule for LowerCase {
    fn push(&mut self, chunk: &str, out: &mut String) {
        push_lower(chunk, out);
    }

    fn finish(&mut self, _: &mut String) {}
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn capitals_of_every_script_are_lower_cased() {
        let cleaner = Cleaner::new(vec![RuleSpec::LowerCase]);
        assert_eq!(cleaner.clean("The FOX, ÉTÉ, ΟΔΟΣ, 여우"), "the fox, été, οδοσ, 여우");
    }
}
