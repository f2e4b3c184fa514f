//! Runs that are planned first, one after another with all threads, and then trained from their plans, several at a time with
//! one thread each. The number of steps is in the plan, and results do not depend on the number of threads.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_json::{Map, Value};

use super::{Comparison, Run, results, run_process};
use crate::bench::program::Program;
use crate::output;

/// A plan of the program.
#[derive(Clone, Debug)]
struct Plan {
    /// The absolute path of its file
    path: PathBuf,
    /// How many cores other programs used while it was made, as a field of the record
    others: Value,
}

impl Comparison {
    /// Plans these runs, then trains `jobs` of them at a time. Passes the line of each for the record to `append` when it ends.
    ///
    /// # Errors
    /// If there is no temporary folder, or `append` fails; a run that fails has a line.
    pub(super) fn run_planned(
        &self,
        runs: &[Run],
        jobs: usize,
        program: &Program,
        mut append: impl FnMut(Map<String, Value>) -> Result<(), String>,
    ) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
        let first = to_plan(runs, &self.seeds);
        let mut plans = Vec::with_capacity(first.len());
        for (index, run) in first.iter().enumerate() {
            output::status(format_args!("plan {} of {}: {}", index + 1, first.len(), run.name()));
            let path = folder.path().join(format!("plan-{index}.toml"));
            plans.push(self.plan(run, program, folder.path(), path));
        }
        let single = Program { threads: 1, ..program.clone() };
        let measure = |run: &Run| {
            self.line(run, program, |folder| {
                let plan = first.iter().position(|first| first.has_plan_of(run)).map(|index| &plans[index]);
                let plan = plan.expect("every run has a plan").as_ref().map_err(String::clone)?;
                train(plan, run.seed, &single, folder)
            })
        };
        let mut count = 0;
        in_parallel(runs, jobs, measure, |run, line| {
            count += 1;
            output::status(format_args!("{count} of {}: {}", runs.len(), run.name()));
            append(line)
        })
    }

    /// Makes the plan of a run, which is written to `path`.
    fn plan(&self, run: &Run, program: &Program, folder: &Path, path: PathBuf) -> Result<Plan, String> {
        let file = File::create(&path).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        let mut command = self.command(run, program);
        let usage = run_process(command.arg("--dry-run").stdout(file), folder)?;
        Ok(Plan { path, others: usage.others })
    }
}

/// Trains by a plan in an empty folder and reads the results. The field for other programs is that of the planning, because
/// the runs themselves compete with each other.
fn train(plan: &Plan, seed: u64, program: &Program, folder: &Path) -> Result<Map<String, Value>, String> {
    let mut train = program.command();
    train.args(["train", "--no-tui", "--config"]).arg(&plan.path);
    train.args(["--set", &format!("seed={seed}"), "--out", "run"]).stdout(Stdio::null());
    program.on_device(&mut train);
    let mut line = results(&mut train, folder)?;
    line.insert("cores_of_other_programs".into(), plan.others.clone());
    Ok(line)
}

/// One run for each text and configuration, with the first of the random seeds: its plan is that of all seeds.
fn to_plan<'a>(runs: &[Run<'a>], seeds: &[u64]) -> Vec<Run<'a>> {
    let mut first: Vec<Run> = Vec::new();
    for run in runs {
        if !first.iter().any(|first| first.has_plan_of(run)) {
            first.push(Run { seed: seeds.first().copied().unwrap_or(run.seed), ..*run });
        }
    }
    first
}

/// Does this work for all items, for `jobs` of them at a time, and passes each result to `done` in this thread. After an error
/// of `done` no other item begins.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T, R) -> Result<(), String>,
) -> Result<(), String> {
    let (next, (sender, received)) = (AtomicUsize::new(0), mpsc::channel());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((item, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        // The loop ends when the last thread does.
        drop(sender);
        for (item, result) in received {
            done(item, result)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::inputs::{Config, Text};
    use super::*;

    fn text(name: &str) -> Text {
        Text { path: name.into(), name: name.into(), bytes: 5, sha256: None }
    }

    fn config(name: &str) -> Config {
        Config { name: name.into(), path: None }
    }

    #[test]
    fn all_seeds_of_a_text_and_a_configuration_have_one_plan() {
        let (texts, configs) = (["a.txt", "b.txt"].map(text), ["small", "large"].map(config));
        let run = |text: usize, config: usize, seed| Run { text: &texts[text], config: &configs[config], seed };
        // Those of the first seed may be recorded already.
        let runs = [run(0, 0, 4), run(1, 0, 4), run(0, 0, 5), run(0, 1, 5), run(1, 0, 5)];
        let planned: Vec<(&str, &str, u64)> = to_plan(&runs, &[4, 5])
            .iter()
            .map(|run| (run.text.name.as_str(), run.config.name.as_str(), run.seed))
            .collect();
        assert_eq!(planned, [("a.txt", "small", 4), ("b.txt", "small", 4), ("a.txt", "large", 4)]);
    }

    #[test]
    fn every_item_is_worked_on_once() {
        for jobs in [1, 3, 20] {
            let mut found = Vec::new();
            let items: Vec<u64> = (0..9).collect();
            let done = |item: &u64, square| {
                found.push((*item, square));
                Ok(())
            };
            in_parallel(&items, jobs, |item| item * item, done).unwrap();
            found.sort_unstable();
            assert_eq!(found, items.iter().map(|item| (*item, item * item)).collect::<Vec<_>>());
        }
        let failed = in_parallel(&[1, 2], 2, |item| *item, |_, _| Err("the disk is full".into()));
        assert_eq!(failed, Err("the disk is full".into()));
    }

    #[cfg(unix)]
    #[test]
    fn a_run_is_trained_by_the_plan_that_was_made_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |script: &str| std::fs::write(folder.path().join("train"), script).unwrap();
        let program = Program::of_scripts();
        let (text, config) = (text("a b.txt"), config("automatic"));
        let comparison = Comparison {
            texts: Vec::new(),
            configs: Vec::new(),
            seeds: vec![1],
            minutes: 0.5,
            again: false,
            jobs: Some(2),
        };
        write(r#"[ "$*" = "--no-tui --minutes 0.5 --set seed=7 --text a b.txt --dry-run" ] && echo "a = 1""#);
        let path = folder.path().join("plan.toml");
        let run = Run { text: &text, config: &config, seed: 7 };
        let plan = comparison.plan(&run, &program, folder.path(), path.clone()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a = 1\n");

        write(
            r#"
            [ "$1 $2" = "--no-tui --config" ] && [ "$4 $5 $6 $7" = "--set seed=8 --out run" ] && grep -q "a = 1" "$3" || exit 3
            mkdir run
            echo '{}' > run/run.json
            echo '{"rows": [{"bits_per_byte": 1.5}]}' > run/score.json
            echo '{"event": "epoch", "step": 6, "seconds": 2.0, "tokens_per_second": 18.0}' > run/metrics.jsonl"#,
        );
        let plan = Plan { others: json!(0.25), ..plan };
        let line = train(&plan, 8, &program, folder.path()).unwrap();
        assert_eq!((&line["steps"], &line["bits_per_byte"]), (&json!(6), &json!(1.5)));
        assert_eq!(line["cores_of_other_programs"], json!(0.25));
    }
}
