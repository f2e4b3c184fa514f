//! The main workflow end to end: train, generate, evaluate and resume.

#[path = "train_and_generate/about_program.rs"]
mod about_program;
#[path = "train_and_generate/adapted.rs"]
mod adapted;
#[path = "train_and_generate/automatic_recipe.rs"]
mod automatic_recipe;
#[path = "train_and_generate/benchmark_corpora.rs"]
mod benchmark_corpora;
#[path = "train_and_generate/by_hand.rs"]
mod by_hand;
mod common;
#[path = "train_and_generate/documents_and_labels.rs"]
mod documents_and_labels;
#[path = "train_and_generate/held_out_documents.rs"]
mod held_out_documents;
#[path = "train_and_generate/imported_files.rs"]
mod imported_files;
#[path = "train_and_generate/int8_directories.rs"]
mod int8_directories;
#[path = "train_and_generate/model_page.rs"]
mod model_page;
#[path = "train_and_generate/ngram_mixture.rs"]
mod ngram_mixture;
#[path = "train_and_generate/node.rs"]
mod node;
#[path = "train_and_generate/page_logits.rs"]
mod page_logits;
#[path = "train_and_generate/page_network.rs"]
mod page_network;
#[path = "train_and_generate/page_tokenizers.rs"]
mod page_tokenizers;
#[path = "train_and_generate/sampling_methods.rs"]
mod sampling_methods;
#[path = "train_and_generate/server.rs"]
mod server;
#[path = "train_and_generate/text_files.rs"]
mod text_files;
#[path = "train_and_generate/text_inputs.rs"]
mod text_inputs;
#[path = "train_and_generate/text_pipes.rs"]
mod text_pipes;
#[path = "train_and_generate/text_tables.rs"]
mod text_tables;
#[path = "train_and_generate/text_warnings.rs"]
mod text_warnings;

use std::fs;

use common::{TestDir, output, tiny};
use serde_json::Value;

fn samples(dir: &TestDir, more: &[&str]) -> Vec<Value> {
    let report = dir.json(&[&["generate", "--json", "--max-tokens", "20"], more].concat());
    report["samples"].as_array().unwrap().clone()
}

#[test]
fn a_model_is_trained_sampled_and_evaluated() {
    let dir = TestDir::new();
    let trained = dir.train(&["--view-svg", "view.svg"]);
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    assert_eq!(trained.stdout.trim(), "runs/lstm-1");
    for line in ["parameters; ", "an epoch will take about ", "after step 40:"] {
        assert!(trained.stderr.contains(line), "{}", trained.stderr);
    }
    assert!(trained.stderr.contains("  sample: "), "{}", trained.stderr);

    let run = dir.path().join("runs/lstm-1");
    for file in [
        "manifest.json",
        "weights.bpk",
        "tokenizer.json",
        "vocabulary.tsv",
        "config.toml",
        "metrics.jsonl",
        "samples.md",
    ] {
        assert!(run.join(file).exists(), "{file}");
    }
    let read = |file: &str| fs::read_to_string(run.join(file)).unwrap();
    let metrics = read("metrics.jsonl");
    let last: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["epoch"]), (&"epoch".into(), &1.into()));
    let samples_file = read("samples.md");
    for temperature in ["0.2", "0.5", "1"] {
        assert!(samples_file.contains(&format!("Temperature {temperature}:")), "{samples_file}");
    }
    let view = fs::read_to_string(dir.path().join("view.svg")).unwrap();
    let valid = last["valid_loss_nats_per_token"].as_f64().unwrap();
    for words in [
        format!(">valid {valid:.3}<"),
        "epoch 1 of 1".into(),
        "sample after step 89".into(),
        " bits per byte, counting needs ".into(),
    ] {
        assert!(view.contains(&words), "{words}: {view}");
    }
    let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    assert_eq!(manifest["format"], 2);
    assert!(manifest["about"]["valid_loss_carried"].is_number());

    // With windows, `evaluate` gives exactly the loss recorded in training.
    let evaluated = dir.json(&["evaluate", "--json", "--state", "window"]);
    let keys: Vec<&String> = evaluated.as_object().unwrap().keys().collect();
    let metrics =
        ["protocol", "tokens", "loss_nats_per_token", "perplexity", "accuracy", "unknown_share", "bits_per_byte"];
    assert_eq!(keys, [&metrics[..], &["parameters", "vocabulary"]].concat());
    let loss = evaluated["loss_nats_per_token"].as_f64().unwrap();
    let recorded = manifest["about"]["valid_loss_window"].as_f64().unwrap();
    assert!((loss - recorded).abs() < 1e-6, "{loss} against {recorded}");
    let carried = dir.json(&["evaluate", "--json", "--state", "carry"]);
    assert_eq!(carried["loss_nats_per_token"], manifest["about"]["valid_loss_carried"]);
    assert_eq!(carried["tokens"], evaluated["tokens"]);
    // The held-out fables contain unknown words, which are spelled as in the report of the run.
    assert!(evaluated["unknown_share"].as_f64().unwrap() > 0.0);
    let score: Value = serde_json::from_str(&read("score.json")).unwrap();
    let rows = score["rows"].as_array().unwrap();
    for (evaluated, name) in [(&evaluated, "this model, by window"), (&carried, "this model, carried")] {
        assert!(evaluated["protocol"].as_str().unwrap().contains("; bits per byte: unknown words are spelled"));
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let [bits, reported] = [evaluated, row].map(|loss| loss["bits_per_byte"].as_f64().unwrap());
        assert!((bits - reported).abs() < 1e-6, "{name}: {bits} against {reported}");
    }
}

