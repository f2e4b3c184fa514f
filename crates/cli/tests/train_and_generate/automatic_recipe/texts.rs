//! Texts of several kinds, without a configuration.

use std::fs;

use super::{SMALL, names, train, train_args, train_ok};
use crate::common::{self, CommandOutput, TestDir};

/// A length for which no step is measured.
pub const ONE_EPOCH: [&str; 2] = ["--set", "train.epochs=1"];

/// One of many different sentences.
pub fn sentence(n: usize) -> String {
    let words = ["fox", "crow", "miller", "river", "old wolf", "garden", "two geese", "king", "lantern", "road"];
    let word = |n: usize| words[n % words.len()];
    format!("The {} near the {} saw {n} of the {}.", word(n * n + 1), word(n / 3), word(7 * n))
}

/// Sentences of different words in one paragraph.
pub fn prose(sentences: usize) -> String {
    (0..sentences).map(|n| sentence(n) + " ").collect()
}

/// The plan of one epoch for a text.
fn plan(dir: &TestDir, args: &[&str]) -> CommandOutput {
    train_ok(dir, &[args, &["--dry-run"], &ONE_EPOCH, &SMALL].concat())
}

/// Runs `train` with a file on standard input.
fn piped(dir: &TestDir, file: &str, args: &[&str]) -> CommandOutput {
    let mut command = dir.exact_command(&train_args(args));
    command.stdin(fs::File::open(dir.path().join(file)).unwrap());
    common::output(command.output().unwrap())
}

#[test]
fn a_piped_text_is_planned_and_kept() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let options = ["--text", "-", "--minutes", "0.02", "--out", "run"];
    let run = piped(&dir, "names.txt", &[&options[..], &SMALL].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read_to_string(dir.path().join("run/text.txt")).unwrap(), names());
    dir.run_ok(&["evaluate", "--model", "run"]);
}

#[test]
fn the_plan_for_a_piped_text_is_a_configuration_without_a_text() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let dry = piped(&dir, "names.txt", &[&["--text", "-", "--dry-run"], &ONE_EPOCH[..], &SMALL].concat());
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stdout.starts_with("# The text is in no file that could be named here: give it with `--text`.\n"));
    assert!(!dry.stdout.contains("copy = "), "{}", dry.stdout);
    dir.file("plan.toml", dry.stdout);
    let again = train_ok(&dir, &["--config", "plan.toml", "--text", "names.txt", "--dry-run"]);
    assert!(again.stdout.contains("names.txt\"\n"), "{}", again.stdout);
    let without = train(&dir, &["--config", "plan.toml", "--dry-run"]);
    common::assert_error(&without, "without a text", &["no text is given"]);
}

#[cfg(unix)]
#[test]
fn a_run_on_a_pipe_of_the_shell_is_not_named_after_its_number() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let program = dir.exact_command(&[]);
    let options: Vec<String> = ONE_EPOCH.iter().chain(&SMALL).map(|option| format!("'{option}'")).collect();
    let line = format!("\"$0\" train --no-tui --backend flex --text <(cat names.txt) {}", options.join(" "));
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &line]).arg(program.get_program()).current_dir(dir.path());
    let run = common::output(command.env_remove("PASTICHE_BACKEND").env("RAYON_NUM_THREADS", "2").output().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "runs/text-1\n"), "{}", run.stderr);
}

#[test]
fn many_files_a_column_and_a_separate_validation_text_are_planned_for() {
    let dir = TestDir::new();
    fs::create_dir(dir.path().join("letters")).unwrap();
    for n in 0..20 {
        dir.file(&format!("letters/{n}.txt"), prose(9 + n));
    }
    let files = plan(&dir, &["--text", "letters"]);
    assert!(files.stderr.contains("  data.documents: "), "{}", files.stderr);
    assert!(files.stdout.contains("documents = \"files\"\n"), "{}", files.stdout);

    let rows: String = prose(80).trim_end().split(". ").map(|row| format!("{row},A\n")).collect();
    dir.file("table.csv", format!("text,author\n{rows}"));
    let table = plan(&dir, &["--text", "table.csv", "--column", "text"]);
    assert!(table.stdout.contains("column = \"text\"\n"), "{}", table.stdout);
    assert!(!table.stderr.contains("  data.documents: "), "{}", table.stderr);
    let warning = "warning: table.csv is read as text, not as a table: `--column NAME` trains on one column of it; it has \
                   `text`, `author`\n";
    assert!(!table.stderr.contains(warning), "{}", table.stderr);
    let as_text = plan(&dir, &["--text", "table.csv"]);
    assert!(as_text.stderr.contains(warning), "{}", as_text.stderr);

    dir.file("train.txt", prose(200));
    dir.file("valid.txt", prose(40));
    let separate = plan(&dir, &["--text", "train.txt", "--set", "text.valid=valid.txt"]);
    assert!(separate.stdout.contains("valid.txt\"\n"), "{}", separate.stdout);
    assert!(!separate.stderr.contains("  split.valid_fraction: "), "{}", separate.stderr);

    let words = plan(&dir, &["--text", "train.txt", "--set", "tokens.kind=words"]);
    assert!(words.stdout.contains("kind = \"words\"\n"), "{}", words.stdout);
}

