//! What the binary carries with it, so that `pastiche train` works in an empty folder.

/// The default configuration.
pub const LSTM_CONFIG: &str = include_str!("../../../configs/lstm.toml");

/// Known corpora by name, with their descriptions.
pub const DATASETS: &[(&str, &str)] = &[
    ("fables", include_str!("../../../datasets/fables/dataset.toml")),
    ("aesop", include_str!("../../../datasets/aesop/dataset.toml")),
];

/// The one text that is carried along: original fables written for this project.
pub const FABLES: &str = include_str!("../../../datasets/fables/fables.txt");

/// Questions and answers over these, written for this project, in the form of SQuAD.
pub const FABLES_QA: &str = include_str!("../../../datasets/fables-qa/fables-qa.json");

/// The configuration of a network that asks.
pub const QA_CONFIG: &str = include_str!("../../../configs/qa.toml");

#[cfg(test)]
mod tests {
    use qa::data::read_squad;

    use super::*;

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_question_is_about_a_fable_and_none_gives_its_answer_away() {
        let read = read_squad("fables-qa", FABLES_QA).unwrap();
        assert_eq!(read.counts.kept(), read.counts.found);
        assert!(read.counts.found >= 400, "{}", read.counts.found);
        assert_eq!(read.documents.len(), 104);
        let fables = words(FABLES);
        for passage in read.documents.iter().flat_map(|document| &document.passages) {
            assert!(fables.contains(&passage.text), "{}", passage.text);
            for question in &passage.questions {
                let answer = passage.text[question.answers[0].clone()].to_lowercase();
                let asked = format!(" {} ", question.text.to_lowercase().replace('?', " "));
                assert!(!asked.contains(&format!(" {answer} ")), "{}", question.text);
                assert!(question.text.ends_with('?'), "{}", question.text);
            }
        }
    }
}
