//! The tokenized NewsQA table: one question per row, answers as token ranges of the story. Does not read the original
//! table, whose answers are character ranges.

use std::collections::HashMap;
use std::ops::Range;

use csv::{ReaderBuilder, StringRecord};
use text_prep::spans::is_white_space;

use super::LoadedDocuments;
use super::collector::{Collector, PassageIndex, RawQuestion, document_location};
use super::error::{Error, InvalidKind, Result, quoted};

/// A column that identifies the format.
pub(super) const RANGES: &str = "answer_token_ranges";

/// The most bytes of a row: a quote that is not closed takes in the rows after it.
const MAX_ROW: usize = 16 << 20;

/// The indices of the columns.
struct Columns {
    text: usize,
    question: usize,
    ranges: usize,
    story: Option<usize>,
}

impl Columns {
    fn find(file: &str, headers: &StringRecord) -> Result<Self> {
        let position = |name: &str| headers.iter().position(|header| header.trim() == name);
        let required = ["story_text", "question", RANGES];
        let [Some(text), Some(question), Some(ranges)] = required.map(position) else {
            let missing: Vec<_> = required.into_iter().filter(|name| position(name).is_none()).collect();
            let found: Vec<_> = headers.iter().map(quoted).collect();
            let problem = format!(
                "has no column {}: its first row is {}; expected the tokenized NewsQA table with the column \
                 names in the first row",
                missing.join(" and "),
                found.join(", ")
            );
            return Err(Error::Table { file: file.to_owned(), problem });
        };
        Ok(Self { text, question, ranges, story: position("story_id") })
    }
}

/// Parses `text`, the contents of `file`. Rows are numbered as in a spreadsheet: the column names are row 1. Each
/// story becomes a document, named by its `story_id` if that column exists, else by its first row. The id of a question
/// is its row.
pub(super) fn read(file: &str, text: &str, strict: bool) -> Result<LoadedDocuments> {
    let table_error = |problem: String| Error::Table { file: file.to_owned(), problem };
    // The csv reader would take an unclosed quote and all rows after it for one field.
    if text.bytes().filter(|&byte| byte == b'"').count() % 2 == 1 && !text.ends_with('\n') {
        let problem = "ends within a quoted field; expected a complete last row; copy or download \
                       the file again";
        return Err(table_error(problem.to_owned()));
    }
    let mut rows = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = rows.headers().map_err(|error| table_error(format!("has no first row: {error}")))?;
    let (width, columns) = (headers.len(), Columns::find(file, headers)?);
    let mut collector = Collector::new(file, strict);
    let mut documents: HashMap<String, usize> = HashMap::new();
    let mut passages: HashMap<(String, String), PassageIndex> = HashMap::new();
    for (index, row) in rows.records().enumerate() {
        let location = format!("row {}", index + 2);
        let row = row.map_err(|error| table_error(format!("cannot be read at {location}: {error}")))?;
        if row.as_slice().len() > MAX_ROW {
            return Err(table_error(format!(
                "has more than {MAX_ROW} bytes in {location}; expected a story, a question and its answers; close the \
                 quotes around fields that hold commas or line ends"
            )));
        }
        if row.len() != width {
            collector.reject(InvalidKind::Format, &location, || {
                table_error(format!(
                    "has {} fields in {location}; expected {width} as in its first row; close the \
                     quotes around fields that hold commas or line ends",
                    row.len()
                ))
            })?;
            continue;
        }
        let story = columns.story.map_or("", |column| &row[column]);
        let key = (story.to_owned(), row[columns.text].to_owned());
        let passage = match passages.get(&key) {
            Some(&passage) => passage,
            None => {
                let index = match story {
                    "" => collector.add_document(&location),
                    story => *documents.entry(story.to_owned()).or_insert_with(|| collector.add_document(story)),
                };
                let passage_location = match story {
                    "" => location.clone(),
                    story => format!("{location}, {}", document_location(story)),
                };
                let Some(passage) = collector.add_passage(index, &key.1, &passage_location)? else { continue };
                passages.insert(key, passage);
                passage
            }
        };
        let question = RawQuestion { id: &location, text: &row[columns.question], location: "the table" };
        let answers = parse_answers(&row[columns.ranges], collector.text(passage));
        collector.add_question(passage, &question, answers.map_err(|problem| (InvalidKind::Answer, problem)))?;
    }
    collector.finish()
}

/// The byte ranges of answers such as `3:5,9:10|3:6|None`: the answers of several annotators, each one or more token
/// ranges with exclusive ends. `-1:-1` means that the annotators did not agree.
fn parse_answers(ranges: &str, text: &str) -> Result<Vec<Range<usize>>, String> {
    let mut tokens: Option<Vec<Range<usize>>> = None;
    let mut answers = Vec::new();
    for annotator in ranges.split('|').map(str::trim) {
        if matches!(annotator, "" | "None" | "-1:-1") {
            continue;
        }
        let mut last_end = 0;
        for range in annotator.split(',').map(str::trim) {
            let ends = range
                .split_once(':')
                .and_then(|(start, end)| Some((start.parse::<usize>().ok()?, end.parse::<usize>().ok()?)));
            let Some((start, end)) = ends else {
                return Err(format!("has the range {}; expected two numbers such as 3:5; correct it", quoted(range)));
            };
            let tokens = tokens.get_or_insert_with(|| token_ranges(text));
            if start >= end || end > tokens.len() {
                return Err(format!(
                    "has the range {range} in a story of {} tokens; expected a non-empty range within the \
                     story; correct it",
                    tokens.len()
                ));
            }
            if start < last_end {
                return Err(format!(
                    "has the range {range} after a range that ends at {last_end}; expected ascending ranges \
                     without overlap; correct {}",
                    quoted(annotator)
                ));
            }
            last_end = end;
            answers.push(tokens[start].start..tokens[end - 1].end);
        }
    }
    Ok(answers)
}

