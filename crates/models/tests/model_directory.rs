//! An incomplete or damaged model directory is rejected with a message that names the problem.

#[path = "model_directory/from_memory.rs"]
mod from_memory;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor};
use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata, StateMode, TokenInput};
use seqdata::hash::sha256;
use serde_json::Value;
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

fn logits(bundle: &LmBundle) -> Vec<f32> {
    let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &Device::flex());
    let (logits, _) = bundle.model.forward_last(ids, bundle.model.init_state(1));
    logits.try_into_vec_as().unwrap()
}

#[test]
fn a_saved_model_is_loaded_unchanged() {
    let folder = saved();
    let original = bundle(WORDS);
    let read = LmBundle::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(read.tokenizer, original.tokenizer);
    assert_eq!(read.metadata, original.metadata);
    assert_eq!(read.extra_files, original.extra_files);
    assert_eq!(logits(&read), logits(&original));
}

#[test]
fn a_model_saved_in_8_bits_is_loaded_with_weights_near_its_own() {
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let original = bundle(WORDS);
    for folder in [&first, &second] {
        original.save_int8(folder.path()).unwrap();
    }
    for file in ["weights-int8.safetensors", "tokenizer.json", "vocabulary.tsv", "config.toml", "manifest.json"] {
        let read = |folder: &tempfile::TempDir| fs::read(folder.path().join(file)).unwrap();
        assert_eq!(read(&first), read(&second), "{file}");
    }
    assert!(!first.path().join("weights.bpk").exists());
    models::bundle::verify(first.path()).unwrap();
    let read = LmBundle::load(first.path(), &Device::flex()).unwrap();
    assert_eq!((&read.tokenizer, &read.metadata), (&original.tokenizer, &original.metadata));
    assert_eq!(read.extra_files, original.extra_files);
    let (found, expected) = (logits(&read), logits(&original));
    assert_ne!(found, expected);
    let max = expected.iter().fold(0f32, |max, logit| max.max(logit.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 0.1 * max, "{found} {expected}");
    }
    // As 32-bit floats in the same directory, whose file of 8-bit weights is then no part of the model.
    read.save(first.path()).unwrap();
    let again = LmBundle::load(first.path(), &Device::flex()).unwrap();
    assert_eq!((logits(&again), again.extra_files), (found, original.extra_files));
}

#[test]
fn a_directory_has_weights_of_one_kind() {
    let folder = tempfile::tempdir().unwrap();
    let mut both = bundle(WORDS);
    both.extra_files.insert("weights.bpk".into(), Vec::new());
    both.save_int8(folder.path()).unwrap();
    let error = load_error(folder.path());
    assert!(error.contains("it has weights.bpk and weights-int8.safetensors, expected one of them"), "{error}");
    bundle(WORDS).save_int8(folder.path()).unwrap();
    edit_manifest(folder.path(), |value| {
        value["files"].as_object_mut().unwrap().remove("weights-int8.safetensors");
    });
    assert!(load_error(folder.path()).contains("it does not list weights.bpk"));
}

