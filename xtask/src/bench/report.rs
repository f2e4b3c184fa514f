//! The two outputs of a run: tables for the terminal and the CSV record, with what the tables rest on.

use std::path::Path;

use super::results::{Measured, Results, Summary, digits};
use super::targets::{TARGETS, Target};
use super::workloads::{Kind, training_flops};

/// Significant digits in the tables; the record has one more.
const DIGITS: i32 = 3;

/// The header of the record: quantity, object, value, unit, and a reference value.
const HEADER: [&str; 6] = ["what", "on", "value", "unit", "reference", "reference_value"];

type Row = [String; 6];

/// The tables for the terminal: facts, workloads and targets.
pub fn tables(results: &Results) -> String {
    let columns = |rows: Vec<Row>, count| rows.iter().map(|row| row[..count].to_vec()).collect();
    // The limit of a target, its last column, is part of its goal.
    let tables = [columns(facts(results), 3), workloads(results), columns(targets(results), 5)];
    tables.map(|rows: Vec<Vec<String>>| aligned(&rows)).join("\n")
}

/// A row per workload and program.
fn workloads(results: &Results) -> Vec<Vec<String>> {
    let header = ["workload", "program", "median (lowest–highest)", "", "/ ours", "of gemm", "others"];
    let mut rows = vec![header.map(String::from).to_vec()];
    for measured in &results.workloads {
        let workload = measured.workload;
        for (index, program) in results.programs.iter().enumerate() {
            let Some(summary) = measured.summary(index) else { continue };
            let ratio = measured.ratio(index).filter(|_| index > 0).map(median_and_range);
            let percent = |fraction: Option<f64>| {
                let fraction = fraction.filter(|_| index == 0);
                fraction.map(|f| format!("{:.0} %", 100.0 * f)).unwrap_or_default()
            };
            rows.push(vec![
                on(measured, workload.name),
                program.name.clone(),
                median_and_range(summary),
                workload.quantity().1.into(),
                ratio.unwrap_or_default(),
                percent(results.fraction_of_gemm(workload.name)),
                percent(measured.others),
            ]);
        }
    }
    rows
}

/// A name, and the configuration that was measured if the name does not determine it.
fn on(measured: &Measured, name: &str) -> String {
    format!("{name} {}", measured.config).trim_end().into()
}

fn median_and_range(Summary { median, low, high }: Summary) -> String {
    let [median, low, high] = [median, low, high].map(|value| digits(value, DIGITS));
    if low == high { median } else { format!("{median} ({low}–{high})") }
}

/// Rows as lines, each column as wide as its widest cell.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}  "));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// The record. Its format and its words are those of the committed records.
pub fn csv(results: &Results) -> String {
    let measured = results.workloads.iter().flat_map(|measured| measurements(results, measured));
    let rows = [HEADER.map(String::from)].into_iter().chain(facts(results));
    rows.chain(measured)
        .chain(targets(results))
        .map(|row| row.each_ref().map(|cell| quoted(cell)).join(",") + "\n")
        .collect()
}

/// The machine, the programs and how they were measured.
fn facts(results: &Results) -> Vec<Row> {
    let Results { machine, threads, repetitions, programs, .. } = results;
    let mut rows = vec![
        row("processor", "machine", &machine.model, ""),
        row("vectors", "machine", machine.vectors, ""),
        row("cores", "machine", &machine.cores.to_string(), ""),
        row("threads", "every program", &threads.to_string(), ""),
        row("rounds", "every work for workers", &repetitions.to_string(), ""),
    ];
    for program in programs {
        rows.push(row("version", &program.name, &program.version, ""));
        rows.extend(program.properties.iter().map(|(key, value)| row(key, &program.name, value, "")));
    }
    rows
}

fn targets(results: &Results) -> Vec<Row> {
    let row = |target: &Target| {
        let (quantity, unit) = target.quantity();
        let measured = target.measured(results).map(precise).unwrap_or_default();
        let mut row = row(&format!("target: {quantity}"), target.workload, &measured, unit);
        row[4] = format!("{}: {}", target.goal(), target.verdict(results));
        row[5] = target.limit().to_string();
        row
    };
    TARGETS.iter().map(row).collect()
}

/// The rows of one workload.
fn measurements(results: &Results, measured: &Measured) -> Vec<Row> {
    let workload = measured.workload;
    let (quantity, unit) = workload.quantity();
    let mut rows = Vec::new();
    if let Kind::Train(sizes) = &workload.kind {
        let operations = precise(training_flops(sizes) / 1e9);
        rows.push(row("nominal arithmetic of a training step", workload.name, &operations, "GFLOP"));
    }
    for (index, program) in results.programs.iter().enumerate() {
        let Some(summary) = measured.summary(index) else { continue };
        let on = on(measured, &format!("{} {}", workload.name, program.name));
        rows.extend(summary_rows(quantity, &on, summary, unit));
        if let Some(ratio) = measured.ratio(index).filter(|_| index > 0) {
            let what = format!("time of {} / ours", program.name);
            rows.extend(summary_rows(&what, workload.name, ratio, "times"));
        }
    }
    if let Some(others) = measured.others {
        let what = "others' processor time in the busiest round that counts";
        rows.push(row(what, workload.name, &precise(100.0 * others), "% of a core"));
    }
    if let Some(fraction) = results.fraction_of_gemm(workload.name) {
        let mut row = row("share of the gemm rate", workload.name, &precise(100.0 * fraction), "%");
        row[4] = "gemm GFLOP/s".into();
        row[5] = results.gemm_rate().map(precise).unwrap_or_default();
        rows.push(row);
    }
    rows
}

