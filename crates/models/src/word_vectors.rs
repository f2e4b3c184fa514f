//! Pretrained word vectors in the text formats of GloVe and word2vec, as initial embeddings.
//!
//! A line is a word and its values, separated by spaces or tabs; word2vec has a first line with the number of
//! words and their dimension. Words may contain spaces, as some of GloVe's do: the last D fields are the values.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use durable::read::{LineLength, read_line};
use text_prep::counted;
use text_prep::error::one_line;

use crate::embedding::Embedding;
use crate::error::{Error, Result};

/// The most bytes of a line; vectors of 4,096 values with all their digits need a tenth of it.
const MAX_LINE: usize = 1 << 20;
/// A file without any vector in so many lines is not read further.
const FIRST_LINES: usize = 10;
/// How many invalid lines are named.
const NAMED_LINES: usize = 3;
const SEPARATORS: [char; 2] = [' ', '\t'];

/// The vectors of the tokens of a vocabulary, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordVectors {
    rows: HashMap<u32, Row>,
    skipped: SkippedLines,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// Whether the file has the token itself and not only its lower-case form.
    exact: bool,
    vector: Vec<f32>,
}

/// The lines of a file that were left out because they are not a word and its vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedLines {
    /// How many there are.
    pub count: usize,
    /// The number of each of the first few, counted from 1, and what was expected and found.
    pub first: Vec<(usize, String)>,
}

/// Why a line is not a word and its vector.
struct InvalidLine {
    /// The number of values after the word, if there is a word followed by numbers.
    values: Option<usize>,
    reason: String,
}

impl WordVectors {
    /// Reads the vectors of `tokens` from `lines`; `path` is the file's name in errors, `dim` is the
    /// embedding dimension D. A token that the file has only in lower case gets that vector.
    ///
    /// Every line is checked, even if its vector is not used. Blank lines are ignored and invalid lines are counted,
    /// see [`skipped`](Self::skipped).
    ///
    /// # Errors
    /// If the vectors have another dimension, the first lines or most of them are invalid, the file has another
    /// number of lines than it announces, or it cannot be read.
    pub fn read<'a>(
        mut lines: impl BufRead,
        path: &Path,
        dim: usize,
        tokens: impl Iterator<Item = (u32, &'a str)>,
    ) -> Result<Self> {
        let mut wanted: HashMap<String, Vec<(u32, bool)>> = HashMap::new();
        for (id, token) in tokens {
            let lower = token.to_lowercase();
            if lower != token {
                wanted.entry(lower).or_default().push((id, false));
            }
            wanted.entry(token.into()).or_default().push((id, true));
        }
        let mut vectors = Self::default();
        let (mut header, mut valid) = (None, 0);
        let (mut line, mut vector) = (Vec::new(), Vec::with_capacity(dim));
        // The numbers of values in the first lines, until one is valid.
        let mut dims = Vec::new();
        for number in 1.. {
            let found = read_line(&mut lines, MAX_LINE, &mut line);
            let found = found.map_err(|error| Error::io(path, "read")(error))?;
            if found == LineLength::End {
                break;
            }
            // Where files were joined, a byte order mark may begin any line.
            let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line).trim_ascii_end();
            if text.is_empty() {
                continue;
            }
            let skipped = &mut vectors.skipped;
            if header.is_none() && valid + skipped.count == 0 {
                header = parse_header(text);
                if let Some([_, found]) = header {
                    check_dim(dim, found)?;
                    continue;
                }
            }
            match parse(text, found, dim, &mut vector) {
                Ok(word) => {
                    valid += 1;
                    for &(id, exact) in wanted.get(word).into_iter().flatten() {
                        if vectors.rows.get(&id).is_none_or(|old| exact && !old.exact) {
                            vectors.rows.insert(id, Row { exact, vector: vector.clone() });
                        }
                    }
                }
                Err(InvalidLine { values, reason }) => {
                    skipped.count += 1;
                    if skipped.first.len() < NAMED_LINES {
                        skipped.first.push((number, reason));
                    }
                    if valid == 0 {
                        dims.push(values);
                        if skipped.count == FIRST_LINES {
                            break;
                        }
                    }
                }
            }
        }
        let invalid = |line, reason| Err(Error::WordVectors { path: path.into(), line, reason });
        let count = valid + vectors.skipped.count;
        if valid <= vectors.skipped.count
            && let Some((line, reason)) = vectors.skipped.first.first()
        {
            if valid == 0
                && let Some(found) = dims[0].filter(|_| dims.iter().all(|dim| *dim == dims[0]))
            {
                check_dim(dim, found)?;
            }
            return invalid(
                *line,
                format!("{reason} (invalid: {} of {})", vectors.skipped.count, counted(count, "line")),
            );
        }
        match header {
            _ if count == 0 => invalid(1, "expected word vectors, found none".into()),
            Some([expected, _]) if expected != count => invalid(
                1,
                format!(
                    "it announces {}, but {} {}: the file is truncated; if that is intended, write {count} there",
                    counted(expected, "word"),
                    counted(count, "line"),
                    if count == 1 { "follows" } else { "follow" }
                ),
            ),
            _ => Ok(vectors),
        }
    }

    /// The lines that were left out.
    pub fn skipped(&self) -> &SkippedLines {
        &self.skipped
    }

    /// Whether this id has a vector.
    pub fn covers(&self, id: u32) -> bool {
        self.rows.contains_key(&id)
    }

    /// The number of ids with a vector.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no id has a vector.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `embedding` with these vectors; the other rows are unchanged.
    ///
    /// # Errors
    /// If the device fails to return the rows.
    pub fn fill(&self, embedding: Embedding) -> Result<Embedding> {
        let [_, dim] = embedding.weight.dims();
        let mut values: Vec<f32> = embedding.weight.val().try_into_vec_as()?;
        for (&id, row) in &self.rows {
            let start = id as usize * dim;
            values[start..start + dim].copy_from_slice(&row.vector);
        }
        let weight = embedding.weight.map(|tensor| {
            let options = (&tensor.device(), tensor.dtype());
            Tensor::from_data(TensorData::new(values, tensor.dims()), options)
        });
        Ok(Embedding { weight })
    }
}

