//! What was measured, for people: a line a work, a line a target.

use super::results::{Done, Results};
use super::statistics::{self, Summary};
use super::targets::TARGETS;

/// Digits that count; the record has one more.
const DIGITS: i32 = 3;

/// Both tables.
pub fn render(results: &Results) -> String {
    let Results { machine, threads, repetitions, .. } = results;
    let mut text = format!(
        "{}, {threads} threads; medians of {repetitions} rounds (lowest–highest)\n",
        machine.model
    );
    for program in &results.programs {
        let further: Vec<String> =
            program.further.iter().map(|(key, value)| format!(", {key} {value}")).collect();
        text += &format!("{} {}{}\n", program.name, program.version, further.concat());
    }
    text += "\n";
    text += &columns(&works(results));
    text += "\n";
    text += &columns(&targets(results));
    text
}

fn works(results: &Results) -> Vec<Vec<String>> {
    let mut head = vec!["work".to_string(), String::new()];
    for (at, program) in results.programs.iter().enumerate() {
        head.push(program.name.clone());
        if at > 0 {
            head.push("/ ours".into());
        }
    }
    head.extend(["of gemm", "others"].map(String::from));
    let mut rows = vec![head];
    for done in &results.works {
        let name = if done.on.is_empty() { "" } else { " on " };
        let name = format!("{}{name}{}", done.work.name, done.on);
        let mut row = vec![name, done.work.unit().into()];
        for at in 0..results.programs.len() {
            row.push(cell(done, at));
            if at > 0 {
                row.push(done.ratio(at).map(spread).unwrap_or_default());
            }
        }
        let share = results.share(done.work.name);
        for share in [share, done.others] {
            row.push(share.map(|share| format!("{:.0} %", 100.0 * share)).unwrap_or_default());
        }
        rows.push(row);
    }
    rows
}

fn cell(done: &Done, program: usize) -> String {
    match done.of(program) {
        Some(summary) => spread(summary),
        None if program == 0 || done.work.is_for_all() => "–".into(),
        None => String::new(),
    }
}

fn digits(value: f64) -> String {
    statistics::digits(value, DIGITS)
}

fn spread(Summary { median, low, high }: Summary) -> String {
    if low == high {
        return digits(median);
    }
    format!("{} ({}–{})", digits(median), digits(low), digits(high))
}

fn targets(results: &Results) -> Vec<Vec<String>> {
    let mut rows = vec![["target", "of", "aim", "found", ""].map(String::from).to_vec()];
    for target in &TARGETS {
        rows.push(vec![
            target.work().into(),
            target.what(),
            target.aim(),
            target.told(results),
            target.verdict(results).into(),
        ]);
    }
    rows
}

/// Rows as lines, each column as wide as its widest cell.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text += cells.join("  ").trim_end();
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results::example;
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["a", "ü–"], ["long", "x"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(columns(&rows), "a     ü–\nlong  x\n");
    }

    #[test]
    fn a_work_is_a_line_with_every_program_and_its_ratio() {
        let text = render(&example());
        let line = |start: &str| {
            let line = text.lines().find(|line| line.starts_with(start)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            line("train-lstm-32 "),
            "train-lstm-32 ms 10.0 (9.00–12.0) 18.0 (17.0–18.0) 1.80 (1.50–1.89) 31.0 (30.0–33.0) \
             3.10 (2.75–3.44) 80 %"
        );
        assert_eq!(
            line("generate-1 "),
            "generate-1 ms 0.100 0.340 (0.300–0.360) 3.40 (3.00–3.60) –"
        );
        assert_eq!(line("peak-memory on"), "peak-memory on aesop.toml MB 151");
        assert_eq!(line("gemm "), "gemm GFLOP/s 200 (190–201) 2 %");
        assert_eq!(line("PyTorch 1.5"), "PyTorch 1.5, library PyTorch's, own");
    }

    #[test]
    fn a_target_is_a_line_that_ends_in_its_verdict() {
        let text = render(&example());
        let verdict = |what: &str, work: &str| {
            let mut lines = text.lines().filter(|line| line.starts_with(work));
            let line = lines.find(|line| line.contains(what)).unwrap();
            line.rsplit("  ").next().unwrap().to_string()
        };
        assert_eq!(verdict("time of PyTorch / ours", "train-lstm-32"), "met");
        assert_eq!(verdict("time of Keras / ours", "train-lstm-32"), "missed");
        assert_eq!(verdict("at most 150 MB", "peak-memory"), "missed");
        assert_eq!(verdict("at least 60 MB/s", "prepare"), "not measured");
    }
}
