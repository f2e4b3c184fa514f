//! The text or data that the command line gives instead of that of the configuration file.

use args::ConfigArgs;

use super::{Data, Text};

/// Where a text or data comes from.
enum Source {
    /// A known corpus or a built-in data set.
    Dataset,
    /// A file.
    Path,
}

/// Replaces the text of the file by the one of the command line, before `--set` is applied.
pub(super) fn replace_text(text: &mut Text, args: &ConfigArgs) {
    if let Some(path) = &args.text {
        *text = Text { path: Some(path.clone()), ..Text::default() };
    }
    match set_source(args, "text") {
        Some(Source::Path) => text.dataset = None,
        // How a file is read is not for a known corpus.
        Some(Source::Dataset) => {
            let (dataset, control_characters) = (text.dataset.take(), text.control_characters);
            *text = Text { dataset, control_characters, ..Text::default() };
        }
        None => {}
    }
    text.encoding = args.encoding.clone().or(text.encoding.take());
}

/// As [`replace_text`], for questions.
pub(super) fn replace_data(data: &mut Data, args: &ConfigArgs) {
    if let Some(path) = &args.text {
        *data = Data { path: Some(path.clone()), ..Data::default() };
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
    data.encoding = args.encoding.clone().or(data.encoding.take());
}

/// The source that `--set` gives in `section`, unless the command line gives both.
fn set_source(args: &ConfigArgs, section: &str) -> Option<Source> {
    let is_set = |key: &str| {
        let mut keys = args.set.iter().filter_map(|change| change.split_once('='));
        keys.any(|(set, _)| set.trim().strip_prefix(section) == Some(key))
    };
    match (is_set(".dataset"), is_set(".path")) {
        (true, false) if args.text.is_none() => Some(Source::Dataset),
        (false, true) => Some(Source::Path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn args(text: Option<&str>, set: &[&str]) -> ConfigArgs {
        let set = set.iter().map(|change| change.to_string()).collect();
        ConfigArgs { text: text.map(PathBuf::from), set, ..ConfigArgs::default() }
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
            let mut of_text = Text {
                dataset: Some("fables".into()),
                path: Some("a.txt".into()),
                encoding: Some("latin1".into()),
                strip_gutenberg: true,
                ..Text::default()
            };
            let mut of_data =
                Data { dataset: Some("fables-qa".into()), path: Some("a.json".into()), ..Data::default() };
            let given = |section| args(text, &changes(section).iter().map(String::as_str).collect::<Vec<_>>());
            replace_text(&mut of_text, &given("text"));
            replace_data(&mut of_data, &given("data"));
            let found = (of_text.dataset.is_some(), of_text.path.is_some());
            assert_eq!(found, (dataset, path), "{text:?} {set:?}");
            assert_eq!((of_data.dataset.is_some(), of_data.path.is_some()), found, "{text:?} {set:?}");
            // How the file is read goes with it.
            assert_eq!(of_text.strip_gutenberg, path && text.is_none());
        }
    }
}
