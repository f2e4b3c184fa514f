//! Corpora with a fixed split, the benchmarks of papers: files for training, validation and a test, with the counts that
//! make results comparable.

use std::collections::HashSet;
use std::path::Path;

use durable::read::{Accept, WHOLE_TEXT, utf8};
use serde::Deserialize;
use text_prep::thousands;

use crate::error::{Error, Result, bail};

/// The section `split` of a `dataset.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedSplit {
    /// What the files are: "those of …", "written by …".
    pub origin: Option<String>,
    /// The name of the validation file next to `dataset.toml`.
    pub valid: String,
    /// The name of the test file.
    pub test: String,
    /// The tokens of each part.
    pub tokens: Tokens,
    /// The different tokens of the training part.
    pub vocabulary: usize,
}

/// Words between white space and line ends, whatever a configuration makes the tokens of a model.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Of the training part.
    pub train: usize,
    /// Of the validation part.
    pub valid: usize,
    /// Of the test part.
    pub test: usize,
}

impl FixedSplit {
    /// Checks the files in `folder`, of which `train` is that for training, against the counts of the corpus `name`. Returns
    /// the fractions of the words for validation and the test that are not in the training part.
    ///
    /// # Errors
    /// If a file is missing or has other counts.
    pub fn check(&self, name: &str, folder: &Path, train: &str) -> Result<[f64; 2]> {
        let Self { origin, valid, test, tokens, .. } = self;
        let mut known = HashSet::new();
        let mut unknown = Vec::new();
        for (file, expected) in [(train, tokens.train), (valid, tokens.valid), (test, tokens.test)] {
            let path = folder.join(file);
            if !path.exists() {
                let origin = origin.as_ref().map_or(String::new(), |origin| format!("; they are {origin}"));
                bail!(
                    "the text of the corpus `{name}` is missing ({}): put the files {train}, {valid} and {test} \
                     there{origin}",
                    path.display()
                );
            }
            let bytes = Accept::File.read(&path, WHOLE_TEXT).map_err(Error::io(&path, "read"))?;
            let text = utf8(bytes).map_err(Error::io(&path, "read"))?;
            let (found, words) = count(&text);
            let different = words.len() + usize::from(text.contains('\n'));
            let other = |found: usize, expected: usize, what: &str| {
                Error::new(format!(
                    "{} is not that of the corpus `{name}`: it has {} {what}, expected {}: put the file of the corpus there, \
                     or name your own with `text.path`, `text.valid` and `text.test`",
                    path.display(),
                    thousands(found),
                    thousands(expected)
                ))
            };
            if found != expected {
                return Err(other(found, expected, "words and line ends"));
            }
            if file == train {
                if different != self.vocabulary {
                    return Err(other(different, self.vocabulary, "different words, line ends included"));
                }
                known = words.into_iter().map(String::from).collect();
            } else {
                let others = text.split_whitespace().filter(|&word| !known.contains(word)).count();
                unknown.push(others as f64 / found.max(1) as f64);
            }
        }
        Ok([unknown[0], unknown[1]])
    }
}

/// The number of words and line ends, and the different words.
fn count(text: &str) -> (usize, HashSet<&str>) {
    let line_ends = text.bytes().filter(|&byte| byte == b'\n').count();
    let words = text.split_whitespace();
    (line_ends + words.clone().count(), words.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `counts` are the tokens of the three parts and the vocabulary.
    fn check(counts: [usize; 4], files: &[(&str, &str)]) -> std::result::Result<[f64; 2], String> {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let [train, valid, test, vocabulary] = counts;
        let tokens = Tokens { train, valid, test };
        let origin = Some("those of a test".into());
        let split = FixedSplit { origin, valid: "b.txt".into(), test: "c.txt".into(), tokens, vocabulary };
        let checked = split.check("small", folder.path(), "a.txt");
        checked.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "small"))
    }

    const FILES: [(&str, &str); 3] =
        [("a.txt", " the <unk> of N \n the fox\n"), ("b.txt", "a fox \n"), ("c.txt", "of\n")];

    #[test]
    fn words_and_line_ends_are_counted() {
        let words = HashSet::from(["the", "<unk>", "of", "N", "fox"]);
        assert_eq!(count(" the <unk> of N \n the fox\n\n"), (9, words));
        assert_eq!(count(""), (0, HashSet::new()));
        // Of `a`, `fox` and a line end, the first is not in the training part.
        assert_eq!(check([8, 3, 2, 6], &FILES), Ok([1.0 / 3.0, 0.0]));
    }

    #[test]
    fn missing_files_and_other_counts_are_rejected() {
        for (counts, found) in [
            ([9, 3, 2, 6], "a.txt is not that of the corpus `small`: it has 8 words and line ends, expected 9: "),
            (
                [8, 3, 2, 7],
                "a.txt is not that of the corpus `small`: it has 6 different words, line ends included, expected 7: ",
            ),
            ([8, 4, 2, 6], "b.txt is not that of the corpus `small`: it has 3 words and line ends, expected 4: "),
            ([8, 3, 0, 6], "c.txt is not that of the corpus `small`: it has 2 words and line ends, expected 0: "),
        ] {
            let error = check(counts, &FILES).unwrap_err();
            assert!(error.contains(found) && error.ends_with("`text.path`, `text.valid` and `text.test`"), "{error}");
        }
        let error = check([8, 3, 2, 6], &FILES[..2]).unwrap_err();
        assert!(
            error.contains("is missing (")
                && error.ends_with("put the files a.txt, b.txt and c.txt there; they are those of a test"),
            "{error}"
        );
    }
}
