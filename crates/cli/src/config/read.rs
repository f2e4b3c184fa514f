//! From a TOML file and `--set KEY=VALUE` to a [`Config`], with errors that name line and key.

use std::path::Path;

use args::ConfigArgs;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::Config;
use super::questions::{Data, QuestionsConfig};
use crate::embedded;
use crate::error::{Error, Result};

/// The configuration that is read when none is named.
const DEFAULT: &str = "configs/lstm.toml";

/// A configuration about writing or about questions.
pub enum Written {
    /// About writing.
    Writing(Box<Config>),
    /// About questions.
    Questions(Box<QuestionsConfig>),
}

/// The configuration about questions that is built in under this name.
const QUESTIONS: &str = "configs/qa.toml";

/// Reads the configuration that the command line asks for, with its changes; also gives its name.
pub fn read(args: &ConfigArgs) -> Result<(Config, String)> {
    match read_any(args)? {
        (Written::Writing(config), name) => Ok((*config, name)),
        (Written::Questions(_), name) => Err(Error::new(format!(
            "the configuration `{name}` is about questions, expected one about writing, such as {DEFAULT}; \
             `train` takes either"
        ))),
    }
}

/// The same, whatever it is about.
pub fn read_any(args: &ConfigArgs) -> Result<(Written, String)> {
    let (text, path) = text(args)?;
    let name = path.file_stem().map_or("run".into(), |stem| stem.to_string_lossy().into_owned());
    let place = path.display().to_string();
    // What it is about is looked at first; what is wrong with the rest is told by the kind that it is of.
    let table: Table = text.parse().unwrap_or_default();
    let written = match table.contains_key("task") {
        true => {
            let mut config: QuestionsConfig = parse(&text, &place)?;
            if let Some(path) = &args.text {
                config.data = Data { path: Some(path.clone()), ..Data::default() };
            }
            Written::Questions(Box::new(change(config, &args.set)?))
        }
        false => {
            let mut config: Config = parse(&text, &place)?;
            // The text first: changes such as `--set text.encoding=…` are about the text that is read.
            if let Some(path) = &args.text {
                config.text = super::Text { path: Some(path.clone()), ..super::Text::default() };
            }
            Written::Writing(Box::new(change(config, &args.set)?))
        }
    };
    Ok((written, name))
}

/// The text of the configuration that is asked for, and where it stands.
fn text(args: &ConfigArgs) -> Result<(String, &Path)> {
    let Some(path) = args.config.as_deref() else {
        let path = Path::new(DEFAULT);
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                embedded::LSTM_CONFIG.to_string()
            }
            text => text.map_err(Error::io(path, "read"))?,
        };
        return Ok((text, path));
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((text, path)),
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && path == Path::new(QUESTIONS) =>
        {
            Ok((embedded::QA_CONFIG.to_string(), path))
        }
        Err(error) => Err(Error::new(format!(
            "the configuration {} cannot be read ({error}): name one that exists, such as {DEFAULT}, or \
             none",
            path.display()
        ))),
    }
}

/// Parses a TOML `text`; `place` is what errors call it. Unknown keys are told with their line and
/// the nearest known one.
pub fn parse<T: DeserializeOwned>(text: &str, place: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = line_of(text, &error).map_or(String::new(), |line| format!(", line {line}"));
        Error::new(format!("{place}{line}: {}", explain(&error)))
    })
}

/// Applies changes of the form KEY=VALUE.
pub fn change<C: Serialize + DeserializeOwned>(mut config: C, changes: &[String]) -> Result<C> {
    let table = Table::try_from(&config);
    let mut table = table.map_err(|error| Error::new(error.to_string()))?;
    for change in changes {
        let (key, value) = change.split_once('=').ok_or_else(|| {
            Error::new(format!("`--set {change}` holds no `=`; expected KEY=VALUE"))
        })?;
        set(&mut table, key.trim(), parse_value(value.trim()))
            .map_err(|reason| Error::new(format!("`--set {change}`: {reason}")))?;
        config = table
            .clone()
            .try_into()
            .map_err(|error| Error::new(format!("`--set {change}`: {}", explain(&error))))?;
    }
    Ok(config)
}

/// A TOML value, or a string if it is none: `--set text.path=my.txt` needs no quotes.
fn parse_value(text: &str) -> Value {
    let table: std::result::Result<Table, _> = format!("value = {text}").parse();
    let value = table.ok().and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_string()))
}

