//! NewsQA's tokenized table: a row a question, its answers as ranges of the story's tokens.
//!
//! What it does not know: other formats, and the table before it was tokenized, whose answers are
//! counted in characters.

use std::collections::HashMap;
use std::ops::Range;

use csv::{ReaderBuilder, StringRecord};
use text_prep::passage::is_white_space;

use super::Read;
use super::collect::{Asked, Collector, Place, document, wrong};
use super::error::{Error, Result, quoted};

/// The column by which the table is known.
pub(super) const RANGES: &str = "answer_token_ranges";

/// Where the columns are.
struct Columns {
    text: usize,
    question: usize,
    ranges: usize,
    story: Option<usize>,
}

impl Columns {
    fn of(file: &str, headers: &StringRecord) -> Result<Self> {
        let find = |name: &str| headers.iter().position(|header| header.trim() == name);
        let needed = ["story_text", "question", RANGES];
        let [Some(text), Some(question), Some(ranges)] = needed.map(find) else {
            let missing: Vec<_> = needed.into_iter().filter(|name| find(name).is_none()).collect();
            let found: Vec<_> = headers.iter().map(quoted).collect();
            let problem = format!(
                "lacks the column {}: its first row holds {}; expected NewsQA's tokenized table; \
                 name its columns in the first row",
                missing.join(" and "),
                found.join(", ")
            );
            return Err(Error::Table { file: file.to_owned(), problem });
        };
        Ok(Self { text, question, ranges, story: find("story_id") })
    }
}

/// Reads `text`, the whole of `file`. Rows are counted as a spreadsheet does: the names of the
/// columns are row 1. A story is a document, named by its `story_id` if there is such a column, else
/// by its first row; a question's id is its row.
pub(super) fn read(file: &str, text: &str) -> Result<Read> {
    let table = |problem: String| Error::Table { file: file.to_owned(), problem };
    // A quote that was never closed would swallow all rows behind it, and end with the file.
    if text.bytes().filter(|&byte| byte == b'"').count() % 2 == 1 && !text.ends_with('\n') {
        let problem = "ends within a quoted field; expected a whole last row; take the file from \
                       the original again";
        return Err(table(problem.to_owned()));
    }
    let mut rows = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = rows.headers().map_err(|error| table(format!("has no first row: {error}")))?;
    let (width, columns) = (headers.len(), Columns::of(file, headers)?);
    let mut collector = Collector::new(file);
    let mut documents: HashMap<String, usize> = HashMap::new();
    let mut passages: HashMap<(String, String), Place> = HashMap::new();
    for (index, row) in rows.records().enumerate() {
        let place = format!("row {}", index + 2);
        let row = row.map_err(|error| table(format!("cannot be read at {place}: {error}")))?;
        if row.len() != width {
            return Err(table(format!(
                "has {} fields in {place}; expected {width} as in its first row; close the \
                 quotes around fields that hold commas or line ends",
                row.len()
            )));
        }
        let story = columns.story.map_or("", |column| &row[column]);
        let key = (story.to_owned(), row[columns.text].to_owned());
        let to = match passages.get(&key) {
            Some(&to) => to,
            None => {
                let index = match story {
                    "" => collector.document(&place),
                    story => *documents
                        .entry(story.to_owned())
                        .or_insert_with(|| collector.document(story)),
                };
                let whole = match story {
                    "" => place.clone(),
                    story => format!("{place}, {}", document(story)),
                };
                let to = collector.passage(index, &key.1, &whole)?;
                passages.insert(key, to);
                to
            }
        };
        let asked = Asked { id: &place, text: &row[columns.question], place: "the table" };
        let answers = answers(&row[columns.ranges], collector.text(to))
            .map_err(|problem| wrong(file, &asked, problem))?;
        collector.question(to, &asked, &answers)?;
    }
    collector.finish()
}

/// The bytes of `3:5,9:10|3:6|None`: of several readers' answers, each of one or more ranges of
/// tokens, their ends exclusive. NewsQA writes `-1:-1` where its readers did not agree on one.
fn answers(ranges: &str, text: &str) -> Result<Vec<Range<usize>>, String> {
    let mut tokens: Option<Vec<Range<usize>>> = None;
    let mut found = Vec::new();
    for reader in ranges.split('|').map(str::trim) {
        if matches!(reader, "" | "None" | "-1:-1") {
            continue;
        }
        let mut last = 0;
        for range in reader.split(',').map(str::trim) {
            let parts = range.split_once(':');
            let Some((start, end)) =
                parts.and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)))
            else {
                return Err(format!(
                    "has the range {}; expected two numbers such as 3:5; correct it",
                    quoted(range)
                ));
            };
            let (start, end): (usize, usize) = (start, end);
            let tokens = tokens.get_or_insert_with(|| tokens_of(text));
            if start >= end || end > tokens.len() {
                return Err(format!(
                    "has the range {range} in a story of {} tokens; expected one that begins \
                     before its end and ends within the story; correct it",
                    tokens.len()
                ));
            }
            if start < last {
                return Err(format!(
                    "has the range {range} behind one that ends with {last}; expected ranges in \
                     order that do not overlap; correct {}",
                    quoted(reader)
                ));
            }
            last = end;
            found.push(tokens[start].start..tokens[end - 1].end);
        }
    }
    Ok(found)
}

