//! A rule that prepends a string to the text.

use super::Rule;

pub(super) struct Prepend {
    /// Empty after it has been written.
    text: String,
}

impl Prepend {
    pub fn new(text: String) -> Self {
        Self { text }
    }
}

impl Rule for Prepend {
    fn push(&mut self, chunk: &str, out: &mut String) {
        self.finish(out);
        out.push_str(chunk);
    }

    fn finish(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.text));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn text_is_prepended_once_even_to_an_empty_text() {
        let cleaner = Cleaner::new(vec![RuleSpec::Prepend { text: "| ".into(), times: 2 }]);
        assert_eq!(cleaner.clean("fox"), "| | fox");
        assert_eq!(cleaner.clean(""), "| | ");
    }
}
