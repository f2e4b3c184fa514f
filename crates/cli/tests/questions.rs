//! Question generation end to end: training, generation, evaluation, resuming and invalid input.

mod common;
#[path = "questions/data_formats.rs"]
mod data_formats;
#[path = "questions/resuming.rs"]
mod resuming;
#[path = "questions/without_model.rs"]
mod without_model;

use common::{CommandOutput, TINY_QUESTION_MODEL, TestDir};
use serde_json::{Value, json};

/// Settings of a model and a training small enough for a test, on the questions embedded in the binary.
fn small() -> Vec<&'static str> {
    let training =
        ["train.epochs=1", "train.schedule.kind=constant", "train.schedule.warm_up_steps=0", "samples.every_steps=9"];
    [TINY_QUESTION_MODEL, &training].concat()
}

fn train(dir: &TestDir, config: &str, settings: &[&str], more: &[&str]) -> CommandOutput {
    let set = settings.iter().flat_map(|setting| ["--set", *setting]);
    let args: Vec<&str> = ["train", "--config", config].into_iter().chain(set).collect();
    dir.run(&[args.as_slice(), more].concat())
}

/// Trains the model of [`small`] in the directory `name`.
fn train_small(dir: &TestDir, name: &str, more: &[&str]) {
    let settings = [&small()[..], more].concat();
    let output = train(dir, "configs/qa.toml", &settings, &["--out", name]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

const TEXT: &str = "Émile saw 12 crows in the old mill.  Then a fox named Rusk went home.\n";

#[test]
fn a_model_is_trained_and_generates_questions_in_every_format() {
    let dir = TestDir::new();
    train_small(&dir, "run", &[]);
    let report = std::fs::read_to_string(dir.path().join("run/score.md")).unwrap();
    let parts = ["## Answers", "exact match", "BLEU-4", "the longest clause", "drawn at random"];
    for part in parts.into_iter().chain(["## Precision at coverage", "## Reliability", "Most confident"]) {
        assert!(report.contains(part), "{report}");
    }
    dir.file("text.txt", TEXT);
    let ask = |format: &str| {
        let all = ["--min-confidence", "0", "--per-sentence", "3", "--format", format];
        let args = [&["ask", "--model", "run", "--text", "text.txt"], all.as_slice()].concat();
        dir.run_ok(&args).stdout
    };
    let lines: Vec<Value> = ask("jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let place = |key: &str, at: usize| line[key][at].as_u64().unwrap() as usize;
        let bytes = place("answer_bytes", 0)..place("answer_bytes", 1);
        assert_eq!(&TEXT[bytes.clone()], line["answer"].as_str().unwrap());
        let characters = place("answer_characters", 0)..place("answer_characters", 1);
        let by_characters: String = TEXT.chars().skip(characters.start).take(characters.len()).collect();
        assert_eq!(by_characters, line["answer"].as_str().unwrap());
        let sentence = place("sentence_bytes", 0)..place("sentence_bytes", 1);
        assert!(sentence.start <= bytes.start && bytes.end <= sentence.end);
        let (question, answer) = (line["question"].as_str().unwrap(), line["answer"].as_str().unwrap());
        assert!(!question.to_lowercase().contains(&format!(" {} ", answer.to_lowercase())));
    }
    assert_eq!(ask("jsonl"), ask("jsonl"), "the same text gives the same questions");
    let squad: Value = serde_json::from_str(&ask("squad")).unwrap();
    let asked = squad["data"][0]["paragraphs"][0]["qas"].as_array().unwrap().len();
    assert_eq!(asked, lines.len());
    assert_eq!(ask("anki").lines().filter(|line| !line.starts_with('#')).count(), lines.len());
    assert!(ask("csv").starts_with("question,answer,confidence"));
    assert!(ask("tsv").starts_with("question\tanswer\tconfidence"));
    assert!(ask("text").lines().count() >= lines.len());

    // What is not printed is explained, and a threshold moves questions from one to the other.
    let explain = |min: &[&str]| {
        let args = [&["ask", "--model", "run", "--text", "text.txt", "--explain", "--per-sentence", "3"], min].concat();
        dir.run_ok(&args)
    };
    let all = explain(&["--min-confidence", "0"]);
    assert_eq!(all.stdout, ask("jsonl"));
    assert!(!all.stderr.contains("its confidence of"), "{}", all.stderr);
    let none = explain(&["--min-confidence", "1"]);
    let explained = none.stderr.lines().filter(|line| line.contains("left out (line 1, ")).count();
    assert!(none.stdout.is_empty() && explained >= lines.len(), "{}", none.stderr);
    // Without rules, and in another language, only the network asks.
    let by_rule = |text: &str, more: &[&str]| {
        dir.file("other.txt", text);
        let ask = ["ask", "--model", "run", "--text", "other.txt", "--explain", "--min-confidence", "0"];
        let CommandOutput { stdout, stderr, .. } = dir.run_ok(&[&ask, more].concat());
        let question = "Who founded the first hospital in Bristol in 1842?";
        ([stdout, stderr.clone()].concat().contains(question), stderr.contains("not English"))
    };
    let english = "Maria Lopez founded the first hospital in Bristol in 1842.";
    assert_eq!(by_rule(english, &[]), (true, false));
    assert_eq!(by_rule(english, &["--no-rules"]), (false, false));
    assert_eq!(by_rule("De man was in Amsterdam.", &[]), (false, true));
    // The run fitted a ranking, whose threshold is the default.
    let ranking: Value = serde_json::from_slice(&std::fs::read(dir.path().join("run/ranking.json")).unwrap()).unwrap();
    assert!(ranking["answers"].as_u64().unwrap() > 0 && ranking["weights"]["fluency"].is_f64(), "{ranking}");
    let printed = explain(&[]).stdout.lines().count();
    let above = |line: &&Value| line["confidence"].as_f64() >= ranking["threshold"].as_f64();
    assert_eq!(printed, lines.iter().filter(above).count());

    // The SQuAD output can be evaluated, and the run is prepared and listed like any other.
    if !lines.is_empty() {
        dir.file("asked.json", ask("squad"));
        let evaluated = dir.json(&["evaluate", "--model", "run", "--data", "asked.json", "--json"]);
        assert_eq!(evaluated["scored"].as_u64(), Some(lines.len() as u64));
    }
    let evaluated = dir.json(&["evaluate", "--model", "run", "--json"]);
    assert_eq!(evaluated["answers"].as_array().unwrap().len(), 6);
    assert_eq!(evaluated["written"].as_array().unwrap().len(), 5);
    // The ranking of the run is evaluated in the same way as when the run ended.
    let score: Value = serde_json::from_slice(&std::fs::read(dir.path().join("run/score.json")).unwrap()).unwrap();
    assert_eq!(evaluated["ranking"], score["ranking"]);
    assert_eq!(score["ranking"]["coverage"][5]["questions"], score["scored"]);
    let prepared = dir.json(&["prepare", "--config", "configs/qa.toml", "--json"]);
    assert_eq!(prepared["questions"], json!(693));
    assert!(dir.run_ok(&["runs", "."]).stdout.contains("finished"));
}

#[test]
fn text_is_read_from_a_pipe_and_in_other_encodings() {
    use std::io::Write as _;
    let dir = TestDir::new();
    train_small(&dir, "run", &[]);
    let ask = |file: &str, more: &[&str]| {
        dir.run_ok(&[&["ask", "--model", "run", "--text", file, "--min-confidence", "0"], more].concat()).stdout
    };
    dir.file("text.txt", TEXT);
    let expected = ask("text.txt", &[]);
    let mut command = dir.command(&["ask", "--model", "run", "--text", "-", "--min-confidence", "0"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TEXT.as_bytes()).unwrap();
    let output = common::output(child.wait_with_output().unwrap());
    assert_eq!((output.code, &output.stdout), (Some(0), &expected), "{}", output.stderr);

    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    dir.file("utf16.txt", utf16(&format!("\u{feff}{TEXT}")));
    assert_eq!(ask("utf16.txt", &[]), expected);
    dir.file("plain.txt", utf16(TEXT));
    assert_eq!(ask("plain.txt", &["--encoding", "utf-16le"]), expected);
    dir.expect_error(&["ask", "--model", "run", "--text", "plain.txt"], &["UTF-16LE", "`--encoding utf-16le`"]);
    dir.file("latin.txt", TEXT.chars().map(|c| c as u8).collect::<Vec<u8>>());
    assert_eq!(ask("latin.txt", &["--encoding", "latin1"]), expected);
    dir.expect_error(&["ask", "--model", "run", "--text", "latin.txt"], &["byte 0", "`--encoding windows-1252`"]);
    // A mark is in no answer and no sentence, and the offsets count it.
    dir.file("marked.txt", format!("\u{feff}{TEXT}"));
    let (marked, plain) = (ask("marked.txt", &[]), expected);
    assert!(!marked.contains('\u{feff}'), "{marked}");
    for (marked, plain) in marked.lines().zip(plain.lines()) {
        let [marked, plain] = [marked, plain].map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert_eq!((&marked["answer"], &marked["sentence"]), (&plain["answer"], &plain["sentence"]));
        let place = |value: &Value| value["sentence_bytes"][0].as_u64().unwrap();
        assert_eq!(place(&marked), place(&plain) + 3);
    }
    if cfg!(unix) {
        for option in [["ask", "--text"], ["evaluate", "--data"]] {
            dir.expect_error(&[option[0], "--model", "run", option[1], "/dev/zero"], &["/dev/zero", "it is a device"]);
        }
    }
    dir.file("nul.txt", format!("{TEXT}\0"));
    dir.expect_error(&["ask", "--model", "run", "--text", "nul.txt"], &["U+0000 (NUL) in line 2, column 1"]);
}

#[test]
fn piped_questions_are_kept_for_what_needs_them_again() {
    let dir = TestDir::new();
    let line = |n: usize| {
        format!(
            "{}\n",
            json!({"context": format!("Fox {n} saw the crow."), "question": "What did it see?", "answer": "the crow"})
        )
    };
    let questions: String = (0..20).map(line).collect();
    let file = dir.file("questions.jsonl", &questions);
    let mut command = dir.command(&["train", "--config", "configs/qa.toml", "--text", "-", "--out", "run"]);
    command.args(small().iter().flat_map(|setting| ["--set", *setting])).args(["--set", "vocabulary.min_count=1"]);
    command.stdin(std::fs::File::open(&file).unwrap());
    let output = common::output(command.output().unwrap());
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(std::fs::read_to_string(dir.path().join("run/questions")).unwrap(), questions);
    let evaluated = dir.run_ok(&["evaluate", "--model", "run"]).stdout;
    let checkpoint = dir.newest_checkpoint("run");
    // A checkpoint has no ranking, which is fitted when the run ends.
    let before_ranking = |text: &str| text.split("\n\nprecision at coverage").next().unwrap().to_owned();
    let of_checkpoint = dir.run_ok(&["evaluate", "--model", &checkpoint]).stdout;
    assert!(of_checkpoint.contains("default ranking") && !evaluated.contains("default ranking"), "{of_checkpoint}");
    assert_eq!(before_ranking(&of_checkpoint), before_ranking(&evaluated));
    // A file of the same name is another one.
    dir.file("questions", "none");
    dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    dir.run_ok(&["reproduce", "run", "--out", "again"]);
    let reason = "this text is the copy in the directory of a run: give it with `--text RUN/questions`";
    dir.expect_error(&["prepare", "--config", "run/config.toml"], &["`data.copy`", reason]);
    dir.run_ok(&["prepare", "--config", "run/config.toml", "--text", "run/questions"]);
    let evaluate = ["evaluate", "--model", "run", "--data"];
    let all = dir.run_ok(&[&evaluate[..], &["questions.jsonl"]].concat()).stdout;
    let mut command = dir.command(&[&evaluate[..], &["-"]].concat());
    assert_eq!(common::output(command.stdin(std::fs::File::open(&file).unwrap()).output().unwrap()).stdout, all);
    assert_ne!(all, evaluated);
    // The repeated run has a copy of its own.
    std::fs::rename(dir.path().join("run"), dir.path().join("moved")).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("again/questions")).unwrap(), questions);
    dir.run_ok(&["evaluate", "--model", "again"]);
    dir.run_ok(&["train", "--resume", "again", "--set", "train.epochs=3"]);
    dir.file("again/questions", line(0));
    let resume = ["train", "--resume", "again", "--set", "train.epochs=4"];
    for command in [&["evaluate", "--model", "again"][..], &resume, &["reproduce", "again"]] {
        dir.expect_error(command, &["the data of again may have changed since training: restore them"]);
    }
}

#[cfg(unix)]
#[test]
fn a_repeated_run_keeps_a_copy_of_piped_validation_questions() {
    let dir = TestDir::new();
    let line = |n: usize| {
        let context = format!("Fox {n} saw the crow.");
        json!({"context": context, "question": "What did it see?", "answer": "the crow"}).to_string()
    };
    let lines = |from: usize| (from..from + 12).map(line).collect::<Vec<_>>().join("\n");
    let (train, valid) = (dir.file("train.jsonl", lines(0)), lines(20));
    let file = dir.file("valid.jsonl", &valid);
    let set = ["vocabulary.min_count=1", "data.valid=/dev/stdin"];
    let mut command = dir.command(&["train", "--config", "configs/qa.toml", "--out", "run", "--text"]);
    command.arg(&train).args(small().iter().chain(&set).flat_map(|setting| ["--set", *setting]));
    let output = common::output(command.stdin(std::fs::File::open(file).unwrap()).output().unwrap());
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    dir.run_ok(&["reproduce", "run", "--out", "again"]);
    std::fs::rename(dir.path().join("run"), dir.path().join("moved")).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("again/validation-questions")).unwrap(), valid);
    assert!(!dir.path().join("again/questions").exists());
    dir.run_ok(&["evaluate", "--model", "again"]);
    dir.run_ok(&["train", "--resume", "again", "--set", "train.epochs=2"]);
}

