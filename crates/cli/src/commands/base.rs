//! `base`: trains a base model, or takes a finished run, and writes the model with 8-bit weights, the word sequences of its
//! training text and a model card.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use args::{Base, Train, visible};
use burn::module::Module;
use burn::tensor::Device;
use durable::read::small_file;
use durable::{directory as folders, write_atomically};
use eval::{CopiedShare, NgramFilter, TrainingText};
use generate::{EvaluationMode, Generator, LabelChoice, Sampling, evaluate_sequence};
use models::LmBundle;
use models::bundle::NGRAM_COUNTS;
use seqdata::{Part, TextDataset};
use serde_json::Value;
use text_prep::{OovPolicy, TextFiles};
use trainer::{Checkpoints, StopReason};

use super::own_text::own_text;
use super::train::{CONFIG, train_language_model};
use crate::base::{NGRAMS, is_base};
use crate::config::{Config, ConfigFile, Init, LmExperiment, Model, Ngrams, Paths, Text, TokenKind, Tokens, Vectors};
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::input;
use crate::long_task::LongTask;
use crate::observers::sampling::TEMPERATURE;
use crate::output::{print, status, warn};
use crate::recipe::budget::Clock;
use crate::report::baselines::{COUNTING, NGRAM};
use crate::report::model_card::{ModelCard, SAMPLE_SEED, SAMPLE_TOKENS, SAMPLES};
use crate::run::provenance::Provenance;
use crate::run::signals::EXIT_INTERRUPTED;
use crate::run::{directory, init};
use crate::view::format::decimals;

/// The configuration that is read if none is named.
const DEFAULT_CONFIG: &str = "configs/base.toml";
/// The time for training, in minutes, if neither it nor a number of epochs is given.
const DEFAULT_MINUTES: f64 = 90.0;
/// The model card in the directory of a base.
const CARD: &str = "README.md";
/// What can be done if the text of the run has changed, besides restoring it.
const NEW_BASE: &str = "or train a new base with `base --text`";