#[test]
fn the_header_and_licence_of_project_gutenberg_are_left_out() {
    let dir = TestDir::new();
    let marker = |side: &str| format!("*** {side} OF THIS PROJECT GUTENBERG EBOOK FABLES ***");
    let book = format!("Fables\n\n{}\n\n{}\n\n{}\n\nLicence\n", marker("START"), prose(300), marker("END"));
    dir.file("book.txt", &book);
    dir.file("plain.txt", prose(300));
    let strips = |args: &[&str]| plan(&dir, args).stdout.contains("strip_gutenberg = true");
    assert!(strips(&["--text", "book.txt"]));
    assert!(!strips(&["--text", "book.txt", "--set", "text.strip_gutenberg=false"]));
    assert!(!strips(&["--text", "plain.txt"]));
    let book = plan(&dir, &["--text", "book.txt"]);
    assert!(book.stdout.contains("# true: the text has the header of Project Gutenberg"), "{}", book.stdout);
}

#[test]
fn a_text_is_long_enough_by_its_characters() {
    let dir = TestDir::new();
    let sentence = |n: usize| format!("여우 {n}마리가 까마귀 {}마리를 보고 치즈를 달라고 했다.\n", n * n % 17);
    let korean = |sentences: usize| (0..sentences).map(sentence).collect::<String>();
    let short = korean(9);
    assert!(short.len() > 500 && short.chars().count() < 500);
    dir.file("short.txt", &short);
    dir.file("long.txt", korean(90));
    let expected = format!("short.txt has {} characters; expected 500 or more", short.chars().count());
    common::assert_error(&train(&dir, &["--text", "short.txt"]), "short.txt", &[&expected]);
    let options = ["--text", "long.txt", "--out", "run"];
    train_ok(&dir, &[&options[..], &ONE_EPOCH, &SMALL].concat());
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    assert!(config.contains("kind = \"characters\"\n"), "{config}");
    dir.run_ok(&["generate", "--model", "run", "--max-tokens", "5"]);
}

#[test]
fn a_text_that_repeats_is_reported_and_trained_to_the_end() {
    let dir = TestDir::new();
    dir.file("same.txt", "The same line.\n".repeat(1_500));
    let run = train_ok(&dir, &[&["--text", "same.txt", "--out", "run"], &ONE_EPOCH[..], &SMALL].concat());
    assert!(run.stderr.contains("warning: nearly all of same.txt is repeated"), "{}", run.stderr);
    assert!(!run.stderr.contains("inf %") && !run.stderr.contains("NaN"), "{}", run.stderr);
    assert!(dir.path().join("run/score.md").is_file());
}

#[test]
fn bad_texts_and_settings_are_rejected_without_a_configuration() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    dir.file("empty.txt", "");
    dir.file("latin.txt", b"Caf\xe9 ".repeat(200));
    let named = ["--text", "names.txt"];
    for (args, expected) in [
        (&["--text", "none.txt"][..], "none.txt"),
        (&["--text", "empty.txt"], "empty.txt"),
        (&["--text", "latin.txt"], "`latin.txt` is not UTF-8"),
        (&["--set", "text.dataset=none"], "`none`"),
        (&[named[0], named[1], "--set", "train.epoch=3"], "the nearest is `epochs`"),
        (&[named[0], named[1], "--set", "train.epochs"], "has no `=`"),
        (&[named[0], named[1], "--text", "-"], "standard input can be read only once"),
        (&["--text", "-", "--set", "text.valid=-"], "standard input is named twice"),
    ] {
        common::assert_error(&train(&dir, args), &args.join(" "), &[expected]);
    }
    assert!(!dir.path().join("runs").exists());
}
