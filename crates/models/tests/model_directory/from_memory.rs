//! Models whose files are in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use models::LmBundle;

use super::{WORDS, bundle, logits};

fn contents(files: &BTreeMap<String, Vec<u8>>) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}

#[test]
fn a_model_is_loaded_from_memory_with_the_same_checks() {
    let name = Path::new("base");
    let load = |files: &BTreeMap<String, Vec<u8>>| LmBundle::load_files(name, &contents(files), &Device::flex());
    let read_files = |files: &BTreeMap<String, Vec<u8>>| LmBundle::read_files(name, &contents(files));
    for int8 in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let original = bundle(WORDS);
        if int8 { original.save_int8(folder.path()) } else { original.save(folder.path()) }.unwrap();
        let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let files: BTreeMap<String, Vec<u8>> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .chain([("README.md".to_string(), Vec::new())])
            .collect();
        let read = LmBundle::load(folder.path(), &Device::flex()).unwrap();
        let loaded = load(&files).unwrap();
        assert_eq!(logits(&loaded), logits(&read));
        assert_eq!((&loaded.tokenizer, &loaded.metadata), (&read.tokenizer, &read.metadata));
        assert_eq!(loaded.extra_files, read.extra_files);

        // An additional file may be left out, and the weights if only the rest is read.
        let mut without = files.clone();
        without.remove("config.toml");
        assert!(load(&without).unwrap().extra_files.is_empty());
        without.retain(|file, _| ["manifest.json", "tokenizer.json"].contains(&file.as_str()));
        let (metadata, tokenizer) = read_files(&without).unwrap();
        assert_eq!((&metadata, &tokenizer), (&read.metadata, &read.tokenizer));
        without.get_mut("tokenizer.json").unwrap()[0] ^= 1;
        let damaged = read_files(&without).unwrap_err().to_string();
        assert!(damaged.contains("tokenizer.json is not the file that was saved"), "{damaged}");

        for file in files.keys().filter(|file| *file != "README.md" && *file != "config.toml") {
            let (mut less, mut damaged) = (files.clone(), files.clone());
            less.remove(file);
            damaged.get_mut(file).unwrap()[0] ^= 1;
            let [less, damaged] = [less, damaged].map(|files| load(&files).unwrap_err().to_string());
            assert!(less.contains("base") && damaged.contains("base"), "{less}\n{damaged}");
            if file == "manifest.json" {
                assert!(less.contains("is not a model directory") && damaged.contains("cannot be read"), "{damaged}");
            } else {
                assert!(less.contains(&format!("{file} is missing")), "{less}");
                assert!(damaged.contains(&format!("{file} is not the file that was saved")), "{damaged}");
            }
        }
    }
}