/// The number of words and their dimension, if this is the first line of a word2vec file.
fn parse_header(line: &[u8]) -> Option<[usize; 2]> {
    let mut fields = std::str::from_utf8(line).ok()?.split(SEPARATORS).map(str::parse::<usize>);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(Ok(words)), Some(Ok(dim)), None) => Some([words, dim]),
        _ => None,
    }
}

/// Rejects a file whose vectors have the dimension `expected`, if that of the embedding is another.
fn check_dim(dim: usize, expected: usize) -> Result<()> {
    if dim == expected || expected == 0 {
        return Ok(());
    }
    Err(Error::SizeMismatch {
        key: "model.embedding_dim".into(),
        found: dim,
        expected,
        reason: "that is the dimension of the vectors of `model.vectors.path`",
        fix: format!("set `model.embedding_dim` to {expected}"),
    })
}

/// The word of a line; its `dim` values replace `vector`.
fn parse<'a>(
    line: &'a [u8],
    length: LineLength,
    dim: usize,
    vector: &mut Vec<f32>,
) -> std::result::Result<&'a str, InvalidLine> {
    let invalid = |values, found: String| InvalidLine {
        values,
        reason: format!("expected a word and {dim} values, found `{}`{found}", shorten(line)),
    };
    if length == LineLength::TooLong {
        return Err(invalid(None, format!(" in a line of more than {MAX_LINE} bytes")));
    }
    let text = std::str::from_utf8(line).map_err(|_| invalid(None, ", which is not UTF-8".into()))?;
    // A word may have spaces, so the values are taken from the end.
    let (mut word, mut more) = (text, 0);
    vector.clear();
    while let Some((before, field)) = word.rsplit_once(SEPARATORS) {
        match field.parse::<f32>() {
            Ok(value) if !value.is_finite() => return Err(invalid(None, format!(" with the value {field}"))),
            Ok(value) if vector.len() < dim => vector.push(value),
            Ok(_) => more += 1,
            Err(_) => break,
        }
        word = before.trim_end_matches(SEPARATORS);
    }
    vector.reverse();
    match vector.len() + more {
        values if values == dim && !word.is_empty() => Ok(word),
        values => Err(invalid(Some(values), format!(" with {values} values"))),
    }
}

