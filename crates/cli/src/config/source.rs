//! The text or data that the command line gives instead of that of the configuration file.

use std::path::PathBuf;

use args::ConfigArgs;

use super::resolve::to_be_saved;
use super::{Config, Data, Text};
use crate::error::{Result, bail};

/// Where a text or data comes from.
enum Source {
    /// A known corpus or a built-in data set.
    Dataset,
    /// A file.
    Path,
}

/// Replaces the text of the file by the one of the command line, before `--set` is applied.
///
/// # Errors
/// If a path cannot be saved.
pub fn replace_text(config: &mut Config, args: &ConfigArgs) -> Result<()> {
    reject_unsaved(&args.text)?;
    let text = &mut config.text;
    if !args.text.is_empty() {
        *text = Text { path: Some(args.text.clone().into()), ..Text::default() };
    }
    match set_source(args, "text") {
        Some(Source::Path) => (text.dataset, text.edition) = (None, None),
        // How a file is read is not for a known corpus, and an edition is not for another corpus.
        Some(Source::Dataset) => {
            let (dataset, control_characters) = (text.dataset.take(), text.control_characters);
            *text = Text { dataset, control_characters, ..Text::default() };
        }
        None => {}
    }
    let read = &args.read;
    for (key, option) in
        [(&mut text.encoding, &read.encoding), (&mut text.column, &read.column), (&mut text.label, &args.label)]
    {
        *key = option.clone().or(key.take());
    }
    config.data.replace(read);
    Ok(())
}

/// As [`replace_text`], for questions.
///
/// # Errors
/// If a path cannot be saved, or options are given that are only for texts.
pub(super) fn replace_data(data: &mut Data, args: &ConfigArgs) -> Result<()> {
    reject_unsaved(&args.text)?;
    match &args.text[..] {
        [] => {}
        [path] => *data = Data { path: Some(path.clone()), ..Data::default() },
        _ => bail!("a question model is trained on one file, but `--text` is given {} times", args.text.len()),
    }
    match set_source(args, "data") {
        Some(Source::Path) => data.dataset = None,
        Some(Source::Dataset) => {
            (data.path, data.copy) = (None, false);
            // The encoding is also that of the validation file.
            data.encoding = data.encoding.take().filter(|_| data.valid.is_some());
        }
        None => {}
    }
    let read = args::TextArgs { encoding: None, ..args.read.clone() };
    if let Some(option) = read.given().or(args.label.as_ref().map(|_| "--label")) {
        bail!("`{option}` is given, which is only for language models: leave it out, or use another configuration");
    }
    data.encoding = args.read.encoding.clone().or(data.encoding.take());
    Ok(())
}

/// Rejects paths that are not UTF-8.
fn reject_unsaved(paths: &[PathBuf]) -> Result<()> {
    paths.iter().try_for_each(|path| to_be_saved(path))
}

/// The source that `--set` gives in `section`, unless the command line gives both.
fn set_source(args: &ConfigArgs, section: &str) -> Option<Source> {
    let is_set = |key: &str| {
        let mut keys = args.set.iter().filter_map(|change| change.split_once('='));
        keys.any(|(set, _)| set.trim().strip_prefix(section) == Some(key))
    };
    match (is_set(".dataset"), is_set(".path")) {
        (true, false) if args.text.is_empty() => Some(Source::Dataset),
        (false, true) => Some(Source::Path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn args(text: Option<&str>, set: &[&str]) -> ConfigArgs {
        let set = set.iter().map(|change| change.to_string()).collect();
        ConfigArgs { text: text.into_iter().map(PathBuf::from).collect(), set, ..ConfigArgs::default() }
    }

    #[test]
    fn the_source_that_the_command_line_gives_replaces_the_other() {
        // Whether the dataset and the file of the configuration remain.
        for (text, set, dataset, path) in [
            (None, &["path=b.txt"][..], false, true),
            (None, &["dataset=fables"], true, false),
            (None, &["dataset=fables", "path=b.txt"], true, true),
            (None, &["encoding=latin1"], true, true),
            (Some("b.txt"), &[], false, true),
            (Some("b.txt"), &["dataset=fables"], false, true),
            (Some("b.txt"), &["path=c.txt"], false, true),
        ] {
            let changes =
                |section: &str| -> Vec<String> { set.iter().map(|change| format!("{section}.{change}")).collect() };
            let before = Text {
                dataset: Some("fables".into()),
                edition: Some(1),
                path: Some(Path::new("a.txt").into()),
                encoding: Some("latin1".into()),
                strip_gutenberg: true,
                ..Text::default()
            };
            let mut of_text = Config { text: before, ..Config::default() };
            let mut of_data =
                Data { dataset: Some("fables-qa".into()), path: Some("a.json".into()), ..Data::default() };
            let given = |section| args(text, &changes(section).iter().map(String::as_str).collect::<Vec<_>>());
            replace_text(&mut of_text, &given("text")).unwrap();
            replace_data(&mut of_data, &given("data")).unwrap();
            let of_text = of_text.text;
            let found = (of_text.dataset.is_some(), of_text.path.is_some());
            assert_eq!(found, (dataset, path), "{text:?} {set:?}");
            assert_eq!((of_data.dataset.is_some(), of_data.path.is_some()), found, "{text:?} {set:?}");
            // How the file is read goes with it.
            assert_eq!(of_text.strip_gutenberg, path && text.is_none());
            assert_eq!(of_text.edition.is_some(), dataset && path, "{text:?} {set:?}");
        }
    }
}
