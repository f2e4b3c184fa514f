//! `cargo xtask bench recipes`: trains each configuration on each text for the same time, records the results, and prints
//! them as a table. What is recorded already is not measured again, so that an interrupted measurement continues.

mod inputs;
mod outcome;
mod planned;
mod record;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use args::BackendArgs;
use serde_json::{Map, Value, json};

use self::inputs::{Config, Text};
use self::record::Record;
use self::table::Row;
use super::cpu_contention::CpuTimes;
use super::machine::{Machine, today};
use super::process::{finish, start};
use super::program::Program;
use crate::{cargo, output};

/// The time between two reads of the CPU times of a training process.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Arguments of `bench recipes`.
#[derive(clap::Args, Clone, Debug)]
pub struct Recipes {
    /// Minutes of each run
    #[arg(long, value_name = "N", default_value = "3", value_parser = minutes)]
    minutes: f64,
    /// A text; may be given several times [default: all in benchmarks/texts]
    #[arg(long, value_name = "FILE")]
    text: Vec<PathBuf>,
    /// A configuration: a file, the name of one in benchmarks/recipes, `automatic` for none, or `automatic-no-base` for none
    /// and `--no-base`; may be given several times [default: all in benchmarks/recipes, and both automatic ones]
    #[arg(long, value_name = "FILE")]
    config: Vec<String>,
    /// The random seeds
    #[arg(long, value_name = "N,N", default_value = "1,2,3", value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Number of threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub threads: Option<u64>,
    /// Measure what is recorded already, too; the table has the newest results
    #[arg(long)]
    again: bool,
    /// Plan all runs first, one plan for the random seeds of a text and a configuration, and then train so many runs at a time
    /// with one thread each, which on a CPU does not change their results [default: each run is planned and trained alone]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// Backend and device
    #[command(flatten)]
    pub backend: BackendArgs,
}

fn minutes(word: &str) -> Result<f64, String> {
    let minutes = word.parse().ok().filter(|minutes| (0.01..=1440.0).contains(minutes));
    minutes.ok_or_else(|| "expected minutes from 0.01 to 1440, such as 3".into())
}

/// The texts, configurations and random seeds, all combinations of which are measured.
#[derive(Debug)]
pub struct Comparison {
    texts: Vec<Text>,
    configs: Vec<Config>,
    seeds: Vec<u64>,
    minutes: f64,
    again: bool,
    /// How many runs are trained at a time, by plans that are made before; `None` if each run is planned and trained alone
    jobs: Option<usize>,
}

/// One run.
#[derive(Clone, Copy)]
struct Run<'a> {
    text: &'a Text,
    config: &'a Config,
    seed: u64,
}

/// What was measured of a process, as fields of the record.
struct Usage {
    wall_seconds: Value,
    /// How many cores other programs used meanwhile
    others: Value,
}

impl Run<'_> {
    /// The run in messages.
    fn name(&self) -> String {
        format!("{}, {}, seed {}", self.text.name, self.config.name, self.seed)
    }

    /// Whether only the random seed may be another one.
    fn has_plan_of(&self, other: &Run) -> bool {
        self.text == other.text && self.config == other.config
    }
}

impl Comparison {
    /// Reads the texts and looks for the configurations.
    ///
    /// # Errors
    /// If one does not exist.
    pub fn new(options: &Recipes) -> Result<Self, String> {
        let Recipes { minutes, again, jobs, ref text, ref config, ref seeds, .. } = *options;
        let (texts, configs) = (inputs::texts(cargo::root(), text)?, inputs::configs(cargo::root(), config)?);
        Ok(Self { texts, configs, seeds: seeds.clone(), minutes, again, jobs: jobs.map(|jobs| jobs as usize) })
    }

    /// Measures what is not recorded, records it, and prints the table.
    ///
    /// # Errors
    /// If the record cannot be read or written; a failed run is recorded.
    pub fn run(&self, program: &Program, machine: &Machine) -> Result<(), String> {
        let mut record = Record::open(&cargo::root().join(super::RECORDS).join(record_name(machine)))?;
        let is_left = |run: &Run| self.again || record.find(&self.key(run, program)).is_none();
        let left: Vec<Run> = self.runs().filter(is_left).collect();
        let hours = left.len() as f64 * self.minutes / 60.0;
        let (all, count) = (self.runs().count(), left.len());
        output::status(format_args!("runs left: {count} of {all}, {hours:.1} hours of training"));
        let mut failed = 0;
        let mut append = |line: Map<String, Value>| {
            if let Some(error) = line.get("error").and_then(Value::as_str) {
                failed += 1;
                output::status(format_args!("  error: {error}"));
            }
            record.append(line)
        };
        if let Some(jobs) = self.jobs {
            self.run_planned(&left, jobs, program, append)?;
        } else {
            for (index, run) in left.iter().enumerate() {
                output::status(format_args!("{} of {count}: {}", index + 1, run.name()));
                append(self.line(run, program, |folder| self.train(run, program, folder)))?;
            }
        }
        output::print(self.table(&record, program));
        output::print(record.path().display());
        if failed > 0 {
            output::status(format_args!("warning: failed runs: {failed}; their errors are in the record"));
        }
        Ok(())
    }