#[test]
fn int8_weights_generate_and_report_their_loss() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let loss = |extra: &[&str]| {
        let evaluated = dir.json(&[&["evaluate", "--json"], extra].concat());
        (evaluated["loss_nats_per_token"].as_f64().unwrap(), evaluated["protocol"].to_string())
    };
    let ((exact, as_trained), (near, rounded)) = (loss(&[]), loss(&["--int8"]));
    assert!(exact != near && (exact - near).abs() < 0.01, "{exact} {near}");
    assert!(!as_trained.contains("eight bits") && rounded.contains("eight bits"), "{rounded}");
    let written = samples(&dir, &["--int8", "--seed", "1", "--num-samples", "2"]);
    assert_eq!(written.len(), 2);
    for command in ["generate", "evaluate"] {
        let mut off = dir.command(&[command, "--int8"]);
        let off = output(off.env("PASTICHE_KERNELS", "off").output().unwrap());
        assert_ne!(off.code, Some(0), "{command}");
        assert!(off.stderr.contains("`--int8` needs an inference kernel"), "{}", off.stderr);
    }
}

#[test]
fn a_sample_does_not_depend_on_other_samples() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let three = samples(&dir, &["--seed", "1", "--num-samples", "3", "--temperature", "1", "--top-p", "1"]);
    let one = samples(&dir, &["--seed", "1", "--temperature", "1", "--top-p", "1"]);
    assert_eq!(three[0], one[0]);
    assert_ne!(three[0]["ids"], three[1]["ids"]);
    assert_ne!(one, samples(&dir, &["--seed", "2", "--temperature", "1", "--top-p", "1"]));
    assert_eq!(one[0]["ids"].as_array().unwrap().len(), 20);

    let plain = dir.run_ok(&["generate", "--seed", "1", "--max-tokens", "20", "--temperature", "1", "--top-p", "1"]);
    assert_eq!(plain.stdout.trim(), one[0]["text"].as_str().unwrap().trim());

    let prompted = samples(&dir, &["--seed", "1", "--prompt", "The fox said"]);
    assert!(!prompted[0]["text"].as_str().unwrap().contains("The fox said"));
    let report = dir.json(&["generate", "--json", "--max-tokens", "3", "--seed", "7"]);
    assert_eq!((&report["seed"], &report["temperature"]), (&7.into(), &0.8.into()));
    assert_eq!(report["model"], "runs/a");
    assert_eq!(report["top_p"], 0.9);
    // To name a default changes nothing, and another temperature keeps the default of `--top-p`.
    let [unnamed, named, other] = [&[][..], &["--temperature", "0.8"], &["--temperature", "0.5"]]
        .map(|given| dir.json(&[&["generate", "--json", "--max-tokens", "9", "--seed", "7"], given].concat()));
    assert_eq!((&named["samples"], &named["top_p"]), (&unnamed["samples"], &0.9.into()));
    assert_eq!(other["top_p"], 0.9);
    // A filter is not combined with a default that it was not compared with, and at a temperature of 0 none has an effect.
    for given in
        [["--temperature", "0"], ["--top-k", "5"], ["--min-p", "0.1"], ["--typical", "0.9"], ["--mirostat", "3"]]
    {
        let report = dir.json(&[&["generate", "--json", "--max-tokens", "3", "--seed", "7"], &given[..]].concat());
        assert_eq!(report["top_p"], Value::Null, "{given:?}");
    }
    assert!(report["tokens_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_stop_text_is_written_as_people_write_it() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let text = |seed: u64, more: &[&str]| {
        let seed = seed.to_string();
        let options =
            ["generate", "--model", "a", "--temperature", "1", "--top-p", "1", "--max-tokens", "120", "--seed", &seed];
        let args = [&options[..], more].concat();
        let report = dir.json(&[&args[..], &["--json"]].concat());
        let text = report["samples"][0]["text"].as_str().unwrap().to_owned();
        assert_eq!(dir.run_ok(&args).stdout, format!("{text}\n"), "streamed");
        text
    };
    let tokens = |text: &str| -> Vec<String> {
        let mut spaced = text.replace("\n\n", " | ");
        for mark in "!\"#$%&()*+,-./:;<=>?@[]^_`{}~".chars() {
            spaced = spaced.replace(mark, &format!(" {mark} "));
        }
        spaced.split_whitespace().map(String::from).collect()
    };
    // Stop texts are taken from what the model writes: one word or two, also in capitals.
    let (seed, whole) = (1..50).map(|seed| (seed, text(seed, &[]))).find(|(_, text)| text.contains("\n\n")).unwrap();
    let all = tokens(&whole);
    let is_word = |token: &String| token.chars().all(char::is_alphabetic);
    let pair = all.windows(2).skip(3).find(|pair| pair.iter().all(is_word)).unwrap();
    for (stop, count) in [(pair[0].to_uppercase(), 1), (pair.join(" ").to_uppercase(), 2), (pair.join(r"\n"), 2)] {
        let stopped = text(seed, &["--stop", &stop]);
        let at = all.windows(count).position(|window| window == &pair[..count]).unwrap();
        assert!(whole.starts_with(&stopped), "{stop}: {stopped}; {whole}");
        assert_eq!(tokens(&stopped), all[..at], "{stop}: {stopped}; {whole}");
    }
    // A line end is the paragraph break between two documents; the first of several stop texts counts.
    let (first_document, _) = whole.split_once("\n\n").unwrap();
    for stop in [r"\n", r"\r\n", r"\n\n", "|", "story"] {
        assert_eq!(text(seed, &["--stop", stop]), first_document, "{stop}");
    }
    let both = text(seed, &["--stop", r"\n", "--stop", &pair.join(" ")]);
    let later = text(seed, &["--stop", &pair.join(" ")]);
    assert_eq!(both, if later.len() < first_document.len() { &later } else { first_document });

    // A model without line ends and documents says that it never stops there.
    dir.file("my.txt", "The cat saw the dog and the dog ran away from the cat. ".repeat(30));
    dir.file("plain.toml", "[text]\npath = \"my.txt\"\n[clean]\npreset = \"prose\"\n");
    dir.run_ok(&[&["train", "--config", "plain.toml", "--out", "plain"], tiny().as_slice()].concat());
    let never = dir.run_ok(&["generate", "--model", "plain", "--max-tokens", "5", "--stop", r"\n"]);
    assert!(never.stderr.contains(r"warning: `--stop \n` ends no sample"), "{}", never.stderr);
    assert_eq!(never.stderr.matches("\n5 tokens, ").count(), 1, "{}", never.stderr);
}

