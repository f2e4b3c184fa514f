//! `train` without a configuration: the plan, its file, and the time that it is for.

#[path = "automatic_recipe/base.rs"]
mod base;
#[path = "automatic_recipe/plans.rs"]
mod plans;
#[path = "automatic_recipe/texts.rs"]
mod texts;
#[path = "automatic_recipe/unsuitable.rs"]
mod unsuitable;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use super::common::{self, CommandOutput, TestDir};
use super::text_inputs;

/// Two hundred invented names, one per line.
fn names() -> String {
    let (starts, ends) =
        (["Ar", "Bel", "Cor", "Dan", "El", "Fen", "Gal", "Hal", "Is", "Jor"], ["a", "en", "ric", "wyn"]);
    let middles = ["an", "el", "or", "ul", "is"];
    let mut names = String::new();
    for start in starts {
        for middle in middles {
            for end in ends {
                names += &format!("{start}{middle}{end}\n");
            }
        }
    }
    names
}

/// These arguments of `train`, and those of every test.
fn train_args<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["train", "--no-tui", "--backend", "flex"], args].concat()
}

/// Runs `train` with these arguments and no configuration but theirs.
fn train(dir: &TestDir, args: &[&str]) -> CommandOutput {
    common::output(dir.exact_command(&train_args(args)).output().unwrap())
}

/// As [`train`], which must succeed.
fn train_ok(dir: &TestDir, args: &[&str]) -> CommandOutput {
    let output = train(dir, args);
    assert_eq!(output.code, Some(0), "{args:?}: {}", output.stderr);
    output
}

/// Settings that make a step short, whatever the recipe chose.
const SMALL: [&str; 4] = ["--set", "model.layers=[{cell=\"gru\",units=8}]", "--set", "model.embedding_dim=8"];

#[test]
fn without_a_text_the_fables_are_planned_for() {
    let dir = TestDir::new();
    let dry = train_ok(&dir, &["--dry-run", "--no-base"]);
    for key in ["tokens.kind", "model.layers", "train.epochs"] {
        assert!(dry.stderr.contains(&format!("\n  {key}: ")), "{key}: {}", dry.stderr);
    }
    assert!(dry.stderr.contains("chosen for this text and this machine:\n"), "{}", dry.stderr);
    assert!(dry.stderr.contains(" in about 3 min 0 s: "), "{}", dry.stderr);
    assert!(dry.stdout.contains("dataset = \"fables\"\n"), "{}", dry.stdout);
    dir.file("plan.toml", &dry.stdout);
    let again = train_ok(&dir, &["--config", "plan.toml", "--dry-run"]);
    let settings: Vec<&str> = dry.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), settings);
}

#[test]
fn a_plan_is_a_configuration_that_trains() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let args = ["--text", "names.txt", "--dry-run", "--no-base", "--minutes", "0.02"];
    // N-grams are kept only where they are asked for.
    assert!(!train_ok(&dir, &args).stdout.contains("ngrams"));
    let dry = train_ok(&dir, &[&args[..], &["--set", "ngrams.order=best"]].concat());
    assert!(!dir.path().join("runs").exists());
    assert!(dry.stderr.contains("data.documents: lines: each line is an item: 200 lines"), "{}", dry.stderr);
    let plan = &dry.stdout;
    for expected in [
        "# lines: each line is an item",
        "documents = \"lines\"",
        "kind = \"characters\"",
        "steps_per_epoch = ",
        "# given: the n-grams of the training text are counted",
    ] {
        assert!(plan.contains(expected), "{expected}: {plan}");
    }
    // Edited and given back, it needs no other option.
    let edited: Vec<&str> = plan.lines().filter(|line| !line.starts_with("steps_per_epoch")).collect();
    dir.file("plan.toml", edited.join("\n").replace("epochs = ", "steps_per_epoch = 2\nepochs = 1 # "));
    let trained = dir.run_ok(&["train", "--no-tui", "--config", "plan.toml", "--out", "run"]);
    assert!(trained.stderr.contains("2 steps per epoch"), "{}", trained.stderr);
    assert!(trained.stderr.contains("The mixture of the network with "), "{}", trained.stderr);
}

