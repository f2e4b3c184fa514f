//! What the command line determines, so that the recipe does not choose it.

use args::ConfigArgs;

use crate::config::{Config, apply_changes, replace_text};
use crate::error::Result;

/// The settings of the command line.
pub struct Given {
    /// The defaults with what the command line gives.
    pub config: Config,
    /// The keys of `--set`.
    keys: Vec<String>,
    /// Whether an option or a key says what a document is.
    pub has_documents: bool,
}

impl Given {
    /// Reads the options and `--set`.
    ///
    /// # Errors
    /// If a change is invalid.
    pub fn new(args: &ConfigArgs) -> Result<Self> {
        let mut config = Config::default();
        replace_text(&mut config, args)?;
        let mut config = apply_changes(config, &args.set)?;
        if config.text.dataset.is_none() && config.text.path.is_none() {
            config.text.dataset = Some("fables".into());
        }
        let keys = args.set.iter().filter_map(|change| change.split_once('=')).map(|(key, _)| key.trim().to_string());
        let keys: Vec<String> = keys.collect();
        let text = &config.text;
        let has_documents = text.column.is_some()
            || text.label.is_some()
            || keys.iter().any(|key| key == "data.documents")
            || config.data.documents.is_some();
        Ok(Self { config, keys, has_documents })
    }

    /// Whether `--set` gives the key, or one below it.
    pub fn is_set(&self, key: &str) -> bool {
        let is_below = |given: &str| given.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '[']));
        self.keys.iter().any(|given| given == key || is_below(given))
    }
}
