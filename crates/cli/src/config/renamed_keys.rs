//! Configuration keys and values that were renamed. The old spellings still work in files, which includes the
//! `config.toml` of old runs, and in `--set`.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// A renamed key, or a key whose values were renamed. A path is `section.key`.
struct Renamed {
    old: &'static str,
    new: &'static str,
    /// Old and new spelling of each renamed value.
    values: &'static [(&'static str, &'static str)],
}

const fn key(old: &'static str, new: &'static str) -> Renamed {
    Renamed { old, new, values: &[] }
}

const RENAMED: &[Renamed] = &[
    Renamed { values: &[("book", "keras-lowercase")], ..key("clean.preset", "clean.preset") },
    key("clean.story_mark", "clean.document_separator"),
    key("from.model", "init.from"),
    Renamed { values: &[("refuse", "error"), ("keep", "unk")], ..key("from.vocabulary", "init.new_tokens") },
    Renamed { values: &[("marked", "feature"), ("again", "reencode")], ..key("model.answer", "model.answer_encoding") },
    key("model.embedding", "model.embedding_dim"),
    Renamed { values: &[("pointers", "span"), ("tags", "tagger")], ..key("model.extraction", "model.extractor_head") },
    key("model.finding_teaches_words", "model.extractor_updates_embeddings"),
    key("model.longest_answer", "model.max_answer_len"),
    key("model.tied", "model.tie_weights"),
    key("samples.tokens", "samples.max_tokens"),
    key("sentences.longest", "sentences.max_sentence_len"),
    key("streams.length", "train.bptt_len"),
    key("train.averaging", "train.ema_decay"),
    Renamed { values: &[("every-step", "tbptt")], ..key("train.method", "train.mode") },
    key("train.patience", "train.early_stopping_patience"),
    key("vocabulary.counted_on", "vocabulary.fit_on"),
    key("vocabulary.rare", "vocabulary.oov"),
    key("vocabulary.written", "vocabulary.decoder_vocab"),
    key("windows.length", "windows.context_len"),
    key("windows.step", "windows.stride"),
];

/// A section whose keys all moved to a section of their own: a change of the whole section replaces that one.
const RENAMED_SECTION: (&str, &str) = ("from", "init");

impl Renamed {
    fn new_value(&self, value: &str) -> Option<&'static str> {
        self.values.iter().find(|(old, _)| *old == value).map(|&(_, new)| new)
    }

    fn translate(&self, value: Value) -> Value {
        let new = value.as_str().and_then(|value| self.new_value(value));
        new.map_or(value, |new| Value::String(new.into()))
    }

    fn both_given(&self) -> String {
        let Self { old, new, .. } = self;
        format!("`{old}` is the old name of `{new}`, and both are given; leave out `{old}`")
    }
}

/// Renames old keys and values in a parsed file.
///
/// # Errors
/// If a file holds both names of a key: the message, and where the old one is.
pub(super) fn rename_in_file(file: &mut DeTable<'_>) -> Result<(), (String, Range<usize>)> {
    for renamed in RENAMED {
        let (section, key) = split(renamed.new);
        if renamed.old != renamed.new
            && let Some(value) = take(file, renamed.old)
        {
            let span = value.span();
            let entry = file.entry(Spanned::new(span.clone(), section.into()));
            let target = entry.or_insert_with(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
            // What is not a table is rejected when the configuration is read.
            let DeValue::Table(target) = target.get_mut() else { continue };
            if target.insert(Spanned::new(span.clone(), key.into()), value).is_some() {
                return Err((renamed.both_given(), span));
            }
        }
        if let Some(DeValue::Table(table)) = file.get_mut(section).map(Spanned::get_mut)
            && let Some(DeValue::String(value)) = table.get_mut(key).map(Spanned::get_mut)
            && let Some(new) = renamed.new_value(value)
        {
            *value = new.into();
        }
    }
    for section in RENAMED.iter().map(|renamed| split(renamed.old).0).filter(|old| is_removed(old)) {
        let value = file.get(section).map(Spanned::get_ref);
        if matches!(value, Some(DeValue::Table(table)) if table.is_empty()) {
            file.remove(section);
        }
    }
    Ok(())
}

/// Removes and returns the value at `section.key`.
fn take<'a>(file: &mut DeTable<'a>, path: &'static str) -> Option<Spanned<DeValue<'a>>> {
    let (section, key) = split(path);
    match file.get_mut(section)?.get_mut() {
        DeValue::Table(table) => table.remove(key),
        _ => None,
    }
}

/// A change given by `--set`: a key and its value, which may be a whole section.
pub(super) type Change = (String, Value);

/// Checks that `changes` do not hold both names of a key.
///
/// # Errors
/// The message.
pub(super) fn check_changes<'a>(changes: impl Iterator<Item = &'a Change> + Clone) -> Result<(), String> {
    let gives = |path| changes.clone().any(|change| is_given(path, change));
    let both = RENAMED.iter().find(|renamed| renamed.old != renamed.new && gives(renamed.old) && gives(renamed.new));
    both.map_or(Ok(()), |renamed| Err(renamed.both_given()))
}

