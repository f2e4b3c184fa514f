//! Questions with their answers for programs, people, spreadsheets, researchers and learners.

use std::ops::Range;

use args::AskFormat;
use qa::generate::Asked;
use serde::Serialize;
use serde_json::json;

/// What is written of each question where a line is an object.
#[derive(Serialize)]
struct Line<'a> {
    question: &'a str,
    answer: &'a str,
    confidence: f64,
    question_probability: f64,
    answer_probability: f64,
    found_by: qa::generate::FoundBy,
    /// In bytes of the text: the first one, and the one behind the last.
    answer_bytes: [usize; 2],
    /// The same in characters (Unicode scalar values).
    answer_characters: [usize; 2],
    sentence: &'a str,
    sentence_bytes: [usize; 2],
    sentence_characters: [usize; 2],
}

/// The questions in one of the formats; `text` is what they are about, and `name` what it is called.
pub fn write(format: AskFormat, text: &str, name: &str, asked: &[Asked]) -> String {
    match format {
        AskFormat::Jsonl => asked.iter().map(|one| json!(line(one)).to_string() + "\n").collect(),
        AskFormat::Text => plain(asked),
        AskFormat::Csv => csv(asked),
        AskFormat::Squad => squad(text, name, asked),
        AskFormat::Anki => anki(asked),
    }
}

fn line(asked: &Asked) -> Line<'_> {
    let ends = |range: &Range<usize>| [range.start, range.end];
    Line {
        question: &asked.question,
        answer: &asked.answer,
        confidence: asked.confidence,
        question_probability: asked.question_probability,
        answer_probability: asked.answer_probability,
        found_by: asked.found_by,
        answer_bytes: ends(&asked.answer_bytes),
        answer_characters: ends(&asked.answer_characters),
        sentence: &asked.sentence,
        sentence_bytes: ends(&asked.sentence_bytes),
        sentence_characters: ends(&asked.sentence_characters),
    }
}

/// A sentence, and below it what is asked about it.
fn plain(asked: &[Asked]) -> String {
    let mut text = String::new();
    let mut last = None;
    for one in asked {
        if last != Some(one.sentence_bytes.start) {
            let gap = if last.is_some() { "\n" } else { "" };
            text.push_str(&format!("{gap}{}\n", on_a_line(&one.sentence)));
            last = Some(one.sentence_bytes.start);
        }
        let (question, answer) = (on_a_line(&one.question), on_a_line(&one.answer));
        text.push_str(&format!("  {question}  {answer}  ({:.2})\n", one.confidence));
    }
    text
}

/// RFC 4180: fields with commas, quotes or line breaks in quotes, lines that end in CR LF.
fn csv(asked: &[Asked]) -> String {
    let field = |text: &str| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    };
    let mut text = String::from("question,answer,confidence,sentence,answer_start,answer_end\r\n");
    for one in asked {
        let Range { start, end } = one.answer_characters;
        text.push_str(&format!(
            "{},{},{:.4},{},{start},{end}\r\n",
            field(&one.question),
            field(&one.answer),
            one.confidence,
            field(&one.sentence)
        ));
    }
    text
}

/// Cards as Anki imports them: front, back and the sentence, with tabs between.
fn anki(asked: &[Asked]) -> String {
    let field = |text: &str| {
        let text = on_a_line(text);
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    };
    let mut text = String::from("#separator:tab\n#html:true\n#columns:Front\tBack\tSource\n");
    for one in asked {
        let cells = [&one.question, &one.answer, &one.sentence].map(|cell| field(cell));
        text.push_str(&(cells.join("\t") + "\n"));
    }
    text
}

/// SQuAD 1.1; answers count in characters of the whole text.
fn squad(text: &str, name: &str, asked: &[Asked]) -> String {
    let question = |(number, one): (usize, &Asked)| {
        json!({
            "id": format!("{:04}", number + 1),
            "question": one.question,
            "answers": [{"text": one.answer, "answer_start": one.answer_characters.start}],
        })
    };
    let questions: Vec<_> = asked.iter().enumerate().map(question).collect();
    let paragraph = json!({"context": text, "qas": questions});
    let data = json!({"version": "1.1", "data": [{"title": name, "paragraphs": [paragraph]}]});
    format!("{data}\n")
}

/// White space of any kind becomes single spaces.
fn on_a_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use qa::data::read_squad;
    use qa::generate::FoundBy;

    use super::*;

    const TEXT: &str = "Été.\nA fox, \"the old one\",\nsaw <two> crows & fled.";

    fn asked() -> Vec<Asked> {
        let start = TEXT.find("two").unwrap();
        let characters = TEXT[..start].chars().count();
        vec![Asked {
            question: "How many crows, then?".into(),
            answer: "two".into(),
            sentence: TEXT[6..].trim_start().into(),
            confidence: 0.5,
            question_probability: 0.5,
            answer_probability: 0.5,
            found_by: FoundBy::Network,
            answer_bytes: start..start + 3,
            answer_characters: characters..characters + 3,
            sentence_bytes: 7..TEXT.len(),
            sentence_characters: 5..TEXT.chars().count(),
        }]
    }

    #[test]
    fn every_format_escapes_what_would_break_it() {
        let write = |format| write(format, TEXT, "a text", &asked());
        let csv = write(AskFormat::Csv);
        assert!(
            csv.contains("\"How many crows, then?\",two,0.5000,\"A fox, \"\"the old one\"\",\n"),
            "{csv}"
        );
        let anki = write(AskFormat::Anki);
        assert_eq!(anki.lines().count(), 4);
        assert!(
            anki.ends_with("two\tA fox, \"the old one\", saw &lt;two&gt; crows &amp; fled.\n"),
            "{anki}"
        );
        let plain = write(AskFormat::Text);
        assert_eq!(plain.lines().count(), 2, "{plain}");
        let line: serde_json::Value = serde_json::from_str(&write(AskFormat::Jsonl)).unwrap();
        let [start, end] = [0, 1].map(|at| line["answer_bytes"][at].as_u64().unwrap() as usize);
        assert_eq!(&TEXT[start..end], "two");
    }

    #[test]
    fn squad_is_read_back_with_the_same_answers() {
        let read = read_squad("test", &write(AskFormat::Squad, TEXT, "a text", &asked())).unwrap();
        let passage = &read.documents[0].passages[0];
        assert_eq!(&passage.text[passage.questions[0].answers[0].clone()], "two");
    }
}
