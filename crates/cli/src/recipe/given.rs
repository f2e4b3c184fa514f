//! What the command line determines, so that the recipe does not choose it.

use args::ConfigArgs;
use toml::Table;

use super::implied;
use crate::config::{
    Config, DocumentKind, OptimizerKind, SET_BY_MODEL, apply_changes, flatten, is_within, parse_changes, replace_text,
};
use crate::error::{Result, bail};
use crate::input::reject_repeated_pipes;

/// The settings of the command line.
pub struct Given {
    /// The defaults with what the command line gives.
    pub config: Config,
    /// Whether an option or a key says what a document is.
    pub has_documents: bool,
    /// The changes of `--set`.
    set: Vec<String>,
    /// Their keys, by their present names; a section that is given as a whole is one of them.
    keys: Vec<String>,
}

/// The keys that `--set` gives, by their present names: of a section, the keys in it.
///
/// # Errors
/// If a change is invalid.
pub fn leaf_keys(set: &[String]) -> Result<Vec<String>> {
    let changes: Table = parse_changes(set)?.into_iter().flatten().collect();
    Ok(flatten(&changes).keys().cloned().collect())
}

impl Given {
    /// Reads the options and `--set`.
    ///
    /// # Errors
    /// If a change is invalid or names a trained model, whose sizes would be chosen anew, or if an input that can be read
    /// only once is one of several or named twice.
    pub fn new(args: &ConfigArgs) -> Result<Self> {
        let mut config = Config::default();
        replace_text(&mut config, args)?;
        let mut config = apply_changes(config, &args.set)?;
        if let Some(model) = &config.init.from {
            let model = model.display();
            bail!(
                "`--set init.from={model}` is given without `--config`: start from the model with `--init-from {model}`"
            );
        }
        let text = &mut config.text;
        match (&text.dataset, &text.path, &args.text[..]) {
            (None, None, []) => text.dataset = Some("fables".into()),
            // A whole section of `--set` has replaced the path.
            (None, None, paths) => text.path = Some(paths.to_vec().into()),
            _ => {}
        }
        reject_repeated_pipes(config.input_paths())?;
        config.text.reject_other_pipes()?;
        // A key that only documents have says that there are some.
        let data = &mut config.data;
        data.documents = data.documents.or(match (&data.separator, data.max_document_len) {
            (Some(_), _) => Some(DocumentKind::Separator),
            (None, Some(_)) => Some(DocumentKind::Files),
            (None, None) => None,
        });
        let has_documents = data.documents.is_some() || config.text.column.is_some() || config.text.label.is_some();
        let keys = parse_changes(&args.set)?.into_iter().flatten().map(|(key, _)| key).collect();
        let given = Self { config, has_documents, set: args.set.clone(), keys };
        let optimizer = &given.config.train.optimizer;
        let implied = implied::optimizer_kind(optimizer);
        let kind = if given.is_set("train.optimizer.kind") { optimizer.kind } else { implied };
        if kind == OptimizerKind::Sgd && !given.is_set("train.learning_rate") {
            bail!(
                "the optimizer is SGD by `--set`, but the learning rates of the recipe are those of Adam; expected \
                 `--set train.learning_rate=…`, too"
            );
        }
        Ok(given)
    }

    /// Whether `--set` gives the key, one below it, or a section that it is in.
    pub fn is_set(&self, key: &str) -> bool {
        self.keys.iter().any(|given| is_within(given, key) || is_within(key, given))
    }

    /// The first key of `--set` that a trained model determines, so that a run with this key starts from none: its tokens
    /// and its sizes, but not how it is regularised.
    pub fn set_by_model(&self) -> Option<&str> {
        let of_model = |key: &&String| {
            let is_regularisation = key.ends_with("dropout") && is_within(key, "model");
            SET_BY_MODEL.iter().any(|section| is_within(key, section)) && !is_regularisation
        };
        self.keys.iter().find(of_model).map(String::as_str)
    }

    /// Whether `--set` gives a hidden size.
    pub fn has_units(&self) -> bool {
        let is_list =
            |key: &str| is_within("model.layers", key) || (key.starts_with("model.layers[") && key.ends_with(']'));
        self.keys.iter().any(|key| is_list(key) || key.ends_with(".units"))
    }

