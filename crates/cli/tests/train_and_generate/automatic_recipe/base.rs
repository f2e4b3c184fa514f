//! Whether a run without a configuration starts from the built-in base.

use std::fs;

use serde_json::Value;

use super::{SMALL, names, train, train_ok};
use crate::common::{self, TestDir};

/// English prose so short that counting learns little of it.
const STORY: &str = "\
The old lighthouse had been dark for eleven years when Miss Harding came to live in it. She brought two trunks, a box of \
books and a grey cat, and she told the boatman that she would not need him before the spring. He looked at the broken \
windows and at the sky, and he thought that she would be glad to see him within a week; but he was a polite man, and he said \
nothing.

In the first night the wind rose from the west, and the whole tower began to hum like a kettle. The cat went under the bed. \
Miss Harding lit every lamp that she had found in the cellar, set them in a row behind the great lens, and sat down beside \
them with her knitting. She had no intention of saving anybody. She only wished to see what the sea looked like while it was \
angry.

Towards three in the morning she heard a voice below. A young man stood at the door, wet to the skin, with one shoe and \
without a hat. \"Madam,\" he said, \"I beg your pardon. We saw your light, and we steered for it, because our captain was \
sure that it was the harbour. There are nine of us, and a dog, and the boat is on your garden.\"

\"I have no garden,\" said Miss Harding, \"but I have tea.\" She took the lamp from the table and counted them as they came \
up the stairs. The captain came last, and he could not look at her. \"It has been dark for eleven years,\" he said at length. \
\"I have sailed past this rock every week, and I had forgotten that anybody could light it.\"

\"So had everybody else,\" she answered, and she gave him the good cup. By the evening of the next day all the village knew \
that there was a light again, and a paper came from the town, in which she was asked by what right she had lit it. She wrote \
on the back of it that she had done so by the right of the person who was at home, and she asked them to send oil.
";

/// What stands between the bits of the base and those of counting.
const COMPARED: &str = " bits to predict a byte of held-out text, where counting characters in the same part needs ";

#[test]
fn the_plan_agrees_with_the_decision_about_english_prose() {
    let dir = TestDir::new();
    dir.file("story.txt", STORY);
    let options = ["--text", "story.txt", "--minutes", "0.05", "--dry-run"];
    let dry = train_ok(&dir, &options);
    let decision = dry.stderr.lines().find_map(|line| line.strip_prefix("  init.from: ")).unwrap_or_default();
    let starts = decision.starts_with("starts from the built-in base: ");
    // Which one it is depends on the speed of the machine.
    assert!(starts || decision.starts_with("does not start from the built-in base: "), "{}", dry.stderr);
    let numbers = decision.split_once(COMPARED).unwrap_or_default();
    let base = numbers.0.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok());
    let counting = numbers.1.split(';').next().and_then(|number| number.parse::<f64>().ok());
    assert!(base.is_some_and(|bits| bits > 0.0) && counting.is_some_and(|bits| bits > 0.0), "{decision}");
    assert_eq!(dry.stdout.contains("\n# starts from the built-in base: "), starts, "{}", dry.stdout);
    assert_eq!(dry.stdout.contains("\nfrom = \"base\"\n"), starts, "{}", dry.stdout);
    // The base has its sizes.
    assert_eq!(dry.stderr.contains("\n  model.layers: "), !starts, "{}", dry.stderr);

    dir.file("plan.toml", &dry.stdout);
    let settings: Vec<&str> = dry.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    let again = train_ok(&dir, &["--config", "plan.toml", "--dry-run"]);
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), settings);

    let without = train_ok(&dir, &[&options[..], &["--no-base"]].concat());
    assert!(!without.stderr.contains("init.from") && !without.stdout.contains("init.from"), "{}", without.stderr);
    assert!(!without.stdout.contains("from = ") && without.stderr.contains("\n  model.layers: "), "{}", without.stderr);
}

/// Settings of a run from the base, with two steps on short streams.
const FROM_BASE: &str = "\
[text]
path = \"story.txt\"
[init]
from = \"base\"
[model]
dropout = 0.3
[train]
mode = \"tbptt\"
bptt_len = 8
batch_size = 2
epochs = 1
steps_per_epoch = 2
optimizer = { kind = \"adam\" }
schedule = { kind = \"constant\" }
";

#[test]
fn a_configuration_that_starts_from_the_base_is_completed_and_its_report_counts_copies_of_the_base() {
    let dir = TestDir::new();
    dir.file("story.txt", STORY);
    dir.file("from-base.toml", FROM_BASE);
    let dry = train_ok(&dir, &["--config", "from-base.toml", "--dry-run"]);
    for line in ["from = \"base\"", "kind = \"subwords\"", "dropout = 0.3"] {
        assert!(dry.stdout.contains(&format!("\n{line}\n")), "{line}: {}", dry.stdout);
    }
    dir.file("plan.toml", &dry.stdout);
    let again = train_ok(&dir, &["--config", "plan.toml", "--dry-run"]);
    assert_eq!(again.stdout, dry.stdout);

    train_ok(&dir, &["--config", "plan.toml", "--out", "run"]);
    let read = |file: &str| fs::read_to_string(dir.path().join("run").join(file)).unwrap();
    assert!(read("config.toml").contains("\nfrom = \"base\"\n"), "{}", read("config.toml"));
    let copied = &serde_json::from_str::<Value>(&read("score.json")).unwrap()["copied_words"];
    let number = |key: &str| copied[key].as_u64().unwrap_or_else(|| panic!("{key}: {copied}"));
    assert!(number("in_training_text") <= number("checked") && number("checked") > 0, "{copied}");
    let in_base = number("checked_in_base_text");
    assert!(number("in_base_text") <= in_base && in_base <= number("checked"), "{copied}");
    assert_eq!(copied["has_unknown_text"], false);
    assert!(read("score.md").contains(" the text of the base model that the run started from"));
}

#[test]
fn names_and_given_tokens_do_not_start_from_the_base() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let options = ["--text", "names.txt", "--minutes", "0.05", "--dry-run"];
    let tried = train_ok(&dir, &options);
    let declined = "\n  init.from: does not start from the built-in base: ";
    assert!(tried.stderr.contains(declined), "{}", tried.stderr);
    assert!(tried.stderr.contains(COMPARED), "{}", tried.stderr);
    assert!(tried.stdout.contains("kind = \"characters\"\n") && !tried.stdout.contains("from = "), "{}", tried.stdout);
    assert!(tried.stdout.contains("\n# init.from: does not start from the built-in base: "), "{}", tried.stdout);

    let given = train_ok(&dir, &[&options[..], &SMALL].concat());
    let why = format!("{declined}`--set model.layers` is given, which the base would determine\n");
    assert!(given.stderr.contains(&why), "{}", given.stderr);
}

#[test]
fn no_base_is_for_runs_without_a_configuration() {
    let dir = TestDir::new();
    for option in [["--config", "configs/lstm.toml"], ["--init-from", "runs/a"], ["--resume", "runs/a"]] {
        let output = train(&dir, &[&option[..], &["--no-base"]].concat());
        common::assert_error(&output, &option.join(" "), &["--no-base", option[0]]);
    }
}