#[test]
fn prompts_come_from_files_and_from_standard_input() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let options = ["--seed", "1", "--temperature", "0", "--state", "carry"];
    let expected = samples(&dir, &[&options[..], &["--prompt", "the old lion"]].concat());
    dir.file("prompt.txt", "the old lion");
    let from_file = [&options[..], &["--prompt-file", "prompt.txt"]].concat();
    assert_eq!(samples(&dir, &from_file), expected);
    let mut command = dir.command(&["generate", "--json", "--max-tokens", "20"]);
    command.args(options).args(["--prompt-file", "-"]);
    command.stdin(fs::File::open(dir.path().join("prompt.txt")).unwrap());
    let output = common::output(command.output().unwrap());
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["samples"], Value::from(expected));
}

#[test]
fn only_a_carried_state_depends_on_tokens_before_the_window() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let long = |start: &str| format!("{start} {}", "and the fox went to the river ".repeat(5));
    let sample_after = |start: &str, context: &str| {
        let prompt = long(start);
        let options = ["--seed", "1", "--temperature", "1", "--top-p", "1", "--state", context];
        samples(&dir, &[&options[..], &["--prompt", prompt.as_str()]].concat())
    };
    assert_eq!(sample_after("lion", "window"), sample_after("crow", "window"));
    // Carried states differ: the loss shows it even if the sampled words are the same.
    let text = |start: &str| long(start) + &"and the fox went to the river ".repeat(3);
    let loss = |start: &str, context: &str| {
        dir.file("text.txt", text(start));
        let base = ["evaluate", "--json", "--text", "text.txt", "--state", context];
        dir.json(&base)["loss_nats_per_token"].as_f64().unwrap()
    };
    assert_ne!(loss("lion", "carry"), loss("crow", "carry"));
}

