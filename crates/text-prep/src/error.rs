//! The error type of this crate. Every message is one line: what was found, what was expected, what to
//! do.

use std::path::PathBuf;

use crate::source::{FoundControlCharacters, InputError};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error in reading, cleaning, tokenizing or encoding. Its message is always one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not exist.
    #[error("no file at `{}`: expected a text to read; check the path", one_line(&.path.to_string_lossy()))]
    MissingFile {
        /// The path as given.
        path: PathBuf,
    },
    /// The path is a directory.
    #[error("`{}` is a directory: expected a text file; use a file inside it", one_line(&.path.to_string_lossy()))]
    Directory {
        /// The path as given.
        path: PathBuf,
    },
    /// The file exists but cannot be read.
    #[error("cannot read `{}`: {source}; check the file and its permissions", one_line(&.path.to_string_lossy()))]
    Read {
        /// The path as given.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Files cannot be found, or an archive, table or book cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The file contains only white space (and perhaps a byte order mark).
    #[error("`{}` contains no text: expected at least one character that is not white space; use another file", one_line(.name))]
    Empty {
        /// The file's name.
        name: String,
    },
    /// The bytes are not UTF-8 and no other encoding was given.
    #[error("`{}` is not UTF-8: byte {offset} begins an invalid sequence; read it in its encoding, such as windows-1252 or euc-kr, or convert it", one_line(.name))]
    InvalidUtf8 {
        /// The file's name.
        name: String,
        /// 0-based offset of the first invalid byte.
        offset: usize,
    },
    /// The text ends inside a UTF-8 character.
    #[error("`{}` ends inside a character: it has {found} of the {length} bytes of the one that begins at byte {offset}; get the whole file, or remove the rest of this character", one_line(.name))]
    IncompleteUtf8 {
        /// The file's name.
        name: String,
        /// 0-based offset of the first byte of the character.
        offset: usize,
        /// The number of its bytes that are there.
        found: usize,
        /// The number of its bytes.
        length: usize,
    },
    /// The bytes are not valid in the given encoding.
    #[error("`{}` is not {encoding}, the requested encoding: byte {offset} begins an invalid sequence; read it in its own encoding", one_line(.name))]
    InvalidEncoding {
        /// The file's name.
        name: String,
        /// The canonical name of the encoding.
        encoding: &'static str,
        /// 0-based offset of the first invalid byte.
        offset: usize,
    },
    /// The bytes are not valid in the encoding of the file's byte order mark.
    #[error("`{}` is damaged or cut off at byte {offset}, which begins an invalid sequence in {encoding}, the encoding of its byte order mark: repair it or save it again", one_line(.name))]
    Damaged {
        /// The file's name.
        name: String,
        /// The canonical name of the encoding.
        encoding: &'static str,
        /// 0-based offset of the first invalid byte.
        offset: usize,
    },
    /// The zero bytes of a file are those of UTF-16 or UTF-32, it has no byte order mark, and no encoding was given.
    #[error("`{}` seems to be {encoding} without a byte order mark, because byte {offset} and others are zero: read it in this encoding, or save it as UTF-8", one_line(.name))]
    NoByteOrderMark {
        /// The file's name.
        name: String,
        /// The canonical name of the encoding.
        encoding: &'static str,
        /// 0-based offset of the first zero byte.
        offset: usize,
    },
    /// The text has control characters that are rejected.
    #[error("`{}` has {found}: expected a text without them; remove them, or use another file", one_line(.name))]
    ControlCharacters {
        /// The file's name.
        name: String,
        /// Their number, and the place of the first one.
        found: FoundControlCharacters,
    },
    /// No encoding has this label.
    #[error("unknown encoding `{}`: expected a label of the WHATWG Encoding Standard, such as utf-8, utf-16le, windows-1252, euc-kr, shift_jis, gb18030, or utf-32; correct it", one_line(.label))]
    UnknownEncoding {
        /// The label as given.
        label: String,
    },
    /// A marker of the excerpt is not in the text.
    #[error("`{}` does not contain the excerpt's `{key}` marker \"{}\" {place}; correct the marker or remove `excerpt`", one_line(.name), one_line(.marker))]
    MarkerNotFound {
        /// The file's name.
        name: String,
        /// `from` or `to`.
        key: &'static str,
        /// The marker.
        marker: String,
        /// Where it was searched.
        place: String,
    },
    /// Only white space is left after an excerpt or the removal of headers.
    #[error("nothing is left of `{}` after {cut}: expected text between the markers; correct the markers or the file", one_line(.name))]
    NothingLeft {
        /// The file's name.
        name: String,
        /// The step that removed the text.
        cut: &'static str,
    },
    /// There is no cleaning preset with this name.
    #[error("unknown cleaning preset `{}`: expected one of {known}; did you mean `{nearest}`?", one_line(.name))]
    UnknownPreset {
        /// The name as given.
        name: String,
        /// The most similar known name.
        nearest: &'static str,
        /// All names.
        known: String,
    },
    /// A cleaning rule has an invalid value.
    #[error("the cleaning rule `{rule}` {problem}")]
    BadRule {
        /// The rule's name in a configuration.
        rule: &'static str,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// There is no Snowball stemmer for this language.
    #[error("no stemmer for `{}`: expected one of {known}; correct `stem` or remove it", one_line(.language))]
    UnknownLanguage {
        /// The language as given.
        language: String,
        /// All languages.
        known: String,
    },
    /// A prompt contains a token that is not in the vocabulary.
    #[error("the prompt contains {}{}: correct it, leave out such tokens, or map them to the unknown token", not_in_vocabulary(.token, *.others), suggestions(.nearest))]
    OutOfVocabulary {
        /// The first out-of-vocabulary token.
        token: String,
        /// Number of other distinct out-of-vocabulary tokens.
        others: usize,
        /// The most similar known tokens, nearest first.
        nearest: Vec<String>,
    },
    /// Out-of-vocabulary tokens should become the unknown token, but the vocabulary has none.
    #[error("the prompt contains `{}`, which is not in the vocabulary, and the vocabulary has no unknown token: correct the prompt, leave out such tokens, or train with rare tokens mapped to the unknown token", one_line(.token))]
    NoUnknownToken {
        /// The first out-of-vocabulary token.
        token: String,
    },
    /// [`OovPolicy::Error`](crate::OovPolicy::Error) was set for training text.
    #[error("the out-of-vocabulary policy `error` is only for prompts: expected `unknown` or `drop`")]
    TrainingOovPolicy,
    /// A vocabulary file is inconsistent.
    #[error("the vocabulary {problem}; the file was changed or damaged: restore it from the original")]
    BadVocabulary {
        /// What was found and what was expected.
        problem: String,
    },
    /// A tokenizer file cannot be parsed.
    #[error("not a saved tokenizer: {}; expected the JSON written by training: restore the file from the model's directory", one_line(.problem))]
    BadTokenizer {
        /// The error of the JSON parser.
        problem: String,
    },
    /// A tokenizer file of another program cannot be used.
    #[error(
        "{}; use a tokenizer.json of byte-level BPE with GPT-2's pre-tokenizer or of WordLevel, the JSON of Keras's `Tokenizer`, \
         or a list of tokens",
        one_line(.problem)
    )]
    UnsupportedTokenizer {
        /// What was found and what was expected.
        problem: String,
    },
    /// Hugging Face's `tokenizers` cannot express a tokenizer.
    #[error(
        "Hugging Face's tokenizers cannot express this tokenizer: {}; use the tokenizer that is saved with the model",
        one_line(.problem)
    )]
    HuggingFace {
        /// What they cannot express.
        problem: String,
    },
    /// A page cannot encode text as a tokenizer does.
    #[error(
        "a page cannot encode text as this tokenizer does: {problem}; use a model of other words, characters or subwords"
    )]
    NoPage {
        /// What a browser cannot do.
        problem: &'static str,
    },
    /// A tokenizer file has a different format version.
    #[error(
        "the saved tokenizer has format {found}, this program reads format {expected}; use the version of the program that wrote it"
    )]
    TokenizerFormat {
        /// The version of the file.
        found: u64,
        /// The version of this program.
        expected: u64,
    },
    /// A Keras tokenizer cannot be created or parsed.
    #[error("not a Keras tokenizer: {}", one_line(.problem))]
    BadKeras {
        /// What was found, what was expected and what to do.
        problem: String,
    },
}