#[test]
fn a_run_without_a_configuration_keeps_its_plan_and_is_reproduced() {
    let dir = TestDir::new();
    dir.file("My names.txt", names());
    let run = train(&dir, &[&["--text", "My names.txt", "--minutes", "0.05"][..], &SMALL].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, "runs/My-names-1\n");
    let read = |name: &str| fs::read_to_string(dir.path().join("runs/My-names-1").join(name)).unwrap();
    let (plan, config) = (read("plan.toml"), read("config.toml"));
    let settings = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(String::from).collect()
    };
    assert_eq!(settings(&plan), settings(&config));
    assert!(plan.lines().filter(|line| line.starts_with("# ")).count() > 6, "{plan}");
    // What the command line sets has no reason of the recipe.
    let lines: Vec<&str> = plan.lines().collect();
    let layer = lines.iter().position(|line| *line == "[[model.layers]]").unwrap();
    assert!(!lines[layer - 1].starts_with('#') && config.contains("units = 8\n"), "{plan}");
    dir.run_ok(&["reproduce", "runs/My-names-1"]);
    for record in ["run.json", "../My-names-1-again-1/run.json"] {
        assert!(read(record).contains("\"planned_minutes\": 0.05"), "{}", read(record));
    }
    let generated = dir.run_ok(&["generate", "--documents", "3", "--seed", "1"]);
    assert!(!generated.stdout.trim().is_empty());
    // A run keeps its length, on which its learning rates depend.
    let resumed = dir.run(&["train", "--resume", "runs/My-names-1", "--minutes", "1"]);
    common::assert_error(&resumed, "resume", &["--minutes", "--resume"]);
    let finished = dir.run_ok(&["train", "--resume", "runs/My-names-1"]);
    let advice = "to train longer, start a new run with more `--minutes`\n";
    assert!(finished.stderr.contains(advice), "{}", finished.stderr);
    let fewer = dir.run(&["train", "--resume", "runs/My-names-1", "--set", "train.epochs=0"]);
    common::assert_error(&fewer, "fewer epochs", &["train.epochs"]);
}

