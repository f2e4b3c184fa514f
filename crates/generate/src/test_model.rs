//! A tiny model for the tests of this crate.

use burn::tensor::Device;
use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
use text_prep::{Cleaner, OovPolicy, PreTokenizer, SHIFT, SubwordOptions, Tokenizer, Vocabulary};

use crate::generator::Generator;

/// The tokens with ids from 1 on; a word model and a character model may have them.
pub const TOKENS: [&str; 8] = ["\u{1112}", "\u{1161}", "\u{11ab}", SHIFT, "a", "é", " ", "."];
/// A pre-tokenizer of characters and parts of Korean syllables.
pub const JAMO: &str = r#"{"kind": "characters", "jamo": true, "capitals": "shift"}"#;
/// A pre-tokenizer of words.
pub const WORDS: &str = r#"{"kind": "words"}"#;

/// An untrained model with a context of 3 tokens and the separator `separator`.
pub fn bundle(pre_tokenizer: &str, separator: Option<&str>, layer: LayerConfig) -> LmBundle {
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("verbatim").unwrap(),
        pre_tokenizer: serde_json::from_str::<PreTokenizer>(pre_tokenizer).unwrap(),
        vocabulary: Vocabulary::from_counts(TOKENS.map(|token| (token, 1)), 1, false),
        document_separator: separator.map(Into::into),
        oov: OovPolicy::Drop,
    };
    let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![layer]);
    let model = config.init(1, &Device::flex()).unwrap();
    LmBundle::new(model, tokenizer, LmMetadata::new(config, 3, 0, String::new()))
}

/// A generator with that model, an LSTM with 4 units.
pub fn generator(pre_tokenizer: &str, separator: Option<&str>) -> Generator {
    Generator::new(bundle(pre_tokenizer, separator, LayerConfig::lstm(4)))
}

/// A generator of subwords: the bytes and a few merges, and no document separator.
pub fn subword_generator() -> Generator {
    let base = bundle(WORDS, None, LayerConfig::lstm(4));
    let counts = [(" the", 9), (" fox", 7), ("é", 5), ("🦊", 3)];
    let tokenizer = Tokenizer {
        pre_tokenizer: SubwordOptions::default().into(),
        vocabulary: Vocabulary::train_subwords(counts, 264),
        oov: OovPolicy::Unknown,
        ..base.tokenizer
    };
    let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![LayerConfig::lstm(4)]);
    let model = config.init(1, &Device::flex()).unwrap();
    Generator::new(LmBundle::new(model, tokenizer, LmMetadata::new(config, 3, 0, String::new())))
}

/// The document token of [`document_generator`].
pub const DOCUMENT: u32 = 1;

/// A generator of documents, some of which have the label `one` or `two`, whose vectors are large.
pub fn document_generator() -> Generator {
    let mut bundle = bundle(WORDS, None, LayerConfig::lstm(4));
    bundle.tokenizer.vocabulary = bundle.tokenizer.vocabulary.with_documents(9);
    let vocabulary = &bundle.tokenizer.vocabulary;
    let config = bundle.metadata.config.vocab_size(vocabulary.len()).document_id(vocabulary.document_id());
    let config = config.labels(["one", "two"]);
    let mut model = config.init(1, &Device::flex()).unwrap();
    let labels = model.label_embedding.as_mut().unwrap();
    labels.weight = labels.weight.clone().map(|weights| weights * 100.0);
    Generator::new(LmBundle::new(model, bundle.tokenizer, LmMetadata::new(config, 3, 0, String::new())))
}

/// The same generator without packed weights.
pub fn composed(generator: &Generator) -> Generator {
    Generator::new(generator.bundle().clone().with_kernels(models::KernelMode::Composed))
}
