//! Converts the character offsets of answers to byte ranges. Independent of words and file formats.

use std::ops::Range;

use super::error::quoted;

/// A context and the byte offset of each of its characters (code points, as SQuAD counts them).
pub(super) struct CharIndex<'a> {
    text: &'a str,
    /// The byte offset of each character, and the length in bytes; `None` if the text is ASCII.
    offsets: Option<Vec<usize>>,
}

impl<'a> CharIndex<'a> {
    pub fn new(text: &'a str) -> Self {
        let offsets = || text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self { text, offsets: (!text.is_ascii()).then(offsets) }
    }

    /// The byte range of `answer`, which starts at character `start`.
    ///
    /// # Errors
    /// If the context has other text there. The message continues a sentence whose subject is the question.
    pub fn find_at(&self, start: usize, answer: &str) -> Result<Range<usize>, String> {
        let byte = match &self.offsets {
            Some(offsets) => offsets.get(start).copied(),
            None => (start <= self.text.len()).then_some(start),
        };
        let num_chars = self.offsets.as_ref().map_or(self.text.len(), |offsets| offsets.len() - 1);
        let answer_len = answer.chars().count();
        let found = match byte.map(|byte| (byte, &self.text[byte..])) {
            Some((byte, rest)) if rest.starts_with(answer) => {
                return Ok(byte..byte + answer.len());
            }
            Some((_, rest)) if start + answer_len <= num_chars => {
                let found: String = rest.chars().take(answer_len).collect();
                format!("the context has {} there", quoted(&found))
            }
            _ => format!("the context has only {num_chars} characters"),
        };
        let hint = match self.find_unique(answer) {
            Ok(range) => {
                format!("it occurs only at character {}; correct its start", self.text[..range.start].chars().count())
            }
            Err(_) => "correct the answer or its start".to_owned(),
        };
        Err(format!("has the answer {} at character {start}, but {found}; {hint}", quoted(answer)))
    }

    /// The byte range of `answer`, which must occur exactly once.
    ///
    /// # Errors
    /// If it does not. The message continues a sentence whose subject is the question.
    pub fn find_unique(&self, answer: &str) -> Result<Range<usize>, String> {
        // Overlapping occurrences count: "ana" occurs twice in "banana".
        let step = answer.chars().next().map_or(1, char::len_utf8);
        let (mut first, mut count, mut from) = (None, 0, 0);
        while let Some(at) = self.text.get(from..).and_then(|rest| rest.find(answer)) {
            first.get_or_insert(from + at);
            count += 1;
            from += at + step;
        }
        match first {
            Some(start) if count == 1 => Ok(start..start + answer.len()),
            _ => Err(format!(
                "has no `start`, and its answer {} occurs {count} times in the context; expected exactly once; \
                 correct the answer or add `start`",
                quoted(answer)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_code_points() {
        let text = "e\u{301} 한글 🦊 fox";
        let index = CharIndex::new(text);
        for answer in ["e", "\u{301}", "한글", "🦊", "fox", text] {
            let byte = text.find(answer).unwrap();
            let start = text[..byte].chars().count();
            assert_eq!(index.find_at(start, answer), Ok(byte..byte + answer.len()));
            assert_eq!(index.find_unique(answer), Ok(byte..byte + answer.len()));
        }
        assert_eq!(CharIndex::new("a fox").find_at(2, "fox"), Ok(2..5));
    }

    #[test]
    fn errors_quote_the_text_at_the_offset() {
        assert_eq!(
            CharIndex::new("한 fox ran").find_at(3, "fox").unwrap_err(),
            "has the answer \"fox\" at character 3, but the context has \"ox \" there; it occurs only at \
             character 2; correct its start"
        );
        for (start, text) in [(6, "a fox a fox"), (9, "a fox a fox")] {
            let message = CharIndex::new(text).find_at(start, "wolf").unwrap_err();
            assert!(message.ends_with("; correct the answer or its start"), "{message}");
        }
        let message = CharIndex::new("a fox").find_at(900, "fox").unwrap_err();
        assert!(message.contains("but the context has only 5 characters;"), "{message}");
        assert!(CharIndex::new("é fox").find_at(4, "fox").unwrap_err().contains("has only 5 characters"));
    }

    #[test]
    fn an_answer_without_a_start_must_occur_exactly_once() {
        assert_eq!(
            CharIndex::new("banana").find_unique("ana").unwrap_err(),
            "has no `start`, and its answer \"ana\" occurs 2 times in the context; expected exactly once; \
             correct the answer or add `start`"
        );
        assert!(CharIndex::new("banana").find_unique("x").unwrap_err().contains("0 times"));
    }
}
