//! The keys of the output layer: one softmax over all tokens, or an adaptive one.

use models::{AdaptiveSoftmax, LanguageModelConfig};
use serde::{Deserialize, Serialize};
use text_prep::Vocabulary;

use super::Model;
use crate::error::{Result, bail};

/// `model.output`: how the output layer is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// One softmax over all tokens.
    #[default]
    Softmax,
    /// An adaptive softmax: clusters of rarer tokens with smaller projections.
    Adaptive,
}

impl Model {
    /// The adaptive softmax of this section, if it has one; without cutoffs if they are to be chosen.
    fn adaptive_softmax(&self) -> Option<AdaptiveSoftmax> {
        let options = AdaptiveSoftmax { cutoffs: self.output_cutoffs.clone(), division: self.output_division };
        (self.output == OutputKind::Adaptive).then_some(options)
    }

    /// Checks the keys of the output layer that do not depend on the text.
    ///
    /// # Errors
    /// If one is out of range, or is given for another kind of output layer.
    pub(super) fn check_output(&self) -> Result<()> {
        if let Some(options) = self.adaptive_softmax() {
            return Ok(options.check_options(self.tie_weights)?);
        }
        let default = AdaptiveSoftmax::default();
        let of_clusters = [
            ("cutoffs", format!("{:?}", self.output_cutoffs), self.output_cutoffs == default.cutoffs, "[]".into()),
            (
                "division",
                self.output_division.to_string(),
                self.output_division == default.division,
                default.division.to_string(),
            ),
        ];
        match of_clusters.into_iter().find(|(_, _, is_default, _)| !is_default) {
            Some((key, found, _, expected)) => bail!(
                "`model.output_{key}` is {found}, but `model.output` is `softmax`, which has no clusters; expected \
                 {expected}, or `model.output = \"adaptive\"`"
            ),
            None => Ok(()),
        }
    }

    /// Gives `model` the output layer of this section for a vocabulary, and this section the cutoffs that were chosen, so that
    /// a run keeps them.
    pub(super) fn set_output(&mut self, model: &mut LanguageModelConfig, vocabulary: &Vocabulary) {
        model.adaptive_softmax = self.adaptive_softmax().map(|options| options.fitted(vocabulary));
        if let Some(options) = &model.adaptive_softmax {
            self.output_cutoffs.clone_from(&options.cutoffs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_another_kind_of_output_layer_are_rejected() {
        let error = |model: Model| model.check_output().unwrap_err().to_string();
        let default = Model::default();
        default.check_output().unwrap();
        let found = error(Model { output_cutoffs: vec![9, 20], ..default.clone() });
        assert!(found.contains("`model.output_cutoffs` is [9, 20], but `model.output` is `softmax`"), "{found}");
        let found = error(Model { output_division: 2, ..default.clone() });
        assert!(found.contains("`model.output_division` is 2") && found.contains("expected 4, or"), "{found}");
        let adaptive = Model { output: OutputKind::Adaptive, output_cutoffs: vec![9], output_division: 2, ..default };
        adaptive.check_output().unwrap();
        let found = error(Model { tie_weights: true, ..adaptive });
        assert!(found.contains("`model.tie_weights` is true; expected false with an adaptive softmax"), "{found}");
    }

    #[test]
    fn chosen_cutoffs_are_kept() {
        let vocabulary = Vocabulary::from_counts([("a", 90), ("b", 6), ("c", 3), ("d", 1)], 1, true);
        let mut section = Model { output: OutputKind::Adaptive, ..Model::default() };
        let mut model = LanguageModelConfig::default().vocab_size(vocabulary.len());
        section.set_output(&mut model, &vocabulary);
        assert_eq!((&section.output_cutoffs, section.output_division), (&vec![3, 4], 4));
        assert_eq!(model.adaptive_softmax, section.adaptive_softmax());
        model.check().unwrap();
        let mut plain = Model::default();
        plain.set_output(&mut model, &vocabulary);
        assert_eq!((model.adaptive_softmax, plain), (None, Model::default()));
    }
}
