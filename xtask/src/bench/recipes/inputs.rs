//! The texts and the configurations that are measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bench::machine::output_of;

/// The folder of the configurations that the automatic one is compared with.
const CONFIGS: &str = "benchmarks/recipes";
/// The folder of the texts that are measured if none are given.
const TEXTS: &str = "benchmarks/texts";
/// The name of the configuration that the program chooses for a text.
pub const AUTOMATIC: &str = "automatic";
/// The same without the built-in base, that is, for a model that is trained from scratch.
pub const NO_BASE: &str = "automatic-no-base";

/// A text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Its absolute path
    pub path: PathBuf,
    /// Its file name
    pub name: String,
    /// Its size
    pub bytes: u64,
    /// SHA-256 of the file; `None` without a program that computes it
    pub sha256: Option<String>,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name of its file without the extension, [`AUTOMATIC`] or [`NO_BASE`]
    pub name: String,
    /// The absolute path of its file; `None` for the automatic ones
    pub path: Option<PathBuf>,
}

/// The texts with these paths, or all in benchmarks/texts, from short to long.
pub fn texts(root: &Path, given: &[PathBuf]) -> Result<Vec<Text>, String> {
    let found = if given.is_empty() { files(&root.join(TEXTS), "txt")? } else { given.to_vec() };
    if found.is_empty() {
        return Err(format!(
            "{TEXTS} has no texts: {CONFIGS}/README.md says where they are from; or use `--text FILE`"
        ));
    }
    let mut texts = found.iter().map(|path| Text::read(path)).collect::<Result<Vec<_>, _>>()?;
    texts.sort_by(|a, b| (a.bytes, &a.name).cmp(&(b.bytes, &b.name)));
    Ok(texts)
}

/// The configurations with these names or paths, or all in benchmarks/recipes and the automatic ones.
pub fn configs(root: &Path, given: &[String]) -> Result<Vec<Config>, String> {
    let committed = files(&root.join(CONFIGS), "toml")?;
    let automatic = [AUTOMATIC, NO_BASE].map(|name| Config { name: name.into(), path: None });
    if given.is_empty() {
        let named = committed.into_iter().map(|path| Config { name: stem(&path), path: Some(path) });
        return Ok(named.chain(automatic).collect());
    }
    let find = |word: &String| -> Result<Config, String> {
        if let Some(automatic) = automatic.iter().find(|automatic| automatic.name == *word) {
            return Ok(automatic.clone());
        }
        let found = if Path::new(word).is_file() {
            Some(absolute(Path::new(word))?)
        } else {
            committed.iter().find(|path| stem(path) == *word).cloned()
        };
        let path = found.ok_or_else(|| {
            let names: Vec<String> = committed.iter().map(|path| stem(path)).collect();
            format!(
                "there is no configuration `{word}`; expected a file, {AUTOMATIC}, {NO_BASE} or one of {}",
                names.join(", ")
            )
        })?;
        Ok(Config { name: stem(&path), path: Some(path) })
    };
    let configs = given.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let mut names = BTreeSet::new();
    match configs.iter().find(|config| !names.insert(&config.name)) {
        Some(twice) => Err(format!("two configurations are named `{}`: rename one of the files", twice.name)),
        None => Ok(configs),
    }
}

impl Text {
    fn read(path: &Path) -> Result<Self, String> {
        let file = path.metadata().map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let Some(name) = path.file_name().filter(|_| file.is_file()) else {
            return Err(format!("{} is not a file", path.display()));
        };
        let path = absolute(path)?;
        Ok(Self { name: name.to_string_lossy().into_owned(), bytes: file.len(), sha256: sha256(&path), path })
    }
}

/// The files in a folder with this extension, by name; none if there is no such folder.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let cannot = |error| format!("{} cannot be read: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(cannot)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(cannot)?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{} is not a path: {error}", path.display()))
}

/// The hash as `sha256sum` or `shasum` prints it. The launcher does without a library for it.
fn sha256(path: &Path) -> Option<String> {
    let path = path.to_str()?;
    let output = output_of("sha256sum", &[path]).filter(|output| !output.is_empty());
    let output = output.or_else(|| output_of("shasum", &["-a", "256", path]))?;
    // A backslash before the hash says that the path after it is escaped.
    let hash = output.split_whitespace().next()?.trim_start_matches('\\');
    (hash.len() == 64).then(|| hash.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("benchmarks/texts/long.txt", "a longer text"),
            ("benchmarks/texts/short.txt", "text"),
            ("benchmarks/texts/README.md", "not a text"),
            ("benchmarks/recipes/b.toml", ""),
            ("benchmarks/recipes/a.toml", ""),
            ("other/b.toml", ""),
        ] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn texts_are_measured_from_short_to_long() {
        let root = root();
        let all = texts(root.path(), &[]).unwrap();
        let found: Vec<(&str, u64)> = all.iter().map(|text| (text.name.as_str(), text.bytes)).collect();
        assert_eq!(found, [("short.txt", 4), ("long.txt", 13)]);
        let given = [root.path().join("other/b.toml")];
        assert_eq!(texts(root.path(), &given).unwrap()[0].name, "b.toml");
        assert!(texts(root.path(), &[root.path().join("other")]).unwrap_err().contains("is not a file"));
        assert!(texts(&root.path().join("other"), &[]).unwrap_err().contains("has no texts"));
    }

    #[test]
    fn configurations_are_found_by_name_and_by_path() {
        let root = root();
        let names = |given: &[&str]| -> Result<Vec<String>, String> {
            let given: Vec<String> = given.iter().map(|word| word.to_string()).collect();
            Ok(configs(root.path(), &given)?.into_iter().map(|config| config.name).collect())
        };
        assert_eq!(names(&[]).unwrap(), ["a", "b", AUTOMATIC, NO_BASE]);
        let other = root.path().join("other/b.toml");
        assert_eq!(names(&[AUTOMATIC, other.to_str().unwrap(), "a"]).unwrap(), [AUTOMATIC, "b", "a"]);
        assert_eq!(names(&[NO_BASE]).unwrap(), [NO_BASE]);
        assert!(names(&[NO_BASE, NO_BASE]).unwrap_err().contains("two configurations are named"));
        assert!(names(&["b", other.to_str().unwrap()]).unwrap_err().contains("two configurations are named `b`"));
        assert!(names(&["c"]).unwrap_err().ends_with("automatic, automatic-no-base or one of a, b"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_text_has_the_hash_of_its_file() {
        let root = root();
        let text = &texts(root.path(), &[]).unwrap()[0];
        let expected = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1";
        assert_eq!(text.sha256.as_deref(), Some(expected));
    }
}
