//! The models that a server offers, and blends of them.

use std::result;

use eval::TrainingText;
use generate::{Blend, Generator};
use qa::QaPipeline;

use crate::api_error::ApiError;
use crate::shortened::shortened;
use crate::system::unix_time;

/// What the name of a blend begins with, as in `blend:a=0.7,b=0.3`.
const BLEND: &str = "blend:";

/// A language model with the name that requests give.
pub struct ServedModel {
    /// The name.
    pub name: String,
    /// The model, with its n-grams if text is to be sampled with them.
    pub generator: Generator,
    /// Its training text, if texts are to be traced to it, or why it was not read, in one line.
    pub training_text: result::Result<TrainingText, String>,
    /// SHA-256 of the manifest of its directory, which has the hashes of its files.
    pub manifest_sha256: String,
}

/// What makes questions, with the name that requests give.
pub struct ServedQuestionModel {
    /// The name.
    pub name: String,
    /// A question model with rules, or rules alone.
    pub pipeline: QaPipeline,
}

/// The models of a server.
pub(crate) struct Models {
    models: Vec<ServedModel>,
    question_models: Vec<ServedQuestionModel>,
    /// When the server started, in seconds since 1970.
    pub started: u64,
}

/// A model or a blend that a request names: the numbers of models, with their weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelChoice {
    /// The name as it was given, or that of the default.
    pub name: String,
    parts: Vec<(usize, f64)>,
}

impl Models {
    /// These models, of each kind of which the first one is the default.
    ///
    /// # Panics
    /// If there are none of a kind.
    pub fn new(models: Vec<ServedModel>, question_models: Vec<ServedQuestionModel>) -> Self {
        assert!(!models.is_empty() && !question_models.is_empty(), "a server has models of both kinds");
        Self { models, question_models, started: unix_time() }
    }

    /// The language models, the default first.
    pub fn all(&self) -> &[ServedModel] {
        &self.models
    }

    /// What makes questions, the default first.
    pub fn all_questions(&self) -> &[ServedQuestionModel] {
        &self.question_models
    }

    /// The number of the question model of this name, or of the default.
    ///
    /// # Errors
    /// 404 if there is none of this name.
    pub fn choose_questions(&self, name: Option<&str>) -> Result<usize, ApiError> {
        let names = || self.question_models.iter().map(|model| model.name.as_str());
        let Some(name) = name else { return Ok(0) };
        names().position(|known| known == name).ok_or_else(|| ApiError::unknown_model(name, names()))
    }

    /// The question model with this number.
    pub fn questions(&self, number: usize) -> &ServedQuestionModel {
        &self.question_models[number]
    }

    /// The names, the default first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|model| model.name.as_str())
    }

    /// The model or blend that a request names, or the default.
    ///
    /// # Errors
    /// If there is no such model, or the models of a blend have different vocabularies, occur twice or have a sum of weights
    /// that is not finite.
    pub fn choose(&self, name: Option<&str>) -> Result<ModelChoice, ApiError> {
        let Some(name) = name else {
            return Ok(ModelChoice { name: self.models[0].name.clone(), parts: vec![(0, 1.0)] });
        };
        // A model may have a name that begins like that of a blend.
        let model = self.names().position(|known| known == name);
        let parts = match (model, name.strip_prefix(BLEND)) {
            (Some(model), _) => vec![(model, 1.0)],
            (None, Some(parts)) => self.blend_parts(parts)?,
            (None, None) => vec![(self.find(name)?, 1.0)],
        };
        Ok(ModelChoice { name: name.into(), parts })
    }

    /// The parts of a blend, of which each model is at most one.
    fn blend_parts(&self, given: &str) -> Result<Vec<(usize, f64)>, ApiError> {
        let mut parts: Vec<(usize, f64)> = Vec::new();
        for part in given.split(',') {
            let (at, weight) = self.blend_part(part)?;
            if parts.iter().any(|&(other, _)| other == at) {
                let name = &self.models[at].name;
                return Err(ApiError::invalid("model", format!("`{name}` is in the blend twice: give it one weight")));
            }
            if let Some(&(first, _)) = parts.first() {
                let same = self.models[first].generator.check_same_vocabulary(&self.models[at].generator);
                same.map_err(|error| ApiError::invalid("model", error.to_string()))?;
            }
            parts.push((at, weight));
        }
        let sum: f64 = parts.iter().map(|(_, weight)| weight).sum();
        if !sum.is_finite() {
            let expected = "expected a finite one, as in";
            let message = format!("the sum of the weights of the blend is infinite: {expected} `{BLEND}a=0.7,b=0.3`");
            return Err(ApiError::invalid("model", message));
        }
        Ok(parts)
    }

    /// A part `name=weight` of a blend.
    fn blend_part(&self, part: &str) -> Result<(usize, f64), ApiError> {
        let weight = part.rsplit_once('=').map(|(name, weight)| (name.trim(), weight.trim().parse::<f64>()));
        match weight {
            Some((name, Ok(weight))) if weight > 0.0 && weight.is_finite() => Ok((self.find(name)?, weight)),
            _ => Err(ApiError::invalid(
                "model",
                format!(
                    "`{}` is no part of a blend: expected a model and a weight above 0, as in `{BLEND}a=0.7,b=0.3`",
                    shortened(part).escape_debug()
                ),
            )),
        }
    }

    fn find(&self, name: &str) -> Result<usize, ApiError> {
        self.names().position(|known| known == name).ok_or_else(|| ApiError::unknown_model(name, self.names()))
    }

    /// The models of a choice, whose vocabularies were compared when it was made.
    pub fn blend(&self, choice: &ModelChoice) -> Blend<'_> {
        let parts = choice.parts.iter().map(|&(at, weight)| (&self.models[at].generator, weight));
        Blend::of_same_vocabulary(parts.collect())
    }

    /// The first model of a choice, which prompts are encoded for.
    pub fn generator(&self, choice: &ModelChoice) -> &Generator {
        &self.models[choice.parts[0].0].generator
    }

    /// The training text of the first model of a choice, or why it was not read.
    pub fn training_text(&self, choice: &ModelChoice) -> result::Result<&TrainingText, &str> {
        self.models[choice.parts[0].0].training_text.as_ref().map_err(String::as_str)
    }

    /// Whether all models are computed with packed weights.
    pub fn is_packed(&self) -> bool {
        self.models.iter().all(|model| model.generator.engine().is_packed())
    }
}

#[cfg(test)]
mod tests {
    use crate::test_server::{models_of, one};

    #[test]
    fn a_model_may_have_a_name_that_begins_like_that_of_a_blend() {
        let models = models_of(vec![("one", one()), ("blend:old", one()), ("blend:one=1", one())]);
        let parts = |name: &str| models.choose(Some(name)).map(|choice| choice.parts);
        assert_eq!(parts("blend:old").unwrap(), [(1, 1.0)]);
        assert_eq!(parts("blend:one=1").unwrap(), [(2, 1.0)]);
        assert_eq!(parts("blend:one=2").unwrap(), [(0, 2.0)]);
        assert_eq!(parts("blend:one=1,blend:old=3").unwrap(), [(0, 1.0), (1, 3.0)]);
        assert!(parts("blend:new").is_err());
    }
}