    /// All runs: those of the first seed first, so that an interrupted measurement has results of every text.
    fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        let of_seed = move |seed| {
            let of_text = move |text| self.configs.iter().map(move |config| Run { text, config, seed });
            self.texts.iter().flat_map(of_text)
        };
        self.seeds.iter().flat_map(move |&seed| of_seed(seed))
    }

    /// The fields that identify a run in the record.
    fn key(&self, run: &Run, program: &Program) -> Map<String, Value> {
        let Text { name, bytes, sha256, .. } = run.text;
        object(json!({
            "text": name,
            "bytes": bytes,
            "text_sha256": sha256,
            "config": run.config.name,
            "seed": run.seed,
            "minutes": self.minutes,
            "backend": program.backend.name(),
            "threads": program.threads,
            "jobs": self.jobs,
        }))
    }

    /// The line for the record of a run that `train` trains in an empty folder.
    fn line(
        &self,
        run: &Run,
        program: &Program,
        train: impl FnOnce(&Path) -> Result<Map<String, Value>, String>,
    ) -> Map<String, Value> {
        let mut line = self.key(run, program);
        line.insert("date".into(), json!(today()));
        let folder = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"));
        match folder.and_then(|folder| train(folder.path())) {
            Ok(outcome) => line.extend(outcome),
            Err(error) => {
                line.insert("error".into(), json!(error));
            }
        }
        line
    }

    /// A command that plans a run for the time, and trains it unless it gets `--dry-run`.
    fn command(&self, run: &Run, program: &Program) -> Command {
        let mut train = program.command();
        train.args(["train", "--no-tui", "--minutes", &self.minutes.to_string()]);
        train.args(["--set", &format!("seed={}", run.seed), "--text"]).arg(&run.text.path);
        match &run.config.path {
            Some(path) => {
                train.arg("--config").arg(path);
            }
            None if run.config.name == inputs::NO_BASE => {
                train.arg("--no-base");
            }
            None => {}
        }
        program.on_device(&mut train);
        train
    }

    /// Trains a model in an empty folder and reads the results.
    fn train(&self, run: &Run, program: &Program, folder: &Path) -> Result<Map<String, Value>, String> {
        let mut train = self.command(run, program);
        results(train.args(["--out", "run"]).stdout(Stdio::null()), folder)
    }

    /// The table of the newest results of these runs.
    fn table(&self, record: &Record, program: &Program) -> String {
        let lines = |text, config| {
            let of_seed = |&seed| record.find(&self.key(&Run { text, config, seed }, program));
            self.seeds.iter().filter_map(of_seed).collect()
        };
        let row = |text| Row { text, cells: self.configs.iter().map(|config| lines(text, config)).collect() };
        let rows: Vec<Row> = self.texts.iter().map(row).collect();
        let configs: Vec<&str> = self.configs.iter().map(|config| config.name.as_str()).collect();
        table::markdown(&configs, &rows)
    }
}

/// Runs a command that trains into `run` in an empty folder, and reads the results.
fn results(train: &mut Command, folder: &Path) -> Result<Map<String, Value>, String> {
    let usage = run_process(train, folder)?;
    let mut line = outcome::read(&folder.join("run"))?;
    line.insert("wall_seconds".into(), usage.wall_seconds);
    line.insert("cores_of_other_programs".into(), usage.others);
    Ok(line)
}

/// Runs a command in a folder to its end; its messages are written to `log`.
fn run_process(command: &mut Command, folder: &Path) -> Result<Usage, String> {
    let log = folder.join("log");
    let (before, started) = (CpuTimes::now(&[]), Instant::now());
    let mut child = start(command, folder, &log)?;
    let mut after = None;
    finish(&mut child, &log, POLL_INTERVAL, |id| after = CpuTimes::now(&[id]).or(after))?;
    let wall_seconds = started.elapsed().as_secs_f64();
    let others = before.zip(after).map(|(before, after)| before.others_until(&after));
    Ok(Usage {
        wall_seconds: json!(rounded(wall_seconds, 10.0)),
        others: json!(others.map(|others| rounded(others, 100.0))),
    })
}

