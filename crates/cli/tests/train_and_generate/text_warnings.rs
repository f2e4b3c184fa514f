//! Settings that suit a text by default, and warnings about those that do not: scripts without spaces, typographic
//! punctuation, indented lines, line ends as tokens.

use std::fs;

use crate::common::{TestDir, tiny};

const CHINESE: [&str; 7] = [
    "灰猫在桥下睡觉",
    "老钟在中午停了",
    "面包师忘了最后一盏灯",
    "河水慢慢流过北门",
    "邻居在雨里唱歌",
    "高个子女孩把伞丢了",
    "他们走了",
];
const THAI: [&str; 4] = ["แม่ขายขนมปังก่อนเที่ยง", "น้ำในแม่น้ำไหลช้ามาก", "แมวสีเทานอนอยู่ใต้สะพาน", "นาฬิกาเก่าไม่เดินแล้ว"];
const POEM: [&str; 4] =
    ["A gull lost the north gate with care;", "    The tall girl found a boat,", "Our ferry watched a lamp,", ""];

/// Lines of two clauses each, in a fixed order.
fn lines(clauses: &[&str], between: &str, end: &str) -> String {
    let line = |n: usize| format!("{}{between}{}{end}\n", clauses[n % clauses.len()], clauses[n * n % clauses.len()]);
    (0..90).map(line).collect()
}

/// Trains the tiny model on `text`; returns the warnings, except that the run is short.
fn train(dir: &TestDir, text: &str, more: &[&str]) -> Vec<String> {
    let base = ["train", "--backend", "flex", "--text", text, "--out", "runs/run"];
    let trained = dir.run_ok(&[&base, tiny().as_slice(), more].concat());
    warnings(&trained.stderr)
}

fn warnings(stderr: &str) -> Vec<String> {
    crate::common::warnings(stderr).into_iter().map(str::to_owned).collect()
}

/// The words of the run's vocabulary, as in `vocabulary.tsv`.
fn vocabulary(dir: &TestDir) -> Vec<String> {
    let table = fs::read_to_string(dir.path().join("runs/run/vocabulary.tsv")).unwrap();
    table.lines().skip(1).map(|row| row.split('\t').nth(1).unwrap().to_owned()).collect()
}