#[test]
fn thirty_questions_can_be_memorised() {
    let dir = TestDir::new();
    let animals = ["fox", "crow", "hen", "wolf", "ant", "ox"];
    let places = ["mill", "river", "wood", "yard", "hill"];
    let mut lines = String::new();
    for (n, animal) in animals.iter().enumerate() {
        for (m, place) in places.iter().enumerate() {
            let (count, other) = (2 + (3 * n + m) % 7, animals[(n + m + 1) % animals.len()]);
            let context = format!("Once the {animal} saw {count} stones by the {place} with the {other}.");
            let (question, answer) = match (n + m) % 3 {
                0 => (format!("How many stones did the {animal} see by the {place}?"), count.to_string()),
                1 => (format!("Where did the {animal} see {count} stones?"), format!("by the {place}")),
                _ => (format!("Who saw stones by the {place} with the {other}?"), format!("the {animal}")),
            };
            let line = json!({"context": context, "question": question, "answer": answer});
            lines.push_str(&format!("{line}\n"));
        }
    }
    dir.file("pairs.jsonl", lines);
    let settings = [
        "data.valid=pairs.jsonl",
        "train.epochs=70",
        "train.schedule.warm_up_steps=0",
        "train.batch_size=10",
        "train.learning_rate=0.01",
        "train.ema_decay=0",
        "vocabulary.min_count=1",
        "model.dropout=0",
        "model.embedding_dropout=0",
        "model.embedding_dim=24",
        "model.readout=24",
        "model.features=6",
        "model.encoder[0].units=16",
        "model.extractor[0].units=16",
        "model.decoder[0].units=32",
    ];
    let output = train(&dir, "configs/qa.toml", &settings, &["--text", "pairs.jsonl", "--out", "run"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let evaluated = dir.json(&["evaluate", "--model", "run", "--data", "pairs.jsonl", "--json"]);
    let bleu = evaluated["written"][0]["bleu"][3].as_f64().unwrap();
    let exact = evaluated["answered"]["exact_match"].as_f64().unwrap();
    // The beam search rejects repeated words, so that not every memorised question is the best hypothesis.
    assert!(bleu >= 85.0 && exact >= 95.0, "BLEU-4 {bleu}, exact match {exact}");

    // Byte order mark, line ends without LF, list items: each known sentence is asked about.
    let known =
        ["Once the fox saw 2 stones by the mill with the crow.", "Once the hen saw 8 stones by the mill with the wolf"];
    let text = format!("\u{feff}STONES\r\r{}\r\rAlso:\r\r- {}\r- nothing\r", known[0], known[1]);
    dir.file("text.txt", &text);
    let ask = |more: &[&str]| dir.run_ok(&[&["ask", "--model", "run", "--text", "text.txt"], more].concat());
    let all = ask(&["--min-confidence", "0"]).stdout;
    let lines: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for sentence in known {
        let line = lines.iter().find(|line| line["sentence"] == sentence).unwrap_or_else(|| panic!("{sentence}"));
        let at = |key: &str, end: usize| line[key][end].as_u64().unwrap() as usize;
        assert_eq!(&text[at("sentence_bytes", 0)..at("sentence_bytes", 1)], sentence);
        let before = text.find(sentence).unwrap();
        assert_eq!(at("sentence_characters", 0), text[..before].chars().count(), "the mark counts");
    }
    let table = ask(&["--format", "csv", "--bom"]).stdout;
    assert!(table.starts_with("\u{feff}question,") && !table[3..].contains('\u{feff}'), "{table}");
    dir.expect_error(&["ask", "--model", "run", "--text", "text.txt", "--bom"], &["--bom", "csv"]);

    #[cfg(target_os = "linux")]
    {
        // A terminal gets no mark that turns the direction of the text; a pipe gets it.
        dir.file("marked.txt", "Once the fox saw 2 stones by the mill with the \u{202e}crow.");
        let ask = ["ask", "--model", "run", "--text", "marked.txt", "--min-confidence", "0", "--format", "text"];
        assert!(dir.run_ok(&ask).stdout.contains("with the \u{202e}crow"));
        if let Some(shown) = common::on_terminal(&dir, &ask) {
            assert!(shown.contains(r"with the \u{202e}crow") && !shown.contains('\u{202e}'), "{shown}");
            let raw = common::on_terminal(&dir, &[&ask[..], &["--raw"]].concat()).unwrap();
            assert!(raw.contains("with the \u{202e}crow"), "{raw}");
        }
    }

    // A sentence without any boundary is cut, and every reason for no question is the true one.
    dir.file("text.txt", format!("\n{}.", "the fox saw ".repeat(80)));
    let output = ask(&["--min-confidence", "1"]);
    let cut = "1 sentence has more than 200 words and neither line ends nor semicolons to be divided at, so that it is cut into \
               parts: line 2 (241 words)";
    assert!(output.stderr.contains(cut), "{}", output.stderr);
    assert!(output.stderr.contains("no question: of "), "{}", output.stderr);
    assert_eq!(output.stdout, "");
}

#[test]
fn models_and_configurations_of_the_other_kind_are_rejected() {
    let dir = TestDir::new();
    dir.file("text.txt", TEXT);
    dir.expect_error(&["ask", "--text", "text.txt"], &["train --config configs/qa.toml"]);
    train_small(&dir, "asks", &[]);
    let writes = dir.train(&["--out", "writes"]);
    assert_eq!(writes.code, Some(0), "{}", writes.stderr);
    dir.expect_error(&["ask", "--model", "writes", "--text", "text.txt"], &["expected a question model", "`ask`"]);
    dir.expect_error(&["generate", "--model", "asks"], &["expected a language model", "`generate`"]);
    dir.expect_error(&["evaluate", "--model", "writes", "--data", "text.txt"], &["expected a question model"]);
    dir.expect_error(&["evaluate", "--model", "asks", "--text", "text.txt"], &["expected a language model"]);
    let export = ["export", "x.safetensors", "--layout", "pytorch", "--model", "asks"];
    dir.expect_error(&export, &["expected a language model"]);
    models::interop::write_safetensors(&dir.path().join("x.safetensors"), &Default::default()).unwrap();
    let import = ["import", "x.safetensors", "--layout", "pytorch", "--like", "asks"];
    dir.expect_error(&import, &["expected a language model: give another directory with `--like`;"]);
    dir.expect_error(&["summary", "--config", "configs/qa.toml"], &["for a question model"]);
    dir.file("blank.txt", " \n\n ");
    dir.expect_error(&["ask", "--model", "asks", "--text", "blank.txt"], &["no sentence"]);
    dir.file("latin.txt", b"caf\xe9 noir");
    dir.expect_error(&["ask", "--model", "asks", "--text", "latin.txt"], &["latin.txt", "byte 3"]);
    for (option, value) in [("--beam", "0"), ("--per-sentence", "0"), ("--min-confidence", "2")] {
        dir.expect_error(&["ask", "--model", "asks", "--text", "text.txt", option, value], &[option]);
    }
    for (setting, expected) in [
        ("model.attention=none", "model.copy"),
        ("model.readout=9", "model.readout"),
        ("model.decoder[0].bidirectional=true", "model.decoder[0].bidirectional"),
        ("model.max_answer_len=0", "model.max_answer_len"),
        ("data.dataset=nothing", "fables-qa"),
        ("data.path=x.json", "no file at `"),
        ("sentences.max_sentence_len=0", "sentences.max_sentence_len"),
        ("vocabulary.min_count=0", "vocabulary.min_count"),
        ("train.mode=tbptt", "train.mode"),
        ("model.coverage=-1", "model.coverage"),
        ("model.units=3", "units"),
    ] {
        dir.expect_error(&["train", "--config", "configs/qa.toml", "--set", setting], &[expected]);
    }
}

#[test]
fn chinese_questions_have_words_of_a_dictionary_and_no_spaces() {
    let dir = TestDir::new();
    let line = |n: usize| json!({ "context": format!("第{n}天灰猫在桥下睡觉。"), "question": "灰猫在桥下做什么？", "answer": "睡觉" });
    let lines: Vec<String> = (0..40).map(|n| line(n).to_string()).collect();
    dir.file("zh.jsonl", lines.join("\n"));
    let settings = [&small()[..], &["train.epochs=12", "train.learning_rate=0.02", "model.dropout=0.0"]].concat();
    let trained = train(&dir, "configs/qa.toml", &settings, &["--text", "zh.jsonl", "--out", "runs/zh"]);
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    let config = std::fs::read_to_string(dir.path().join("runs/zh/config.toml")).unwrap();
    assert!(config.contains("segmentation = \"dictionary\""), "{config}");
    dir.file("text.txt", "第77天灰猫在桥下睡觉。");
    let asked = dir.run_ok(&["ask", "--text", "text.txt", "--min-confidence", "0", "--format", "jsonl"]);
    let lines: Vec<Value> = asked.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty(), "{}", asked.stderr);
    for line in lines {
        let question = line["question"].as_str().unwrap();
        assert!(question.chars().count() > 3 && !question.contains(' '), "{question}");
    }
    let evaluated = dir.json(&["evaluate", "--json"]);
    assert!(evaluated["scored"].as_u64().unwrap() > 0, "{evaluated}");
}
