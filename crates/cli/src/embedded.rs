//! The files embedded in the binary, so that `pastiche train` works in an empty folder.

/// The default configuration, for a language model.
pub const LSTM_CONFIG: &str = include_str!("../../../configs/lstm.toml");

/// The configuration for fine-tuning the built-in base.
pub const FINE_TUNING_CONFIG: &str = include_str!("../../../configs/fine-tuning.toml");

/// The names of known corpora and their `dataset.toml`.
pub const DATASETS: &[(&str, &str)] = &[
    ("fables", include_str!("../../../datasets/fables/dataset.toml")),
    ("aesop", include_str!("../../../datasets/aesop/dataset.toml")),
    ("ptb", include_str!("../../../datasets/ptb/dataset.toml")),
    ("wikitext-2", include_str!("../../../datasets/wikitext-2/dataset.toml")),
    ("stand-in", include_str!("../../../datasets/stand-in/dataset.toml")),
];

/// The only embedded text: original fables written for this project.
pub const FABLES: &str = include_str!("../../../datasets/fables/fables.txt");

/// Questions and answers about the first 104 fables, written for this project, in the format of SQuAD.
pub const FABLES_QA: &str = include_str!("../../../datasets/fables-qa/fables-qa.json");

/// The default configuration for a question model.
pub const QA_CONFIG: &str = include_str!("../../../configs/qa.toml");

/// The default configuration of a base model.
pub const BASE_CONFIG: &str = include_str!("../../../configs/base.toml");

/// The files of the built-in base model, by name.
pub const BASE: &[(&str, &[u8])] = &[
    ("manifest.json", include_bytes!("../../../datasets/base/manifest.json")),
    ("weights-int8.safetensors", include_bytes!("../../../datasets/base/weights-int8.safetensors")),
    ("tokenizer.json", include_bytes!("../../../datasets/base/tokenizer.json")),
    ("vocabulary.tsv", include_bytes!("../../../datasets/base/vocabulary.tsv")),
    ("config.toml", include_bytes!("../../../datasets/base/config.toml")),
    ("ngrams.bin", include_bytes!("../../../datasets/base/ngrams.bin")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use qa::data::read_squad;

    use super::*;

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn all_fables_are_different_and_have_the_same_marks() {
        let fables: Vec<&str> = FABLES.split("\n\n\n\n\n").collect();
        let titles: BTreeSet<&str> = fables.iter().filter_map(|fable| Some(fable.split_once("\n\n")?.0)).collect();
        assert_eq!((fables.len(), titles.len()), (314, 314));
        for title in titles {
            assert!(!title.contains('\n') && title.to_uppercase() == title, "{title}");
        }
        for fable in fables {
            let paragraphs = fable.trim_end_matches('\n').split("\n\n");
            assert!(paragraphs.clone().count() >= 3 && !fable.contains("\n\n\n"), "{fable}");
            for line in paragraphs.flat_map(str::lines) {
                assert!(!line.is_empty() && line.len() <= 72 && line.trim() == line, "{line}");
                assert!(line.chars().all(|c| c.is_ascii_alphabetic() || " !\"',-.:;?".contains(c)), "{line}");
            }
        }
        assert!(FABLES.ends_with(".\n") && FABLES.split_whitespace().count() > 60_000);
    }

    #[test]
    fn every_question_is_about_a_fable_and_none_contains_its_answer() {
        let loaded = read_squad("fables-qa", FABLES_QA).unwrap();
        assert_eq!(loaded.counts.usable(), loaded.counts.found);
        assert!(loaded.counts.found >= 400, "{}", loaded.counts.found);
        assert_eq!(loaded.documents.len(), 104);
        let fables = words(FABLES);
        for passage in loaded.documents.iter().flat_map(|document| &document.passages) {
            assert!(fables.contains(&passage.text), "{}", passage.text);
            for question in &passage.questions {
                let answer = passage.text[question.answers[0].clone()].to_lowercase();
                let words = format!(" {} ", question.text.to_lowercase().replace('?', " "));
                assert!(!words.contains(&format!(" {answer} ")), "{}", question.text);
                assert!(question.text.ends_with('?'), "{}", question.text);
            }
        }
    }
}
