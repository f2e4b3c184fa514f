//! The texts whose next tokens were asked for last, with the states of the models after them: a text that continues one of them
//! is read from its end on.

use std::collections::VecDeque;

use generate::Predictor;

use crate::models::ModelChoice;

/// The texts that are kept, the oldest of which makes room for a new one.
const MAX_KEPT: usize = 16;

/// A text that was read.
pub(crate) struct RecentText<'a> {
    pub model: ModelChoice,
    pub label: Option<String>,
    /// The ids that were read.
    pub ids: Vec<u32>,
    /// The models after these ids.
    pub predictor: Predictor<'a>,
}

/// The texts, the newest last.
#[derive(Default)]
pub(crate) struct RecentTexts<'a>(VecDeque<RecentText<'a>>);

impl<'a> RecentTexts<'a> {
    /// Takes the longest text of this model and label with which `ids` begin.
    pub fn take(&mut self, model: &ModelChoice, label: Option<&str>, ids: &[u32]) -> Option<RecentText<'a>> {
        let texts = self.0.iter().enumerate();
        let same = texts.filter(|(_, text)| text.model == *model && text.label.as_deref() == label);
        let (at, _) = same.filter(|(_, text)| ids.starts_with(&text.ids)).max_by_key(|(_, text)| text.ids.len())?;
        self.0.remove(at)
    }

    /// Keeps a text.
    pub fn keep(&mut self, text: RecentText<'a>) {
        if text.ids.is_empty() {
            return;
        }
        if self.0.len() == MAX_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use generate::Blend;

    use crate::test_server::{models_of, one};

    use super::*;

    #[test]
    fn a_text_is_continued_by_the_same_model_and_label_only() {
        let models = models_of(vec![("a", one()), ("b", one())]);
        let choice = |name: &str| models.choose(Some(name)).unwrap();
        let mut recent = RecentTexts::default();
        let mut keep = |ids: &[u32], label: Option<&str>| {
            let predictor = Predictor::new(&Blend::of(&models.all()[0].generator), None, None).unwrap();
            recent.keep(RecentText { model: choice("a"), label: label.map(Into::into), ids: ids.to_vec(), predictor });
        };
        keep(&[1, 2], None);
        keep(&[1, 2, 3], None);
        keep(&[1, 2, 3, 4], Some("x"));
        keep(&[], None);
        let mut length = |name: &str, label: Option<&str>, ids: &[u32]| {
            recent.take(&choice(name), label, ids).map(|text| text.ids.len())
        };
        assert_eq!(length("b", None, &[1, 2, 3, 4]), None);
        assert_eq!(length("a", None, &[1]), None);
        assert_eq!(length("a", Some("y"), &[1, 2, 3, 4]), None);
        assert_eq!(length("a", None, &[1, 2, 3, 4]), Some(3));
        assert_eq!(length("a", None, &[1, 2, 3, 4]), Some(2));
        assert_eq!(length("a", None, &[1, 2, 3, 4]), None);
        assert_eq!(length("a", Some("x"), &[1, 2, 3, 4]), Some(4));
    }
}