impl Error {
    /// The error of reading the file `name`: one of this crate's that passed through a reader, or else the system's.
    pub(crate) fn reading(name: &str, source: std::io::Error) -> Self {
        source.downcast().unwrap_or_else(|source| Self::Read { path: name.into(), source })
    }

    /// This error for a reader, from which [`reading`](Self::reading) restores it.
    pub(crate) fn into_io(self) -> std::io::Error {
        std::io::Error::other(self)
    }
}

/// Makes `text` readable in a one-line message: escapes control characters and shortens a long text in
/// the middle.
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

fn not_in_vocabulary(token: &str, others: usize) -> String {
    let token = if token == " " { "a space".into() } else { format!("`{}`", one_line(token)) };
    match others {
        0 => format!("{token}, which is not in the vocabulary"),
        1 => format!("{token} and one other token that are not in the vocabulary"),
        n => format!("{token} and {n} other tokens that are not in the vocabulary"),
    }
}

/// The most similar tokens as in " (nearest: dragon, wagon)"; nothing if there are none.
pub fn suggestions(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!(" (nearest: {})", nearest.iter().map(|t| one_line(t)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_send_and_sync() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
    }

    #[test]
    fn messages_are_one_line_for_any_input() {
        let error = Error::MarkerNotFound {
            name: "a\nb.txt".into(),
            key: "from",
            marker: "THE END\n\n\n".into(),
            place: "anywhere".into(),
        };
        assert_eq!(
            error.to_string(),
            "`a\\nb.txt` does not contain the excerpt's `from` marker \"THE END\\n\\n\\n\" anywhere; \
             correct the marker or remove `excerpt`"
        );
        assert!(one_line(&"x".repeat(100_000)).len() < 200);
    }

    #[test]
    fn the_error_for_an_oov_token_suggests_similar_tokens() {
        let error = Error::OutOfVocabulary {
            token: "dargon".into(),
            others: 0,
            nearest: vec!["dragon".into(), "wagon".into()],
        };
        assert_eq!(
            error.to_string(),
            "the prompt contains `dargon`, which is not in the vocabulary (nearest: dragon, wagon): correct it, \
             leave out such tokens, or map them to the unknown token"
        );
        let error = Error::OutOfVocabulary { token: " ".into(), others: 0, nearest: vec![] };
        assert!(
            error.to_string().starts_with("the prompt contains a space, which is not in the vocabulary: "),
            "{error}"
        );
        let error = Error::OutOfVocabulary { token: "x".into(), others: 2, nearest: vec![] };
        assert_eq!(
            error.to_string(),
            "the prompt contains `x` and 2 other tokens that are not in the vocabulary: correct it, \
             leave out such tokens, or map them to the unknown token"
        );
    }
}