/// Runs the command.
pub fn run(args: &Base, backend: &BackendSelection) -> Result<ExitCode> {
    let [about, licence] = [("--about", &args.about), ("--licence", &args.licence)].map(one_line);
    let args = &Base { about: about?, licence: licence?, ..args.clone() };
    let out = args.out.display();
    // Before training, which takes long.
    if is_base(&args.out) {
        bail!("`--out {out}` is the name of the built-in base: choose another one, such as `my-base`");
    }
    if args.out.symlink_metadata().is_ok() {
        bail!("{out} exists and is never overwritten: choose another `--out`, or delete it");
    }
    if let Some(parent) = args.out.parent() {
        folders::create(parent)?;
    }
    let run = match &args.run {
        Some(run) => directory::resolve(run),
        None => {
            let (run, stop_reason) = train(args, backend)?;
            if matches!(stop_reason, StopReason::Requested { .. }) {
                let run = run.display();
                status(&format!(
                    "no base was made, because training was stopped: continue with `train --resume {run}`, then make it with \
                     `base --run {run} --out {out}`"
                ));
                print(&format!("{run}\n"))?;
                return Ok(ExitCode::from(EXIT_INTERRUPTED));
            }
            run
        }
    };
    check_finished(&run)?;
    make(&run, args, backend).map_err(|error| {
        let advice = format!("the run is kept: `base --run {} --out DIR` makes the base from it", run.display());
        error.with_hint(args.run.is_none().then_some(advice.as_str()))
    })?;
    print(&format!("{out}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// What is said of the text for the model card with this option, with single spaces instead of line breaks.
fn one_line((option, text): (&str, &Option<String>)) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        bail!("`{option}` is empty: say what the model card should say of the text, or leave the option out");
    }
    let text = words.join(" ");
    if let Cow::Owned(text) = visible(&text) {
        bail!("`{option}` is `{text}`, which has control characters; expected text that can be read: leave them out")
    }
    Ok(Some(text))
}

/// Trains the model in a new run.
fn train(args: &Base, backend: &BackendSelection) -> Result<(PathBuf, StopReason)> {
    let file = args.config.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
    let config = ConfigFile::read(Some(file))?.language_model(&args.config)?;
    check_suitable(&config)?;
    let mut train = Train {
        config: args.config.clone(),
        backend: args.backend.clone(),
        minutes: args.minutes,
        no_tui: args.no_tui,
        ..Train::default()
    };
    if !Clock::start(&train)?.has_epochs() {
        train.minutes.get_or_insert(DEFAULT_MINUTES);
    }
    train_language_model(&train, config, crate::base::NAME, backend)
}

/// Rejects a directory that is not a run, and a run that is not finished.
fn check_finished(run: &Path) -> Result<()> {
    init::check_is_run(run)?;
    init::check_was_trained(run, "give the directory of a training run")?;
    let progress = Checkpoints::of(run).progress()?;
    if !progress.is_some_and(|progress| progress.is_finished() || progress.should_stop_early()) {
        let name = run.display();
        bail!("{name} is not finished: continue with `train --resume {name}` before a base is made from it");
    }
    Ok(())
}

/// Makes the base of a finished run.
fn make(run: &Path, args: &Base, backend: &BackendSelection) -> Result<()> {
    let device = &backend.open()?;
    // A base has the word sequences of its text in a form that cannot be read, and no counts of them.
    let bundle: LmBundle = super::load_model_of("--run", run, &[NGRAM_COUNTS], backend, device)?;
    let experiment = own_text(&bundle, run, NEW_BASE)?;
    let before = Provenance::read(run).map(|record| record.inputs.text_sha256);
    if before.is_ok_and(|before| before != experiment.dataset.text_sha256) {
        bail!("the text of {} has changed since training: restore it, {NEW_BASE}", run.display());
    }
    check_suitable(&experiment.config)?;
    if !experiment.config.ngrams.is_none() {
        status(
            "the n-gram counts of the run are not kept: a base has none, and a run from it counts those of its own text",
        );
    }
    // Until the base is complete, its directory has another name: a program that is stopped leaves no part of a base.
    let mut name = args.out.file_name().unwrap_or_default().to_owned();
    name.push(".writing");
    let writing = args.out.with_file_name(name);
    durable::directory::remove(&writing)?;
    durable::directory::create_in_parent(&writing)?;
    let made = write(run, &bundle, &experiment, args, &writing, (backend, device));
    let made = made.and_then(|()| Ok(durable::directory::publish(&writing, &args.out)?));
    if made.is_err() {
        let _ = fs::remove_dir_all(&writing);
    }
    made
}

/// Rejects the configuration of a model that cannot be a base: other texts could not start from it, or it was trained on
/// more than its text.
fn check_suitable(config: &Config) -> Result<()> {
    if config.tokens.kind != TokenKind::Subwords {
        bail!(
            "a model of words or characters cannot be a base; expected one of subwords, which can encode any text: train \
             one with `tokens.kind = \"subwords\"`"
        );
    }
    if config.data.unit(&config.text)?.is_some() {
        bail!("a model of documents cannot be a base; expected one of running text: train one with `--documents none`");
    }
    if let Some(model) = &config.init.from {
        bail!(
            "a model that starts from another one, {}, cannot be a base, which must know all of its training text: train \
             one without `init.from`",
            model.display()
        );
    }
    Ok(())
}

/// Writes the base of `run` into the directory `out`, which exists.
fn write(
    run: &Path,
    bundle: &LmBundle,
    experiment: &LmExperiment,
    args: &Base,
    out: &Path,
    (backend, device): (&BackendSelection, &Device),
) -> Result<()> {
    let dataset = &experiment.dataset;
    let train_ids = dataset.ids.slice(dataset.split.train.clone());
    let task = LongTask::start("collecting the word sequences of the training text");
    let train_text = dataset.tokenizer.decode(&train_ids);
    let filter = NgramFilter::build([train_text.as_str()]);
    drop(task);
    let config = toml::to_string(&portable(&experiment.config)).expect("a configuration is plain data");
    let extra_files =
        BTreeMap::from([(CONFIG.to_owned(), config.into_bytes()), (NGRAMS.to_owned(), filter.to_bytes())]);
    LmBundle { extra_files, ..bundle.clone() }.save_int8(out)?;
    let stored = LmBundle::load(out, device)?.with_kernels(backend.kernels());

    let task = LongTask::start("evaluating on the held-out text");
    let (exact, _) = bits_per_byte(bundle, dataset)?;
    let (of_stored, protocol) = bits_per_byte(&stored, dataset)?;
    drop(task);
    let task = LongTask::start("comparing samples with the training text");
    let (copied, longest_copy) = copies(stored, &train_text, train_ids)?;
    drop(task);
    let card = ModelCard {
        about: args.about.clone(),
        licence: args.licence.clone(),
        files: files(&experiment.config.text)?,
        characters: dataset.stats.characters,
        text_sha256: dataset.text_sha256.clone(),
        held_out: held_out(&experiment.config),
        parameters: bundle.model.num_params(),
        subwords: bundle.tokenizer.vocabulary.len(),
        steps: bundle.metadata.steps,
        bytes: size(out)?,
        bits_per_byte: [exact, of_stored],
        protocol,
        counting: counting(run),
        copied,
        longest_copy,
    };
    write_atomically(&out.join(CARD), card.to_markdown().as_bytes())?;
    warn(card.warning().as_slice());
    Ok(())
}

/// The loss on the validation part, and how it is computed, in words.
fn bits_per_byte(bundle: &LmBundle, dataset: &TextDataset) -> Result<(f64, String)> {
    let (sequence, mode) = (dataset.sequence(Part::Valid), EvaluationMode::InParallel(bundle.metadata.state_mode()));
    let evaluation = evaluate_sequence(bundle, &sequence, dataset.valid_dropped, LabelChoice::Own, mode)?;
    let bits = evaluation.bits_per_byte.ok_or_else(|| {
        Error::new("the held-out text has unknown tokens; expected none, because a model of subwords has every byte")
    })?;
    Ok((bits, evaluation.protocol))
}

/// The better of the two baselines that count n-grams in the evaluation report of a run, and its bits per byte. `None` if
/// the run has no report that says it.
fn counting(run: &Path) -> Option<(String, f64)> {
    let report: Value = serde_json::from_slice(&small_file(&run.join("score.json")).ok()?).ok()?;
    let bits = |name: &str| {
        let row = report["rows"].as_array()?.iter().find(|row| row["name"] == name)?;
        row["bits_per_byte"].as_f64()
    };
    let baselines = [(COUNTING, "counting n-grams of characters"), (NGRAM, "counting 5-grams of subwords")];
    let known = baselines.into_iter().filter_map(|(name, words)| Some((words.to_owned(), bits(name)?)));
    known.min_by(|(_, one), (_, other)| one.total_cmp(other))
}

/// How many word sequences of samples stand in the training text, and the words of the longest passage that does.
fn copies(bundle: LmBundle, train_text: &str, train_ids: Vec<u32>) -> Result<(CopiedShare, usize)> {
    let training_text = TrainingText::new(train_ids, None);
    let sampling = Sampling::default().temperature(TEMPERATURE).max_tokens(SAMPLE_TOKENS).seed(SAMPLE_SEED);
    let generator = Generator::new(bundle);
    let (mut texts, mut longest) = (Vec::new(), 0);
    let prompt = generator.encode("", OovPolicy::Drop)?;
    for sample in generator.samples(&prompt, &sampling, 0..SAMPLES)? {
        let sample = sample?;
        let passage = training_text.compare(&sample.ids).longest;
        let text = generator.tokenizer().decode(&sample.ids[passage.in_sample..][..passage.length]);
        longest = longest.max(text.split_whitespace().count());
        texts.push(sample.text);
    }
    Ok((CopiedShare::count(texts.iter().map(String::as_str), [train_text]), longest))
}

/// The configuration without paths of this machine, of files only their names are left, and without the n-grams of a run.
fn portable(config: &Config) -> Config {
    let name = |path: &Path| path.file_name().map_or_else(PathBuf::new, PathBuf::from);
    let names = |paths: &Option<Paths>| {
        paths.as_ref().map(|paths| Paths::from(paths.iter().map(name).collect::<Vec<PathBuf>>()))
    };
    let (text, config) = (config.text.clone(), config.clone());
    let [path, valid, test] = [&text.path, &text.valid, &text.test].map(names);
    Config {
        text: Text { path, valid, test, copy: false, ..text },
        init: Init::default(),
        tokens: Tokens { path: None, ..config.tokens },
        model: Model { vectors: Vectors::default(), ..config.model },
        ngrams: Ngrams::default(),
        ..config
    }
}

/// The names of the training files, with their bytes.
fn files(text: &Text) -> Result<Vec<(String, Option<u64>)>> {
    if let Some(corpus) = &text.dataset {
        return Ok(vec![(format!("the corpus `{corpus}`"), None)]);
    }
    let found = TextFiles::new(text.paths()).files()?;
    let row = |path: &Path| {
        let name = path.file_name().map_or_else(|| input::name(path), |name| name.to_string_lossy().into_owned());
        (name, path.metadata().ok().map(|data| data.len()))
    };
    Ok(found.iter().map(|file| row(&file.path)).collect())
}

/// The part of the text that the model was not trained on.
fn held_out(config: &Config) -> String {
    let split = &config.split;
    if config.text.has_valid_files() {
        return "a separate text".into();
    }
    let percent = decimals(100.0 * (split.valid_fraction + split.test_fraction), 1);
    let percent = percent.trim_end_matches(".0");
    format!("the last {percent} % of {}", if split.each_file { "each file" } else { "the text" })
}

/// The bytes of the files in `folder`.
fn size(folder: &Path) -> Result<u64> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder, "read"))?;
    Ok(entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NgramOrder;

    #[test]
    fn the_stored_configuration_has_no_folders() {
        let folder = std::env::temp_dir();
        let path = |name: &str| Some(Paths::from(folder.join(name).as_path()));
        let text = Text { path: path("a.txt"), valid: path("b.txt"), strip_gutenberg: true, ..Text::default() };
        let mut config = Config { text, ..Config::default() };
        config.init.from = Some(folder.join("model"));
        config.ngrams.order = Some(NgramOrder(generate::NgramOrder::Best));
        (config.tokens.path, config.model.vectors.path) = (Some(folder.join("t.json")), Some(folder.join("v.txt")));
        let stored = toml::to_string(&portable(&config)).unwrap();
        assert!(!stored.contains(folder.to_str().unwrap()) && !stored.contains("ngrams"), "{stored}");
        for part in ["path = \"a.txt\"", "valid = \"b.txt\"", "strip_gutenberg = true"] {
            assert!(stored.contains(part), "{part}: {stored}");
        }
    }

    #[test]
    fn what_is_held_out_is_said_in_words() {
        let mut config = Config::default();
        assert_eq!(held_out(&config), "the last 10 % of the text");
        (config.split.each_file, config.split.test_fraction) = (true, 0.05);
        assert_eq!(held_out(&config), "the last 15 % of each file");
        config.split.test_fraction = 0.025;
        assert_eq!(held_out(&config), "the last 12.5 % of each file");
        config.text.valid = Some(Paths::from(Path::new("b.txt")));
        assert_eq!(held_out(&config), "a separate text");
    }

    #[test]
    fn the_texts_of_the_card_are_one_line_and_not_empty() {
        let line = |text: Option<&str>| one_line(("--about", &text.map(String::from)));
        assert_eq!(line(None).unwrap(), None);
        assert_eq!(line(Some(" Two\nstories \r\n\tof lions ")).unwrap().as_deref(), Some("Two stories of lions"));
        for empty in ["", " \n"] {
            let error = line(Some(empty)).unwrap_err().to_string();
            assert!(error.contains("`--about` is empty"), "{error}");
        }
        let escape = line(Some("Two \u{1b}[31mred stories")).unwrap_err().to_string();
        assert!(escape.starts_with("`--about` is `Two \\u{1b}[31mred stories`, which has control"), "{escape}");
    }

    #[test]
    fn the_lower_loss_of_counting_is_that_of_the_report() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(counting(run.path()), None);
        let report = |counting: &str| {
            let rows = format!(
                r#"{{"rows": [{{"name": "this model, carried", "bits_per_byte": 1.5}},
                {{"name": "counting", "bits_per_byte": {counting}}}, {{"name": "5-gram", "bits_per_byte": 2.25}}]}}"#
            );
            fs::write(run.path().join("score.json"), rows).unwrap();
            super::counting(run.path()).unwrap()
        };
        assert_eq!(report("2.125"), ("counting n-grams of characters".into(), 2.125));
        assert_eq!(report("2.5"), ("counting 5-grams of subwords".into(), 2.25));
        assert_eq!(report("null"), ("counting 5-grams of subwords".into(), 2.25));
    }
}