/// The file's name in the folder of the records.
fn record_name(machine: &Machine) -> String {
    format!("recipes-{}.jsonl", machine.name())
}

/// `value` to a multiple of 1 / `per_unit`.
fn rounded(value: f64, per_unit: f64) -> f64 {
    (value * per_unit).round() / per_unit
}

/// The fields of a JSON object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        recipes: Recipes,
    }

    fn options(words: &[&str]) -> Result<Recipes, clap::Error> {
        Cli::try_parse_from([&["recipes"], words].concat()).map(|cli| cli.recipes)
    }

    #[test]
    fn the_defaults_are_three_minutes_and_three_seeds() {
        let defaults = options(&[]).unwrap();
        assert_eq!((defaults.jobs, options(&["--jobs", "2"]).unwrap().jobs), (None, Some(2)));
        assert_eq!((defaults.minutes, defaults.seeds.as_slice(), defaults.again), (3.0, &[1, 2, 3][..], false));
        let given = options(&["--minutes", "0.5", "--seeds", "4,5", "--text", "a", "--text", "b"]).unwrap();
        assert_eq!((given.minutes, given.seeds.len(), given.text.len()), (0.5, 2, 2));
        for wrong in [["--minutes", "0"], ["--minutes", "nan"], ["--seeds", "1,x"], ["--threads", "0"], ["--jobs", "0"]]
        {
            assert!(options(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn missing_inputs_are_reported_before_anything_is_measured() {
        let error = |words: &[&str]| Comparison::new(&options(words).unwrap()).unwrap_err();
        assert!(error(&["--text", "nowhere.txt"]).contains("nowhere.txt"));
        let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert!(error(&["--text", text, "--config", "nothing"]).contains("characters-lstm-256"));
    }

    #[cfg(unix)]
    mod with_scripts {
        use super::super::*;

        /// `sh` in place of `pastiche`: `sh train …` runs the script `train` in the working directory.
        fn train(script: &str) -> Result<Map<String, Value>, String> {
            train_with(Config { name: "small".into(), path: Some("small.toml".into()) }, script)
        }

        fn train_with(config: Config, script: &str) -> Result<Map<String, Value>, String> {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("train"), script).unwrap();
            let program = Program::of_scripts();
            let text = Text { path: "a b.txt".into(), name: "a b.txt".into(), bytes: 5, sha256: None };
            let (texts, configs, seeds) = (Vec::new(), Vec::new(), Vec::new());
            let comparison = Comparison { texts, configs, seeds, minutes: 0.5, again: false, jobs: None };
            comparison.train(&Run { text: &text, config: &config, seed: 7 }, &program, folder.path())
        }

        #[test]
        fn the_results_of_a_training_process_are_read() {
            let script = r#"
                [ "$*" = "--no-tui --minutes 0.5 --set seed=7 --text a b.txt --config small.toml --out run" ] || exit 3
                mkdir run
                echo '{"program": "pastiche 0.2.0"}' > run/run.json
                echo '{"rows": [{"loss_nats_per_token": 1.5}], "training_tokens": 9, "parameters": 8}' > run/score.json
                echo '{"event": "epoch", "epoch": 1, "step": 6, "seconds": 2.0, "tokens_per_second": 18.0,
                    "valid_loss_nats_per_token": 1.5}' | tr -d '\n' > run/metrics.jsonl"#;
            let line = train(script).unwrap();
            assert_eq!((&line["steps"], &line["valid_loss_nats_per_token"]), (&json!(6), &json!(1.5)));
            assert!(line["wall_seconds"].as_f64().unwrap() < 60.0);
        }

        #[test]
        fn without_the_base_the_program_gets_an_option() {
            // The message is that of the failed command.
            for (name, expected) in [(inputs::NO_BASE, "text a b.txt --no-base"), (inputs::AUTOMATIC, "text a b.txt")] {
                let config = Config { name: name.into(), path: None };
                let error = train_with(config, "echo \"error: $*.\" >&2; exit 1").unwrap_err();
                assert!(error.contains(&format!("--{expected} --out run.")), "{error}");
            }
        }

        #[test]
        fn the_message_of_a_failed_run_is_kept() {
            let error = train("echo 'error: too short' >&2; exit 1").unwrap_err();
            assert!(error.contains("exit status: 1") && error.contains("too short"), "{error}");
            assert!(train("true").unwrap_err().contains("score.json"));
        }
    }
}
