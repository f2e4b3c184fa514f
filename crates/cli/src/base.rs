//! The built-in base model: a small language model that is part of the program, so that text can be generated before
//! anything is trained, and other runs can start from it. `datasets/base/README.md` is its model card.

use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::Device;
use durable::read::small_file;
use eval::NgramFilter;
use models::bundle::MANIFEST;
use models::{LmBundle, LmMetadata, ModelBundle, Network};
use seqdata::hash::sha256;
use text_prep::Tokenizer;

use crate::embedded::BASE;
use crate::error::{Error, Result};

/// The name of the base where a model directory can be given.
pub const NAME: &str = "base";

/// The file of a base with the word sequences of its training text.
pub const NGRAMS: &str = "ngrams.bin";

/// Whether `path` is the name of the base. A directory with this name is given as `./base` or `runs/base`.
pub fn is_base(path: &Path) -> bool {
    path.to_str() == Some(NAME)
}

/// Whether `model` is a base model: the built-in one, or one in a directory.
pub fn is_any_base(model: &Path) -> bool {
    is_base(model) || model.join(NGRAMS).is_file()
}

/// Loads the base onto `device`.
///
/// # Errors
/// If the files in the program do not belong together.
pub fn load(device: &Device) -> Result<LmBundle> {
    Ok(load_network(device)?)
}

/// As [`load`], where a network of any kind is expected.
///
/// # Errors
/// As [`load`]; also if another kind than a language model is expected.
pub fn load_network<M: Network>(device: &Device) -> models::Result<ModelBundle<M>> {
    // The word sequences are a large file, which is seldom needed.
    let files: Vec<(&str, &[u8])> = BASE.iter().copied().filter(|&(name, _)| name != NGRAMS).collect();
    ModelBundle::load_files(Path::new(NAME), &files, device)
}

/// Reads sizes and tokenizer of the base, without its weights.
///
/// # Errors
/// If the files in the program do not belong together.
pub fn read() -> Result<(LmMetadata, Tokenizer)> {
    // A configuration that starts from the base needs them several times.
    static PARSED: OnceLock<(LmMetadata, Tokenizer)> = OnceLock::new();
    if let Some(parsed) = PARSED.get() {
        return Ok(parsed.clone());
    }
    let parsed = LmBundle::read_files(Path::new(NAME), BASE)?;
    Ok(PARSED.get_or_init(|| parsed).clone())
}

/// The SHA-256 of the base's manifest, which contains the hashes of its other files.
pub fn manifest_sha256() -> String {
    sha256(file(MANIFEST))
}

/// The word sequences of the base's training text.
///
/// # Errors
/// If they cannot be read.
pub fn filter() -> Result<NgramFilter> {
    NgramFilter::from_bytes(file(NGRAMS))
        .map_err(|reason| Error::new(format!("{NGRAMS} of the built-in base cannot be read: {reason}")))
}

/// The word sequences of the training text of the base model `model`: the built-in base, or one in a directory. `None` for
/// other models, and if they cannot be read.
///
/// # Errors
/// If those of the built-in base cannot be read.
pub fn filter_of(model: &Path) -> Result<Option<NgramFilter>> {
    if is_base(model) {
        return filter().map(Some);
    }
    let bytes = small_file(&model.join(NGRAMS)).ok();
    Ok(bytes.and_then(|bytes| NgramFilter::from_bytes(&bytes).ok()))
}

/// The contents of a file of the base.
///
/// # Panics
/// If it has no such file.
pub fn file(name: &str) -> &'static [u8] {
    let found = BASE.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("the base has no file {name}")).1
}

#[cfg(test)]
mod tests {
    use models::bundle::read_file_hashes;
    use text_prep::OovPolicy;

    use super::*;
    use crate::config::Config;
    use crate::run::init::CONFIG;

    /// The most bytes that the base adds to the program.
    const MAX_BYTES: usize = 4 << 20;
    const CARD: &str = include_str!("../../../datasets/base/README.md");

    #[test]
    fn only_the_bare_name_is_the_base() {
        assert!(is_base(Path::new("base")));
        for other in ["./base", "runs/base", "base/", "Base", "base-1", ""] {
            assert!(!is_base(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn the_files_have_the_hashes_of_the_manifest_and_are_small() {
        let folder = tempfile::tempdir().unwrap();
        BASE.iter().for_each(|(name, bytes)| std::fs::write(folder.path().join(name), bytes).unwrap());
        let hashes = read_file_hashes(folder.path()).unwrap();
        let names: Vec<&str> = hashes.keys().map(String::as_str).collect();
        let mut expected: Vec<&str> = BASE.iter().map(|&(name, _)| name).filter(|&name| name != MANIFEST).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        for (name, hash) in &hashes {
            assert_eq!(&sha256(file(name)), hash, "{name}");
        }
        let bytes: usize = BASE.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= MAX_BYTES, "{bytes} bytes");
    }

    #[test]
    fn it_is_a_model_of_subwords_with_its_training_text_and_a_portable_configuration() {
        let base = load(&kernels::default_device()).unwrap();
        assert!(base.metadata.config.document_id.is_none());
        let (metadata, tokenizer) = read().unwrap();
        assert_eq!((&metadata, &tokenizer), (&base.metadata, &base.tokenizer));
        let text = "가 🦊 \n\tZażółć";
        let ids = base.tokenizer.encode(text, OovPolicy::Error).unwrap().ids;
        assert_eq!(base.tokenizer.decode(&ids), text);
        let never = "xqzt ".repeat(40);
        assert!(filter().unwrap().share(&never).is_none_or(|share| share.found == 0));
        let config = Config::of_model(Path::new(NAME), CONFIG);
        assert!(
            config.init.from.is_none() && config.text.all_paths().iter().all(|path| path.components().count() == 1)
        );
    }

    #[test]
    fn the_model_card_says_what_it_must() {
        for heading in ["## Training text", "## Results", "## Copying", "## Limits"] {
            assert!(CARD.contains(heading), "{heading}");
        }
        for part in ["licence", "SHA-256", "parameters", "bits per byte", "8-bit"] {
            assert!(CARD.contains(part), "{part}");
        }
    }
}
