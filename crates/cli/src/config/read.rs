//! Reads a configuration from a TOML file and `--set KEY=VALUE`. Errors name line and key.

use std::path::{Path, PathBuf};

use args::ConfigArgs;
use durable::read::{Accept, SMALL_FILE, utf8};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, Deserializer};
use toml::{Table, Value};

use super::plain_errors::{explain, key_before};
use super::pretrained::complete_model;
use super::questions::{Data, QuestionsConfig};
use super::renamed_keys::{Change, check_changes, rename_change, rename_in_file};
use super::source::{replace_data, replace_text};
use super::{Config, Paths, Text};
use crate::embedded;
use crate::error::{Error, Result, bail};
use crate::input::reject_repeated_pipes;

/// The configuration that is read if none is named.
const DEFAULT: &str = "configs/lstm.toml";

/// The configuration that is read for a run from the built-in base if none is named.
pub const FINE_TUNING: &str = "configs/fine-tuning.toml";

/// The names under which built-in configurations are found where there is no such file.
const BUILT_IN: [(&str, &str); 4] = [
    (DEFAULT, embedded::LSTM_CONFIG),
    (FINE_TUNING, embedded::FINE_TUNING_CONFIG),
    ("configs/qa.toml", embedded::QA_CONFIG),
    ("configs/base.toml", embedded::BASE_CONFIG),
];

/// Old and new names of configuration files.
const RENAMED_FILES: [(&str, &str); 3] = [
    ("aesop.toml", "keras-baseline.toml"),
    ("aesop-every-step.toml", "aesop-tbptt.toml"),
    ("qa-book.toml", "qa-foster2019.toml"),
];

/// A configuration for a language model or for a question model.
pub enum AnyConfig {
    /// For a language model.
    LanguageModel(Box<Config>),
    /// For a question model.
    Questions(Box<QuestionsConfig>),
}

impl AnyConfig {
    /// As [`Config::saved_in`].
    pub fn saved_in(self, run: &Path) -> Self {
        match self {
            Self::LanguageModel(config) => Self::LanguageModel(Box::new(config.saved_in(run))),
            Self::Questions(config) => Self::Questions(Box::new(config.saved_in(run))),
        }
    }
}

/// Reads the language model configuration that the command line gives, with its overrides; also returns its name.
///
/// # Errors
/// As [`read_any`]; also if the configuration is for a question model.
pub fn read(args: &ConfigArgs) -> Result<(Config, String)> {
    let file = ConfigFile::read(args.config.as_deref())?;
    Ok((file.language_model(args)?, file.name()))
}

/// Reads the configuration that the command line gives, with its overrides; also returns its name.
///
/// # Errors
/// If the file cannot be read or parsed, or a change is invalid.
pub fn read_any(args: &ConfigArgs) -> Result<(AnyConfig, String)> {
    let file = ConfigFile::read(args.config.as_deref())?;
    Ok((file.with_changes(args)?, file.name()))
}

/// The contents of a configuration file, which is read once, so it may be a pipe.
pub struct ConfigFile {
    text: String,
    path: PathBuf,
    /// Whether it is not the default one.
    is_given: bool,
    /// The trained model that a run with this configuration starts from, if the file need not name it.
    initial_model: Option<PathBuf>,
}