/// The same change in the new spelling, as one or more changes.
pub(super) fn rename_change((key, value): Change) -> Vec<Change> {
    let renamed = RENAMED.iter().find(|renamed| key == renamed.old || key == renamed.new);
    match (renamed, value) {
        (Some(renamed), value) => vec![(renamed.new.into(), renamed.translate(value))],
        (None, Value::Table(table)) => rename_in_section(key, table),
        (None, value) => vec![(key, value)],
    }
}

/// The change of a whole section, followed by the changes of its renamed keys.
fn rename_in_section(section: String, mut table: Table) -> Vec<Change> {
    let mut renamed_keys = Vec::new();
    for renamed in RENAMED {
        for path in [renamed.old, renamed.new] {
            let (of, key) = split(path);
            if let Some(value) = (of == section).then(|| table.remove(key)).flatten() {
                renamed_keys.push((renamed.new.to_string(), renamed.translate(value)));
            }
        }
    }
    let (old, new) = RENAMED_SECTION;
    let replaced = (section == old).then(|| (new.into(), Value::Table(Table::new())));
    let is_left_over = !(is_removed(&section) && table.is_empty());
    let section = is_left_over.then_some((section, Value::Table(table)));
    replaced.into_iter().chain(section).chain(renamed_keys).collect()
}

fn is_given(path: &'static str, (key, value): &Change) -> bool {
    let (section, name) = split(path);
    key == path || (key == section && value.as_table().is_some_and(|table| table.contains_key(name)))
}

/// Whether all keys of a section moved to other sections.
fn is_removed(section: &str) -> bool {
    let within = |path| split(path).0 == section;
    RENAMED.iter().any(|renamed| within(renamed.old)) && !RENAMED.iter().any(|renamed| within(renamed.new))
}

