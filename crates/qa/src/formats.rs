//! Output formats for questions and answers: JSON Lines, plain text, CSV, TSV, SQuAD and Anki. The fields of tables are
//! quoted as their readers expect it, so that a field with quotes, tabs or line ends comes back equal.

use std::ops::Range;

use csv::{Terminator, WriterBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::generate::GeneratedQuestion;

/// A form of questions and answers as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionFormat {
    /// A JSON object per line, with offsets in bytes and characters.
    Jsonl,
    /// Plain text: each sentence with its questions and answers.
    Text,
    /// A table for spreadsheets, with commas.
    Csv,
    /// The same table with tabs.
    Tsv,
    /// SQuAD 1.1.
    Squad,
    /// Flash cards that Anki imports.
    Anki,
}

/// Formats questions as they become ready: first [`start`](Self::start), then [`next`](Self::next) for each part of them, and
/// [`end`](Self::end).
pub struct QuestionFormatter {
    format: QuestionFormat,
    /// Where the sentence of the last question starts.
    last_sentence: Option<usize>,
}

impl QuestionFormatter {
    /// For this format.
    pub fn new(format: QuestionFormat) -> Self {
        Self { format, last_sentence: None }
    }

    /// What stands before the first question.
    pub fn start(&self) -> String {
        let columns = [COLUMNS.map(String::from)];
        match self.format {
            QuestionFormat::Jsonl | QuestionFormat::Text | QuestionFormat::Squad => String::new(),
            QuestionFormat::Csv => rows(&comma_separated(), columns),
            QuestionFormat::Tsv => rows(&tab_separated(), columns),
            QuestionFormat::Anki => "#separator:tab\n#html:true\n#columns:Front\tBack\tSource\n".into(),
        }
    }

    /// The next questions.
    pub fn next(&mut self, questions: &[GeneratedQuestion]) -> String {
        match self.format {
            QuestionFormat::Jsonl => questions.iter().map(|generated| format!("{}\n", to_json(generated))).collect(),
            QuestionFormat::Text => questions.iter().map(|generated| self.plain(generated)).collect(),
            QuestionFormat::Csv => rows(&comma_separated(), questions.iter().map(row)),
            QuestionFormat::Tsv => rows(&tab_separated(), questions.iter().map(row)),
            QuestionFormat::Anki => rows(tab_separated().comment(Some(b'#')), questions.iter().map(card)),
            QuestionFormat::Squad => String::new(),
        }
    }

    /// What stands after the last one of all `questions`; `text` is the text that they are about, and `name` its title.
    pub fn end(&self, text: &str, name: &str, questions: &[GeneratedQuestion]) -> String {
        match self.format {
            QuestionFormat::Squad => squad(text, name, questions),
            _ => String::new(),
        }
    }

    /// A question, below its sentence unless the question before is about the same one.
    fn plain(&mut self, generated: &GeneratedQuestion) -> String {
        let mut text = String::new();
        let last = self.last_sentence.replace(generated.sentence_bytes.start);
        if last != self.last_sentence {
            let gap = if last.is_some() { "\n" } else { "" };
            text.push_str(&format!("{gap}{}\n", single_line(&generated.sentence)));
        }
        let (question, answer) = (single_line(&generated.question), single_line(&generated.answer));
        text + &format!("  {question}  {answer}  ({:.2})\n", generated.confidence)
    }
}

/// A question in the JSON Lines format. Offsets are start and end (exclusive), in bytes and in Unicode scalar values of
/// the text.
pub fn to_json(generated: &GeneratedQuestion) -> Value {
    let bounds = |range: &Range<usize>| [range.start, range.end];
    json!({
        "question": generated.question,
        "answer": generated.answer,
        "confidence": generated.confidence,
        "question_probability": generated.question_probability,
        "answer_probability": generated.answer_probability,
        "found_by": generated.found_by,
        "rule": generated.rule,
        "answer_bytes": bounds(&generated.answer_bytes),
        "answer_characters": bounds(&generated.answer_characters),
        "sentence": generated.sentence,
        "sentence_bytes": bounds(&generated.sentence_bytes),
        "sentence_characters": bounds(&generated.sentence_characters),
    })
}

/// Tables for spreadsheets: RFC 4180.
fn comma_separated() -> WriterBuilder {
    let mut writer = WriterBuilder::new();
    writer.terminator(Terminator::CRLF);
    writer
}

fn tab_separated() -> WriterBuilder {
    let mut writer = WriterBuilder::new();
    writer.delimiter(b'\t');
    writer
}

/// The columns of a table.
const COLUMNS: [&str; 6] = ["question", "answer", "confidence", "sentence", "answer_start", "answer_end"];

/// A question in a table.
fn row(generated: &GeneratedQuestion) -> [String; 6] {
    let Range { start, end } = generated.answer_characters;
    let confidence = format!("{:.4}", generated.confidence);
    let GeneratedQuestion { question, answer, sentence, .. } = generated.clone();
    [question, answer, confidence, sentence, start.to_string(), end.to_string()]
}

/// A card in Anki's import format: front, back and sentence as HTML, separated by tabs. Anki takes lines that begin with
/// `#` for comments, so such fields are quoted, too.
fn card(generated: &GeneratedQuestion) -> [String; 3] {
    let field = |text: &String| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    [&generated.question, &generated.answer, &generated.sentence].map(field)
}

