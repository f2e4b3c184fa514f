//! A model directory is complete or refused, in words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor};
use models::{About, Artifact, CellKind, LanguageModelConfig, LayerConfig};
use text_prep::{Cleaner, Rare, Splitter, Tokenizer, Vocabulary, tokenize::Words};

fn artifact(words: &[(&str, u64)]) -> Artifact {
    let vocabulary = Vocabulary::from_counts(words.iter().copied(), 1, false);
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("book").unwrap(),
        splitter: Splitter::Words(Words::default()),
        vocabulary,
        story_mark: Some("|".into()),
        rare: Rare::Unknown,
    };
    let layers = vec![LayerConfig::new(CellKind::Lstm, 5)];
    let config = LanguageModelConfig {
        dropout: 0.2,
        ..LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, layers)
    };
    let model = config.init(3, &Device::flex()).unwrap();
    let about = About {
        purpose: models::Purpose::Writing,
        model: config,
        window: 20,
        seed: 3,
        epochs: 1,
        steps: 0,
        valid_loss_window: Some(2.0),
        valid_loss_carried: None,
        valid_sha256: "00".into(),
    };
    let extra = BTreeMap::from([("config.toml".to_string(), b"seed = 3\n".to_vec())]);
    Artifact { model, tokenizer, about, extra }
}

const WORDS: &[(&str, u64)] = &[("|", 9), ("fox", 3), ("the", 2)];

fn saved() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    artifact(WORDS).save(folder.path()).unwrap();
    folder
}

fn refusal(folder: &Path) -> String {
    let error = Artifact::load(folder, &Device::flex()).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn what_is_read_is_what_was_written() {
    let folder = saved();
    let original = artifact(WORDS);
    let read = Artifact::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(read.tokenizer, original.tokenizer);
    assert_eq!(read.about, original.about);
    assert_eq!(read.extra, original.extra);
    let logits = |artifact: &Artifact| {
        let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &Device::flex());
        let (logits, _) = artifact.model.next(ids, artifact.model.start(1));
        logits.try_into_vec_as::<f32>().unwrap()
    };
    assert_eq!(logits(&read), logits(&original));
}

#[test]
fn the_same_model_is_the_same_bytes() {
    let (first, second) = (saved(), saved());
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv", "manifest.json"] {
        let read = |folder: &tempfile::TempDir| fs::read(folder.path().join(file)).unwrap();
        assert_eq!(read(&first), read(&second), "{file}");
    }
}

#[test]
fn a_missing_manifest_is_no_model() {
    let folder = saved();
    fs::remove_file(folder.path().join("manifest.json")).unwrap();
    assert!(refusal(folder.path()).contains("is no model directory"));
}

#[test]
fn every_missing_file_is_named() {
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv", "config.toml"] {
        let folder = saved();
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = refusal(folder.path());
        assert!(error.contains(file) && error.contains("missing"), "{error}");
    }
}

#[test]
fn a_truncated_file_is_named() {
    for file in ["weights.bpk", "tokenizer.json"] {
        let folder = saved();
        let path = folder.path().join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = refusal(folder.path());
        assert!(error.contains(file) && error.contains("cut short"), "{error}");
    }
}

#[test]
fn another_models_tokenizer_is_foreign_even_if_as_large() {
    let folder = saved();
    let other = tempfile::tempdir().unwrap();
    artifact(&[("|", 9), ("the", 3), ("fox", 2)]).save(other.path()).unwrap();
    fs::copy(other.path().join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    let error = refusal(folder.path());
    assert!(error.contains("tokenizer.json") && error.contains("another model"), "{error}");
}

#[test]
fn a_manifest_of_other_sizes_is_refused() {
    let folder = saved();
    let path = folder.path().join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap();
    let larger = manifest.replace("\"units\": 5", "\"units\": 6");
    fs::write(&path, &larger).unwrap();
    assert!(refusal(folder.path()).contains("its seal is broken"));
    // A manifest from before there were seals is held against the weights alone.
    let unsealed = |manifest: &str| {
        let (before, seal) = manifest.rsplit_once("\"seal\": \"").unwrap();
        format!("{before}\"seal\": \"{}", &seal[64..])
    };
    let (manifest, larger) = (unsealed(&manifest), unsealed(&larger));
    fs::write(&path, &larger).unwrap();
    assert!(refusal(folder.path()).contains("do not fit"));
    fs::write(&path, manifest.replace("\"vocabulary\": 4", "\"vocabulary\": 5")).unwrap();
    assert!(refusal(folder.path()).contains("knows 4 ids, the model was built for 5"));
}

#[test]
fn a_later_format_and_a_broken_manifest_are_refused() {
    let folder = saved();
    let path = folder.path().join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, manifest.replace("\"format\": 2", "\"format\": 3")).unwrap();
    assert!(refusal(folder.path()).contains("format 3"));
    fs::write(&path, &manifest[..40]).unwrap();
    assert!(refusal(folder.path()).contains("cannot be read"));
}

#[test]
fn a_save_that_fails_leaves_the_model_that_was_there() {
    let folder = saved();
    // Where the weights should be written beside their place, a directory stands in the way.
    fs::create_dir(folder.path().join("weights.bpk.writing")).unwrap();
    let mut other = artifact(WORDS);
    other.extra.insert("config.toml".into(), b"seed = 4\n".to_vec());
    let error = other.save(folder.path()).unwrap_err().to_string();
    assert!(error.contains("weights.bpk") && error.contains("written"), "{error}");
    let kept = Artifact::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(kept.extra, artifact(WORDS).extra);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| end == "writing"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