/// What stands between white space.
fn tokens_of(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    for token in text.split(is_white_space) {
        if !token.is_empty() {
            tokens.push(at..at + token.len());
        }
        at += token.len();
        // The white space behind the token, which may take several bytes.
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &str = "story_id,question,answer_token_ranges,sentence_starts,story_text\n";

    fn rows(rows: &str) -> Result<Read> {
        read("a.csv", &format!("{HEADERS}{rows}"))
    }

    fn message(ranges: &str) -> String {
        rows(&format!("./s,Who ?,\"{ranges}\",0,A big fox ran .\n")).unwrap_err().to_string()
    }

    #[test]
    fn ranges_of_tokens_become_bytes() {
        let found = rows(
            "./s/1,Who ?,\"0:2,3:4|0:2|None\",0,여우 's \u{3000} den . \"\"\n\
             ./s/1,\"What,\nwhere ?\",2:3,0,여우 's \u{3000} den . \"\"\n\
             ./s/1,Which ?,0:1,0,Another text\n\
             ./s/2,When ?,None|None,0,Another text\n\
             ./s/2,Why ?,-1:-1,0,Another text\n\
             ./s/2,How ?,,0,Another text\n",
        )
        .unwrap();
        let titles: Vec<_> =
            found.documents.iter().map(|d| (d.title.as_str(), d.passages.len())).collect();
        assert_eq!(titles, [("./s/1", 2), ("./s/2", 1)]);
        let passage = &found.documents[0].passages[0];
        let texts: Vec<Vec<&str>> = passage
            .questions
            .iter()
            .map(|question| question.answers.iter().map(|a| &passage.text[a.clone()]).collect())
            .collect();
        assert_eq!(texts, [vec!["여우 's", "."], vec!["den"]]);
        assert_eq!(passage.questions[1].id, "row 3");
        assert_eq!((found.counts.found, found.counts.unanswerable), (6, 3));
    }

    #[test]
    fn a_table_without_story_ids_has_a_document_a_text() {
        let found = read(
            "a.csv",
            "question,story_text,answer_token_ranges\nWho ?,A fox,1:2\nWhat ?,A fox,0:2\n?,Two,0:1",
        )
        .unwrap();
        let titles: Vec<_> = found.documents.iter().map(|d| d.title.as_str()).collect();
        assert_eq!(titles, ["row 2", "row 4"]);
    }

    #[test]
    fn ranges_that_contradict_themselves_are_named_with_their_row() {
        assert_eq!(
            message("1:3,2:4"),
            "`a.csv`: question `row 2` of the table has the range 2:4 behind one that ends with \
             3; expected ranges in order that do not overlap; correct \"1:3,2:4\""
        );
        assert!(message("3:4,0:1").contains("has the range 0:1 behind one that ends with 4"));
        assert!(message("3:9").contains("has the range 3:9 in a story of 5 tokens"));
        assert!(message("3:3").contains("expected one that begins before its end"));
        for ranges in ["3", "a:b", "1:2,", "-1:2"] {
            assert!(message(ranges).contains("expected two numbers such as 3:5"), "{ranges}");
        }
    }

    #[test]
    fn a_damaged_table_is_refused() {
        assert_eq!(
            read("a.csv", "story_id,question,story_text\n").unwrap_err().to_string(),
            "`a.csv` lacks the column answer_token_ranges: its first row holds \"story_id\", \
             \"question\", \"story_text\"; expected NewsQA's tokenized table; name its columns in \
             the first row"
        );
        let short = rows("./s,Who ?,0:1,0,A fox\n./s,Who ?\n").unwrap_err().to_string();
        assert!(short.contains("has 2 fields in row 3; expected 5 as in its first row"), "{short}");
        let cut = rows("./s,Who ?,0:1,0,\"A fox").unwrap_err().to_string();
        assert!(cut.contains("ends within a quoted field"), "{cut}");
        let empty = rows("./s,Who ?,0:1,0, \n").unwrap_err().to_string();
        assert!(empty.contains("row 2, document \"./s\" has a passage without text"), "{empty}");
    }
}
