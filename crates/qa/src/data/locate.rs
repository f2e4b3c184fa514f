//! From an answer's characters to its bytes.
//!
//! What it does not know: words, files, formats.

use std::ops::Range;

use super::error::quoted;

/// A context whose characters (code points, as SQuAD counts them) can be found quickly.
pub(super) struct Context<'a> {
    text: &'a str,
    /// The first byte of each character, and the end; none where all characters are one byte.
    starts: Option<Vec<usize>>,
}

impl<'a> Context<'a> {
    pub fn new(text: &'a str) -> Self {
        let starts = || text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self { text, starts: (!text.is_ascii()).then(starts) }
    }

    /// The bytes of `answer`, which begins with character `start`.
    ///
    /// # Errors
    /// If something else stands there, in words that go on from a question's name.
    pub fn at(&self, start: usize, answer: &str) -> Result<Range<usize>, String> {
        let byte = match &self.starts {
            Some(starts) => starts.get(start).copied(),
            None => (start <= self.text.len()).then_some(start),
        };
        let characters = self.starts.as_ref().map_or(self.text.len(), |starts| starts.len() - 1);
        let length = answer.chars().count();
        let found = match byte.map(|byte| (byte, &self.text[byte..])) {
            Some((byte, rest)) if rest.starts_with(answer) => {
                return Ok(byte..byte + answer.len());
            }
            Some((_, rest)) if start + length <= characters => {
                let there: String = rest.chars().take(length).collect();
                format!("its context holds {} there", quoted(&there))
            }
            _ => format!("its context ends with character {characters}"),
        };
        let elsewhere = match self.only(answer) {
            Ok(range) => format!(
                "it stands at {} alone; correct its start",
                self.text[..range.start].chars().count()
            ),
            Err(_) => "correct the answer or its start".to_owned(),
        };
        Err(format!(
            "should be answered by {} from character {start} on, but {found}; {elsewhere}",
            quoted(answer)
        ))
    }

    /// The bytes of `answer`, which must stand in the context once.
    ///
    /// # Errors
    /// If it does not, in words that go on from a question's name.
    pub fn only(&self, answer: &str) -> Result<Range<usize>, String> {
        // Overlapping places count, too: "ana" stands in "banana" twice.
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
                "has no `start` and its answer {} stands in its context {count} times; expected \
                 once; correct the answer, or say where it starts",
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
        let context = Context::new(text);
        for answer in ["e", "\u{301}", "한글", "🦊", "fox", text] {
            let byte = text.find(answer).unwrap();
            let start = text[..byte].chars().count();
            assert_eq!(context.at(start, answer), Ok(byte..byte + answer.len()));
            assert_eq!(context.only(answer), Ok(byte..byte + answer.len()));
        }
        assert_eq!(Context::new("a fox").at(2, "fox"), Ok(2..5));
    }

    #[test]
    fn what_stands_there_is_named() {
        assert_eq!(
            Context::new("한 fox ran").at(3, "fox").unwrap_err(),
            "should be answered by \"fox\" from character 3 on, but its context holds \"ox \" \
             there; it stands at 2 alone; correct its start"
        );
        for (start, text) in [(6, "a fox a fox"), (9, "a fox a fox")] {
            let message = Context::new(text).at(start, "wolf").unwrap_err();
            assert!(message.ends_with("; correct the answer or its start"), "{message}");
        }
        let message = Context::new("a fox").at(900, "fox").unwrap_err();
        assert!(message.contains("but its context ends with character 5;"), "{message}");
        assert!(Context::new("é fox").at(4, "fox").unwrap_err().contains("ends with character 5"));
    }

    #[test]
    fn an_answer_without_a_start_stands_once() {
        assert_eq!(
            Context::new("banana").only("ana").unwrap_err(),
            "has no `start` and its answer \"ana\" stands in its context 2 times; expected once; \
             correct the answer, or say where it starts"
        );
        assert!(Context::new("banana").only("x").unwrap_err().contains("0 times"));
    }
}