/// Sets `model.layers[0].units` and the like.
fn set(table: &mut Table, key: &str, value: Value) -> std::result::Result<(), String> {
    let mut parts = key.split('.').peekable();
    let mut table = table;
    while let Some(part) = parts.next() {
        let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((name, index)) => (name, Some(index)),
            None => (part, None),
        };
        if name.is_empty() {
            return Err(format!("`{key}` is no key; expected one such as train.epochs"));
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
                let array = entry.as_array_mut().ok_or(format!("`{name}` is no list"))?;
                let count = array.len();
                let found = index.parse().ok().and_then(|at: usize| array.get_mut(at));
                found.ok_or(format!("there is no `{name}[{index}]` (entries: {count})"))?
            }
        };
        if last {
            *entry = value;
            return Ok(());
        }
        table = entry.as_table_mut().ok_or(format!("`{name}` holds no further keys"))?;
    }
    Ok(())
}

/// The error in one line; an unknown key comes with the nearest known one.
fn explain(error: &toml::de::Error) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let Some(found) = quoted.next().filter(|_| is_unknown) else { return message };
    let known: Vec<&str> = quoted.collect();
    let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(found, known));
    let what = if message.starts_with("unknown field") { "key" } else { "value" };
    match nearest {
        Some(nearest) => {
            format!("unknown {what} `{found}`; the nearest is `{nearest}`, known are {}", {
                known.join(", ")
            })
        }
        None => format!("unknown {what} `{found}`"),
    }
}

/// The line, counted from 1, that the error is about.
fn line_of(text: &str, error: &toml::de::Error) -> Option<usize> {
    let span = error.span()?;
    // Within tables that are read whole the span covers all of them: look for the key itself.
    let unknown = error.message().split('`').nth(1).unwrap_or_default();
    let inside = text.get(span.clone()).unwrap_or_default();
    let at = inside.find(unknown).filter(|_| !unknown.is_empty()).unwrap_or(0);
    Some(
        text[..span.start + at].lines().count().max(1)
            + usize::from(text[..span.start + at].ends_with('\n')),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, changes: &[&str]) -> String {
        let changes: Vec<String> = changes.iter().map(|change| change.to_string()).collect();
        let config: Result<Config> = parse(text, "my.toml");
        let error = config.and_then(|config| change(config, &changes)).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_nearest() {
        let error = refusal("seed = 2\n\n[train]\nepoch = 3\n", &[]);
        assert!(error.starts_with("my.toml, line 4: unknown key `epoch`"), "{error}");
        assert!(error.contains("the nearest is `epochs`"), "{error}");
        let error = refusal("sed = 2\n", &[]);
        assert!(error.contains("line 1") && error.contains("`seed`"), "{error}");
        let layers = "[[model.layers]]\ncell = \"lstm\"\nunits = 3\nunit = 4\n";
        let error = refusal(layers, &[]);
        assert!(error.contains("line 4") && error.contains("`units`"), "{error}");
        let rules =
            "[clean]\nrules = [\n  { rule = \"lower-case\" },\n  { rule = \"lowercase\" },\n]\n";
        let error = refusal(rules, &[]);
        assert!(error.contains("lower-case"), "{error}");
    }

    #[test]
    fn a_wrong_type_and_broken_toml_are_named_with_their_line() {
        let error = refusal("[train]\nepochs = \"three\"\n", &[]);
        assert!(error.contains("line 2") && error.contains("string"), "{error}");
        assert!(refusal("[train\n", &[]).contains("line 1"));
    }

    #[test]
    fn changes_reach_every_depth() {
        let changes = ["train.epochs=3", "seed=9", "model.layers[0].units=16", "text.path=my.txt"];
        let changes = changes.map(String::from);
        let config = change(Config::default(), &changes).unwrap();
        assert_eq!((config.train.epochs, config.seed), (3, 9));
        assert_eq!(config.model.layers[0].units, 16);
        assert_eq!(config.text.path.unwrap().to_str(), Some("my.txt"));
    }

    #[test]
    fn a_change_that_cannot_be_is_refused_by_name() {
        for (change, expected) in [
            ("train.epoch=3", "the nearest is `epochs`"),
            ("train.epochs", "holds no `=`"),
            ("train.epochs=-1", "--set train.epochs=-1"),
            ("model.layers[4].units=1", "no `layers[4]`"),
            ("seed.x=1", "holds no further keys"),
            ("=1", "is no key"),
        ] {
            let error = refusal("", &[change]);
            assert!(error.contains(expected), "{change}: {error}");
        }
    }

    #[test]
    fn a_configuration_survives_being_written() {
        let config = change(Config::default(), &["vocabulary.min_count=2".to_string()]).unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(parse::<Config>(&text, "again").unwrap(), config);
    }

    #[test]
    fn the_built_in_configuration_is_valid() {
        parse::<Config>(embedded::LSTM_CONFIG, "lstm.toml").unwrap();
    }
}