    /// The chosen configuration with the changes of `--set`.
    ///
    /// # Errors
    /// If a change is invalid.
    pub fn apply(&self, chosen: Config) -> Result<Config> {
        // These have the changes already, and what was read and found.
        let (text, data) = (chosen.text.clone(), chosen.data.clone());
        Ok(Config { text, data, ..apply_changes(chosen, &self.set)? })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::ModeKind;

    fn args(text: &[&str], set: &[&str]) -> ConfigArgs {
        let set = set.iter().map(|change| change.to_string()).collect();
        ConfigArgs { text: text.iter().map(PathBuf::from).collect(), set, ..ConfigArgs::default() }
    }

    fn given(set: &[&str]) -> Given {
        Given::new(&args(&["my.txt"], set)).unwrap()
    }

    #[test]
    fn sgd_needs_a_learning_rate() {
        let momentum_and_decay = ["train.optimizer.momentum=0.5", "train.optimizer.weight_decay=0.1"];
        for set in [&["train.optimizer.kind=sgd"][..], &momentum_and_decay] {
            let error = Given::new(&args(&["my.txt"], set)).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("train.learning_rate"), "{error}");
            given(&[set, &["train.learning_rate=0.5"]].concat());
        }
    }

    #[test]
    fn a_key_is_set_by_itself_by_keys_below_it_and_by_its_section() {
        for (change, set, not_set) in [
            ("train.ema_decay=0.9", &["train.ema_decay", "train"][..], &["train.mode", "train.ema", "model"][..]),
            ("train.averaging=0.9", &["train.ema_decay"], &["train.averaging", "train.mode"]),
            ("model.tied=true", &["model.tie_weights", "model"], &["model.tied", "model.layers"]),
            ("streams.length=9", &["train.bptt_len"], &["streams.length", "train.mode"]),
            ("model.layers[0].units=64", &["model.layers[0].units", "model.layers"], &["model.dropout"]),
            ("model.layers=[{cell=\"gru\",units=8}]", &["model.layers", "model.layers[0].units"], &["model.dropout"]),
            ("train.schedule.kind=constant", &["train.schedule"], &["train.optimizer", "train.clip"]),
            ("tokens={kind=\"words\"}", &["tokens.kind", "tokens"], &["clean", "vocabulary"]),
            // The other keys of the section get their defaults, and are not chosen either.
            ("train={epochs=3}", &["train.epochs", "train.ema_decay"], &["model.layers"]),
        ] {
            let given = given(&[change]);
            set.iter().for_each(|key| assert!(given.is_set(key), "{change}: {key}"));
            not_set.iter().for_each(|key| assert!(!given.is_set(key), "{change}: {key}"));
        }
    }

