//! Output formats for questions and answers: JSON Lines, plain text, CSV, SQuAD and Anki.

use std::ops::Range;

use args::AskFormat;
use qa::generate::GeneratedQuestion;
use serde_json::{Value, json};

/// Formats the questions; `text` is the text that they are about, and `name` its title.
pub fn write(format: AskFormat, text: &str, name: &str, questions: &[GeneratedQuestion]) -> String {
    match format {
        AskFormat::Jsonl => questions.iter().map(|generated| format!("{}\n", line(generated))).collect(),
        AskFormat::Text => plain(questions),
        AskFormat::Csv => csv(questions),
        AskFormat::Squad => squad(text, name, questions),
        AskFormat::Anki => anki(questions),
    }
}

/// A question in the JSON Lines format. Offsets are start and end (exclusive), in bytes and in Unicode scalar values of
/// the text.
fn line(generated: &GeneratedQuestion) -> Value {
    let bounds = |range: &Range<usize>| [range.start, range.end];
    json!({
        "question": generated.question,
        "answer": generated.answer,
        "confidence": generated.confidence,
        "question_probability": generated.question_probability,
        "answer_probability": generated.answer_probability,
        "found_by": generated.found_by,
        "answer_bytes": bounds(&generated.answer_bytes),
        "answer_characters": bounds(&generated.answer_characters),
        "sentence": generated.sentence,
        "sentence_bytes": bounds(&generated.sentence_bytes),
        "sentence_characters": bounds(&generated.sentence_characters),
    })
}

/// Each sentence, followed by its questions.
fn plain(questions: &[GeneratedQuestion]) -> String {
    let mut text = String::new();
    let mut last = None;
    for generated in questions {
        if last != Some(generated.sentence_bytes.start) {
            let gap = if last.is_some() { "\n" } else { "" };
            text.push_str(&format!("{gap}{}\n", single_line(&generated.sentence)));
            last = Some(generated.sentence_bytes.start);
        }
        let (question, answer) = (single_line(&generated.question), single_line(&generated.answer));
        text.push_str(&format!("  {question}  {answer}  ({:.2})\n", generated.confidence));
    }
    text
}

/// RFC 4180: fields with commas, quotes or line breaks are quoted, and lines end with CR LF.
fn csv(questions: &[GeneratedQuestion]) -> String {
    let field = |text: &str| {
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_string()
        }
    };
    let mut text = String::from("question,answer,confidence,sentence,answer_start,answer_end\r\n");
    for generated in questions {
        let Range { start, end } = generated.answer_characters;
        text.push_str(&format!(
            "{},{},{:.4},{},{start},{end}\r\n",
            field(&generated.question),
            field(&generated.answer),
            generated.confidence,
            field(&generated.sentence)
        ));
    }
    text
}

/// Cards in Anki's import format: front, back and sentence, separated by tabs.
fn anki(questions: &[GeneratedQuestion]) -> String {
    let field = |text: &str| single_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = String::from("#separator:tab\n#html:true\n#columns:Front\tBack\tSource\n");
    for generated in questions {
        let cells = [&generated.question, &generated.answer, &generated.sentence].map(|cell| field(cell));
        text.push_str(&(cells.join("\t") + "\n"));
    }
    text
}

/// SQuAD 1.1; `answer_start` is a character offset in the whole text.
fn squad(text: &str, name: &str, questions: &[GeneratedQuestion]) -> String {
    let question = |(number, generated): (usize, &GeneratedQuestion)| {
        json!({
            "id": format!("{:04}", number + 1),
            "question": generated.question,
            "answers": [{"text": generated.answer, "answer_start": generated.answer_characters.start}],
        })
    };
    let questions: Vec<_> = questions.iter().enumerate().map(question).collect();
    let paragraph = json!({"context": text, "qas": questions});
    let data = json!({"version": "1.1", "data": [{"title": name, "paragraphs": [paragraph]}]});
    format!("{data}\n")
}

/// Replaces each run of white space by a single space.
fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use qa::data::read_squad;
    use qa::generate::FoundBy;

    use super::*;

    const TEXT: &str = "Été.\nA fox, \"the old one\",\nsaw <two> crows & fled.";

    fn example() -> Vec<GeneratedQuestion> {
        let start = TEXT.find("two").unwrap();
        let characters = TEXT[..start].chars().count();
        vec![GeneratedQuestion {
            question: "How many crows, then?".into(),
            answer: "two".into(),
            sentence: TEXT[6..].trim_start().into(),
            confidence: 0.5,
            question_probability: 0.5,
            answer_probability: 0.5,
            found_by: FoundBy::Model,
            answer_bytes: start..start + 3,
            answer_characters: characters..characters + 3,
            sentence_bytes: 7..TEXT.len(),
            sentence_characters: 5..TEXT.chars().count(),
        }]
    }

    #[test]
    fn every_format_escapes_its_special_characters() {
        let write = |format| write(format, TEXT, "a text", &example());
        let csv = write(AskFormat::Csv);
        assert!(csv.contains("\"How many crows, then?\",two,0.5000,\"A fox, \"\"the old one\"\",\n"), "{csv}");
        let anki = write(AskFormat::Anki);
        assert_eq!(anki.lines().count(), 4);
        assert!(anki.ends_with("two\tA fox, \"the old one\", saw &lt;two&gt; crows &amp; fled.\n"), "{anki}");
        let plain = write(AskFormat::Text);
        assert_eq!(plain.lines().count(), 2, "{plain}");
        let line: serde_json::Value = serde_json::from_str(&write(AskFormat::Jsonl)).unwrap();
        let [start, end] = [0, 1].map(|at| line["answer_bytes"][at].as_u64().unwrap() as usize);
        assert_eq!(&TEXT[start..end], "two");
    }

    #[test]
    fn squad_output_is_read_back_with_the_same_answers() {
        let read = read_squad("test", &write(AskFormat::Squad, TEXT, "a text", &example())).unwrap();
        let passage = &read.documents[0].passages[0];
        assert_eq!(&passage.text[passage.questions[0].answers[0].clone()], "two");
    }
}
