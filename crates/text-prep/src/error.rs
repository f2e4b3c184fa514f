//! Everything that can go wrong between bytes and ids, each in one line:
//! what was found, what was expected, what to do.
//!
//! What it does not know: exit codes and how a message is shown.

use std::path::PathBuf;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of reading, cleaning, tokenizing or numbering. Its display is always one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file is at the path.
    #[error("no file at `{}`: expected a text to read; check the path", one_line(&.path.to_string_lossy()))]
    MissingFile {
        /// The path as given.
        path: PathBuf,
    },
    /// The path leads to a directory.
    #[error("`{}` is a directory: expected a text file; name a file inside it", one_line(&.path.to_string_lossy()))]
    Directory {
        /// The path as given.
        path: PathBuf,
    },
    /// The file is there, yet the system refuses to read it.
    #[error("cannot read `{}`: {source}; check the file and its permissions", one_line(&.path.to_string_lossy()))]
    Read {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds nothing but, at most, a byte order mark and white space.
    #[error("`{}` holds no text: expected at least one character that is not white space; name another file", one_line(.name))]
    Empty {
        /// The file's name.
        name: String,
    },
    /// The bytes are not UTF-8 and no other encoding was named.
    #[error("`{}` is not UTF-8: byte {offset} begins an invalid sequence; set `encoding` to the file's own (such as \"windows-1252\" or \"euc-kr\") or convert the file", one_line(.name))]
    InvalidUtf8 {
        /// The file's name.
        name: String,
        /// Offset of the first byte that cannot be read, from 0.
        offset: usize,
    },
    /// The bytes do not fit the encoding that was named.
    #[error("`{}` is not {encoding}: byte {offset} begins an invalid sequence; set `encoding` to the file's own", one_line(.name))]
    InvalidEncoding {
        /// The file's name.
        name: String,
        /// The encoding's canonical name.
        encoding: &'static str,
        /// Offset of the first byte that cannot be read, from 0.
        offset: usize,
    },
    /// No encoding has this label.
    #[error("unknown encoding `{}`: expected a label of the WHATWG Encoding Standard, such as utf-8, utf-16le, windows-1252, euc-kr, shift_jis, gb18030; correct `encoding`", one_line(.label))]
    UnknownEncoding {
        /// The label as given.
        label: String,
    },
    /// A marker of the excerpt is not in the text.
    #[error("`{}` does not hold the excerpt's `{key}` marker \"{}\" {place}; correct the marker or remove `excerpt`", one_line(.name), one_line(.marker))]
    MarkerNotFound {
        /// The file's name.
        name: String,
        /// `from` or `to`.
        key: &'static str,
        /// The marker itself.
        marker: String,
        /// Where it was looked for.
        place: String,
    },
    /// Cutting left nothing.
    #[error("nothing is left of `{}` after {cut}: expected text between the marks; correct the markers or the file", one_line(.name))]
    NothingLeft {
        /// The file's name.
        name: String,
        /// What cut the text.
        cut: &'static str,
    },
    /// No cleaning preset has this name.
    #[error("unknown cleaning preset `{}`: expected one of {known}; did you mean `{nearest}`?", one_line(.name))]
    UnknownPreset {
        /// The name as given.
        name: String,
        /// The known name that looks most like it.
        nearest: &'static str,
        /// All names.
        known: String,
    },
    /// A cleaning rule holds a value that cannot work.
    #[error("the cleaning rule `{rule}` {problem}")]
    BadRule {
        /// The rule's name as written in a configuration.
        rule: &'static str,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// Snowball has no stemmer for this language.
    #[error("no stemmer for `{}`: expected one of {known}; correct `stem` or remove it", one_line(.language))]
    UnknownLanguage {
        /// The language as given.
        language: String,
        /// All languages.
        known: String,
    },
    /// A prompt holds a token that is not in the vocabulary.
    #[error("the prompt holds `{}`{}, which the model never saw;{} choose --unseen skip or unknown", one_line(.token), and_others(*.others), hint(.nearest))]
    Unseen {
        /// The first token of that kind.
        token: String,
        /// How many other such tokens the prompt holds.
        others: usize,
        /// Known tokens that look most like it, nearest first.
        nearest: Vec<String>,
    },
    /// Unseen tokens were to become the unknown token, yet the vocabulary has none.
    #[error("the prompt holds `{}`, which the model never saw, and its vocabulary has no unknown token; choose --unseen error or skip, or train with rare words mapped to unknown", one_line(.token))]
    NoUnknownToken {
        /// The first unseen token.
        token: String,
    },
    /// A vocabulary as read from a file contradicts itself.
    #[error(
        "the vocabulary {problem}; the file was changed or damaged: take it from the original again"
    )]
    BadVocabulary {
        /// What was found and what was expected.
        problem: String,
    },
    /// A saved tokenizer cannot be read.
    #[error("not a saved tokenizer: {}; expected the JSON that training wrote: take the file from the model's directory again", one_line(.problem))]
    BadTokenizer {
        /// What the reader of the JSON said.
        problem: String,
    },
    /// A saved tokenizer of another format.
    #[error(
        "the saved tokenizer has format {found}, this program reads format {expected}; use the version of the program that wrote it"
    )]
    TokenizerFormat {
        /// The number in the file.
        found: u64,
        /// The number that this program writes.
        expected: u64,
    },
    /// A Keras tokenizer that cannot be built or read.
    #[error("not a Keras tokenizer: {}", one_line(.problem))]
    BadKeras {
        /// What was found, what was expected and what to do.
        problem: String,
    },
}

/// `text` on one line and short enough to read: control characters escaped, the middle of a
/// long text left out.
pub fn one_line(text: &str) -> String {
    const LIMIT: usize = 120;
    let escape = |c: char| -> String {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            c.escape_default().collect()
        } else {
            c.to_string()
        }
    };
    let length = text.chars().count();
    if length <= LIMIT {
        return text.chars().map(escape).collect();
    }
    let head: String = text.chars().take(LIMIT / 2).map(escape).collect();
    let tail: String = text.chars().skip(length - LIMIT / 2).map(escape).collect();
    format!("{head} … {tail}")
}

fn and_others(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " and one other token".to_owned(),
        n => format!(" and {n} other tokens"),
    }
}

fn hint(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!(" nearest: {};", nearest.iter().map(|t| one_line(t)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
    }

    #[test]
    fn a_message_is_one_line_whatever_it_names() {
        let error = Error::MarkerNotFound {
            name: "a\nb.txt".into(),
            key: "from",
            marker: "THE END\n\n\n".into(),
            place: "anywhere".into(),
        };
        assert_eq!(
            error.to_string(),
            "`a\\nb.txt` does not hold the excerpt's `from` marker \"THE END\\n\\n\\n\" anywhere; \
             correct the marker or remove `excerpt`"
        );
        assert!(one_line(&"x".repeat(100_000)).len() < 200);
    }

    #[test]
    fn an_unseen_token_is_named_with_its_neighbours() {
        let error = Error::Unseen {
            token: "dargon".into(),
            others: 0,
            nearest: vec!["dragon".into(), "wagon".into()],
        };
        assert_eq!(
            error.to_string(),
            "the prompt holds `dargon`, which the model never saw; nearest: dragon, wagon; choose --unseen skip or unknown"
        );
        let error = Error::Unseen { token: "x".into(), others: 2, nearest: vec![] };
        assert_eq!(
            error.to_string(),
            "the prompt holds `x` and 2 other tokens, which the model never saw; choose --unseen skip or unknown"
        );
    }
}
