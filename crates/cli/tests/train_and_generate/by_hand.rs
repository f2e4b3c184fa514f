//! `generate --interactive`, scripted by lines of standard input, and the surprise of tokens as colours.

use std::fs;

use serde_json::Value;

use super::documents_and_labels::train;
use super::text_inputs::with_input;
use crate::common::{CommandOutput, TestDir, assert_error};

const OLD_RUNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/old_runs/runs");

/// Models of words, of characters and of subwords, with a prompt.
fn models() -> [(String, &'static str); 3] {
    [(format!("{OLD_RUNS}/words"), "the"), (format!("{OLD_RUNS}/characters"), "the"), ("base".into(), "The old")]
}

/// Runs the dialogue with these lines.
fn write(dir: &TestDir, args: &[&str], lines: &[&str]) -> CommandOutput {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    with_input(
        dir,
        &[&["generate", "--interactive", "--backend", "flex", "--seed", "1"], args].concat(),
        lines.as_bytes(),
    )
}

fn write_ok(dir: &TestDir, args: &[&str], lines: &[&str]) -> CommandOutput {
    let written = write(dir, args, lines);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    written
}

#[test]
fn a_text_is_chosen_typed_and_sampled_with_branches() {
    for (model, prompt) in models() {
        let dir = TestDir::new();
        let args = ["--model", &model, "--prompt", prompt];
        let lines = [
            "1",
            " the",
            "/write 5",
            "/save all.json",
            "/undo",
            "2",
            "/branches",
            "/show",
            "/choices 3",
            "/undo 9",
            "/redo",
            "/go 3",
            "/save text.txt",
            "/save text.md",
            "/save all.json",
        ];
        let written = write_ok(&dir, &args, &lines);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let saved: Value = serde_json::from_str(&read("all.json")).unwrap();
        let steps = saved["steps"].as_array().unwrap();
        let field = |name: &str| steps.iter().map(|step| step[name].clone()).collect::<Vec<Value>>();
        assert_eq!(field("author"), ["prompt", "chosen", "typed", "sampled", "chosen"]);
        assert_eq!(field("parent"), [Value::Null, 0.into(), 1.into(), 2.into(), 2.into()]);
        assert_eq!(steps[3]["tokens"].as_array().unwrap().len(), 5);
        // The tree is complete: it has the text, the probabilities and the model.
        let mut text = saved["prompt"].as_str().unwrap().to_owned();
        assert_eq!(text, prompt);
        for token in [1, 2, 3].iter().flat_map(|&step: &usize| steps[step]["tokens"].as_array().unwrap()) {
            text.truncate(token["start"].as_u64().unwrap() as usize);
            text.push_str(token["text"].as_str().unwrap());
            let probability = token["probability"].as_f64().unwrap();
            assert!(probability > 0.0 && probability <= 1.0, "{token}");
        }
        assert_eq!(saved["text"].as_str(), Some(text.as_str()));
        let characters: u64 =
            saved["characters"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(characters as usize, text.chars().count());
        assert!(saved["model_sha256"].as_str().is_some_and(|hash| hash.len() == 64) && saved["current"] == 3);
        assert_eq!((read("text.txt"), written.stdout.clone()), (format!("{text}\n"), format!("{text}\n")));
        let markdown = read("text.md");
        assert!(markdown.starts_with(&text) && markdown.contains("\n| sampled | "), "{markdown}");
        // The same lines write the same text; the dialogue has the choices.
        let again = TestDir::new();
        assert_eq!(write_ok(&again, &args, &lines).stdout, written.stdout);
        assert!(written.stderr.contains("\n* 4  ") || written.stderr.contains("* 4  "), "{}", written.stderr);
        assert!(written.stderr.contains("  1   ") && written.stderr.contains(" %  \""), "{}", written.stderr);
    }
}

#[test]
fn a_sampled_step_is_repeated_by_its_number_and_probabilities_are_those_of_the_model() {
    let dir = TestDir::new();
    let base = ["--model", "base", "--prompt", "The old", "--temperature", "0"];
    // At a temperature of 0 the first choices are what is sampled.
    let sampled = write_ok(&dir, &base, &["/write 4"]).stdout;
    assert_eq!(write_ok(&dir, &base, &["1", "1", "1", "1"]).stdout, sampled);
    assert_eq!(write_ok(&dir, &base, &["1", "/undo", "/write 2", "/write 2", "/quit", "1"]).stdout, sampled);
    // With the options of `generate`.
    for more in [&["--cache"][..], &["--int8"], &["--state", "window"]] {
        write_ok(&dir, &[&base, more].concat(), &["1", "/undo", "1"]);
    }
}

#[test]
fn invalid_lines_of_a_script_are_errors_with_their_number() {
    let dir = TestDir::new();
    let words = format!("{OLD_RUNS}/words");
    let args = ["--model", words.as_str(), "--prompt", "the"];
    for (lines, expected) in [
        (&["1", "99"][..], "line 2 of the input: there is no choice 99: expected 1 to 8"),
        (&["/undo"], "line 1 of the input: there is no step before the prompt"),
        (&["/redo"], "there is no step after this one"),
        (&["/go 7"], "there is no step 7: expected 0 to 0"),
        (&["/speak"], "the command `/speak` is unknown"),
        (&["xylophone"], "use `--oov drop` or `--oov unknown`"),
        (&["/save none/text.txt"], "none/text.txt"),
    ] {
        assert_error(&write(&dir, &args, lines), &format!("{lines:?}"), &[expected]);
    }
    let dropped = write_ok(&dir, &[&args[..], &["--oov", "drop"]].concat(), &["the xylophone"]);
    assert!(dropped.stderr.contains("dropped: xylophone"), "{}", dropped.stderr);
    dir.file("mine.txt", "mine");
    let error = write(&dir, &args, &["/save mine.txt"]);
    assert_error(&error, "another's file", &["mine.txt exists and is not replaced"]);
    assert_error(
        &write(&dir, &["--prompt-file", "-", "--model", "base"], &[]),
        "two inputs",
        &["both read standard input"],
    );
    for conflict in [&["--json"][..], &["--num-samples", "2"], &["--max-tokens", "3"], &["--stop", "a"]] {
        assert_eq!(write(&dir, conflict, &[]).code, Some(2), "{conflict:?}");
    }
}

#[test]
fn a_document_with_a_label_is_written_to_its_end() {
    let dir = TestDir::new();
    let rows: String = (0..60).map(|n| format!("the fox saw {n} hills,{}\n", ["short", "long"][n % 2])).collect();
    dir.file("rows.csv", format!("text,kind\n{rows}"));
    train(&dir, "runs/a", &["--text", "rows.csv", "--column", "text", "--label", "kind"], &["train.epochs=4"]);
    let own = ["--label", "long", "--temperature", "1", "--top-p", "1"];
    let written = write_ok(&dir, &own, &["the fox", "/write 1000", "/save a.json"]);
    assert!(written.stderr.contains("the document is complete"), "{}", written.stderr);
    let saved: Value = serde_json::from_str(&fs::read_to_string(dir.path().join("a.json")).unwrap()).unwrap();
    assert_eq!(saved["label"], "long");
    let error = write(&dir, &own, &["the fox", "/write 1000", "1"]);
    assert_error(&error, "a complete document", &["line 3", "the document is complete"]);
    let painted = dir.run_ok(&["evaluate", "--text", "rows.csv", "--color", "always", "--backend", "flex"]);
    assert_eq!(without_colours(&painted.stdout).matches("the fox saw").count(), 60, "{}", painted.stdout);
}

/// The text without the sequences that set colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|part| Some(part.split_once('m')?.1)).collect::<String>()
}

#[test]
fn colours_change_neither_the_text_nor_the_scores() {
    for (model, prompt) in models() {
        let dir = TestDir::new();
        let generate = ["generate", "--model", &model, "--backend", "flex", "--prompt", prompt, "--seed", "1"];
        for more in [&["--max-tokens", "20"][..], &["--max-tokens", "9", "--num-samples", "3"], &["--best-of", "2"]] {
            let args = [&generate[..], more].concat();
            let plain = dir.run_ok(&args);
            let painted = dir.run_ok(&[&args[..], &["--color", "always"]].concat());
            assert!(painted.stdout.contains("\u{1b}[38;5;16;48;5;"), "{}", painted.stdout);
            assert_eq!(without_colours(&painted.stdout), plain.stdout);
            assert!(painted.stderr.contains("colours: a surprise of 1, 2, 4, 6 and 8 nats per token or more"));
            // A pipe is no terminal.
            for color in [&["--color"][..], &["--color", "auto"], &["--color", "never"]] {
                assert_eq!(dir.run_ok(&[&args[..], color].concat()).stdout, plain.stdout);
            }
        }
        let text = "the fox asked the crow and the crow asked the fox . the fox ran .\n".repeat(4);
        dir.file("my.txt", &text);
        let evaluate = ["evaluate", "--model", &model, "--backend", "flex", "--text", "my.txt"];
        let plain = dir.run_ok(&evaluate).stdout;
        let painted = dir.run_ok(&[&evaluate[..], &["--color", "always"]].concat()).stdout;
        let text = without_colours(&painted);
        assert!(painted.contains("\u{1b}[38;5;16;48;5;") && text.contains("fox asked the crow"), "{painted}");
        assert!(text.ends_with(&format!("\n\n{plain}")), "{text}{plain}");
        assert_eq!(dir.run_ok(&[&evaluate[..], &["--color", "auto"]].concat()).stdout, plain);
    }
}

#[test]
fn colours_go_with_a_text_to_print() {
    let dir = TestDir::new();
    dir.file("my.txt", "the fox saw the crow . ".repeat(20));
    for (args, expected) in [
        (&["generate", "--json"][..], "`--color` is given with `--json`"),
        (&["evaluate"], "`--color` is given without `--text`"),
        (&["evaluate", "--text", "my.txt", "--json"], "`--color` is given with `--json`"),
        (&["evaluate", "--text", "my.txt", "--adapt", "cache"], "`--color` is given with `--adapt`"),
    ] {
        dir.expect_error(&[args, &["--model", "base", "--color", "always"]].concat(), &[expected]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_has_colours_unless_it_must_not() {
    let dir = TestDir::new();
    let words = format!("{OLD_RUNS}/words");
    let args = ["generate", "--model", &words, "--prompt", "the", "--max-tokens", "20", "--seed", "1", "--color"];
    let Some(shown) = crate::common::on_terminal(&dir, &args) else { return };
    assert!(shown.contains("\u{1b}[38;5;16;48;5;"), "{shown}");
    let shown = crate::common::on_terminal_with(&dir, &args, &[("NO_COLOR", "1")]).unwrap();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let shown =
        crate::common::on_terminal_with(&dir, &[&args[..], &["always"]].concat(), &[("NO_COLOR", "1")]).unwrap();
    assert!(shown.contains("\u{1b}[38;5;16;48;5;"), "{shown}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_text() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};

    let dir = TestDir::new();
    let args = ["generate", "--interactive", "--model", "base", "--backend", "flex", "--prompt", "The old"];
    let mut command = dir.command(&args);
    let mut dialogue = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = dialogue.stdin.take().unwrap();
    input.write_all(b" lion slept\n/show\n").unwrap();
    let mut stderr = BufReader::new(dialogue.stderr.take().unwrap());
    // Shown after the line and by `/show`.
    let (mut line, mut shown) = (String::new(), 0);
    while shown < 2 {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0);
        shown += usize::from(line.contains("The old lion slept"));
    }
    assert!(Command::new("kill").args(["-INT", &dialogue.id().to_string()]).status().unwrap().success());
    let mut text = String::new();
    dialogue.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), dialogue.wait().unwrap().code()), ("The old lion slept\n", Some(130)));
}
