//! The two outputs of a run: tables for the terminal and the CSV record, with what the tables rest on.

use std::path::Path;

use super::results::{FMA, GEMM_RATE, Measured, Results, Summary, digits};
use super::targets::{TARGETS, Target};
use super::workloads::{Kind, training_flops};

/// Significant digits in the tables; the record has one more.
const DIGITS: i32 = 3;

/// The header of the record: quantity, object, value, unit, and a reference value.
const HEADER: [&str; 6] = ["what", "on", "value", "unit", "reference", "reference_value"];

/// A line of the record, with the columns of [`HEADER`].
pub type Row = [String; 6];

/// The tables for the terminal: facts, workloads and targets.
pub fn tables(results: &Results) -> String {
    let columns = |rows: Vec<Row>, count| rows.iter().map(|row| row[..count].to_vec()).collect();
    // The limit of a target, its last column, is part of its goal.
    let tables = [columns(facts(results), 3), workloads(results), columns(targets(results), 5)];
    tables.map(|rows: Vec<Vec<String>>| aligned(&rows)).join("\n")
}

/// A row per workload and program.
fn workloads(results: &Results) -> Vec<Vec<String>> {
    let header = [
        "workload",
        "program",
        "median (lowest–highest)",
        "",
        "/ ours",
        "/ ours, fastest quarter",
        "of FMA peak",
        "tokens/s",
        "others",
    ];
    let mut rows = vec![header.map(String::from).to_vec()];
    for measured in &results.workloads {
        let workload = measured.workload;
        for (index, program) in results.programs.iter().enumerate() {
            let Some(summary) = measured.summary(index) else { continue };
            let ratio = measured.ratio(index).filter(|_| index > 0).map(median_and_range);
            let fastest = measured.fastest_ratio(index).filter(|_| index > 0);
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
                fastest.map(|ratio| digits(ratio, DIGITS)).unwrap_or_default(),
                percent(results.fraction_of(FMA, workload.name)),
                measured.tokens_per_second(index).map(|rate| format!("{rate:.0}")).unwrap_or_default(),
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
pub fn aligned(rows: &[Vec<String>]) -> String {
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
    lines(facts(results).into_iter().chain(measured).chain(targets(results)))
}

/// The text of a record with these rows.
pub fn lines(rows: impl IntoIterator<Item = Row>) -> String {
    let rows = [HEADER.map(String::from)].into_iter().chain(rows);
    rows.map(|row| row.each_ref().map(|cell| quoted(cell)).join(",") + "\n").collect()
}

/// The machine, the programs and how they were measured.
pub fn facts(results: &Results) -> Vec<Row> {
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
        row[4] = format!("{}: {}", target.goal(results), target.verdict(results));
        row[5] = target.limit(results).to_string();
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
        if let Some(rate) = measured.tokens_per_second(index) {
            rows.push(row("training tokens per second (median)", &on, &precise(rate), "tokens/s"));
        }
        if let Some(ratio) = measured.ratio(index).filter(|_| index > 0) {
            let what = format!("time of {} / ours", program.name);
            rows.extend(summary_rows(&what, workload.name, ratio, "times"));
            let fastest = measured.fastest_ratio(index).map(precise).unwrap_or_default();
            rows.push(row(&format!("{what} (fastest quarter of rounds)"), workload.name, &fastest, "times"));
        }
    }
    if let Some(others) = measured.others {
        let what = "others' processor time in the busiest round that counts";
        rows.push(row(what, workload.name, &precise(100.0 * others), "% of a core"));
    }
    // The share of the gemm rate compares with records from before the FMA peak was measured.
    for (what, reference) in [("share of the FMA peak", FMA), ("share of the gemm rate", GEMM_RATE)] {
        if let Some(fraction) = results.fraction_of(reference, workload.name) {
            let mut row = row(what, workload.name, &precise(100.0 * fraction), "%");
            row[4] = format!("{reference} GFLOP/s");
            row[5] = results.rate(reference).map(precise).unwrap_or_default();
            rows.push(row);
        }
    }
    rows
}

fn summary_rows(what: &str, on: &str, summary: Summary, unit: &str) -> [Row; 3] {
    let Summary { median, low, high } = summary;
    [("median", median), ("lowest", low), ("highest", high)]
        .map(|(which, value)| row(&format!("{what} ({which})"), on, &precise(value), unit))
}

/// A line without a reference.
pub fn row(what: &str, on: &str, value: &str, unit: &str) -> Row {
    [what, on, value, unit, "", ""].map(String::from)
}

/// A value of the record.
pub fn precise(value: f64) -> String {
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
            "fma Pastiche 400 (390–402) GFLOP/s 2 %",
            "train-lstm-32 Pastiche 10.0 (9.00–12.0) ms 40 %",
            "train-lstm-32 PyTorch 18.0 (17.0–18.0) ms 1.80 (1.50–1.89) 1.89",
            "train-lstm-32 Keras 31.0 (30.0–33.0) ms 3.10 (2.75–3.44) 3.33",
            "train-words-2x200 Pastiche 200 (190–220) ms 14 % 3500",
            "train-words-2x200 PyTorch 280 (270–290) ms 1.40 (1.32–1.42) 1.42 2500",
            "generate-1 PyTorch 0.340 (0.300–0.360) ms 3.40 (3.00–3.60) 3.00",
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
        assert_eq!(verdict("at most 120 MB", "peak-memory"), "missed");
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
            "time of PyTorch / ours (fastest quarter of rounds),train-lstm-32,1.889,times,,",
            "others' processor time in the busiest round that counts,fma,2.500,% of a core,,",
            "share of the FMA peak,train-lstm-32,40.12,%,fma GFLOP/s,400.0",
            "share of the gemm rate,train-lstm-32,80.24,%,gemm GFLOP/s,200.0",
            "nominal arithmetic of a training step,train-words-2x200,11.09,GFLOP,,",
            "training tokens per second (median),train-words-2x200 Pastiche,3500,tokens/s,,",
            "peak resident memory of training (median),peak-memory Pastiche keras-baseline.toml,151.0,MB,,",
            "target: time of PyTorch / ours,train-lstm-32,1.800,times,at least 1.7 times: met,1.7",
            "target: share of the FMA peak,train-lstm-32,40.12,%,at least 45 %: missed,45",
            "target: preparation by words,prepare,,MB/s,at least 60 MB/s: not measured,60",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        let commas = |line: &str| line.replace("\"PyTorch's, own\"", "").matches(',').count();
        let odd = text.lines().find(|line| !line.contains("'s, own") && commas(line) != 5);
        assert_eq!(odd, None);
    }

    #[test]
    fn new_and_committed_records_have_the_same_columns() {
        // The cells of a line: a comma within quotes separates none.
        let cells = |line: &str| {
            let parts: Vec<&str> = line.split('"').collect();
            1 + parts.iter().step_by(2).map(|part| part.matches(',').count()).sum::<usize>()
        };
        let mut records = vec![csv(&example())];
        for machine in std::fs::read_dir(crate::cargo::root().join("benchmarks/record")).unwrap() {
            // Besides the folders of machines there may be other files.
            let Ok(files) = std::fs::read_dir(machine.unwrap().path()) else { continue };
            let paths = files.map(|file| file.unwrap().path());
            let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "csv"));
            records.extend(paths.map(|path| std::fs::read_to_string(path).unwrap()));
        }
        assert!(records.len() > 1);
        for record in records {
            assert_eq!(record.lines().next(), Some(HEADER.join(",").as_str()));
            let odd = record.lines().find(|line| cells(line) != HEADER.len());
            assert_eq!(odd, None);
        }
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