#[test]
fn damaged_8_bit_weights_are_named() {
    const FILE: &str = "weights-int8.safetensors";
    let folder = tempfile::tempdir().unwrap();
    bundle(WORDS).save_int8(folder.path()).unwrap();
    edit_manifest(folder.path(), |value| value["about"]["model"]["layers"][0]["units"] = 6.into());
    let error = load_error(folder.path());
    assert!(error.contains(&format!("{FILE}: the weights do not fit the model")), "{error}");
    let path = folder.path().join(FILE);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = load_error(folder.path());
    assert!(error.contains(FILE) && error.contains("truncated"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = load_error(folder.path());
    assert!(error.contains(FILE) && error.contains("missing"), "{error}");
}

#[test]
fn a_model_of_labelled_documents_is_loaded_unchanged() {
    let with_document_id = |id| {
        let mut bundle = bundle(WORDS);
        bundle.tokenizer.vocabulary = bundle.tokenizer.vocabulary.with_documents(5);
        let config = bundle.metadata.config.vocab_size(bundle.tokenizer.vocabulary.len());
        let config = config.document_id(id).labels(["Poe", "Verne"]);
        let model = config.init(3, &Device::flex()).unwrap();
        LmBundle { model, metadata: LmMetadata { config, ..bundle.metadata }, ..bundle }
    };
    let folder = tempfile::tempdir().unwrap();
    for (id, expected) in [(None, "expects no document token"), (Some(3), "expects the document token 3")] {
        with_document_id(id).save(folder.path()).unwrap();
        let error = load_error(folder.path());
        assert!(error.contains("the tokenizer has the document token 1") && error.contains(expected), "{error}");
    }
    let original = with_document_id(Some(1));
    original.save(folder.path()).unwrap();
    let read = LmBundle::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(read.metadata, original.metadata);
    assert_eq!(read.model.document_id, Some(1));
    let logits = |bundle: &LmBundle, label| {
        let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &Device::flex());
        let input = TokenInput { labels: Some(ids.full_like(label)), ids };
        let (logits, _) = bundle.model.forward_last(input, bundle.model.init_state(1));
        logits.try_into_vec_as::<f32>().unwrap()
    };
    for label in 0..3 {
        assert_eq!(logits(&read, label), logits(&original, label));
    }
    assert_ne!(logits(&read, 0), logits(&read, 2));
}

#[test]
fn a_model_without_losses_keeps_how_it_reads_past_tokens() {
    let untrained = |default_state_mode| {
        let bundle = bundle(WORDS);
        let metadata = LmMetadata { valid_loss_window: None, default_state_mode, ..bundle.metadata };
        LmBundle { metadata, ..bundle }
    };
    for (default, expected) in [
        (None, StateMode::Carry),
        (Some(StateMode::Carry), StateMode::Carry),
        (Some(StateMode::Window), StateMode::Window),
    ] {
        let folder = tempfile::tempdir().unwrap();
        untrained(default).save(folder.path()).unwrap();
        let read = LmBundle::load(folder.path(), &Device::flex()).unwrap();
        assert_eq!(read.metadata.state_mode(), expected);
        // As in the manifests of earlier versions, if there is none.
        let manifest = fs::read_to_string(folder.path().join("manifest.json")).unwrap();
        assert_eq!(manifest.contains("default_state_mode"), default.is_some());
        // A loss gives more information.
        let metadata = LmMetadata { valid_loss_carried: Some(1.0), ..read.metadata };
        assert_eq!(metadata.state_mode(), StateMode::Carry);
    }
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
    // With the hash of the edited manifest, it is compared with the weights.
    edit_manifest(folder.path(), |value| value["about"]["model"]["layers"][0]["units"] = 6.into());
    assert!(load_error(folder.path()).contains("do not fit"));
    fs::write(&path, manifest).unwrap();
    edit_manifest(folder.path(), |value| value["about"]["model"]["vocabulary"] = 5.into());
    assert!(load_error(folder.path()).contains("has 4 ids, the model expects 5"));
}

/// Changes the manifest and its hash.
fn edit_manifest(folder: &Path, change: impl Fn(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    // Sorted, as they are written.
    let files: BTreeMap<String, Value> = serde_json::from_value(value["files"].clone()).unwrap();
    let hashed = serde_json::to_vec(&(&value["format"], &value["program"], &value["about"], files));
    value["seal"] = sha256(&hashed.unwrap()).into();
    fs::write(&path, value.to_string()).unwrap();
}

#[test]
fn impossible_counters_of_a_manifest_are_rejected() {
    for (key, found, expected) in [
        ("epochs", Value::from(u64::MAX), "`epochs` is 18446744073709551615, expected at most 281474976710656"),
        ("steps", u64::MAX.into(), "`steps` is 18446744073709551615"),
        ("window", u64::MAX.into(), "`window` is 18446744073709551615"),
        ("valid_loss_window", (-5.5).into(), "`valid_loss_window` is -5.5, expected 0 or more"),
        ("valid_loss_carried", (-1.0).into(), "`valid_loss_carried` is -1, expected 0 or more"),
    ] {
        let folder = saved();
        edit_manifest(folder.path(), |value| value["about"][key] = found.clone());
        let error = load_error(folder.path());
        assert!(error.contains(expected) && error.contains("restore it"), "{error}");
        assert!(models::bundle::read_metadata(&folder).is_err());
    }
}

#[test]
fn a_manifest_without_its_hash_is_rejected() {
    for hash in [Some(""), None] {
        let folder = saved();
        let path = folder.path().join("manifest.json");
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        value.as_object_mut().unwrap().remove("seal");
        value.as_object_mut().unwrap().extend(hash.map(|hash| ("seal".to_string(), hash.into())));
        fs::write(&path, value.to_string()).unwrap();
        assert!(load_error(folder.path()).contains("its hash does not match"));
    }
}

#[test]
fn names_of_files_stay_inside_the_directory() {
    let folder = saved();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let manifest = fs::read(folder.path().join("manifest.json")).unwrap();
    for name in [secret.to_str().unwrap(), "../secret", "a/../../secret", "", ".", "..", "c:\\secret"] {
        fs::write(folder.path().join("manifest.json"), &manifest).unwrap();
        edit_manifest(folder.path(), |value| value["files"][name] = "00".into());
        let expected = format!(
            "it lists the file `{}`; expected names of files in this directory",
            text_prep::error::one_line(name)
        );
        assert!(load_error(folder.path()).contains(&expected));
        for error in [models::bundle::verify(&folder), models::bundle::read_tokenizer(&folder).map(|_| ())] {
            assert!(error.unwrap_err().to_string().contains(&expected));
        }
        let mut other = bundle(WORDS);
        other.extra_files.insert(name.into(), Vec::new());
        let target = outside.path().join("model");
        assert!(other.save(&target).unwrap_err().to_string().contains(&expected));
        assert!(!target.exists());
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read() {
    for file in ["manifest.json", "weights.bpk", "config.toml"] {
        let folder = saved();
        let path = folder.path().join(file);
        let make: [(&str, &dyn Fn()); 3] = [
            ("a pipe", &|| assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success())),
            ("a device", &|| std::os::unix::fs::symlink("/dev/zero", &path).unwrap()),
            ("a socket", &|| drop(std::os::unix::net::UnixListener::bind(&path).unwrap())),
        ];
        for (kind, make) in make {
            fs::remove_file(&path).unwrap();
            make();
            let error = load_error(folder.path());
            assert!(error.contains(file) && error.contains(&format!("it is {kind}")), "{error}");
        }
    }
    let folder = saved();
    fs::File::create(folder.path().join("manifest.json")).unwrap().set_len((64 << 20) + 1).unwrap();
    assert!(load_error(folder.path()).contains("more than 64 MiB"));
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
