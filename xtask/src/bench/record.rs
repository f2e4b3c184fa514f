//! What was measured, for the archive: a CSV with everything the tables show, and what they rest on.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::results::{Done, Results};
use super::statistics::{self, Summary};
use super::targets::TARGETS;
use super::works::{Kind, training_flops};

const HEAD: [&str; 6] = ["what", "on", "value", "unit", "reference", "reference_value"];

/// Digits that count.
const DIGITS: i32 = 4;

type Row = [String; 6];

/// The whole record.
pub fn csv(results: &Results) -> String {
    let mut rows = circumstances(results);
    for done in &results.works {
        rows.extend(numbers(results, done));
    }
    for target in &TARGETS {
        let (unit, factor) = target.unit();
        let found = target.found(results).map(|found| digits(found * factor));
        let reference = format!("{}: {}", target.aim(), target.verdict(results));
        let number = target.number().to_string();
        let what = format!("target: {}", target.what());
        rows.push(row(&what, target.work(), found.unwrap_or_default(), unit, &reference, number));
    }
    let lines = std::iter::once(HEAD.map(String::from)).chain(rows);
    lines.map(|row| row.each_ref().map(|cell| quoted(cell)).join(",") + "\n").collect()
}

/// Writes a record whole: an older one stays until the new one is complete.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let beside = path.with_extension("csv.new");
    let written = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    written().map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// Who was measured, where and how.
fn circumstances(results: &Results) -> Vec<Row> {
    let plain = |what: &str, on: &str, value: String| row(what, on, value, "", "", String::new());
    let mut rows = vec![
        plain("processor", "machine", results.machine.model.clone()),
        plain("vectors", "machine", results.machine.vectors.into()),
        plain("cores", "machine", results.machine.cores.to_string()),
        plain("threads", "every program", results.threads.to_string()),
        plain("rounds", "every work for workers", results.repetitions.to_string()),
    ];
    for program in &results.programs {
        rows.push(plain("version", &program.name, program.version.clone()));
        for (key, value) in &program.further {
            rows.push(plain(key, &program.name, value.clone()));
        }
    }
    rows
}

/// All numbers of one work.
fn numbers(results: &Results, done: &Done) -> Vec<Row> {
    let work = done.work;
    let mut rows = Vec::new();
    if let Kind::Train(network) = &work.kind {
        let arithmetic = digits(training_flops(network) / 1e9);
        let what = "nominal arithmetic of a training step";
        rows.push(row(what, work.name, arithmetic, "GFLOP", "", String::new()));
    }
    for (at, program) in results.programs.iter().enumerate() {
        let Some(summary) = done.of(at) else { continue };
        let mut on = format!("{} {}", work.name, program.name);
        if !done.on.is_empty() {
            on += &format!(" {}", done.on);
        }
        rows.extend(spread(work.quantity(), &on, summary, work.unit()));
        if let Some(ratio) = done.ratio(at).filter(|_| at > 0) {
            let what = format!("time of {} / ours", program.name);
            rows.extend(spread(&what, work.name, ratio, "times"));
        }
    }
    if let Some(others) = done.others {
        let percent = digits(100.0 * others);
        let what = "others' processor time in the busiest round that counts";
        rows.push(row(what, work.name, percent, "% of a core", "", String::new()));
    }
    if let Some(share) = results.share(work.name) {
        let share = digits(100.0 * share);
        let gemm = results.ours("gemm").map(|gemm| digits(gemm.median)).unwrap_or_default();
        rows.push(row("share of the gemm rate", work.name, share, "%", "gemm GFLOP/s", gemm));
    }
    rows
}

fn spread(what: &str, on: &str, summary: Summary, unit: &str) -> [Row; 3] {
    let Summary { median, low, high } = summary;
    [("median", median), ("lowest", low), ("highest", high)].map(|(which, value)| {
        row(&format!("{what} ({which})"), on, digits(value), unit, "", String::new())
    })
}

fn row(what: &str, on: &str, value: String, unit: &str, aside: &str, aside_value: String) -> Row {
    [what.into(), on.into(), value, unit.into(), aside.into(), aside_value]
}

fn digits(value: f64) -> String {
    statistics::digits(value, DIGITS)
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::example;
    use super::*;

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
            "peak resident memory of training (median),peak-memory Pastiche aesop.toml,151.0,MB,,",
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
    fn cells_that_would_be_read_as_two_are_quoted() {
        assert_eq!(quoted("a, b"), "\"a, b\"");
        assert_eq!(quoted("the \"best\""), "\"the \"\"best\"\"\"");
        assert_eq!(quoted("plain"), "plain");
    }

    #[test]
    fn a_record_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("machine/2026-11-24-bench.csv");
        write(&path, "first, and long\n").unwrap();
        write(&path, "second\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second\n");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
