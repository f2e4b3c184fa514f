//! Escapes such as `\n` and `\u{1b}`: read in options, and written for characters that would control a terminal.

use std::borrow::Cow;

/// The text that `text` stands for: `\n`, `\r` and `\t` are a line feed, a carriage return and a tab, `\\` is a
/// backslash, and `\u{1b}` the character with this number in hexadecimal digits.
///
/// # Errors
/// If a backslash begins something else: what was found, and what is expected.
pub fn unescape(text: &str) -> Result<String, String> {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        unescaped.push_str(before);
        let mut chars = escape.chars();
        unescaped.push(match chars.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('\\') => '\\',
            Some('u') => {
                let digits = chars.as_str().strip_prefix('{').and_then(|digits| digits.split_once('}'));
                let Some((digits, after)) = digits else {
                    return Err(format!("`\\u` is not followed by a number in braces; {EXPECTED}"));
                };
                chars = after.chars();
                let number = Some(digits).filter(|digits| !digits.starts_with('+'));
                let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let no_character = || format!("`\\u{{{digits}}}` is not the number of a character; {EXPECTED}");
                number.and_then(char::from_u32).ok_or_else(no_character)?
            }
            Some(unknown) => return Err(format!("unknown escape `\\{unknown}`; {EXPECTED}")),
            None => return Err(format!("it ends within an escape; {EXPECTED}")),
        });
        rest = chars.as_str();
    }
    unescaped.push_str(rest);
    Ok(unescaped)
}

const EXPECTED: &str = "expected `\\n`, `\\r`, `\\t`, `\\u{…}` with hexadecimal digits, or `\\\\` for a backslash";

/// The text of `--stop`, which is written with escapes.
pub(crate) fn stop_text(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty; expected a text that ends a sample".into());
    }
    unescape(text)
}

/// `text` with escapes in place of the characters that would control a terminal or hide text on it: control characters
/// except tab and line feed, the embeddings, overrides and isolates of text direction, line and paragraph separators,
/// and byte order marks. A backslash stays, and so do joiners and word breaks without width, which scripts and emoji
/// need.
pub fn visible(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_harmful) else { return Cow::Borrowed(text) };
    let (clean, rest) = text.split_at(first);
    let mut visible = clean.to_owned();
    for c in rest.chars() {
        if is_harmful(c) {
            visible.extend(c.escape_default());
        } else {
            visible.push(c);
        }
    }
    Cow::Owned(visible)
}

fn is_harmful(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Command;
    use crate::parse::one_line;
    use crate::tests::Cli;

    #[test]
    fn escapes_are_read() {
        for (written, expected) in [
            ("", ""),
            ("a b", "a b"),
            (r"\n", "\n"),
            (r"\r\n\tend", "\r\n\tend"),
            (r"a\\nb", r"a\nb"),
            (r"\\\\", r"\\"),
            (r"\u{1b}[0m\u{1F98A}\u{d}", "\u{1b}[0m🦊\r"),
            ("여우\\n", "여우\n"),
        ] {
            assert_eq!(unescape(written).as_deref(), Ok(expected), "{written}");
        }
    }

    #[test]
    fn an_unknown_escape_is_named() {
        for (written, found) in [
            (r"\q", r"unknown escape `\q`"),
            (r"a\", "it ends within an escape"),
            (r"\u1b", r"`\u` is not followed by a number in braces"),
            (r"\u{1b", r"`\u` is not followed by a number in braces"),
            (r"\u{}", r"`\u{}` is not the number of a character"),
            (r"\u{+1b}", r"`\u{+1b}` is not the number of a character"),
            (r"\u{xy}", r"`\u{xy}` is not the number of a character"),
            (r"\u{d800}", r"`\u{d800}` is not the number of a character"),
            (r"\u{110000}", r"`\u{110000}` is not the number of a character"),
            (r"\u{fffffffff}", r"`\u{fffffffff}` is not the number of a character"),
        ] {
            let error = unescape(written).unwrap_err();
            assert_eq!(error.strip_prefix(found), Some(format!("; {EXPECTED}").as_str()), "{written}: {error}");
        }
    }

    #[test]
    fn stop_texts_have_escapes_and_keep_their_order() {
        let parse = |words: &[&str]| Cli::try_parse_from([&["pastiche", "generate"], words].concat());
        let stop = |words: &[&str]| {
            let Command::Generate(generate) = parse(words).unwrap().command else {
                panic!("`generate` was parsed as another command");
            };
            generate.stop
        };
        assert!(stop(&[]).is_empty());
        assert_eq!(stop(&["--stop", "Monday", "--stop", "said the", "--stop", r"\n"]), ["Monday", "said the", "\n"]);
        for (text, expected) in [("", "it is empty"), (r"\q", r"unknown escape `\q`; expected `\n`, ")] {
            let error = parse(&["--stop", text]).err().map(|error| one_line(&error)).unwrap();
            assert!(error.contains("--stop") && error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn what_controls_a_terminal_is_visible() {
        for (text, expected) in [
            // A window title, a colour, both with a byte and with two; a carriage return hides what was before it.
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("\u{9b}31mred\u{1b}[0m", r"\u{9b}31mred\u{1b}[0m"),
            ("hidden\rseen\u{8}\u{7f}\0", r"hidden\rseen\u{8}\u{7f}\u{0}"),
            ("a\u{202e}b\u{2066}c\u{2069}\u{feff}\u{2028}", r"a\u{202e}b\u{2066}c\u{2069}\u{feff}\u{2028}"),
        ] {
            assert_eq!(visible(text), expected);
            assert_eq!(unescape(expected).as_deref(), Ok(text));
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in ["", "a\tb\nc", "한글 🦊 👩\u{200d}🔬 نمی\u{200c}خواهم ខ្មែរ\u{200b}", r"C:\new"]
        {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
