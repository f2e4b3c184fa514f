//! Prints the questions about the sentences of a file: one sentence a line, passages separated by empty lines.
//! With a second argument, also what was left out.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        return Err(io::Error::other("expected a file with a sentence a line"));
    };
    let explains = arguments.next().is_some();
    let text = std::fs::read_to_string(path)?;
    let mut out = io::stdout().lock();
    for passage in text.split("\n\n") {
        let mut sentences = Vec::new();
        let mut start = 0;
        for line in passage.split_inclusive('\n') {
            sentences.push(start..start + line.trim_end().len());
            start += line.len();
        }
        for (range, found) in sentences.iter().zip(question_rules::candidates(passage, &sentences)) {
            writeln!(out, "{}", &passage[range.clone()])?;
            for one in &found.questions {
                writeln!(out, "    {:?}: {} -> {}", one.rule, one.question, &passage[one.answer.clone()])?;
            }
            for left_out in found.left_out.iter().filter(|_| explains) {
                let rule = left_out.rule.map_or("sentence".into(), |rule| format!("{rule:?}"));
                writeln!(out, "    - {rule}: {}: {}", left_out.reason, &passage[left_out.bytes.clone()])?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