impl ConfigFile {
    /// Reads this file, or else the default one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let is_given = path.is_some();
        let path = path.unwrap_or(Path::new(DEFAULT));
        let new = |text: String| Self { text, path: path.into(), is_given, initial_model: None };
        let built_in = BUILT_IN.iter().find(|(name, _)| path == Path::new(name));
        match (Accept::FileOrPipe.read(path, SMALL_FILE).and_then(utf8), built_in) {
            (Ok(text), _) => Ok(new(text)),
            (Err(error), Some((_, text))) if error.kind() == std::io::ErrorKind::NotFound => Ok(new(text.to_string())),
            (Err(error), _) => {
                let expected = match RENAMED_FILES.iter().find(|(old, _)| path.ends_with(old)) {
                    Some((_, new)) => format!("it was renamed to {}", path.with_file_name(new).display()),
                    None => format!("use one that exists, such as {DEFAULT}, or none"),
                };
                let path = path.display();
                Err(Error::new(format!("the configuration {path} cannot be read ({error}): {expected}")))
            }
        }
    }

    /// The configuration `text`, which is named `path` in errors.
    pub fn of_text(text: String, path: &Path) -> Self {
        Self { text, path: path.into(), is_given: true, initial_model: None }
    }

    /// The same configuration for a run that starts from the trained model at this place.
    pub fn starting_from(self, model: &Path) -> Self {
        Self { initial_model: Some(model.into()), ..self }
    }

    /// The name of the configuration.
    fn name(&self) -> String {
        self.path.file_stem().map_or("run".into(), |stem| stem.to_string_lossy().into_owned())
    }

    /// The keys in the file, by their present names.
    ///
    /// # Errors
    /// If the file cannot be parsed.
    pub fn keys(&self) -> Result<Table> {
        parse_config(&self.text, &self.path.display().to_string())
    }

    /// The configuration with the overrides of the command line, which must be for a language model.
    ///
    /// # Errors
    /// As [`with_changes`](Self::with_changes); also if the configuration is for a question model.
    pub fn language_model(&self, args: &ConfigArgs) -> Result<Config> {
        match self.with_changes(args)? {
            AnyConfig::LanguageModel(config) => Ok(*config),
            AnyConfig::Questions(_) => Err(Error::new(format!(
                "the configuration `{}` is for a question model, expected one for a language model, such as \
                 {DEFAULT}; `train` takes either",
                self.name()
            ))),
        }
    }

    /// The configuration with the overrides of the command line.
    ///
    /// # Errors
    /// If the file cannot be parsed, or a change is invalid.
    pub fn with_changes(&self, args: &ConfigArgs) -> Result<AnyConfig> {
        let (text, file) = (&self.text, self.path.display().to_string());
        // Errors in the TOML are reported by `parse_config` below.
        let table: Table = text.parse().unwrap_or_default();
        // `--text` and `--encoding` before `--set`: overrides such as `text.excerpt` apply to the text of `--text`.
        if table.contains_key("task") {
            let mut config: QuestionsConfig = parse_config(text, &file)?;
            replace_data(&mut config.data, args)?;
            let config = apply_changes(config, &args.set)?;
            let Data { path, valid, .. } = &config.data;
            self.reject_repeated_pipes(
                [path, valid, &config.model.vectors.path].into_iter().filter_map(Option::as_deref),
            )?;
            Ok(AnyConfig::Questions(Box::new(config)))
        } else {
            let mut config: Config = parse_config(text, &file)?;
            let Text { dataset, edition, .. } = config.text.clone();
            replace_text(&mut config, args)?;
            let given = if self.is_given { self.keys()? } else { Table::new() };
            complete_model(&mut config, &given, &args.set, self.initial_model.as_deref())?;
            let mut config = apply_changes(config, &args.set)?;
            // A corpus that is named again keeps its edition.
            if config.text.dataset == dataset {
                config.text.edition = config.text.edition.or(edition);
            }
            self.reject_repeated_pipes(config.input_paths())?;
            Ok(AnyConfig::LanguageModel(Box::new(config)))
        }
    }

    /// Rejects two of these inputs and the file itself that are the same pipe.
    fn reject_repeated_pipes<'a>(&'a self, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
        reject_repeated_pipes(inputs.into_iter().chain([self.path.as_path()]))
    }
}

impl Config {
    /// The paths of what a run reads: its texts and word vectors.
    pub fn input_paths(&self) -> impl Iterator<Item = &Path> {
        let Text { path, valid, test, .. } = &self.text;
        let texts = [path, valid, test].into_iter().flatten().flat_map(Paths::iter);
        texts.chain(self.model.vectors.path.as_deref())
    }
}

/// Parses a configuration; `file` is its name in errors. Old names of keys are accepted. An error for an
/// unknown key gives its line and the most similar known key.
pub fn parse_config<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    let at_line = |error| located(text, file, &error);
    let mut table = DeTable::parse(text).map_err(at_line)?;
    rename_in_file(table.get_mut())
        .map_err(|(message, span)| Error::new(format!("{file}, line {}: {message}", line_number(text, span.start))))?;
    T::deserialize(Deserializer::from(table)).map_err(at_line)
}

