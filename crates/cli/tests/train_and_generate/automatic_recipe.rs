//! `train` without a configuration: the plan, its file, and the time that it is for.

use std::fs;

use super::common::{self, CommandOutput, TestDir};

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

/// Runs `train` with these arguments and no configuration.
fn train(dir: &TestDir, args: &[&str]) -> CommandOutput {
    let args = [&["train", "--no-tui", "--backend", "flex"], args].concat();
    common::output(dir.exact_command(&args).output().unwrap())
}

/// Settings that make a step short, whatever the recipe chose.
const SMALL: [&str; 4] = ["--set", "model.layers=[{cell=\"gru\",units=8}]", "--set", "model.embedding_dim=8"];

#[test]
fn a_plan_is_a_configuration_that_trains() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let dry = train(&dir, &["--text", "names.txt", "--dry-run", "--minutes", "0.02"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(!dir.path().join("runs").exists());
    assert!(dry.stderr.contains("data.documents: Each line is an item: 200 lines"), "{}", dry.stderr);
    let plan = &dry.stdout;
    for expected in ["# Each line is an item", "documents = \"lines\"", "kind = \"characters\"", "steps_per_epoch = "] {
        assert!(plan.contains(expected), "{expected}: {plan}");
    }
    // Edited and given back, it needs no other option.
    let edited: Vec<&str> = plan.lines().filter(|line| !line.starts_with("steps_per_epoch")).collect();
    dir.file("plan.toml", edited.join("\n").replace("epochs = ", "steps_per_epoch = 2\nepochs = 1 # "));
    let trained = dir.run_ok(&["train", "--no-tui", "--config", "plan.toml", "--out", "run"]);
    assert!(trained.stderr.contains("2 steps per epoch"), "{}", trained.stderr);
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
    assert!(config.contains("units = 8\n") && !plan.contains("of the sizes tried"), "{plan}");
    dir.run_ok(&["reproduce", "runs/My-names-1"]);
    let generated = dir.run_ok(&["generate", "--documents", "3", "--seed", "1"]);
    assert!(!generated.stdout.trim().is_empty());
    // More time is more epochs of the same plan.
    let resumed = dir.run(&["train", "--resume", "runs/My-names-1", "--minutes", "1"]);
    common::assert_error(&resumed, "resume", &["--minutes", "--resume"]);
}

#[test]
fn a_piped_text_is_planned_and_kept() {
    let dir = TestDir::new();
    let text = dir.file("names.txt", names());
    let args = [&["train", "--no-tui", "--text", "-", "--minutes", "0.02", "--out", "run"][..], &SMALL].concat();
    let mut command = dir.exact_command(&args);
    command.stdin(fs::File::open(text).unwrap());
    let run = common::output(command.output().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read_to_string(dir.path().join("run/text.txt")).unwrap(), names());
    dir.run_ok(&["evaluate", "--model", "run"]);
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
    // Without a time the configuration is printed as it is.
    let whole = train(&dir, &[&timed[..5], &SMALL].concat());
    assert!(whole.stdout.contains("epochs = 4\nsteps_per_epoch = 0\n"), "{}", whole.stdout);
}

#[test]
fn texts_that_are_too_short_or_repeat_are_reported() {
    let dir = TestDir::new();
    dir.file("short.txt", "Too short.");
    dir.file("same.txt", "The same line.\n".repeat(3_000));
    dir.file("long.txt", (0..40_000).map(|n| format!("The number {n} is {}. ", n * n % 977)).collect::<String>());
    let short = train(&dir, &["--text", "short.txt", "--dry-run"]);
    let expected = "short.txt has 10 bytes; expected 500 or more";
    common::assert_error(&short, "short.txt", &[expected]);
    let same = train(&dir, &["--text", "same.txt", "--dry-run", "--minutes", "0.01"]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);
    assert!(same.stderr.contains("warning: nearly all of same.txt is repeated"), "{}", same.stderr);
    let long = train(&dir, &["--text", "long.txt", "--dry-run", "--minutes", "0.01"]);
    assert!(long.stderr.contains("the time is too short for all of it"), "{}", long.stderr);
}

#[test]
fn a_time_out_of_range_is_rejected() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    for (args, expected) in [
        (&["--minutes", "0"][..], "`--minutes` is 0; expected a number above 0"),
        (&["--minutes", "NaN"], "`--minutes` is NaN; expected a number above 0"),
        (&["--minutes", "1", "--set", "train.epochs=2"], "`--minutes` and `--set train.epochs` are both given"),
    ] {
        let output = train(&dir, &[&["--text", "names.txt"], args].concat());
        common::assert_error(&output, &args.join(" "), &[expected]);
    }
    // A number of epochs is enough.
    let args = [&["--text", "names.txt", "--dry-run", "--set", "train.epochs=2"][..], &SMALL].concat();
    assert!(train(&dir, &args).stdout.contains("epochs = 2\nsteps_per_epoch = 0\n"));
}
