//! What a key of the command line implies. A choice of the recipe that would exclude the key gives way to it.

use models::{CellName, LayerConfig};
use text_prep::OovPolicy;

use super::given::Given;
use crate::config::{Clip, Config, Model, Optimizer, OptimizerKind, OutputKind, Schedule, ScheduleKind, TokenKind};

/// What the reason for the learning rate is about: also the keys that only another optimizer or schedule has.
pub const LEARNING_RATE: &[&str] = &[
    "train.learning_rate",
    "train.optimizer.kind",
    "train.optimizer.rho",
    "train.optimizer.momentum",
    "train.optimizer.centered",
    "train.optimizer.weight_decay",
    "train.schedule.kind",
    "train.schedule.factor",
    "train.schedule.every_epochs",
    "train.schedule.patience",
    "train.clip",
];

/// The kind of token that `config` needs, and the key that needs it; `None` if any kind suits it.
pub fn token_kind(config: &Config) -> Option<(TokenKind, &'static str)> {
    let Config { tokens, vocabulary, clean, model, .. } = config;
    let has_separator = clean.document_separator.as_ref().is_some_and(|separator| !separator.is_empty());
    let given = [
        (TokenKind::Words, "tokens.punctuation", tokens.punctuation.is_some()),
        (TokenKind::Words, "tokens.lower_case", tokens.lower_case.is_some()),
        (TokenKind::Words, "tokens.stem", tokens.stem.is_some()),
        (TokenKind::Words, "tokens.segmentation", tokens.segmentation.is_some()),
        (TokenKind::Words, "tokens.newlines", tokens.newlines.is_some()),
        (TokenKind::Words, "model.vectors.path", model.vectors.path.is_some()),
        (TokenKind::Characters, "tokens.unit", tokens.unit.is_some()),
        (TokenKind::Characters, "tokens.capitals", tokens.capitals.is_some()),
        (TokenKind::Characters, "tokens.jamo", tokens.jamo.is_some()),
        (TokenKind::Subwords, "tokens.path", tokens.path.is_some()),
        // Words and characters have these, subwords do not.
        (TokenKind::Characters, "vocabulary.min_count", vocabulary.min_count != 1),
        (TokenKind::Characters, "vocabulary.oov", vocabulary.oov == OovPolicy::Drop),
        (TokenKind::Characters, "clean.document_separator", has_separator),
    ];
    given.into_iter().find(|&(.., is_given)| is_given).map(|(kind, key, _)| (kind, key))
}

/// The cell that has the options of `layer`: an LSTM unless another cell has them.
pub fn cell(layer: &LayerConfig) -> CellName {
    match (layer.activation, layer.reset_after) {
        (Some(_), _) => CellName::Rnn,
        (None, Some(_)) => CellName::Gru,
        (None, None) => CellName::Lstm,
    }
}

/// Sets the embedding dimension, the projection and whether the output layer shares the embedding's weights, as far as the
/// command line does not give them. For shared weights the projection must be as wide as the embedding.
pub fn set_embedding(model: &mut Model, given: &Given, embedding_dim: usize, prefers_tied: bool) {
    let has_projection = given.is_set("model.projection");
    let has_tying = given.is_set("model.tie_weights");
    // The clusters of an adaptive softmax have weights of their own.
    let prefers_tied = prefers_tied && model.output == OutputKind::Softmax;
    let is_tied = if has_tying { model.tie_weights } else { prefers_tied };
    if !given.is_set("model.embedding_dim") {
        let follows_projection = is_tied && has_projection && model.projection > 0;
        model.embedding_dim = if follows_projection { model.projection } else { embedding_dim };
    }
    model.tie_weights = is_tied && (has_tying || !has_projection || model.projection == model.embedding_dim);
    if !has_projection {
        model.projection = if model.tie_weights { model.embedding_dim } else { 0 };
    }
}

/// The optimizer that has the given hyperparameters: SGD for momentum with weight decay, AdamW for weight decay alone,
/// RMSprop for momentum alone or its own ones, else Adam.
pub fn optimizer_kind(section: &Optimizer) -> OptimizerKind {
    let Optimizer { rho, momentum, centered, weight_decay, .. } = section;
    let is_rmsprop = rho.is_some() || centered.is_some();
    match (weight_decay, momentum) {
        (Some(_), Some(_)) => OptimizerKind::Sgd,
        (Some(_), None) => OptimizerKind::Adamw,
        (None, Some(_)) => OptimizerKind::Rmsprop,
        (None, None) if is_rmsprop => OptimizerKind::Rmsprop,
        (None, None) => OptimizerKind::Adam,
    }
}