fn rows<const N: usize>(writer: &WriterBuilder, rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut writer = writer.from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("rows of equal length are written into memory");
    }
    let bytes = writer.into_inner().expect("nothing is left to flush into memory");
    String::from_utf8(bytes).expect("fields are UTF-8")
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
pub fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::data::read_squad;
    use crate::generate::FoundBy;

    use super::*;

    /// The questions in two parts.
    fn write(format: QuestionFormat, text: &str, name: &str, questions: &[GeneratedQuestion]) -> String {
        let mut formatter = QuestionFormatter::new(format);
        let (first, rest) = questions.split_at(questions.len() / 2);
        let parts = [formatter.start(), formatter.next(first), formatter.next(rest)];
        parts.concat() + &formatter.end(text, name, questions)
    }

    const TEXT: &str = "Été.\nA fox, \"the old one\",\nsaw <two> crows & fled.";

    fn example() -> Vec<GeneratedQuestion> {
        let start = TEXT.find("two").unwrap();
        let characters = TEXT[..start].chars().count();
        vec![GeneratedQuestion {
            question: "How many crows, then?".into(),
            answer: "two".into(),
            sentence: TEXT[6..].trim_start().into(),
            confidence: 0.5,
            question_probability: Some(0.5),
            answer_probability: Some(0.5),
            found_by: FoundBy::Network,
            rule: None,
            answer_bytes: start..start + 3,
            answer_characters: characters..characters + 3,
            sentence_bytes: 7..TEXT.len(),
            sentence_characters: 5..TEXT.chars().count(),
        }]
    }

    #[test]
    fn every_format_escapes_its_special_characters() {
        let write = |format| write(format, TEXT, "a text", &example());
        let csv = write(QuestionFormat::Csv);
        assert!(csv.contains("\"How many crows, then?\",two,0.5000,\"A fox, \"\"the old one\"\",\n"), "{csv}");
        assert!(csv.ends_with("fled.\",32,35\r\n"), "{csv}");
        let anki = write(QuestionFormat::Anki);
        let expected = "two\t\"A fox, \"\"the old one\"\",\nsaw &lt;two&gt; crows &amp; fled.\"\n";
        assert!(anki.ends_with(expected), "{anki}");
        let plain = write(QuestionFormat::Text);
        assert_eq!(plain.lines().count(), 2, "{plain}");
        let line: serde_json::Value = serde_json::from_str(&write(QuestionFormat::Jsonl)).unwrap();
        let [start, end] = [0, 1].map(|at| line["answer_bytes"][at].as_u64().unwrap() as usize);
        assert_eq!(&TEXT[start..end], "two");
    }

    #[test]
    fn plain_text_has_each_sentence_once() {
        let of_sentence = |start| GeneratedQuestion { sentence_bytes: start..TEXT.len(), ..example().remove(0) };
        let text = write(QuestionFormat::Text, TEXT, "a text", &[1, 1, 1, 7].map(of_sentence));
        let lines = text.lines().map(|line| line.split_whitespace().next());
        let expected = [Some("A"), Some("How"), Some("How"), Some("How"), None, Some("A"), Some("How")];
        assert_eq!(lines.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn squad_output_is_read_back_with_the_same_answers() {
        let read = read_squad("test", &write(QuestionFormat::Squad, TEXT, "a text", &example())).unwrap();
        let passage = &read.documents[0].passages[0];
        assert_eq!(&passage.text[passage.questions[0].answers[0].clone()], "two");
    }

    /// Texts that a table must quote, and some that it need not.
    const FIELDS: [&str; 12] = [
        "plain text",
        "\"My friend, carry me over.",
        "She said \"no\" to him.",
        "a\ttab",
        "two\nlines",
        "two\r\nlines",
        "a\rreturn, and a comma",
        "#hash",
        "\"",
        " spaces ",
        "Été <b>&amp;</b>",
        "",
    ];

    fn questions() -> Vec<GeneratedQuestion> {
        let question = |at: usize| {
            let field = |offset: usize| FIELDS[(at / FIELDS.len() * offset + at) % FIELDS.len()].to_owned();
            GeneratedQuestion { question: field(1), answer: field(5), sentence: field(7), ..example().remove(0) }
        };
        (0..FIELDS.len() * FIELDS.len()).map(question).collect()
    }

    #[test]
    fn tables_are_read_back_with_equal_fields() {
        for (format, delimiter) in [(QuestionFormat::Csv, b','), (QuestionFormat::Tsv, b'\t')] {
            let table = format!("\u{feff}{}", write(format, TEXT, "a text", &questions()));
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(table.as_bytes());
            assert_eq!(reader.headers().unwrap().get(0), Some("question"));
            let rows: Vec<[String; 3]> =
                reader.records().map(|row| row.unwrap()).map(|row| [0, 1, 3].map(|at| row[at].to_owned())).collect();
            assert_eq!(rows, fields(), "{format:?}");
        }
    }

    #[test]
    fn anki_imports_every_card_with_equal_fields() {
        let cards = write(QuestionFormat::Anki, TEXT, "a text", &questions());
        // Anki's importer: rslib/src/import_export/text/csv/import.rs.
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).comment(Some(b'#')).delimiter(b'\t');
        let unescape = |field: &str| field.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let rows = reader.from_reader(cards.as_bytes()).into_records().map(|row| row.unwrap());
        let rows: Vec<Vec<String>> = rows.map(|row| row.iter().map(unescape).collect()).collect();
        assert_eq!(rows, fields());
    }

    #[test]
    fn json_lines_are_read_back_with_equal_fields() {
        let lines = write(QuestionFormat::Jsonl, TEXT, "a text", &questions());
        let line = |line: &str| -> [String; 3] {
            let line: Value = serde_json::from_str(line).unwrap();
            ["question", "answer", "sentence"].map(|key| line[key].as_str().unwrap().to_owned())
        };
        assert_eq!(lines.lines().map(line).collect::<Vec<_>>(), fields());
    }

    fn fields() -> Vec<[String; 3]> {
        questions().into_iter().map(|one| [one.question, one.answer, one.sentence]).collect()
    }
}
