//! Datasets of subwords.

use text_prep::{OovPolicy, Vocabulary};

use crate::dataset::TextDataset;
use crate::dataset_builder::TextDatasetBuilder;
use crate::dataset_config::VocabSource;
use crate::error::Error;
use crate::split::Part;
use crate::vocab_builder::{NewTokens, default_subwords, extended_size};

fn text() -> String {
    (0..40).map(|n| format!("The fox saw n° {n}, “{}”, in the den. 여우\n", n * n)).collect()
}

fn subwords(text: &str) -> TextDatasetBuilder<'_> {
    TextDataset::from_text(text).subwords().vocab_size(280).context_len(4)
}

#[test]
fn the_ids_write_the_text_and_the_parts_meet_between_pre_tokens() {
    let text = text();
    let dataset = subwords(&text).split(0.2, 0.1).build().unwrap();
    let tokenizer = &dataset.tokenizer;
    assert_eq!((tokenizer.vocabulary.len(), dataset.subwords_wanted), (280, Some(280)));
    let decode = |part| tokenizer.decode(&dataset.ids.slice(dataset.split.range(part)));
    let parts = Part::ALL.map(decode);
    assert_eq!(parts.concat(), text);
    assert!(parts.iter().all(|part| !part.is_empty() && !part.contains('\u{fffd}')), "{parts:?}");
    assert_eq!((dataset.train_dropped, dataset.valid_dropped, dataset.unknown_fractions()), (0, 0, [0.0, 0.0]));
    let stats = dataset.stats;
    assert_eq!((stats.tokens, stats.characters), (dataset.ids.len(), text.chars().count()));
    assert!(stats.distinct_tokens < 280 && stats.words > stats.single_words, "{stats:?}");
    // The vocabulary counts its tokens in the training part.
    let count = |id: u32| dataset.ids.slice(dataset.split.train.clone()).iter().filter(|&&other| other == id).count();
    assert!((0..280).all(|id| tokenizer.vocabulary.count(id) == count(id) as u64));
}

#[test]
fn the_merges_are_those_of_the_training_part_or_of_the_whole_text() {
    let text = "ab ".repeat(200) + &"xy ".repeat(40);
    let has = |source, token: &str| {
        let dataset = subwords(&text).split(0.2, 0.0).vocab_source(source).build().unwrap();
        dataset.tokenizer.vocabulary.id(token).is_some()
    };
    assert!(has(VocabSource::Training, "Ġab") && !has(VocabSource::Training, "Ġxy"));
    assert!(has(VocabSource::WholeText, "Ġab") && has(VocabSource::WholeText, "Ġxy"));
}

#[test]
fn other_texts_have_no_new_tokens() {
    let old = subwords(&text()).build().unwrap().tokenizer;
    for policy in [NewTokens::Error, NewTokens::Unk] {
        let other = "Ω≈ç√∫ 漢字 🏳️‍🌈 ".repeat(30);
        let dataset = TextDataset::from_text(&other).context_len(4).tokenizer(&old, policy).build().unwrap();
        assert_eq!((&dataset.tokenizer, dataset.subwords_wanted), (&old, None));
        assert_eq!(old.decode(&dataset.ids.slice(0..dataset.ids.len())), other);
    }
}

