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

#[test]
fn english_prose_starts_from_the_base_and_its_plan_can_be_given_back() {
    let dir = TestDir::new();
    dir.file("story.txt", STORY);
    let options = ["--text", "story.txt", "--minutes", "0.05", "--dry-run"];
    let dry = train_ok(&dir, &options);
    let said = "\n  init.from: starts from the built-in base: trained on the text for 150 ms, it needs ";
    assert!(dry.stderr.contains(said), "{}", dry.stderr);
    assert!(dry.stdout.contains("\n# starts from the built-in base: "), "{}", dry.stdout);
    assert!(dry.stdout.contains("\nfrom = \"base\"\n"), "{}", dry.stdout);
    // The base has its sizes and tokens.
    for key in ["model.layers", "tokens.kind", "vocabulary.size"] {
        assert!(!dry.stderr.contains(&format!("\n  {key}: ")), "{key}: {}", dry.stderr);
    }

    dir.file("plan.toml", &dry.stdout);
    let settings: Vec<&str> = dry.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    let again = train_ok(&dir, &["--config", "plan.toml", "--dry-run"]);
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), settings);
    let short = ["--set", "train.epochs=1", "--set", "train.steps_per_epoch=1", "--out", "run"];
    train_ok(&dir, &[&["--config", "plan.toml"][..], &short].concat());
    let read = |file: &str| fs::read_to_string(dir.path().join("run").join(file)).unwrap();
    assert!(read("config.toml").contains("\nfrom = \"base\"\n"), "{}", read("config.toml"));
    let copied = &serde_json::from_str::<Value>(&read("score.json")).unwrap()["copied_words"];
    let number = |key: &str| copied[key].as_u64().unwrap_or_else(|| panic!("{key}: {copied}"));
    assert!(number("in_base_text") <= number("checked") && number("checked") > 0, "{copied}");
    assert_eq!(copied["has_unknown_text"], false);
    assert!(read("score.md").contains(" in the text of the base model that the run started from.\n"));

    let without = train_ok(&dir, &[&options[..], &["--no-base"]].concat());
    assert!(!without.stderr.contains("init.from") && !without.stdout.contains("init.from"), "{}", without.stderr);
    assert!(!without.stdout.contains("from = ") && without.stderr.contains("\n  model.layers: "), "{}", without.stderr);
}

#[test]
fn names_and_given_tokens_do_not_start_from_the_base() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let options = ["--text", "names.txt", "--minutes", "0.05", "--dry-run"];
    let tried = train_ok(&dir, &options);
    let declined = "\n  init.from: does not start from the built-in base: ";
    assert!(tried.stderr.contains(declined), "{}", tried.stderr);
    assert!(tried.stderr.contains(" bits per byte of held-out text and counting "), "{}", tried.stderr);
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
