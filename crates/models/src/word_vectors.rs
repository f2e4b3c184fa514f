//! Pretrained word vectors in the text formats of GloVe and word2vec, as initial embeddings.
//!
//! A line is a word and its values, separated by spaces; word2vec has a first line with the number of
//! words and their dimension. Words may contain spaces, as some of GloVe's do.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};

use crate::embedding::Embedding;
use crate::error::{Error, Result};

/// The vectors of the tokens of a vocabulary, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordVectors {
    rows: HashMap<u32, Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// Whether the file has the token itself and not only its lower-case form.
    exact: bool,
    vector: Vec<f32>,
}

impl WordVectors {
    /// Reads the vectors of `tokens` from `lines`; `path` is the file's name in errors, `dim` is the
    /// embedding dimension D. A token that the file has only in lower case gets that vector.
    ///
    /// Every line is checked, even if its vector is not used.
    ///
    /// # Errors
    /// Names the line that is invalid, or the dimension that does not match.
    pub fn read<'a>(
        lines: impl BufRead,
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
        let (mut header, mut count) = (None, 0);
        let mut vector = Vec::with_capacity(dim);
        for (number, line) in (1..).zip(lines.lines()) {
            let invalid = |reason: String| Error::WordVectors { path: path.into(), line: number, reason };
            let line = line.map_err(|error| invalid(error.to_string()))?;
            let line = line.trim_end();
            if number == 1 {
                header = words_in_header(line);
                if header.is_some() {
                    continue;
                }
            }
            let fields = line.split(' ').count();
            if count == 0 {
                check_dim(fields, dim, line, invalid)?;
            }
            count += 1;
            let (word, values) = split(line, fields, dim).map_err(invalid)?;
            vector.clear();
            for field in values.split(' ') {
                vector.push(parse(field).map_err(invalid)?);
            }
            for &(id, exact) in wanted.get(word).into_iter().flatten() {
                if vectors.rows.get(&id).is_none_or(|old| exact && !old.exact) {
                    vectors.rows.insert(id, Row { exact, vector: vector.clone() });
                }
            }
        }
        let invalid = |reason| Err(Error::WordVectors { path: path.into(), line: 1, reason });
        match header {
            _ if count == 0 => invalid("expected word vectors, found none".into()),
            Some(expected) if expected != count => invalid(format!(
                "it announces {expected} words, but {count} lines follow: the file is truncated; if that \
                 is intended, write {count} there"
            )),
            _ => Ok(vectors),
        }
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

/// The number of words, if this is the first line of a word2vec file: two integers.
fn words_in_header(line: &str) -> Option<usize> {
    let mut fields = line.split(' ').map(str::parse::<usize>);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(Ok(words)), Some(Ok(_)), None) => Some(words),
        _ => None,
    }
}

/// Rejects a file whose vectors have another dimension than the embedding.
fn check_dim(fields: usize, dim: usize, line: &str, invalid: impl Fn(String) -> Error) -> Result<()> {
    if fields < 2 || line.split(' ').skip(1).any(|field| field.parse::<f32>().is_err()) {
        return Err(invalid(format!("expected a word and its vector, found `{}`", shorten(line))));
    }
    let expected = fields - 1;
    if dim != expected {
        return Err(Error::SizeMismatch {
            key: "model.embedding_dim".into(),
            found: dim,
            expected,
            reason: "that is the dimension of the vectors of `model.vectors.path`",
            fix: format!("set `model.embedding_dim` to {expected}"),
        });
    }
    Ok(())
}

/// The word and its values; a line with more fields has spaces in its word.
fn split(line: &str, fields: usize, dim: usize) -> std::result::Result<(&str, &str), String> {
    let expected = || format!("expected a word and {dim} values, found `{}`", shorten(line));
    let Some(spare) = fields.checked_sub(dim + 1) else {
        return Err(format!("{} with {} values", expected(), fields.saturating_sub(1)));
    };
    let (space, _) = line.match_indices(' ').nth(spare).ok_or_else(expected)?;
    let (word, values) = (&line[..space], &line[space + 1..]);
    // If the word ends in a number, the vector has too many values.
    match word.rsplit_once(' ') {
        Some((_, last)) if last.parse::<f32>().is_ok() => Err(format!("{} with more values", expected())),
        _ => Ok((word, values)),
    }
}

fn parse(field: &str) -> std::result::Result<f32, String> {
    let value = field.parse::<f32>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| format!("expected a finite number, found `{}`", shorten(field)))
}

/// The first 40 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::init::Initialization;

    fn read(text: &str) -> Result<WordVectors> {
        let tokens = [(1, "the"), (2, "Fox"), (3, "fox"), (4, "new york"), (5, "gnu")];
        WordVectors::read(text.as_bytes(), Path::new("v.txt"), 2, tokens.into_iter())
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
    fn the_first_line_of_word2vec_is_a_header() {
        assert_eq!(read("2 2\nthe 1 2\nfox 3 4\n").unwrap(), read("the 1 2\nfox 3 4").unwrap());
    }

    #[test]
    fn an_invalid_line_is_named_by_its_number() {
        for (text, expected) in [
            ("the 1 2\nfox 3\n", ["line 2", "with 1 values"]),
            ("the 1 2\nfox 3 4 5\n", ["line 2", "with more values"]),
            ("the 1 2\nfox 3 four\n", ["line 2", "found `four`"]),
            ("the 1 2\nx 1 1\nfox NaN 4\n", ["line 3", "found `NaN`"]),
            ("the 1 inf\n", ["line 1", "found `inf`"]),
            ("the\n", ["line 1", "found `the`"]),
            ("Once upon a time\n", ["line 1", "found `Once upon a time`"]),
            ("", ["line 1", "found none"]),
            ("2 2\n", ["line 1", "found none"]),
            ("3 2\nthe 1 2\nfox 3 4\n", ["line 1", "announces 3 words, but 2 lines follow"]),
            ("the 1 2\nzebra 3 x\n", ["line 2", "found `x`"]),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(expected.iter().all(|part| error.contains(part)), "{text:?}: {error}");
            assert!(error.contains("v.txt") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn vectors_of_another_dimension_are_rejected_with_the_key() {
        let error = read("the 1 2 3\n").unwrap_err().to_string();
        assert!(error.contains("`model.embedding_dim` is 2, expected 3"), "{error}");
    }
}