#[test]
fn subwords_are_extended_by_those_of_the_training_part() {
    let old = subwords(&text()).build().unwrap().tokenizer;
    let other = "zebra ".repeat(200) + &"quartz ".repeat(12);
    let read = |size: Option<usize>| {
        let builder = TextDataset::from_text(&other).context_len(4).split(0.1, 0.0);
        let builder = match size {
            Some(size) => builder.vocab_size(size),
            None => builder,
        };
        builder.tokenizer(&old, NewTokens::Extend).build().unwrap()
    };
    let dataset = read(None);
    let new = &dataset.tokenizer.vocabulary;
    // The six bytes of ` zebra` need at most five merges, so that the text decides, not the limit.
    let added = new.len() - old.vocabulary.len();
    assert!((1..=5).contains(&added), "{added}");
    assert!(new.id("Ġzebra").is_some() && new.id("Ġquartz").is_none());
    assert!((0..old.vocabulary.len() as u32).all(|id| new.token(id) == old.vocabulary.token(id)));
    assert_eq!(dataset.tokenizer.decode(&dataset.ids.slice(0..dataset.ids.len())), other);
    assert_eq!(read(Some(old.vocabulary.len() + 1)).tokenizer.vocabulary.len(), old.vocabulary.len() + 1);
    // The present size adds nothing, and that of an extended vocabulary gives the same one again.
    assert_eq!(read(Some(old.vocabulary.len())).tokenizer, old);
    assert_eq!(read(Some(new.len())).tokenizer, dataset.tokenizer);
    let sizes = [None, Some(300), Some(280)].map(|given| extended_size(280, given).unwrap());
    assert_eq!(sizes, [350, 300, 280]);
    let error = extended_size(280, Some(279)).unwrap_err().to_string();
    assert!(error.contains("`vocabulary.size` is 279") && error.contains("has 280 ids: give 280"), "{error}");
}

#[test]
fn documents_can_add_their_token_and_no_subwords() {
    let old = subwords(&text()).build().unwrap().tokenizer;
    let documents: Vec<String> = (0..40).map(|n| format!("zebra {n} quartz")).collect();
    let documents: Vec<(&str, Option<&str>)> = documents.iter().map(|text| (text.as_str(), None)).collect();
    let read = |size: usize| {
        let builder = TextDataset::from_documents(&documents[..]).context_len(4).vocab_size(size);
        builder.tokenizer(&old, NewTokens::Extend).build().map(|dataset| dataset.tokenizer.vocabulary)
    };
    let present = old.vocabulary.len();
    // A size counts the document token.
    for size in [present, present + 1] {
        let new = read(size).unwrap();
        assert_eq!((new.len(), new.num_words()), (present + 1, old.vocabulary.num_words()), "{size}");
        assert!(new.document_id().is_some());
    }
    let new = read(present + 2).unwrap();
    assert_eq!((new.len(), new.num_words()), (present + 2, old.vocabulary.num_words() + 1));
    assert!(matches!(read(present - 1), Err(Error::SmallerVocabulary { .. })));
}

#[test]
fn a_given_vocabulary_is_counted_and_not_trained() {
    let text = text();
    let given = Vocabulary::train_subwords([("den", 9), (" den", 9)], 260);
    let dataset = subwords(&text).vocabulary(given.clone()).build().unwrap();
    let vocabulary = &dataset.tokenizer.vocabulary;
    assert_eq!(vocabulary.len(), given.len());
    assert!(vocabulary.count(vocabulary.id("Ġden").unwrap()) > 30);
}

#[test]
fn the_default_size_grows_with_the_text() {
    let sizes = [0, 250_000, 1_000_000, 18_000_000, 1 << 40].map(default_subwords);
    assert_eq!(sizes, [512, 512, 960, 4_224, 8_000]);
    for size in [0, 257, 1_000_001] {
        let error = subwords("a").vocab_size(size).build().unwrap_err().to_string();
        assert!(error.contains("`vocabulary.size` is") && error.contains("258"), "{error}");
    }
}

#[test]
fn a_vocabulary_of_words_can_be_limited() {
    let text = "a b c d a b c a b a ".repeat(9);
    let words = |size: usize| TextDataset::from_text(&text).words().vocab_size(size).split(0.3, 0.0).context_len(2);
    let dataset = words(4).build().unwrap();
    let vocabulary = &dataset.tokenizer.vocabulary;
    let tokens: Vec<&str> = (0..4).filter_map(|id| vocabulary.token(id)).collect();
    assert_eq!((vocabulary.len(), tokens), (4, vec!["<padding>", "<unknown>", "a", "b"]));
    let unknown = dataset.ids.slice(dataset.split.train.clone()).iter().filter(|&&id| id == 1).count();
    assert_eq!(vocabulary.count(1), unknown as u64);
    let dropped = words(4).oov(OovPolicy::Drop).build().unwrap().tokenizer.vocabulary;
    assert_eq!((dropped.len(), dropped.unknown_id(), dropped.token(3)), (4, None, Some("c")));
}