fn generate(dir: &TestDir, more: &[&str]) -> String {
    let base = [
        "generate",
        "--backend",
        "flex",
        "--json",
        "--seed",
        "3",
        "--temperature",
        "1",
        "--top-p",
        "1",
        "--max-tokens",
        "80",
    ];
    dir.json(&[&base, more].concat())["samples"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn chinese_is_divided_by_a_dictionary_everywhere_in_a_run() {
    let dir = TestDir::new();
    let text = lines(&CHINESE, "，", "。");
    dir.file("zh.txt", &text);
    assert!(train(&dir, "zh.txt", &[]).is_empty());
    let config = fs::read_to_string(dir.path().join("runs/run/config.toml")).unwrap();
    assert!(config.contains("segmentation = \"dictionary\""), "{config}");
    let words = vocabulary(&dir);
    for word in ["睡觉", "，", "。", "河水", "女孩"] {
        assert!(words.contains(&word.to_owned()), "{word}: {words:?}");
    }
    let prepared = dir.json(&["prepare", "--text", "zh.txt", "--json"]);
    assert!(prepared["tokens"].as_u64().unwrap() > 900 && prepared["words"].as_u64().unwrap() < 60, "{prepared}");

    let sample = generate(&dir, &["--prompt", "老钟在中午"]);
    assert!(sample.chars().count() > 60 && !sample.contains(' '), "{sample}");
    let evaluated = dir.json(&["evaluate", "--backend", "flex", "--json"]);
    assert_eq!(evaluated["unknown_share"], 0.0);
    dir.file("other.txt", lines(&CHINESE[..3], "，", "。"));
    let other = dir.json(&["evaluate", "--backend", "flex", "--json", "--text", "other.txt"]);
    assert_eq!(other["unknown_share"], 0.0);
    let resumed = dir.run_ok(&["train", "--resume", "runs/run", "--set", "train.epochs=2"]);
    assert!(resumed.stderr.contains("resuming"), "{}", resumed.stderr);
}

#[test]
fn thai_is_divided_and_keeps_the_spaces_between_its_phrases() {
    let dir = TestDir::new();
    let text = lines(&THAI, " ", "");
    dir.file("th.txt", &text);
    assert!(train(&dir, "th.txt", &["--set", "train.epochs=3"]).is_empty());
    let words = vocabulary(&dir);
    assert!(words.iter().any(|word| word == "แม่") && words.iter().any(|word| word == " "), "{words:?}");
    assert!(words.len() < 40, "{words:?}");
    let sample = generate(&dir, &[]);
    assert!(sample.contains(' ') && sample.split(' ').any(|phrase| phrase.chars().count() > 8), "{sample}");
}

#[test]
fn a_text_without_spaces_is_warned_about_if_it_is_not_divided() {
    let dir = TestDir::new();
    let different: String = (0..150)
        .map(|n| format!("{}{}{}。\n", CHINESE[n % 7], char::from_u32(0x4e00 + n as u32).unwrap(), CHINESE[n * n % 6]))
        .collect();
    dir.file("zh.txt", different);
    let off = ["--set", "tokens.segmentation=spaces"];
    let fix = "use `--set tokens.segmentation=dictionary`";
    let warned = train(&dir, "zh.txt", &off);
    assert!(matches!(&warned[..], [one] if one.starts_with("150 of 150 words ") && one.ends_with(fix)), "{warned:?}");
    let prepared = dir.run_ok(&[&["prepare", "--text", "zh.txt"], &off[..]].concat());
    assert!(warnings(&prepared.stderr)[0].ends_with(fix), "{}", prepared.stderr);
    dir.file("short.txt", lines(&CHINESE, "", ""));
    dir.expect_error(&[&["prepare", "--text", "short.txt"], &off[..]].concat(), &["split has 9 tokens", fix]);
    // Names of another script: no dictionary would help.
    let names: String = (0..400).map(|n| format!("na{n}me\n")).collect();
    dir.file("names.txt", names);
    let prepared = dir.run_ok(&["prepare", "--text", "names.txt"]);
    assert!(warnings(&prepared.stderr)[0].ends_with("`--config configs/char.toml` does"), "{}", prepared.stderr);
    dir.expect_error(
        &["prepare", "--set", "tokens.kind=characters", "--set", "tokens.segmentation=dictionary"],
        &["`tokens.segmentation` is given", "tokens.kind = \"words\""],
    );
}

#[test]
fn korean_and_latin_texts_stay_as_they_are() {
    let dir = TestDir::new();
    for clauses in [["여우가 포도를 보았다", "까마귀는 노래했다"], ["The fox saw grapes", "a crow sang, alone"]]
    {
        dir.file("my.txt", lines(&clauses, ". ", "."));
        let count = |more: &[&str]| dir.json(&[&["prepare", "--text", "my.txt", "--json"], more].concat());
        let default = count(&[]);
        for segmentation in ["spaces", "dictionary", "auto"] {
            assert_eq!(count(&["--set", &format!("tokens.segmentation={segmentation}")]), default);
        }
    }
}

const CURLY: &str = "“The gull sat,” said the girl. The gull’s lamp—the old lamp—fell. “No,” said the gull. ";

#[test]
fn typographic_punctuation_is_separated_except_in_the_keras_baseline_which_says_so() {
    let dir = TestDir::new();
    dir.file("curly.txt", CURLY.repeat(20));
    assert!(train(&dir, "curly.txt", &[]).is_empty());
    let words = vocabulary(&dir);
    for word in ["“", "”", "—", "gull’s", "lamp", "no"] {
        assert!(words.contains(&word.to_owned()), "{word}: {words:?}");
    }
    assert!(!words.iter().any(|word| word.chars().count() > 1 && word.contains(['“', '”', '—'])), "{words:?}");

    let keras = ["--set", "clean.preset=keras-lowercase"];
    let prepare = |more: &[&str]| warnings(&dir.run_ok(&[&["prepare", "--text", "curly.txt"], more].concat()).stderr);
    let expected = "the preset `keras-lowercase` leaves 120 typographic punctuation characters such as “ ” — … in words, as \
                    in the Keras baseline: `--set clean.preset=lowercase` does not";
    assert_eq!(prepare(&keras), [expected]);
    dir.file("curly.txt", "The gull sat\n  on the lamp\nall day.\n".repeat(30));
    let expected = "the preset `keras-lowercase` turns 30 line ends next to spaces, as of indented lines, into full stops, \
                    as in the Keras baseline: `--set clean.preset=lowercase` does not";
    assert_eq!(prepare(&keras), [expected]);
    assert!(prepare(&[]).is_empty());
}

#[test]
fn line_ends_are_tokens_on_request() {
    let dir = TestDir::new();
    dir.file("poem.txt", POEM.join("\n").repeat(25));
    let keep = ["--set", "tokens.newlines=keep", "--set", "train.epochs=6", "--set", "train.learning_rate=0.02"];
    assert!(train(&dir, "poem.txt", &keep).is_empty());
    assert!(vocabulary(&dir).contains(&"\\n".to_owned()));
    let sample = generate(&dir, &["--prompt", "A gull\nlost"]);
    let written: Vec<&str> = sample.trim().lines().collect();
    assert!(
        written.len() > 4 && written.iter().all(|line| !line.starts_with(' ') && !line.ends_with(' ')),
        "{sample:?}"
    );
    let evaluated = dir.json(&["evaluate", "--backend", "flex", "--json"]);
    assert_eq!(evaluated["unknown_share"], 0.0);
    assert!(evaluated["bits_per_byte"].is_number(), "{evaluated}");
    // The run's own choice is used when it is resumed, and line ends are white space in other runs.
    dir.run_ok(&["train", "--resume", "runs/run", "--set", "train.epochs=7"]);
    let tokens = |more: &[&str]| {
        dir.json(&[&["prepare", "--text", "poem.txt", "--json"], more].concat())["words"].as_u64().unwrap()
    };
    assert_eq!(tokens(&keep[..2]), tokens(&[]) + 1);
}

#[test]
fn the_header_of_project_gutenberg_is_warned_about_where_no_recipe_leaves_it_out() {
    let dir = TestDir::new();
    let marker = |side: &str| format!("*** {side} OF THE PROJECT GUTENBERG EBOOK POEMS ***\n");
    let book = format!("Poems\n{}\n{}\n{}", marker("START"), lines(&POEM[..3], " ", ""), marker("END"));
    dir.file("book.txt", book);
    let warned = |more: &[&str]| {
        let prepared = dir.run_ok(&[&["prepare", "--text", "book.txt"], more].concat());
        warnings(&prepared.stderr).iter().any(|warning| warning.contains("the header of Project Gutenberg"))
    };
    assert!(warned(&[]));
    assert!(!warned(&["--set", "text.strip_gutenberg=true"]));
}