/// The schedule that has the given parameters; a cosine has none.
pub fn schedule_kind(section: &Schedule) -> ScheduleKind {
    match (section.every_epochs, section.patience, section.factor) {
        (Some(_), ..) => ScheduleKind::Step,
        (None, Some(_), _) => ScheduleKind::Plateau,
        (None, None, Some(_)) => ScheduleKind::Exponential,
        (None, None, None) => ScheduleKind::Cosine,
    }
}

/// Limits the norm of all gradients together to 1, unless a limit is given.
pub fn set_clip(section: &mut Clip) {
    if *section == Clip::default() {
        section.global_norm = Some(1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use args::ConfigArgs;
    use text_prep::TextProfiler;

    use super::super::choices::choose;
    use super::super::look::Found;
    use super::*;
    use crate::config::LmExperiment;

    fn given(text: &Path, set: &[&str]) -> Given {
        let set = set.iter().map(|change| change.to_string()).collect();
        Given::new(&ConfigArgs { set, text: vec![text.to_owned()], ..ConfigArgs::default() }).unwrap()
    }

    /// The configuration that is chosen beside these changes, with them, and the reason for the kind of token.
    fn chosen(path: &Path, text: &str, set: &[&str]) -> (Config, String) {
        let mut profiler = TextProfiler::default();
        profiler.push(text);
        let given = given(path, set);
        let (config, choices, _) =
            choose(&Found { profile: profiler.finish(), files: 1, strips_gutenberg: false }, &given, 3.0, 1);
        let reason = choices.iter().find(|choice| choice.key() == "tokens.kind").map(|choice| choice.reason.clone());
        (given.apply(config).unwrap(), reason.unwrap_or_default())
    }

    /// Sentences of different words.
    fn text(sentences: usize) -> String {
        let animals = ["fox", "crow", "wolf", "hen", "ant", "hare", "goose"];
        let animal = |n: usize| animals[n % animals.len()];
        let sentence =
            |n: usize| format!("The {} of number {n} saw {} and a {}.\n", animal(n), n * n % 97, animal(n / 7));
        (0..sentences).map(sentence).collect::<String>() + "\nThis is the end of the text.\n"
    }

    #[test]
    fn every_key_can_be_set_beside_the_choices_that_would_exclude_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("my.txt");
        // Two texts, of which one is read by characters and the other one by subwords.
        for (sentences, kind) in [(200, TokenKind::Characters), (1_500, TokenKind::Subwords)] {
            let text = text(sentences);
            std::fs::write(&path, &text).unwrap();
            let (config, _) = chosen(&path, &text, &["data.documents=none"]);
            assert_eq!(config.tokens.kind, kind, "{} bytes", text.len());
            for set in [
                &["train.clip.value=0.5"][..],
                &["train.clip.tensor_norm=2"],
                &["train.clip.global_norm=5"],
                &["train.optimizer.rho=0.8"],
                &["train.optimizer.momentum=0.5"],
                &["train.optimizer.centered=true"],
                &["train.optimizer.beta_1=0.8"],
                &["train.optimizer.beta_2=0.99"],
                &["train.optimizer.epsilon=1e-6"],
                &["train.optimizer.kind=rmsprop"],
                &["train.optimizer.kind=rmsprop", "train.optimizer.rho=0.8"],
                &["train.schedule.factor=0.9"],
                &["train.schedule.factor=0.5", "train.schedule.every_epochs=2"],
                &["train.schedule.factor=0.5", "train.schedule.patience=2"],
                &["train.schedule.kind=constant"],
                &["train.schedule.kind=exponential", "train.schedule.factor=0.9"],
                &["train.schedule.warm_up_steps=10"],
                &["tokens.punctuation=remove"],
                &["tokens.lower_case=true"],
                &["tokens.stem=english"],
                &["tokens.segmentation=spaces"],
                &["tokens.newlines=keep"],
                &["tokens.unit=graphemes"],
                &["tokens.capitals=shift"],
                &["tokens.jamo=true"],
                &["vocabulary.min_count=2"],
                &["vocabulary.oov=drop"],
                &["clean.document_separator=@"],
                &["clean.rules=[]"],
                &["model.vectors.path=vectors.txt"],
                &["model.tie_weights=true"],
                &["model.tie_weights=false"],
                &["model.projection=0"],
                &["model.projection=48"],
                &["model.projection=48", "model.embedding_dim=40"],
                &["model.projection=48", "model.tie_weights=true"],
                &["model.embedding_dim=40", "model.tie_weights=true"],
                &["model.layers[0].activation=relu"],
                &["model.layers[0].reset_after=false"],
                &["model.layers[0].cell=gru"],
                &["model.layers[0].cell_norm=true"],
                &["model.layers[0].mogrifier_rounds=5"],
                &["model.layers[0].mogrifier_rounds=5", "model.layers[0].mogrifier_rank=8"],
            ] {
                let (config, _) = chosen(&path, &text, &[&["data.documents=none"], set].concat());
                if let Err(error) = LmExperiment::new(config, None) {
                    panic!("{set:?} with {kind:?}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_kind_is_the_one_that_has_the_given_key() {
        let path = Path::new("my.txt");
        let text = text(1_500);
        let chosen = |set: &[&str]| chosen(path, &text, &[&["data.documents=none"], set].concat());
        let (config, reason) = chosen(&["tokens.newlines=keep"]);
        assert_eq!(config.tokens.kind, TokenKind::Words);
        assert_eq!(reason, "words, because of `tokens.newlines`");
        let (config, reason) = chosen(&["vocabulary.min_count=3"]);
        assert_eq!(config.tokens.kind, TokenKind::Characters);
        assert_eq!(reason, "characters, because of `vocabulary.min_count`");
        // The file determines the number of subwords.
        let (config, _) = chosen(&["tokens.path=tokenizer.json"]);
        assert_eq!((config.tokens.kind, config.vocabulary.size), (TokenKind::Subwords, None));

        let schedule = |set: &[&str]| chosen(set).0.train.schedule.kind;
        assert_eq!(schedule(&[]), ScheduleKind::Cosine);
        assert_eq!(schedule(&["train.schedule.warm_up_steps=9"]), ScheduleKind::Cosine);
        assert_eq!(schedule(&["train.schedule.every_epochs=2"]), ScheduleKind::Step);
        assert_eq!(schedule(&["train.schedule.patience=2", "train.schedule.factor=0.5"]), ScheduleKind::Plateau);
        assert_eq!(schedule(&["train.schedule.factor=0.5"]), ScheduleKind::Exponential);
        let optimizer = |set: &[&str]| chosen(set).0.train.optimizer.kind;
        assert_eq!(optimizer(&["train.optimizer.beta_1=0.5"]), OptimizerKind::Adam);
        assert_eq!(optimizer(&["train.optimizer.momentum=0.5"]), OptimizerKind::Rmsprop);
        assert_eq!(optimizer(&["train.optimizer.weight_decay=0.1"]), OptimizerKind::Adamw);
        let both = ["train.optimizer.momentum=0.5", "train.optimizer.weight_decay=0.1", "train.learning_rate=0.1"];
        assert_eq!(optimizer(&both), OptimizerKind::Sgd);
        let clip = chosen(&["train.clip.value=0.5"]).0.train.clip;
        assert_eq!(clip, Clip { value: Some(0.5), ..Clip::default() });
    }

    #[test]
    fn shared_weights_need_a_projection_as_wide_as_the_embedding() {
        let sizes = |set: &[&str], prefers_tied: bool| {
            let given = given(Path::new("my.txt"), set);
            let mut model = given.config.model.clone();
            set_embedding(&mut model, &given, 64, prefers_tied);
            (model.embedding_dim, model.projection, model.tie_weights)
        };
        assert_eq!(sizes(&[], true), (64, 64, true));
        assert_eq!(sizes(&[], false), (64, 0, false));
        assert_eq!(sizes(&["model.tie_weights=true"], false), (64, 64, true));
        assert_eq!(sizes(&["model.tie_weights=false"], true), (64, 0, false));
        assert_eq!(sizes(&["model.embedding_dim=40"], true), (40, 40, true));
        assert_eq!(sizes(&["model.projection=48"], true), (48, 48, true));
        assert_eq!(sizes(&["model.projection=0"], true), (64, 0, false));
        assert_eq!(sizes(&["model.projection=48", "model.embedding_dim=40"], true), (40, 48, false));
        assert_eq!(sizes(&["model.projection=48"], false), (64, 48, false));
    }
}
