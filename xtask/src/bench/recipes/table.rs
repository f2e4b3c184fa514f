//! The results as a Markdown table: a row per text, a column per configuration, bits per byte.

use serde_json::{Map, Value};

use super::inputs::{AUTOMATIC, Text};
use crate::bench::results::summary;

/// The results on one text.
pub struct Row<'a> {
    /// The text
    pub text: &'a Text,
    /// For each configuration the lines of the record, one per random seed
    pub cells: Vec<Vec<&'a Map<String, Value>>>,
}

/// The table; values are medians over the random seeds, the best of each row in bold. The last column compares the
/// automatic configuration with the best of the others.
pub fn markdown(configs: &[&str], rows: &[Row]) -> String {
    let compared = configs.contains(&AUTOMATIC) && configs.len() > 1;
    let last = compared.then_some("automatic to the best other");
    let names = ["text", "bytes", "counting"].into_iter().chain(configs.iter().copied()).chain(last);
    let names: Vec<String> = names.map(String::from).collect();
    let rule = vec!["---".to_string(); names.len()];
    let rows = rows.iter().map(|row| {
        let mut cells = vec![row.text.name.replace('|', "\\|"), row.text.bytes.to_string()];
        cells.extend(row.bits_per_byte());
        cells.extend(compared.then(|| row.automatic_to_best_other(configs)));
        cells
    });
    [names, rule].into_iter().chain(rows).map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
}

impl Row<'_> {
    /// The cells of counting and of the configurations.
    fn bits_per_byte(&self) -> Vec<String> {
        let all: Vec<_> = self.cells.iter().flatten().copied().collect();
        let medians = || [median(&all, "counting_bits_per_byte")].into_iter().chain(self.medians());
        let best = medians().flatten().fold(f64::INFINITY, f64::min);
        let cell = |(value, lines): (Option<f64>, &[&Map<String, Value>])| {
            let failed = lines.iter().filter(|line| failed(line)).count();
            match value {
                None if failed > 0 => "failed".into(),
                None => "–".into(),
                Some(value) => {
                    let mark = if value == best { "**" } else { "" };
                    let done = lines.len() - failed;
                    let of = if failed > 0 { &format!(" ({done} of {})", lines.len()) } else { "" };
                    format!("{mark}{value:.3}{mark}{of}")
                }
            }
        };
        let lines = [&[][..]].into_iter().chain(self.cells.iter().map(Vec::as_slice));
        medians().zip(lines).map(cell).collect()
    }

    /// By how much the automatic configuration has more bits per byte than the best other one.
    fn automatic_to_best_other(&self, configs: &[&str]) -> String {
        let values = || configs.iter().zip(self.medians());
        let automatic = values().find(|(name, _)| **name == AUTOMATIC).and_then(|(_, value)| value);
        let others = values().filter(|(name, _)| **name != AUTOMATIC).filter_map(|(_, value)| value);
        let percent = automatic.zip(others.min_by(f64::total_cmp)).map(|(own, best)| 100.0 * (own / best - 1.0));
        percent.map_or("–".into(), |percent| format!("{percent:+.1} %"))
    }

    fn medians(&self) -> impl Iterator<Item = Option<f64>> {
        self.cells.iter().map(|lines| median(lines, "bits_per_byte"))
    }
}

fn median(lines: &[&Map<String, Value>], name: &str) -> Option<f64> {
    let values: Vec<f64> = lines.iter().filter_map(|line| line.get(name)?.as_f64()).collect();
    Some(summary(&values)?.median)
}

fn failed(line: &Map<String, Value>) -> bool {
    line.contains_key("error")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::object;
    use super::*;

    fn text() -> Text {
        Text { path: "a.txt".into(), name: "a.txt".into(), bytes: 12_113, sha256: None }
    }

    fn line(bits: f64) -> Map<String, Value> {
        object(json!({"bits_per_byte": bits, "counting_bits_per_byte": 1.875}))
    }

    /// The cells of the row of `text` with these lines.
    fn cells(configs: &[&str], lines: &[Vec<Map<String, Value>>]) -> Vec<String> {
        let text = text();
        let row = Row { text: &text, cells: lines.iter().map(|lines| lines.iter().collect()).collect() };
        let table = markdown(configs, &[row]);
        let row = table.lines().nth(2).unwrap();
        row.trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect()
    }

    #[test]
    fn a_row_has_counting_and_medians_and_the_best_in_bold() {
        let lines = [vec![line(2.5), line(1.75), line(2.0)], vec![line(1.5)], vec![line(1.53)]];
        let found = cells(&["small", "large", AUTOMATIC], &lines);
        assert_eq!(found, ["a.txt", "12113", "1.875", "2.000", "**1.500**", "1.530", "+2.0 %"]);
        let found = cells(&["small"], &lines[..1]);
        assert_eq!(found, ["a.txt", "12113", "**1.875**", "2.000"]);
    }

    #[test]
    fn failed_and_missing_runs_are_named() {
        let failed = || object(json!({"error": "the text is too short"}));
        let unknown = object(json!({"bits_per_byte": null, "valid_loss_nats_per_token": 4.0}));
        let lines = [vec![line(1.5), failed()], vec![failed()], vec![unknown], vec![]];
        let found = cells(&["a", "b", "c", AUTOMATIC], &lines);
        assert_eq!(found[3..], ["**1.500** (1 of 2)", "failed", "–", "–", "–"]);
    }

    #[test]
    fn the_table_is_markdown() {
        let table = markdown(&["small", AUTOMATIC], &[]);
        let header = "| text | bytes | counting | small | automatic | automatic to the best other |\n";
        assert_eq!(table, format!("{header}|{}\n", " --- |".repeat(6)));
    }
}