fn summary_rows(what: &str, on: &str, summary: Summary, unit: &str) -> [Row; 3] {
    let Summary { median, low, high } = summary;
    [("median", median), ("lowest", low), ("highest", high)]
        .map(|(which, value)| row(&format!("{what} ({which})"), on, &precise(value), unit))
}

fn row(what: &str, on: &str, value: &str, unit: &str) -> Row {
    [what, on, value, unit, "", ""].map(String::from)
}

fn precise(value: f64) -> String {
    digits(value, DIGITS + 1)
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into() }
}

/// Writes a record; an older one stays until the new one is complete.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let new = path.with_extension("csv.new");
    let written = std::fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| std::fs::write(&new, text))
        .and_then(|()| std::fs::rename(&new, path));
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::results::example;
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "ü–"], ["long", "x"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(aligned(&rows), "a     ü–\nlong  x\n");
    }

    #[test]
    fn a_workload_is_a_line_per_program_with_its_ratio() {
        let text = tables(&example());
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        let lines: Vec<String> = lines.collect();
        for line in [
            "library PyTorch PyTorch's, own",
            "gemm Pastiche 200 (190–201) GFLOP/s 2 %",
            "train-lstm-32 Pastiche 10.0 (9.00–12.0) ms 80 %",
            "train-lstm-32 PyTorch 18.0 (17.0–18.0) ms 1.80 (1.50–1.89)",
            "train-lstm-32 Keras 31.0 (30.0–33.0) ms 3.10 (2.75–3.44)",
            "generate-1 PyTorch 0.340 (0.300–0.360) ms 3.40 (3.00–3.60)",
            "peak-memory keras-baseline.toml Pastiche 151 MB",
        ] {
            assert!(lines.iter().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("generate-1  Keras"));
    }

    #[test]
    fn a_target_is_a_line_that_ends_in_its_verdict() {
        let text = tables(&example());
        let verdict = |quantity: &str, workload: &str| {
            let mut lines = text.lines().filter(|line| line.contains(workload));
            let line = lines.find(|line| line.starts_with("target: ") && line.contains(quantity));
            line.unwrap().rsplit(": ").next().unwrap().to_string()
        };
        assert_eq!(verdict("time of PyTorch / ours", "train-lstm-32"), "met");
        assert_eq!(verdict("time of Keras / ours", "train-lstm-32"), "missed");
        assert_eq!(verdict("at most 150 MB", "peak-memory"), "missed");
        assert_eq!(verdict("at least 60 MB/s", "prepare"), "not measured");
    }

    #[test]
    fn the_record_is_complete() {
        let text = csv(&example());
        for line in [
            "what,on,value,unit,reference,reference_value",
            "processor,machine,AMD EPYC,,,",
            "threads,every program,2,,,",
            "version,Keras,1.5,,,",
            "library,PyTorch,\"PyTorch's, own\",,,",
            "nominal arithmetic of a training step,train-lstm-32,1.605,GFLOP,,",
            "time of a training step (median),train-lstm-32 Pastiche,10.00,ms,,",
            "time of a training step (highest),train-lstm-32 Keras,33.00,ms,,",
            "time of PyTorch / ours (median),train-lstm-32,1.800,times,,",
            "time of PyTorch / ours (lowest),train-lstm-32,1.500,times,,",
            "others' processor time in the busiest round that counts,gemm,2.500,% of a core,,",
            "share of the gemm rate,train-lstm-32,80.24,%,gemm GFLOP/s,200.0",
            "peak resident memory of training (median),peak-memory Pastiche keras-baseline.toml,151.0,MB,,",
            "target: time of PyTorch / ours,train-lstm-32,1.800,times,at least 1.6 times: met,1.6",
            "target: share of the gemm rate,train-lstm-32,80.24,%,at least 60 %: met,60",
            "target: preparation by words,prepare,,MB/s,at least 60 MB/s: not measured,60",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        let commas = |line: &str| line.replace("\"PyTorch's, own\"", "").matches(',').count();
        let odd = text.lines().find(|line| !line.contains("'s, own") && commas(line) != 5);
        assert_eq!(odd, None);
    }

    #[test]
    fn cells_with_commas_and_quotes_are_quoted() {
        assert_eq!(quoted("a, b"), "\"a, b\"");
        assert_eq!(quoted("the \"best\""), "\"the \"\"best\"\"\"");
        assert_eq!(quoted("plain"), "plain");
    }

    #[test]
    fn a_record_is_replaced_atomically() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("machine/2026-11-24-bench.csv");
        write(&path, "first, and long\n").unwrap();
        write(&path, "second\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second\n");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