/// Parses TOML; `file` is its name in errors, which are as those of [`parse_config`].
pub fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| located(text, file, &error))
}

fn located(text: &str, file: &str, error: &toml::de::Error) -> Error {
    let line = line_of(text, error).map_or(String::new(), |line| format!(", line {line}"));
    let value = error.span().and_then(|span| text.get(..span.start));
    let key = value.and_then(key_before).map_or(String::new(), |key| format!("`{key}`: "));
    Error::new(format!("{file}{line}: {key}{}", explain(error.message())))
}

/// Applies changes of the form KEY=VALUE. Old names of keys are accepted.
pub fn apply_changes<C: Serialize + DeserializeOwned>(mut config: C, changes: &[String]) -> Result<C> {
    let mut table = Table::try_from(&config).map_err(|error| Error::new(error.to_string()))?;
    for (text, parsed) in changes.iter().zip(parse_changes(changes)?) {
        let in_change = |reason| Error::new(format!("`--set {text}`: {reason}"));
        for (key, value) in parsed {
            set(&mut table, &key, value).map_err(in_change)?;
        }
        config = table.clone().try_into().map_err(|error| in_change(explain(error.message())))?;
    }
    Ok(config)
}

/// Parses changes of the form KEY=VALUE. Each gives one or more keys, by their present names, with their values, which
/// may be whole sections.
///
/// # Errors
/// If one has another form, or both names of a key are given.
pub fn parse_changes(changes: &[String]) -> Result<Vec<Vec<Change>>> {
    let parse = |change: &String| -> Result<Change> {
        let Some((key, value)) = change.split_once('=') else {
            bail!("`--set {change}` has no `=`; expected KEY=VALUE")
        };
        Ok((key.trim().into(), parse_value(value.trim())))
    };
    let parsed: Vec<Change> = changes.iter().map(parse).collect::<Result<_>>()?;
    check_changes(parsed.iter()).map_err(|reason| Error::new(format!("`--set`: {reason}")))?;
    Ok(parsed.into_iter().map(rename_change).collect())
}

/// Parses a TOML value; anything else is a string, so that `--set text.path=my.txt` needs no quotes.
fn parse_value(text: &str) -> Value {
    let table: std::result::Result<Table, _> = format!("value = {text}").parse();
    let value = table.ok().and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_string()))
}

/// Sets the value at a dotted path, which may have list indices, as in `model.layers[0].units`.
fn set(table: &mut Table, key: &str, value: Value) -> std::result::Result<(), String> {
    let mut parts = key.split('.').peekable();
    let mut table = table;
    while let Some(part) = parts.next() {
        let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((name, index)) => (name, Some(index)),
            None => (part, None),
        };
        if name.is_empty() {
            return Err(format!("`{key}` is not a key; expected one such as train.epochs"));
        }
        let last = parts.peek().is_none();
        if last && index.is_none() {
            table.insert(name.to_string(), value);
            return Ok(());
        }
        let entry = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
        let entry = match index {
            None => entry,
            Some(index) => {
                let array = entry.as_array_mut().ok_or(format!("`{name}` is not a list"))?;
                let count = array.len();
                let found = index.parse().ok().and_then(|at: usize| array.get_mut(at));
                found.ok_or(format!("there is no `{name}[{index}]` (entries: {count})"))?
            }
        };
        if last {
            *entry = value;
            return Ok(());
        }
        table = entry.as_table_mut().ok_or(format!("`{name}` is not a table of keys"))?;
    }
    Ok(())
}

/// The line, counted from 1, of the key or value that the error is about.
fn line_of(text: &str, error: &toml::de::Error) -> Option<usize> {
    let span = error.span()?;
    // The span of an unknown key in a list of tables covers the whole table: search it for the key.
    let unknown = error.message().split('`').nth(1).unwrap_or_default();
    let inside = text.get(span.clone()).unwrap_or_default();
    let offset = inside.find(unknown).filter(|_| !unknown.is_empty()).unwrap_or(0);
    Some(line_number(text, span.start + offset))
}