/// The byte ranges of the tokens of `text`, which are separated by white space.
fn token_ranges(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    for token in text.split(is_white_space) {
        if !token.is_empty() {
            tokens.push(at..at + token.len());
        }
        at += token.len();
        // The white space after the token, which may have several bytes.
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &str = "story_id,question,answer_token_ranges,sentence_starts,story_text\n";

    fn rows(rows: &str) -> Result<LoadedDocuments> {
        read("a.csv", &format!("{HEADERS}{rows}"), true)
    }

    fn message(ranges: &str) -> String {
        rows(&format!("./s,Who ?,\"{ranges}\",0,A big fox ran .\n")).unwrap_err().to_string()
    }

    #[test]
    fn token_ranges_are_converted_to_byte_ranges() {
        let loaded = rows(
            "./s/1,Who ?,\"0:2,3:4|0:2|None\",0,여우 's \u{3000} den . \"\"\n\
             ./s/1,\"What,\nwhere ?\",2:3,0,여우 's \u{3000} den . \"\"\n\
             ./s/1,Which ?,0:1,0,Another text\n\
             ./s/2,When ?,None|None,0,Another text\n\
             ./s/2,Why ?,-1:-1,0,Another text\n\
             ./s/2,How ?,,0,Another text\n",
        )
        .unwrap();
        let titles: Vec<_> = loaded.documents.iter().map(|d| (d.title.as_str(), d.passages.len())).collect();
        assert_eq!(titles, [("./s/1", 2), ("./s/2", 1)]);
        let passage = &loaded.documents[0].passages[0];
        let texts: Vec<Vec<&str>> = passage
            .questions
            .iter()
            .map(|question| question.answers.iter().map(|a| &passage.text[a.clone()]).collect())
            .collect();
        assert_eq!(texts, [vec!["여우 's", "."], vec!["den"]]);
        assert_eq!(passage.questions[1].id, "row 3");
        assert_eq!((loaded.counts.found, loaded.counts.unanswerable), (6, 3));
    }

    #[test]
    fn without_story_ids_each_text_is_a_document() {
        let loaded = read(
            "a.csv",
            "question,story_text,answer_token_ranges\nWho ?,A fox,1:2\nWhat ?,A fox,0:2\n?,Two,0:1",
            true,
        )
        .unwrap();
        let titles: Vec<_> = loaded.documents.iter().map(|d| d.title.as_str()).collect();
        assert_eq!(titles, ["row 2", "row 4"]);
    }

    #[test]
    fn invalid_ranges_are_reported_with_their_row() {
        assert_eq!(
            message("1:3,2:4"),
            "`a.csv`: question `row 2` of the table has the range 2:4 after a range that ends \
             at 3; expected ascending ranges without overlap; correct \"1:3,2:4\""
        );
        assert!(message("3:4,0:1").contains("has the range 0:1 after a range that ends at 4"));
        assert!(message("3:9").contains("has the range 3:9 in a story of 5 tokens"));
        assert!(message("3:3").contains("expected a non-empty range within the story"));
        for ranges in ["3", "a:b", "1:2,", "-1:2"] {
            assert!(message(ranges).contains("expected two numbers such as 3:5"), "{ranges}");
        }
    }

    #[test]
    fn damaged_tables_are_rejected() {
        assert_eq!(
            read("a.csv", "story_id,question,story_text\n", true).unwrap_err().to_string(),
            "`a.csv` has no column answer_token_ranges: its first row is \"story_id\", \
             \"question\", \"story_text\"; expected the tokenized NewsQA table with the column names in the \
             first row"
        );
        let short = rows("./s,Who ?,0:1,0,A fox\n./s,Who ?\n").unwrap_err().to_string();
        assert!(short.contains("has 2 fields in row 3; expected 5 as in its first row"), "{short}");
        let cut = rows("./s,Who ?,0:1,0,\"A fox").unwrap_err().to_string();
        assert!(cut.contains("ends within a quoted field"), "{cut}");
        let swallowed = format!("./s,Who ?,0:1,0,\"A fox\n{}", "./s,Who ?,0:1,0,A fox\n".repeat(MAX_ROW / 20));
        let swallowed = rows(&format!("{swallowed}\"\n")).unwrap_err().to_string();
        assert!(swallowed.contains("has more than 16777216 bytes in row 2"), "{swallowed}");
        let empty = rows("./s,Who ?,0:1,0, \n").unwrap_err().to_string();
        assert!(empty.contains("row 2, document \"./s\" has a passage without text"), "{empty}");
    }

    #[test]
    fn invalid_rows_are_left_out_and_counted() {
        let text = format!("{HEADERS}./s,Who ?,0:1,0,A fox\n./s,Who ?\n./s,Why ?,3,0,A fox\n./t,Who ?,0:1,0, \n");
        let counts = read("a.csv", &text, false).unwrap().counts;
        assert_eq!(
            counts.to_string(),
            "of 4: 1 not in the expected format (row 3), 1 with an answer that is not at its place in the passage \
             (question `row 4` of the table), 1 without the text of a passage (row 5, document \"./t\")"
        );
    }
}