#[test]
fn runs_are_named_and_never_overwritten() {
    let dir = TestDir::new();
    for name in ["runs/lstm-1", "runs/lstm-2"] {
        assert_eq!(dir.train(&[]).stdout.trim(), name);
    }
    let again = dir.train(&["--out", "runs/lstm-1"]);
    common::assert_error(&again, "--out", &["runs/lstm-1 exists", "--resume"]);
    let newest = dir.run_ok(&["generate", "--max-tokens", "2"]);
    assert!(newest.stderr.contains("runs/lstm-2"), "{}", newest.stderr);
}

#[test]
fn a_resumed_run_equals_the_uninterrupted_run_byte_for_byte() {
    let dir = TestDir::new();
    let whole = dir.train(&["--set", "train.epochs=3", "--out", "whole"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let part = dir.train(&["--out", "part"]);
    assert_eq!(part.code, Some(0), "{}", part.stderr);
    let resumed = dir.run(&["train", "--resume", "part", "--set", "train.epochs=2"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("after step 89 "), "{}", resumed.stderr);
    let resumed = dir.run(&["train", "--resume", "part", "--set", "train.epochs=3"]);
    assert!(resumed.stderr.contains("after step 178 "), "{}", resumed.stderr);
    // The new number of epochs was saved: nothing is left to do.
    fs::remove_file(dir.path().join("part/manifest.json")).unwrap();
    let done = dir.run(&["train", "--resume", "part"]);
    assert!(done.stderr.contains("has finished its 3 epochs;"), "{}", done.stderr);
    let fewer = dir.run(&["train", "--resume", "part", "--set", "train.epochs=2"]);
    common::assert_error(&fewer, "fewer epochs", &["has finished 3 epochs", "train.epochs"]);
    assert!(!done.stderr.contains("an epoch will take"), "{}", done.stderr);
    let read = |run: &str, file: &str| fs::read(dir.path().join(run).join(file)).unwrap();
    assert_eq!(read("whole", "weights.bpk"), read("part", "weights.bpk"));
    assert_eq!(read("whole", "samples.md"), read("part", "samples.md"));
    let epochs = |run| {
        let text = String::from_utf8(read(run, "metrics.jsonl")).unwrap();
        let values = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let losses = values.map(|value| {
            let keys = ["event", "epoch", "step", "train_loss_nats_per_token"];
            keys.map(|key| value[key].clone())
        });
        losses.collect::<Vec<_>>()
    };
    assert_eq!(epochs("whole"), epochs("part"));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let dir = TestDir::new();
    for run in ["a", "b"] {
        assert_eq!(dir.train(&["--out", run]).code, Some(0));
    }
    assert_eq!(dir.train(&["--out", "c", "--set", "seed=2"]).code, Some(0));
    let read = |run: &str| fs::read(dir.path().join(run).join("weights.bpk")).unwrap();
    assert_eq!(read("a"), read("b"));
    assert_ne!(read("a"), read("c"));
}

#[test]
fn a_character_model_is_trained_on_a_custom_text() {
    let dir = TestDir::new();
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(60);
    dir.file("my.txt", text);
    let settings = ["clean.preset=verbatim", "tokens.kind=characters", "vocabulary.min_count=1", "windows.stride=3"];
    let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
    let mut args = vec!["train", "--text", "my.txt", "--out", "run"];
    args.extend(tiny());
    args.extend(settings);
    args.extend(["--set", "clean.document_separator=@"]);
    let trained = dir.run_ok(&args);
    assert!(trained.stderr.contains("document separator `@` does not occur"), "{}", trained.stderr);
    let report = dir.json(&["generate", "--model", "run", "--json", "--prompt", "The quick"]);
    assert_eq!(report["samples"][0]["text"].as_str().unwrap().chars().count(), 200);
    let evaluated = dir.json(&["evaluate", "--model", "run", "--json"]);
    assert_eq!(evaluated["unknown_share"], 0.0);
    let bits = evaluated["bits_per_byte"].as_f64().unwrap();
    let loss = evaluated["loss_nats_per_token"].as_f64().unwrap();
    assert!((bits - loss / 2f64.ln()).abs() < 1e-9, "one byte per character: {bits}, {loss}");
}