/// The line, counted from 1, of a byte offset.
fn line_number(text: &str, offset: usize) -> usize {
    let before = &text[..offset];
    before.lines().count().max(1) + usize::from(before.ends_with('\n'))
}

#[cfg(test)]
mod tests {
    use models::InitScheme;

    use super::*;

    fn error_of(text: &str, changes: &[&str]) -> String {
        let changes: Vec<String> = changes.iter().map(|change| change.to_string()).collect();
        let config: Result<Config> = parse_config(text, "my.toml");
        let error = config.and_then(|config| apply_changes(config, &changes)).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_nearest() {
        let error = error_of("seed = 2\n\n[train]\nepoch = 3\n", &[]);
        assert!(error.starts_with("my.toml, line 4: unknown key `epoch`"), "{error}");
        assert!(error.contains("the nearest is `epochs`"), "{error}");
        let error = error_of("sed = 2\n", &[]);
        assert!(error.contains("line 1") && error.contains("`seed`"), "{error}");
        let layers = "[[model.layers]]\ncell = \"lstm\"\nunits = 3\nunit = 4\n";
        let error = error_of(layers, &[]);
        assert!(error.contains("line 4") && error.contains("`units`"), "{error}");
        let rules = "[clean]\nrules = [\n  { rule = \"lower-case\" },\n  { rule = \"lowercase\" },\n]\n";
        let error = error_of(rules, &[]);
        assert!(error.contains("lower-case"), "{error}");
    }

    #[test]
    fn a_wrong_type_and_broken_toml_are_named_with_their_line() {
        let error = error_of("[train]\nepochs = \"three\"\n", &[]);
        assert_eq!(error, "my.toml, line 2: `epochs`: found the text \"three\"; expected a whole number of 0 or more");
        assert!(error_of("[train\n", &[]).contains("line 1"));
    }

    #[test]
    fn changes_reach_every_depth() {
        let changes = ["train.epochs=3", "seed=9", "model.layers[0].units=16", "text.path=my.txt"];
        let changes = changes.map(String::from);
        let config = apply_changes(Config::default(), &changes).unwrap();
        assert_eq!((config.train.epochs, config.seed), (3, 9));
        assert_eq!(config.model.layers[0].units, 16);
        assert_eq!(config.text.path, Some(Path::new("my.txt").into()));
    }

    #[test]
    fn an_invalid_change_is_named() {
        for (change, expected) in [
            ("train.epoch=3", "the nearest is `epochs`"),
            ("train.epochs", "has no `=`"),
            ("train.epochs=-1", "--set train.epochs=-1"),
            ("model.layers[4].units=1", "no `layers[4]`"),
            ("seed.x=1", "is not a table of keys"),
            ("=1", "is not a key"),
        ] {
            let error = error_of("", &[change]);
            assert!(error.contains(expected), "{change}: {error}");
        }
    }

    #[test]
    fn a_configuration_round_trips() {
        let changes = ["vocabulary.min_count=2", "model.init=uniform"].map(String::from);
        let config = apply_changes(Config::default(), &changes).unwrap();
        assert_eq!(config.model.init, InitScheme::Uniform);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(parse_config::<Config>(&text, "again").unwrap(), config);
    }

    #[test]
    fn a_renamed_file_is_named() {
        let config = Some("nowhere/configs/aesop.toml".into());
        let error = read_any(&ConfigArgs { config, ..ConfigArgs::default() }).err().unwrap();
        let expected = "it was renamed to nowhere/configs/keras-baseline.toml";
        assert!(error.to_string().ends_with(expected), "{error}");
    }

    #[test]
    fn the_built_in_configurations_are_valid() {
        parse_config::<Config>(embedded::LSTM_CONFIG, "lstm.toml").unwrap();
        parse_config::<Config>(embedded::FINE_TUNING_CONFIG, "fine-tuning.toml").unwrap();
        parse_config::<Config>(embedded::BASE_CONFIG, "base.toml").unwrap();
    }
}
