//! Writes documents as SQuAD 1.1 JSON. Does not write files; callers use `durable` for that.

use std::ops::Range;

use serde_json::{Value, json};

use super::{Document, Passage, Question};

/// SQuAD 1.1 JSON, with character offsets for answers. Reading it returns equal documents. The output is
/// deterministic.
///
/// # Panics
/// If an answer range is outside its passage or not on character boundaries.
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
    let qa = |question: &Question| {
        let answers: Vec<Value> = question.answers.iter().map(answer).collect();
        json!({ "id": question.id, "question": question.text, "answers": answers })
    };
    let questions: Vec<Value> = passage.questions.iter().map(qa).collect();
    json!({ "context": passage.text, "qas": questions })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use text_prep::Segmentation;
    use text_prep::spans::words;

    use super::*;
    use crate::data::{read, squad};

    /// Documents as readers return them: each text has a word, each answer consists of whole words.
    fn make_documents(texts: &[Vec<String>]) -> Vec<Document> {
        let mut id = 0;
        let mut passage = |text: &String| {
            let text = format!("{text} end");
            let words = words(&text, Segmentation::Spaces);
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
    fn a_written_file_is_read_back_unchanged() {
        let documents = make_documents(&[vec!["The “fox”\n’s den".into(), "여우 🦊".into()], vec!["e\u{301}".into()]]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(&path, to_squad(&documents)).unwrap();
        assert_eq!(read(&path).unwrap().documents, documents);
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
        fn random_documents_are_read_back_unchanged(
            texts in prop::collection::vec(prop::collection::vec(TEXT, 1..3), 1..3)
        ) {
            let documents = make_documents(&texts);
            let json = to_squad(&documents);
            let loaded = squad::read("a.json", &json, true).unwrap();
            prop_assert_eq!(&loaded.documents, &documents);
            prop_assert_eq!(to_squad(&loaded.documents), json);
        }
    }
}
