//! `stand-in`: makes a benchmark of the size and form of Penn Treebank from a text that may be shared. Its prepared text
//! has 10,000 different words, one sentence on a line, and parts for training, validation and a test.

mod sentences;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use sentences::sentences;

use crate::output::{print, status};

/// What stands for a word that is not in the vocabulary.
const UNKNOWN: &str = "<unk>";
/// The names of the files for training, validation and a test, which `datasets/stand-in/dataset.toml` has, too.
const FILES: [&str; 3] = ["stand-in.train.txt", "stand-in.valid.txt", "stand-in.test.txt"];

/// The sizes of the benchmark.
struct Sizes {
    /// The most words and line ends of all parts.
    tokens: usize,
    /// The different words of the training part, with `<unk>` and the line end.
    vocabulary: usize,
    /// Consecutive sentences in the same part.
    block: usize,
}

/// Those of Penn Treebank: 929,589 + 73,760 + 82,430 tokens.
const PENN_TREEBANK: Sizes = Sizes { tokens: 1_085_779, vocabulary: 10_000, block: 2_000 };
/// Of so many blocks, the last but one is for validation and the last for a test.
const CYCLE: usize = 12;

/// The sentences of each part, with words outside the vocabulary replaced.
type Parts<'a> = [Vec<Vec<&'a str>>; 3];

/// Makes the benchmark from the text in `file` and writes it into `folder`.
pub fn run(file: &Path, folder: &Path) -> Result<ExitCode, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    if let Some(path) = FILES.map(|name| folder.join(name)).iter().find(|path| path.exists()) {
        return Err(format!("{} exists: name another folder, or delete it", path.display()));
    }
    let sentences = sentences(&text, PENN_TREEBANK.tokens);
    let parts = parts(&sentences, &PENN_TREEBANK).map_err(|reason| format!("{}: {reason}", file.display()))?;
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be created: {error}", folder.display()))?;
    for (name, part) in FILES.iter().zip(&parts) {
        let path = folder.join(name);
        fs::write(&path, lines(part)).map_err(|error| {
            // Half a corpus would be in the way of the next attempt. Files that do not exist need no removal.
            FILES.iter().for_each(|name| drop(fs::remove_file(folder.join(name))));
            format!("{} cannot be written: {error}", path.display())
        })?;
        print(path.display());
        status(format_args!("{} sentences, {} words and line ends", part.len(), tokens(part)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Divides the first sentences into parts and leaves only the most frequent words of the training part, of words with equal
/// counts those that come first.
fn parts<'a>(sentences: &'a [Vec<String>], sizes: &Sizes) -> Result<Parts<'a>, String> {
    let mut parts = Parts::default();
    let mut found = 0;
    for (number, sentence) in sentences.iter().enumerate() {
        found += sentence.len() + 1;
        if found > sizes.tokens {
            break;
        }
        let part = match number / sizes.block % CYCLE + 2 {
            CYCLE => 1,
            block if block > CYCLE => 2,
            _ => 0,
        };
        parts[part].push(sentence.iter().map(String::as_str).collect());
    }
    if found < sizes.tokens {
        let expected = sizes.tokens;
        return Err(format!("it has {found} words and line ends, expected {expected}: give a longer text"));
    }
    // The other two are `<unk>` and the line end.
    let words = sizes.vocabulary - 2;
    let known = most_frequent(&parts[0], words);
    if known.len() < words {
        let found = known.len();
        return Err(format!("its training part has {found} different words, expected {words}: give a text with more"));
    }
    for word in parts.iter_mut().flatten().flatten() {
        if !known.contains_key(word) {
            *word = UNKNOWN;
        }
    }
    Ok(parts)
}

/// The `most` most frequent words.
fn most_frequent<'a>(sentences: &[Vec<&'a str>], most: usize) -> HashMap<&'a str, usize> {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (at, word) in sentences.iter().flatten().enumerate() {
        counts.entry(word).or_insert((0, at)).0 += 1;
    }
    let mut words: Vec<(&str, (usize, usize))> = counts.into_iter().collect();
    words.sort_unstable_by_key(|&(_, (count, first))| (std::cmp::Reverse(count), first));
    words.truncate(most);
    words.into_iter().map(|(word, (count, _))| (word, count)).collect()
}

/// Words and line ends.
fn tokens(part: &[Vec<&str>]) -> usize {
    part.iter().map(|sentence| sentence.len() + 1).sum()
}

fn lines(part: &[Vec<&str>]) -> String {
    part.iter().fold(String::new(), |mut lines, sentence| {
        let _ = writeln!(lines, "{}", sentence.join(" "));
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(' ').map(String::from).collect()).collect()
    }

    #[test]
    fn the_last_two_blocks_of_twelve_are_held_out() {
        // 26 sentences of two tokens, and one that is too much.
        let text: String = (0..27).map(|number| format!("{}\n", ["a", "b", "c"][number % 3])).collect();
        let text = words(&text);
        let sizes = Sizes { tokens: 53, vocabulary: 5, block: 1 };
        let found = parts(&text, &sizes).unwrap();
        assert_eq!(found.each_ref().map(|part| tokens(part)), [44, 4, 4]);
        let of = |numbers: &[usize]| numbers.iter().map(|&number| vec![text[number][0].as_str()]).collect::<Vec<_>>();
        assert_eq!((&found[1], &found[2]), (&of(&[10, 22]), &of(&[11, 23])));
        let error = parts(&text, &Sizes { tokens: 55, ..sizes }).unwrap_err();
        assert_eq!(error, "it has 54 words and line ends, expected 55: give a longer text");
    }

    #[test]
    fn words_are_counted_in_the_training_part_only() {
        // Blocks of one sentence: the eleventh and the twelfth are held out.
        let mut text = "x a\ny a b\nb\na\nb\na\nb\na\nb\na\nz z z a\nz b\n".to_owned();
        let sizes = |vocabulary| Sizes { tokens: 31, vocabulary, block: 1 };
        text.push_str("end");
        let text = words(&text);
        let found = parts(&text, &sizes(5)).unwrap();
        // Of `x` and `y`, which occur once, the first is kept.
        assert_eq!(lines(&found[0]), "x a\n<unk> a b\nb\na\nb\na\nb\na\nb\na\n");
        assert_eq!((lines(&found[1]), lines(&found[2])), ("<unk> <unk> <unk> a\n".into(), "<unk> b\n".into()));
        let error = parts(&text, &sizes(7)).unwrap_err();
        assert_eq!(error, "its training part has 4 different words, expected 5: give a text with more");
    }

    #[test]
    fn the_corpus_names_the_files() {
        let table: toml::Table = include_str!("../../datasets/stand-in/dataset.toml").parse().unwrap();
        let [train, valid, test] = [&table["file"], &table["split"]["valid"], &table["split"]["test"]];
        assert_eq!([train, valid, test].map(|name| name.as_str().unwrap()), FILES);
        let tokens = table["split"]["tokens"].as_table().unwrap();
        let sum: i64 = tokens.values().map(|count| count.as_integer().unwrap()).sum();
        // Another sentence would be too long.
        assert!((1_085_700..=1_085_779).contains(&sum), "{sum}");
    }

    #[test]
    fn existing_files_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("novel.txt");
        fs::write(&text, "One. Two.").unwrap();
        let run = || run(&text, folder.path()).unwrap_err();
        assert!(run().ends_with("it has 4 words and line ends, expected 1085779: give a longer text"), "{}", run());
        fs::write(folder.path().join(FILES[1]), "").unwrap();
        assert!(run().contains("stand-in.valid.txt exists: name another folder"), "{}", run());
    }
}