fn split(path: &'static str) -> (&'static str, &'static str) {
    path.split_once('.').expect("a path is `section.key`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::{apply_changes, parse_config};
    use crate::config::{Config, QuestionsConfig};

    /// An old configuration with every renamed key and value, except those that only questions have.
    const OLD: &str = r#"
        [clean]
        preset = "book"
        story_mark = "|"
        [vocabulary]
        counted_on = "whole-text"
        rare = "drop"
        [windows]
        length = 7
        step = 2
        [streams]
        length = 9
        [model]
        embedding = 11
        tied = true
        [train]
        method = "every-step"
        averaging = 0.5
        patience = 3
        [samples]
        tokens = 5
        [from]
        model = "runs/a"
        vocabulary = "keep"
    "#;

    const NEW: &str = r#"
        [clean]
        preset = "keras-lowercase"
        document_separator = "|"
        [vocabulary]
        fit_on = "whole-text"
        oov = "drop"
        [windows]
        context_len = 7
        stride = 2
        [model]
        embedding_dim = 11
        tie_weights = true
        [train]
        mode = "tbptt"
        bptt_len = 9
        ema_decay = 0.5
        early_stopping_patience = 3
        [samples]
        max_tokens = 5
        [init]
        from = "runs/a"
        new_tokens = "unk"
    "#;

    const OLD_QUESTIONS: &str = r#"
        task = "questions"
        [vocabulary]
        written = 70
        [sentences]
        longest = 30
        [model]
        embedding = 12
        tied = false
        answer = "again"
        extraction = "tags"
        longest_answer = 4
        finding_teaches_words = true
    "#;

    const NEW_QUESTIONS: &str = r#"
        task = "questions"
        [vocabulary]
        decoder_vocab = 70
        [sentences]
        max_sentence_len = 30
        [model]
        embedding_dim = 12
        tie_weights = false
        answer_encoding = "reencode"
        extractor_head = "tagger"
        max_answer_len = 4
        extractor_updates_embeddings = true
    "#;

    fn config(text: &str) -> Config {
        parse_config(text, "my.toml").unwrap()
    }

    fn changed(changes: &[&str]) -> crate::error::Result<Config> {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        apply_changes(Config::default(), &changes)
    }

    #[test]
    fn old_files_mean_the_same_as_new_ones() {
        assert_eq!(config(OLD), config(NEW));
        let questions = |text| parse_config::<QuestionsConfig>(text, "my.toml").unwrap();
        assert_eq!(questions(OLD_QUESTIONS), questions(NEW_QUESTIONS));
        assert_eq!(questions(OLD_QUESTIONS).vocabulary.decoder_vocab, 70);
        let other = questions("task = \"questions\"\n[model]\nanswer = \"marked\"\nextraction = \"pointers\"");
        assert_eq!(other, QuestionsConfig::default());
    }

    #[test]
    fn every_row_of_the_table_is_tested() {
        let found: Vec<String> = [OLD, OLD_QUESTIONS].into_iter().flat_map(all_keys).collect();
        for renamed in RENAMED {
            assert!(found.iter().any(|key| key == renamed.old), "{}", renamed.old);
        }
    }

    fn all_keys(text: &str) -> Vec<String> {
        crate::config::flatten(&text.parse::<Table>().unwrap()).keys().cloned().collect()
    }

    #[test]
    fn what_is_stored_has_the_new_names() {
        let stored = toml::to_string(&config(OLD)).unwrap();
        assert_eq!(config(&stored), config(NEW));
        let stored = all_keys(&stored);
        for renamed in RENAMED.iter().filter(|renamed| renamed.old != renamed.new) {
            assert!(!stored.iter().any(|key| key == renamed.old), "{}", renamed.old);
        }
    }

    #[test]
    fn old_changes_mean_the_same_as_new_ones() {
        let text = |text: &'static str| {
            let table = crate::config::flatten(&text.parse::<Table>().unwrap());
            table.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        let (old, new) = (text(OLD), text(NEW));
        assert_eq!(apply_changes(Config::default(), &old).unwrap(), config(NEW));
        assert_eq!(apply_changes(Config::default(), &new).unwrap(), config(NEW));
        let unquoted = changed(&["train.method=every-step"]).unwrap();
        assert_eq!(unquoted, changed(&["train.mode=tbptt"]).unwrap());
    }

    #[test]
    fn a_change_of_a_section_is_renamed_too() {
        let stride =
            Config { windows: crate::config::Windows { stride: 3, ..Default::default() }, ..Config::default() };
        let changes = ["windows={length=4}".to_string(), "streams={length=6}".into()];
        let config = apply_changes(stride, &changes).unwrap();
        // A section replaces the section as a whole.
        assert_eq!((config.windows.context_len, config.windows.stride), (4, 1));
        assert_eq!(config.train.bptt_len, 6);
        let pretrained = self::config("[init]\nfrom = \"runs/a\"\nnew_tokens = \"unk\"");
        let other = apply_changes(pretrained, &["from={model=\"runs/b\"}".into()]).unwrap();
        assert_eq!(other.init, crate::config::Init { from: Some("runs/b".into()), ..Default::default() });
    }

    #[test]
    fn a_change_wins_over_the_other_name_in_the_file() {
        let old_file = config("[windows]\nlength = 4");
        let new_change = apply_changes(old_file, &["windows.context_len=5".into()]).unwrap();
        assert_eq!(new_change.windows.context_len, 5);
        let new_file = config("[windows]\ncontext_len = 4");
        let old_change = apply_changes(new_file, &["windows.length=5".into()]).unwrap();
        assert_eq!(old_change.windows.context_len, 5);
    }

    #[test]
    fn both_names_in_one_place_are_rejected() {
        let file = "[windows]\nlength = 4\ncontext_len = 4";
        let error = parse_config::<Config>(file, "my.toml").unwrap_err().to_string();
        assert!(
            error.starts_with("my.toml, line 2: `windows.length` is the old name of `windows.context_len`"),
            "{error}"
        );
        for changes in [
            ["windows.length=4", "windows.context_len=5"],
            ["windows={context_len=4}", "windows.length=5"],
            ["train={bptt_len=4}", "streams={length=5}"],
        ] {
            let error = changed(&changes).unwrap_err().to_string();
            assert!(error.contains("is the old name of") && error.contains("both"), "{error}");
        }
    }

    #[test]
    fn errors_in_old_files_keep_their_line() {
        let file = "seed = 1\n[streams]\nlength = 9\n[train]\nepoch = 3\n";
        let error = parse_config::<Config>(file, "my.toml").unwrap_err().to_string();
        assert!(error.starts_with("my.toml, line 5: unknown key `epoch`"), "{error}");
        let file = "[model]\nembedding = \"ten\"\n";
        let error = parse_config::<Config>(file, "my.toml").unwrap_err().to_string();
        assert!(error.starts_with("my.toml, line 2: "), "{error}");
        let file = "[streams]\nlenght = 9\n";
        let error = parse_config::<Config>(file, "my.toml").unwrap_err().to_string();
        assert!(error.contains("unknown key `streams`"), "{error}");
    }
}
