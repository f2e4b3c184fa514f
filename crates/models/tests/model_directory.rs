//! An incomplete or damaged model directory is rejected with a message that names the problem.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor};
use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, tokenize::WordOptions};

fn bundle(words: &[(&str, u64)]) -> LmBundle {
    let vocabulary = Vocabulary::from_counts(words.iter().copied(), 1, false);
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("keras-lowercase").unwrap(),
        pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
        vocabulary,
        document_separator: Some("|".into()),
        oov: OovPolicy::Unknown,
    };
    let layers = vec![LayerConfig::lstm(5)];
    let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, layers).dropout(0.2);
    let model = config.init(3, &Device::flex()).unwrap();
    let metadata =
        LmMetadata { epochs: 1, valid_loss_window: Some(2.0), ..LmMetadata::new(config, 20, 3, "00".into()) };
    let extra_files = BTreeMap::from([("config.toml".to_string(), b"seed = 3\n".to_vec())]);
    LmBundle { model, tokenizer, metadata, extra_files }
}

const WORDS: &[(&str, u64)] = &[("|", 9), ("fox", 3), ("the", 2)];

fn saved() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    bundle(WORDS).save(folder.path()).unwrap();
    folder
}

fn load_error(folder: &Path) -> String {
    let error = LmBundle::load(folder, &Device::flex()).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn a_saved_model_is_loaded_unchanged() {
    let folder = saved();
    let original = bundle(WORDS);
    let read = LmBundle::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(read.tokenizer, original.tokenizer);
    assert_eq!(read.metadata, original.metadata);
    assert_eq!(read.extra_files, original.extra_files);
    let logits = |bundle: &LmBundle| {
        let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &Device::flex());
        let (logits, _) = bundle.model.forward_last(ids, bundle.model.init_state(1));
        logits.try_into_vec_as::<f32>().unwrap()
    };
    assert_eq!(logits(&read), logits(&original));
}

#[test]
fn saving_twice_gives_the_same_bytes() {
    let (first, second) = (saved(), saved());
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv", "manifest.json"] {
        let read = |folder: &tempfile::TempDir| fs::read(folder.path().join(file)).unwrap();
        assert_eq!(read(&first), read(&second), "{file}");
    }
}

#[test]
fn a_directory_without_manifest_is_not_a_model() {
    let folder = saved();
    fs::remove_file(folder.path().join("manifest.json")).unwrap();
    assert!(load_error(folder.path()).contains("is not a model directory"));
}

#[test]
fn every_missing_file_is_named() {
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv", "config.toml"] {
        let folder = saved();
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = load_error(folder.path());
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
        let error = load_error(folder.path());
        assert!(error.contains(file) && error.contains("truncated"), "{error}");
    }
}

#[test]
fn the_tokenizer_of_another_model_is_rejected_even_if_as_large() {
    let folder = saved();
    let other = tempfile::tempdir().unwrap();
    bundle(&[("|", 9), ("the", 3), ("fox", 2)]).save(other.path()).unwrap();
    fs::copy(other.path().join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    let error = load_error(folder.path());
    assert!(error.contains("tokenizer.json") && error.contains("another model"), "{error}");
}

#[test]
fn an_edited_manifest_is_rejected() {
    let folder = saved();
    let path = folder.path().join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap();
    let larger = manifest.replace("\"units\": 5", "\"units\": 6");
    fs::write(&path, &larger).unwrap();
    assert!(load_error(folder.path()).contains("its hash does not match"));
    // A manifest without a hash is compared with the weights alone.
    let without_hash = |manifest: &str| {
        let (before, hash) = manifest.rsplit_once("\"seal\": \"").unwrap();
        format!("{before}\"seal\": \"{}", &hash[64..])
    };
    let (manifest, larger) = (without_hash(&manifest), without_hash(&larger));
    fs::write(&path, &larger).unwrap();
    assert!(load_error(folder.path()).contains("do not fit"));
    fs::write(&path, manifest.replace("\"vocabulary\": 4", "\"vocabulary\": 5")).unwrap();
    assert!(load_error(folder.path()).contains("has 4 ids, the model expects 5"));
}

#[test]
fn a_later_format_and_a_truncated_manifest_are_rejected() {
    let folder = saved();
    let path = folder.path().join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(&path, manifest.replace("\"format\": 2", "\"format\": 3")).unwrap();
    assert!(load_error(folder.path()).contains("format 3"));
    fs::write(&path, &manifest[..40]).unwrap();
    assert!(load_error(folder.path()).contains("cannot be read"));
}

#[test]
fn a_failed_save_leaves_the_old_model() {
    let folder = saved();
    // A directory has the name of the temporary file of the weights.
    fs::create_dir(folder.path().join("weights.bpk.writing")).unwrap();
    let mut other = bundle(WORDS);
    other.extra_files.insert("config.toml".into(), b"seed = 4\n".to_vec());
    let error = other.save(folder.path()).unwrap_err().to_string();
    assert!(error.contains("weights.bpk") && error.contains("written"), "{error}");
    let loaded = LmBundle::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(loaded.extra_files, bundle(WORDS).extra_files);
    let leftover: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| end == "writing"))
        .collect();
    assert!(leftover.is_empty(), "{leftover:?}");
}
