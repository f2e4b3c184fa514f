//! The labels of a model: from the name of a label to its number.

use models::LanguageModelConfig;

use crate::error::{Error, Result};
use crate::generator::Generator;

impl Generator {
    /// The names of the labels that a text may have, see [`Prompt::label`](crate::Prompt::label); none if the model was
    /// trained without labels.
    pub fn labels(&self) -> &[String] {
        &self.bundle().metadata.config.labels
    }

    /// The number of a label for [`BatchSession::with_label`](crate::BatchSession::with_label); 0 for no label.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`] or [`Error::NoLabels`] if the model does not have this label.
    pub fn label_number(&self, label: Option<&str>) -> Result<u32> {
        label_number(&self.bundle().metadata.config, label)
    }
}

/// The number of a label of the model with this configuration; 0 for no label.
pub(crate) fn label_number(config: &LanguageModelConfig, label: Option<&str>) -> Result<u32> {
    let Some(label) = label else { return Ok(0) };
    config.label_number(label).ok_or_else(|| {
        if config.labels.is_empty() {
            return Error::NoLabels { label: label.into() };
        }
        Error::UnknownLabel { label: label.into(), known: config.labels.clone() }
    })
}

#[cfg(test)]
mod tests {
    use models::LayerConfig;

    use super::*;

    #[test]
    fn a_name_that_is_no_label_is_rejected_with_the_known_ones() {
        let config = LanguageModelConfig::new(9, 4, vec![LayerConfig::lstm(4)]);
        let labelled = config.clone().labels(["Verne", "Poe\n", "Wells"]);
        let numbers = [None, Some("Verne"), Some("Wells")].map(|label| label_number(&labelled, label).unwrap());
        assert_eq!(numbers, [0, 1, 3]);
        assert_eq!(label_number(&config, None).unwrap(), 0);
        let error = label_number(&labelled, Some("wels")).unwrap_err().to_string();
        assert_eq!(
            error,
            "the model has no label `wels`; expected one of its labels (nearest first): `Wells`, `Verne`, `Poe\\n`"
        );
        let error = label_number(&config, Some("Poe")).unwrap_err().to_string();
        assert!(error.contains("`Poe`") && error.contains("without labels"), "{error}");
        let long = "é".repeat(10_000);
        let errors = [&config, &labelled].map(|config| label_number(config, Some(&long)).unwrap_err().to_string());
        assert!(errors.iter().all(|error| error.contains("éé … éé") && error.chars().count() < 300), "{errors:?}");
        let many = config.labels((0..30).map(|number| format!("{number}")));
        let error = label_number(&many, Some("30")).unwrap_err().to_string();
        assert!(error.contains(": `0`, `3`, ") && error.ends_with(" and 18 more"), "{error}");
    }
}