#[test]
fn an_automatic_run_is_resumed_to_the_same_bytes() {
    if !cfg!(feature = "failpoints") {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    }
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let settings = ["--text", "names.txt", "--set", "train.epochs=2", "--set", "checkpoints.every_steps=1"];
    let into = |run: &'static str| [&settings[..], &SMALL, &["--out", run]].concat();
    train_ok(&dir, &into("whole"));
    // Killed within its third step.
    let paused = dir.path().join("paused");
    let mut command = dir.exact_command(&train_args(&into("part")));
    command.env("PASTICHE_FAILPOINTS", format!("pause:3:step middle:{}", paused.display()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !paused.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = dir.run_ok(&["train", "--resume", "part"]);
    assert!(resumed.stderr.contains("resuming part after step 2 on flex"), "{}", resumed.stderr);
    let read = |run: &str, file: &str| fs::read(dir.path().join(run).join(file)).unwrap();
    for file in ["weights.bpk", "plan.toml", "config.toml", "samples.md"] {
        assert!(read("whole", file) == read("part", file), "{file}");
    }
}

#[test]
fn a_plan_has_the_streams_of_its_reason_and_given_ones_stay() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let plan = |set: &[&str]| {
        let options = ["--text", "names.txt", "--dry-run", "--no-base", "--minutes", "0.5"];
        train_ok(&dir, &[&options[..], set, &SMALL].concat())
    };
    // The passes over so short a text are limited, and half a minute is enough for a hundred times as many.
    let chosen = plan(&[]);
    let reason = chosen.stderr.lines().find_map(|line| line.strip_prefix("  train.batch_size: ")).unwrap();
    assert!(reason.starts_with("2 parallel streams in chunks of "), "{reason}");
    assert!(reason.contains("; fewer than 8, with which 30 passes over the text end before the time does"), "{reason}");
    assert!(chosen.stdout.contains("\nbatch_size = 2\n"), "{}", chosen.stdout);
    let given = plan(&["--set", "train.batch_size=16"]);
    assert!(given.stdout.contains("\nbatch_size = 16\n"), "{}", given.stdout);
    assert!(!given.stderr.contains("  train.batch_size: "), "{}", given.stderr);
}

#[test]
fn the_time_is_chosen_beside_a_configuration() {
    let dir = TestDir::new();
    dir.file("my.txt", "the cat saw the dog and the dog ran away from the cat . ".repeat(30));
    let timed = ["--text", "my.txt", "--config", "configs/lstm.toml", "--dry-run", "--minutes", "0.02"];
    let plan = train(&dir, &[&timed[..], &SMALL].concat());
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    assert!(plan.stdout.contains("kind = \"words\"") && plan.stdout.contains("steps_per_epoch = "), "{}", plan.stdout);
    assert!(plan.stderr.contains("train.epochs: "), "{}", plan.stderr);
    // An epoch that had few steps as a pass gets the steps that fit.
    let large = [&timed[..], &["--set", "train.batch_size=200"], &SMALL].concat();
    assert!(!train_ok(&dir, &large).stderr.contains("an epoch has only"));
    // Without a time the configuration is printed as it is.
    let whole = train(&dir, &[&timed[..5], &SMALL].concat());
    assert!(whole.stdout.contains("epochs = 4\nsteps_per_epoch = 0\n"), "{}", whole.stdout);
}

#[test]
fn the_time_is_chosen_for_a_run_from_a_trained_model_and_for_questions() {
    let dir = TestDir::new();
    dir.file("my.txt", text_inputs::text());
    dir.run_ok(&text_inputs::train(&["--text", "my.txt", "--out", "base"]));
    let from = train_ok(&dir, &["--init-from", "./base", "--minutes", "0.02", "--out", "from"]);
    assert!(from.stderr.contains("chosen for this time and this machine:\n  train.epochs: "), "{}", from.stderr);
    let read = |file: &str| fs::read_to_string(dir.path().join("from").join(file)).unwrap();
    assert!(read("plan.toml").starts_with("# This configuration with a number of steps for this machine.\n"));
    assert!(!read("config.toml").contains("steps_per_epoch = 0\n"));

    let line = |n: usize| {
        let (context, question) = (format!("Fox {n} ran home."), format!("Who ran {n}?"));
        json!({"context": context, "question": question, "answer": "Fox"})
    };
    dir.file("questions.jsonl", (0..20).map(|n| line(n).to_string() + "\n").collect::<String>());
    let small = ["vocabulary.min_count=1"];
    let small = small.iter().chain(common::TINY_QUESTION_MODEL).flat_map(|setting| ["--set", *setting]);
    let args = ["--config", "configs/qa.toml", "--text", "questions.jsonl", "--dry-run"].into_iter().chain(small);
    let args: Vec<&str> = args.collect();
    let plain = train_ok(&dir, &args);
    assert!(plain.stdout.contains("epochs = 20\nsteps_per_epoch = 0\n"), "{}", plain.stdout);
    let timed = train_ok(&dir, &[&args[..], &["--minutes", "0.02"]].concat());
    assert!(timed.stderr.contains("  train.epochs: "), "{}", timed.stderr);
    assert!(timed.stdout.contains("task = \"questions\"\n"), "{}", timed.stdout);
    assert!(!timed.stdout.contains("steps_per_epoch = 0\n"), "{}", timed.stdout);
    let trained = args.iter().copied().filter(|&arg| arg != "--dry-run").chain(["--minutes", "0.02", "--out", "asks"]);
    train_ok(&dir, &trained.collect::<Vec<_>>());
    let report = fs::read_to_string(dir.path().join("asks/score.md")).unwrap();
    assert!(report.contains("## Answers") && dir.path().join("asks/plan.toml").is_file(), "{report}");
    dir.file("text.txt", "The fox ran home. The crow saw three stones by the mill.\n");
    dir.run_ok(&["ask", "--model", "asks", "--text", "text.txt", "--min-confidence", "0"]);
    for command in [&["generate"][..], &["page", "new.html"]] {
        let args = [command, &["--model", "asks"]].concat();
        dir.expect_error(&args, &["holds a question model, expected a language model"]);
    }
}

#[test]
fn a_time_that_is_too_short_trains_on_a_part_and_says_so() {
    let dir = TestDir::new();
    dir.file("long.txt", (0..40_000).map(|n| format!("The number {n} is {}. ", n * n % 977)).collect::<String>());
    let long = train_ok(&dir, &["--text", "long.txt", "--dry-run", "--no-base", "--minutes", "0.01"]);
    assert!(long.stderr.contains(" is too short"), "{}", long.stderr);
    dir.file("names.txt", names());
    let none = train_ok(&dir, &[&["--text", "names.txt", "--dry-run", "--minutes", "0.00001"][..], &SMALL].concat());
    let line = none.stderr.lines().find(|line| line.starts_with("  train.epochs: ")).unwrap();
    assert!(line.starts_with("  train.epochs: 1 step: the time of 0.6 ms is too short, "), "{line}");
    assert!(line.contains("a pass over the training text needs about `--minutes "), "{line}");
}

#[test]
fn a_time_out_of_range_is_rejected() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    for (args, expected) in [
        (&["--minutes", "0"][..], "`--minutes` is 0; expected a number above 0"),
        (&["--minutes", "-1"], "`--minutes` is -1; expected a number above 0"),
        (&["--minutes", "NaN"], "`--minutes` is NaN; expected a number above 0"),
        (&["--minutes", "inf"], "`--minutes` is inf; expected a number above 0, such as 3 or 0.5, and at most 527040"),
        (&["--minutes", "1", "--set", "train.epochs=2"], "`--minutes` and `--set train.epochs` are both given"),
    ] {
        let output = train(&dir, &[&["--text", "names.txt"], args].concat());
        common::assert_error(&output, &args.join(" "), &[expected]);
    }
    // A number of epochs is enough.
    let args = [&["--text", "names.txt", "--dry-run", "--set", "train.epochs=2"][..], &SMALL].concat();
    assert!(train(&dir, &args).stdout.contains("epochs = 2\nsteps_per_epoch = 0\n"));
}
