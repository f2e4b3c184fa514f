//! Questions as SQuAD 1.1.
//!
//! What it does not know: where they came from, and files; who writes one does it by `durable`.

use std::ops::Range;

use serde_json::{Value, json};

use super::{Document, Passage, Question};

/// The JSON of SQuAD 1.1, answers counted in characters. Reading it gives `documents` again, and
/// the same documents always give the same bytes.
///
/// # Panics
/// If an answer is no range of whole characters of its passage.
pub fn to_squad(documents: &[Document]) -> String {
    let article = |document: &Document| {
        let paragraphs: Vec<Value> = document.passages.iter().map(paragraph).collect();
        json!({ "title": document.title, "paragraphs": paragraphs })
    };
    let data: Vec<Value> = documents.iter().map(article).collect();
    format!("{}\n", json!({ "version": "1.1", "data": data }))
}

fn paragraph(passage: &Passage) -> Value {
    let answer = |bytes: &Range<usize>| {
        let start = passage.text[..bytes.start].chars().count();
        json!({ "text": passage.text[bytes.clone()], "answer_start": start })
    };
    let asking = |question: &Question| {
        let answers: Vec<Value> = question.answers.iter().map(answer).collect();
        json!({ "id": question.id, "question": question.text, "answers": answers })
    };
    let questions: Vec<Value> = passage.questions.iter().map(asking).collect();
    json!({ "context": passage.text, "qas": questions })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use text_prep::passage::words;

    use super::*;
    use crate::data::{read, squad};

    /// Documents as a reader gives them: every text has a word, every answer is words.
    fn documents(texts: &[Vec<String>]) -> Vec<Document> {
        let mut id = 0;
        let mut passage = |text: &String| {
            let text = format!("{text} end");
            let words = words(&text);
            let questions = (0..words.len()).step_by(3).map(|first| {
                id += 1;
                let last = (first + id % 3).min(words.len() - 1);
                let answer = words[first].range.start..words[last].range.end;
                let answers = [answer, words[0].range.clone()];
                let answers = answers[..if first == 0 { 1 } else { 2 }].to_vec();
                Question { id: id.to_string(), text: format!("{text}? {id}"), answers }
            });
            let questions = questions.collect();
            Passage { text, questions }
        };
        let mut document = |(index, texts): (usize, &Vec<String>)| Document {
            title: format!("\"{index}\""),
            passages: texts.iter().map(&mut passage).collect(),
        };
        texts.iter().enumerate().map(&mut document).collect()
    }

    #[test]
    fn a_file_comes_back() {
        let first = documents(&[
            vec!["The “fox”\n’s den".into(), "여우 🦊".into()],
            vec!["e\u{301}".into()],
        ]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, to_squad(&first)).unwrap();
        assert_eq!(read(&path).unwrap().documents, first);
    }

    const TEXT: &str = "\\PC{0,20}|[가-각a-c'’ .\n]{0,30}";

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 256,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(20_260_101),
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_written_is_read_again(
            texts in prop::collection::vec(prop::collection::vec(TEXT, 1..3), 1..3)
        ) {
            let first = documents(&texts);
            let json = to_squad(&first);
            let found = squad::read("a.json", &json).unwrap();
            prop_assert_eq!(&found.documents, &first);
            prop_assert_eq!(to_squad(&found.documents), json);
        }
    }
}
