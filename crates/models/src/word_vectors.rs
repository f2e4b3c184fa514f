//! Pretrained word vectors: GloVe's and word2vec's text files, read into the embedding's rows.
//!
//! A line is a word and its numbers, parted by spaces; word2vec puts a line with the count of words
//! and of numbers before them. Words may hold spaces themselves, as some of GloVe's do.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};

use crate::embedding::Embedding;
use crate::error::{Error, Result};

/// The vectors of the words that a vocabulary holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordVectors {
    rows: HashMap<u32, Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// Whether the file writes the word as the vocabulary does, and not in small letters only.
    exact: bool,
    numbers: Vec<f32>,
}

impl WordVectors {
    /// Reads the vectors of `tokens` from `lines`, keeping no others; `path` is what errors call the
    /// file, `size` is the embedding's D. A token that the file holds in small letters only gets the
    /// vector of those.
    ///
    /// Every line is checked, wanted or not.
    ///
    /// # Errors
    /// Names the line that is broken, or the size that does not fit.
    pub fn read<'a>(
        lines: impl BufRead,
        path: &Path,
        size: usize,
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
        let mut numbers = Vec::with_capacity(size);
        for (number, line) in (1..).zip(lines.lines()) {
            let broken =
                |reason: String| Error::WordVectors { path: path.into(), line: number, reason };
            let line = line.map_err(|error| broken(error.to_string()))?;
            let line = line.trim_end();
            if number == 1 {
                header = words_in_header(line);
                if header.is_some() {
                    continue;
                }
            }
            let fields = line.split(' ').count();
            if count == 0 {
                check_size(fields, size, line, broken)?;
            }
            count += 1;
            let (word, rest) = split(line, fields, size).map_err(broken)?;
            numbers.clear();
            for field in rest.split(' ') {
                numbers.push(parse(field).map_err(broken)?);
            }
            for &(id, exact) in wanted.get(word).into_iter().flatten() {
                if vectors.rows.get(&id).is_none_or(|old| exact && !old.exact) {
                    vectors.rows.insert(id, Row { exact, numbers: numbers.clone() });
                }
            }
        }
        let broken = |reason| Err(Error::WordVectors { path: path.into(), line: 1, reason });
        match header {
            _ if count == 0 => broken("the file holds no vector".into()),
            Some(told) if told != count => broken(format!(
                "it tells of {told} words, and {count} lines follow: the file is cut short; if that \
                 is meant, write {count} there"
            )),
            _ => Ok(vectors),
        }
    }

    /// Whether the file had a vector for this id.
    pub fn covers(&self, id: u32) -> bool {
        self.rows.contains_key(&id)
    }

    /// How many ids have a vector.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The embedding with these vectors in its rows; the others stay as they are.
    ///
    /// # Errors
    /// If the device does not give the rows back.
    pub fn fill(&self, embedding: Embedding) -> Result<Embedding> {
        let [_, size] = embedding.weight.dims();
        let mut values: Vec<f32> = embedding.weight.val().try_into_vec_as()?;
        for (&id, row) in &self.rows {
            let start = id as usize * size;
            values[start..start + size].copy_from_slice(&row.numbers);
        }
        let weight = embedding.weight.map(|tensor| {
            let options = (&tensor.device(), tensor.dtype());
            Tensor::from_data(TensorData::new(values, tensor.dims()), options)
        });
        Ok(Embedding { weight })
    }
}

/// How many words there are, if this is word2vec's first line: it tells of words and of numbers each.
fn words_in_header(line: &str) -> Option<usize> {
    let mut fields = line.split(' ').map(str::parse::<usize>);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(Ok(words)), Some(Ok(_)), None) => Some(words),
        _ => None,
    }
}

/// Refuses a file whose vectors have another size than the embedding's.
fn check_size(
    fields: usize,
    size: usize,
    line: &str,
    broken: impl Fn(String) -> Error,
) -> Result<()> {
    if fields < 2 || line.split(' ').skip(1).any(|field| field.parse::<f32>().is_err()) {
        return Err(broken(format!("expected a word and its numbers, found `{}`", cut(line))));
    }
    match fields == size + 1 {
        true => Ok(()),
        false => Err(Error::Unfit {
            key: "model.embedding".into(),
            found: size,
            expected: fields - 1,
            reason: "that is how many numbers a vector of `model.vectors.path` holds",
            cure: format!("set `model.embedding` to {}", fields - 1),
        }),
    }
}

/// The word and its numbers; a line with more fields has spaces in its word.
fn split(line: &str, fields: usize, size: usize) -> std::result::Result<(&str, &str), String> {
    let expected = || format!("expected a word and {size} numbers, found `{}`", cut(line));
    let Some(spare) = fields.checked_sub(size + 1) else {
        return Err(format!("{} with {} numbers", expected(), fields.saturating_sub(1)));
    };
    let (at, _) = line.match_indices(' ').nth(spare).ok_or_else(expected)?;
    let (word, numbers) = (&line[..at], &line[at + 1..]);
    // A word that ends in a number is one number too many.
    match word.rsplit_once(' ') {
        Some((_, last)) if last.parse::<f32>().is_ok() => {
            Err(format!("{} with more numbers", expected()))
        }
        _ => Ok((word, numbers)),
    }
}

fn parse(field: &str) -> std::result::Result<f32, String> {
    let number = field.parse::<f32>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("expected a finite number, found `{}`", cut(field)))
}

/// The beginning of something that may be long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
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
    fn wanted_rows_are_filled_and_the_others_stay() {
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
    fn a_word_as_it_is_written_goes_before_small_letters() {
        for text in ["Fox 9 9\nfox 3 4\n", "fox 3 4\nFox 9 9\n"] {
            let vectors = read(text).unwrap();
            assert_eq!(vectors.rows[&2].numbers, [9.0, 9.0]);
            assert_eq!(vectors.rows[&3].numbers, [3.0, 4.0]);
        }
    }

    #[test]
    fn word2vec_counts_in_its_first_line() {
        assert_eq!(read("2 2\nthe 1 2\nfox 3 4\n").unwrap(), read("the 1 2\nfox 3 4").unwrap());
    }

    #[test]
    fn a_broken_line_is_named_by_its_number() {
        for (text, expected) in [
            ("the 1 2\nfox 3\n", ["line 2", "with 1 numbers"]),
            ("the 1 2\nfox 3 4 5\n", ["line 2", "with more numbers"]),
            ("the 1 2\nfox 3 four\n", ["line 2", "found `four`"]),
            ("the 1 2\nx 1 1\nfox NaN 4\n", ["line 3", "found `NaN`"]),
            ("the 1 inf\n", ["line 1", "found `inf`"]),
            ("the\n", ["line 1", "found `the`"]),
            ("Once upon a time\n", ["line 1", "found `Once upon a time`"]),
            ("", ["line 1", "holds no vector"]),
            ("2 2\n", ["line 1", "holds no vector"]),
            ("3 2\nthe 1 2\nfox 3 4\n", ["line 1", "tells of 3 words, and 2 lines follow"]),
            ("the 1 2\nzebra 3 x\n", ["line 2", "found `x`"]),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(expected.iter().all(|part| error.contains(part)), "{text:?}: {error}");
            assert!(error.contains("v.txt") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn vectors_of_another_size_are_refused_with_the_key() {
        let error = read("the 1 2 3\n").unwrap_err().to_string();
        assert!(error.contains("`model.embedding` is 2, expected 3"), "{error}");
    }
}