    #[test]
    fn the_leaf_keys_are_those_that_are_written_by_their_present_names() {
        for (change, expected) in [
            ("train.epochs=3", &["train.epochs"][..]),
            (" train.averaging = 0.9", &["train.ema_decay"]),
            ("train={epochs=3,averaging=0.9}", &["train.ema_decay", "train.epochs"]),
            ("train={}", &[]),
            ("train={optimizer={kind=\"adam\"}}", &["train.optimizer.kind"]),
            ("from={model=\"runs/a\"}", &["init.from"]),
            ("model.layers[0].units=64", &["model.layers[0].units"]),
            ("model.layers=[{cell=\"gru\",units=8}]", &["model.layers"]),
        ] {
            let mut keys = leaf_keys(&[change.into()]).unwrap();
            keys.sort();
            assert_eq!(keys, expected, "{change}");
        }
        let error = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|change| change.to_string()).collect();
            leaf_keys(&changes).unwrap_err().to_string()
        };
        assert_eq!(error(&["train.epochs"]), "`--set train.epochs` has no `=`; expected KEY=VALUE");
        let both = error(&["train.averaging=0.9", "train.ema_decay=0.9"]);
        assert!(both.contains("`train.averaging` is the old name of `train.ema_decay`"), "{both}");
    }

    #[test]
    fn a_key_that_only_documents_have_says_that_there_are_some() {
        for (set, expected) in [
            (&["data.separator=%"][..], Some(DocumentKind::Separator)),
            (&["data={separator=\"%\"}"], Some(DocumentKind::Separator)),
            (&["data.separator=%", "data.max_document_len=100"], Some(DocumentKind::Separator)),
            (&["data.max_document_len=100"], Some(DocumentKind::Files)),
            (&["data.max_document_len=100", "data.documents=lines"], Some(DocumentKind::Lines)),
            (&["data.documents=none"], Some(DocumentKind::None)),
            (&["text.strip_gutenberg=true"], None),
        ] {
            let given = given(set);
            assert_eq!((given.config.data.documents, given.has_documents), (expected, expected.is_some()), "{set:?}");
            given.config.data.unit(&given.config.text).unwrap();
            // Nor does the section that is given as a whole take it back.
            assert_eq!(given.apply(given.config.clone()).unwrap().data, given.config.data, "{set:?}");
        }
        let table = given(&["text.column=text"]);
        assert!(table.has_documents && table.config.data.documents.is_none());
    }

    #[test]
    fn tokens_and_sizes_exclude_a_trained_model_and_dropout_does_not() {
        for change in [
            "tokens.kind=words",
            "vocabulary.size=900",
            "clean={preset=\"prose\"}",
            "model.layers=[{cell=\"gru\",units=8}]",
            "model.layers[0].units=64",
            "model.embedding_dim=8",
            "model.vectors.path=vectors.txt",
            "model.tied=true",
            // The other keys of the section get their defaults.
            "model={dropout=0.1}",
        ] {
            let given = given(&["train.ema_decay=0.9", change]);
            let key = given.set_by_model().unwrap_or_default();
            assert!(key.split('.').next() == change.split(['.', '=']).next(), "{change}: {key}");
        }
        for change in [
            "model.dropout=0.5",
            "model.embedding_dropout=0.1",
            "model.locked_dropout=false",
            "model.layers[0].recurrent_dropout=0.3",
            "train.learning_rate=0.1",
            "data.documents=lines",
            "seed=7",
        ] {
            assert_eq!(given(&[change]).set_by_model(), None, "{change}");
        }
    }

    #[test]
    fn what_is_set_replaces_what_is_chosen() {
        let given = given(&["train.averaging=0.9", "seed=7"]);
        let mut chosen = given.config.clone();
        (chosen.train.ema_decay, chosen.train.mode, chosen.seed) = (0.5, ModeKind::Tbptt, 1);
        chosen.data.documents = Some(DocumentKind::Lines);
        let config = given.apply(chosen).unwrap();
        assert_eq!((config.train.ema_decay, config.train.mode, config.seed), (0.9, ModeKind::Tbptt, 7));
        assert_eq!(config.data.documents, Some(DocumentKind::Lines));
        assert_eq!(config.text, given.config.text);
    }

    #[test]
    fn a_trained_model_is_not_one_of_the_settings() {
        let error = Given::new(&args(&["my.txt"], &["init.from=runs/a"])).err().unwrap().to_string();
        assert!(error.contains("`--init-from runs/a`"), "{error}");
    }

    #[test]
    fn without_a_text_the_fables_are_read() {
        let given = Given::new(&args(&[], &["text={strip_gutenberg=true}"])).unwrap();
        assert_eq!(given.config.text.dataset.as_deref(), Some("fables"));
        // Also when the changes are applied to the chosen configuration.
        assert_eq!(given.apply(given.config.clone()).unwrap().text, given.config.text);
    }

    #[test]
    fn a_pipe_is_the_only_training_text_and_named_once() {
        for (text, set, expected) in [
            (&["-"][..], &["text.valid=-"][..], "standard input is named twice; "),
            (&["-"], &["text.test=/dev/stdin"], "standard input is named twice; "),
            (&["-"], &["model.vectors.path=/dev/stdin"], "standard input is named twice; "),
            (&["a.txt", "-"], &[], "standard input can be read only once: of several inputs expected files"),
            (&["a.txt"], &["text.valid=-"], "standard input can be read only once: of several inputs expected files"),
        ] {
            let error = Given::new(&args(text, set)).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with(expected), "{text:?} {set:?}: {error}");
        }
        Given::new(&args(&["-"], &["text.valid=b.txt"])).unwrap();
    }
}