/// The first 40 characters, with control characters escaped.
fn shorten(line: &[u8]) -> String {
    // The start of a long line is enough.
    let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
    match text.char_indices().nth(40) {
        Some((end, _)) => one_line(&text[..end]) + "…",
        None => one_line(&text),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::init::Initialization;

    fn read(text: impl AsRef<[u8]>) -> Result<WordVectors> {
        let tokens = [(1, "the"), (2, "Fox"), (3, "fox"), (4, "new york"), (5, "gnu"), (6, ". . .")];
        WordVectors::read(text.as_ref(), Path::new("v.txt"), 2, tokens.into_iter())
    }

    #[test]
    fn rows_with_a_vector_are_filled_and_the_others_stay() {
        let text = "the 1 2\nfox 3 -4\nnew york 0.5 6e-1\nzebra 7 8\n";
        let vectors = read(text).unwrap();
        assert_eq!((vectors.len(), vectors.covers(5)), (4, false));
        let fresh = Embedding::new(6, 2, &Initialization::new(1, &Device::flex()));
        let before: Vec<f32> = fresh.weight.val().try_into_vec_as().unwrap();
        let filled = vectors.fill(fresh).unwrap();
        let after: Vec<f32> = filled.weight.val().try_into_vec_as().unwrap();
        assert_eq!(after[2..10], [1.0, 2.0, 3.0, -4.0, 3.0, -4.0, 0.5, 0.6]);
        assert_eq!((&after[..2], &after[10..]), (&before[..2], &before[10..]));
    }

    #[test]
    fn an_exact_match_takes_precedence_over_lower_case() {
        for text in ["Fox 9 9\nfox 3 4\n", "fox 3 4\nFox 9 9\n"] {
            let vectors = read(text).unwrap();
            assert_eq!(vectors.rows[&2].vector, [9.0, 9.0]);
            assert_eq!(vectors.rows[&3].vector, [3.0, 4.0]);
        }
    }

    #[test]
    fn separators_blank_lines_marks_and_headers_do_not_change_the_vectors() {
        let expected = read("the 1 2\nfox 3 4\nnew york 5 6\n").unwrap();
        for text in [
            "the\t1\t2\nfox\t3\t4\nnew york\t5\t6",
            "the\t1 2 \r\nfox\t3 4 \r\nnew york\t5 6\r\n",
            "the  1  2\nfox  3  4\nnew york  5  6\n",
            "\n\nthe 1 2\n\nfox 3 4\n \nnew york 5 6\n\n",
            "\u{feff}the 1 2\nfox 3 4\n\u{feff}new york 5 6\n",
            "3 2\nthe 1 2\nfox 3 4\nnew york 5 6\n",
            "\u{feff}3\t2\nthe 1 2\n\nfox 3 4\nnew york 5 6\n",
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text:?}");
        }
        assert_eq!(expected.skipped().count, 0);
    }

    #[test]
    fn a_word_with_spaces_may_come_first() {
        let vectors = read(". . . 1 2\nthe 3 4\n2010 5 6\n").unwrap();
        assert_eq!((&vectors.rows[&6].vector[..], vectors.skipped().count), (&[1.0, 2.0][..], 0));
    }

    #[test]
    fn a_few_invalid_lines_are_counted_and_named() {
        let long = format!("{} 1 2", "x".repeat(MAX_LINE));
        for (line, expected) in [
            (&b"fox 3"[..], "found `fox 3` with 1 values"),
            (b"fox 3 4 5", "found `fox 3 4 5` with 3 values"),
            (b"fox 3 four", "found `fox 3 four` with 0 values"),
            (b"fox NaN 4", "found `fox NaN 4` with the value NaN"),
            (b"fox 3 inf", "found `fox 3 inf` with the value inf"),
            (b" 3 4", "found ` 3 4` with 2 values"),
            (b"caf\xe9 3 4", "found `caf\u{fffd} 3 4`, which is not UTF-8"),
            (b"fox\x1b 3", "found `fox\\u{1b} 3` with 1 values"),
            (long.as_bytes(), "in a line of more than 1048576 bytes"),
        ] {
            let text = [b"the 1 2\nx 1 1\n", line, b"\nfox 5 6\n"].concat();
            let vectors = read(text).unwrap();
            assert_eq!((vectors.skipped().count, vectors.rows[&3].vector[0]), (1, 5.0));
            let (number, reason) = &vectors.skipped().first[0];
            assert!(*number == 3 && reason.ends_with(expected), "{number} {reason}");
        }
        let many = "the 1 2\n".repeat(20) + &"fox\n".repeat(9);
        let skipped = read(many).unwrap().skipped;
        assert_eq!((skipped.count, skipped.first.len(), skipped.first[2].0), (9, 3, 23));
    }

    #[test]
    fn files_of_something_else_are_rejected() {
        let prose = "Once upon a time\n".repeat(11);
        for (text, expected) in [
            ("the\n", ["line 1", "found `the` with 0 values (invalid: 1 of 1 line)"]),
            (&prose, ["line 1", "found `Once upon a time` with 0 values (invalid: 10 of 10 lines"]),
            ("a 1 2\nb x\nc\n", ["line 2", "(invalid: 2 of 3 lines)"]),
            ("", ["line 1", "found none"]),
            ("\n\n", ["line 1", "found none"]),
            ("2 2\n", ["line 1", "found none"]),
            ("3 2\nthe 1 2\nfox 3 4\n", ["line 1", "announces 3 words, but 2 lines follow"]),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(expected.iter().all(|part| error.contains(part)), "{text:?}: {error}");
            assert!(error.contains("v.txt") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn vectors_of_another_dimension_are_rejected_with_the_key() {
        for text in ["the 1 2 3\n", ". . . 1 2 3\nthe 1 2 3\n", "9 3\nthe 1 2 3\n", "the\t1\t2\t3"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("`model.embedding_dim` is 2, expected 3"), "{error}");
        }
    }
}
