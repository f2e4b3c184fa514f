//! Tests of subwords against the crate `tokenizers` and a simple reference implementation.

use std::collections::BTreeMap;
use std::str::FromStr;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer as TheirTokenizer};

use super::merges::Merge;
use super::train::{MIN_COUNT, Trained, train};
use super::{SubwordOptions, alphabet};
use crate::clean::{Cleaner, PRESETS};
use crate::test_strategies;
use crate::token_counter::TokenCounter;
use crate::tokenize::PreTokenizer;
use crate::tokenizer::{OovPolicy, Tokenizer};
use crate::vocabulary::Vocabulary;

const TEXT: &str =
    "The fox saw the foxes' den. “The den”, said the fox, “isn't hers.”\n\n  여우 🦊 여우 🦊 1984 1985\n";

fn pre_tokens(text: &str) -> TokenCounter {
    let mut counter = TokenCounter::new();
    PreTokenizer::Subwords(SubwordOptions::default()).for_each_token(text, |token| {
        counter.add(token);
    });
    counter
}

/// A tokenizer of `size` ids that is trained on `text`.
pub(crate) fn fit(preset: &str, text: &str, size: usize) -> Tokenizer {
    let cleaner = Cleaner::preset(preset).unwrap();
    let counts = pre_tokens(&cleaner.clean(text));
    Tokenizer {
        cleaner,
        pre_tokenizer: PreTokenizer::Subwords(SubwordOptions::default()),
        vocabulary: Vocabulary::train_subwords(counts.iter(), size - 1),
        document_separator: None,
        oov: OovPolicy::Unknown,
    }
}

fn theirs(tokenizer: &Tokenizer) -> TheirTokenizer {
    let mut theirs = TheirTokenizer::from_str(&tokenizer.to_json()).unwrap();
    theirs.set_encode_special_tokens(true);
    theirs
}

/// Counts all pairs again after each merge.
fn reference(counts: &[(String, u64)], size: usize) -> Trained {
    let mut words: Vec<(Vec<u32>, u64)> =
        counts.iter().map(|(word, count)| (word.bytes().map(alphabet::place_of).collect(), *count)).collect();
    let mut tokens: Vec<Vec<u8>> = alphabet::BYTES.iter().map(|&byte| vec![byte]).collect();
    let mut merges = Vec::new();
    while tokens.len() < size {
        let mut pairs: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (word, count) in &words {
            for pair in word.windows(2) {
                *pairs.entry((pair[0], pair[1])).or_default() += count;
            }
        }
        // Of equal counts the first pair.
        let best = pairs.into_iter().rev().max_by_key(|&(_, count)| count);
        let Some((pair, _)) = best.filter(|&(_, count)| count >= MIN_COUNT) else { break };
        let bytes = [tokens[pair.0 as usize].clone(), tokens[pair.1 as usize].clone()].concat();
        let result = tokens.iter().position(|token| *token == bytes).unwrap_or_else(|| {
            tokens.push(bytes);
            tokens.len() - 1
        }) as u32;
        merges.push(Merge { pair, result });
        for (word, _) in &mut words {
            let mut at = 0;
            while at + 1 < word.len() {
                if (word[at], word[at + 1]) == pair {
                    word.splice(at..at + 2, [result]);
                }
                at += 1;
            }
        }
    }
    Trained { tokens, merges }
}

/// What the crate `tokenizers` trains: the tokens and the merges.
fn train_theirs(counts: &[(String, u64)], size: usize) -> Value {
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .min_frequency(MIN_COUNT)
        .vocab_size(size)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let written = counts.iter().map(|(word, count)| (alphabet::to_string(word.as_bytes()).as_str().into(), *count));
    let mut model = BPE::default();
    trainer.do_train(&written.collect(), &mut model).unwrap();
    serde_json::to_value(&model).unwrap()
}

fn as_value(trained: &Trained) -> [Value; 2] {
    let tokens: Vec<String> = trained.tokens.iter().map(|bytes| alphabet::to_string(bytes)).collect();
    let merges = trained.merges.iter().map(|merge| [merge.pair.0, merge.pair.1].map(|token| &tokens[token as usize]));
    let merges = json!(merges.collect::<Vec<_>>());
    [json!(tokens.iter().zip(0..).map(|(token, id)| (token.clone(), id)).collect::<BTreeMap<String, u32>>()), merges]
}

/// Words of few letters, so that pairs overlap and counts are equal.
fn words() -> impl Strategy<Value = Vec<(String, u64)>> {
    let word = prop_oneof![4 => "[ab]{1,9}", 4 => " [abc]{1,6}", 1 => "[é🦊 ]{1,3}"];
    prop::collection::btree_map(word, 1u64..5, 0..12).prop_map(|words| words.into_iter().collect())
}

#[test]
fn a_long_text_is_trained_as_by_the_crate() {
    let fables = include_str!("../../../../datasets/fables/fables.txt");
    let counter = pre_tokens(fables);
    let counts: Vec<(String, u64)> = counter.iter().map(|(token, count)| (token.to_owned(), count)).collect();
    let trained = train(counter.iter(), 2_000);
    assert_eq!((trained.tokens.len(), trained.tokens[256].as_slice()), (2_000, &b"he"[..]));
    let [vocab, merges] = as_value(&trained);
    let theirs = train_theirs(&counts, 2_000);
    assert_eq!((&theirs["vocab"], &theirs["merges"]), (&vocab, &merges));
    // In any order of the counts, and again.
    let mut reversed: Vec<_> = counter.iter().collect();
    reversed.reverse();
    assert_eq!(train(reversed, 2_000), trained);
    let json = || fit("verbatim", fables, 1_000).to_json();
    assert!(json() == json());
}

#[test]
fn training_ends_when_no_pair_occurs_twice() {
    let trained = train([("abc", 1), ("bc", 1), ("xyz", 1)], 1_000);
    assert_eq!(trained.tokens[256..], [b"bc".to_vec()]);
    assert_eq!(train([], 1_000).tokens.len(), 256);
    // A long pre-token is counted in parts.
    let long = "ab".repeat(10_000);
    assert_eq!(train([(long.as_str(), 1)], 260).tokens[256..].last().unwrap(), &b"ab".repeat(8));
}

#[test]
fn the_vocabulary_has_counts_and_readable_names() {
    let vocabulary = fit("verbatim", TEXT, 275).vocabulary;
    assert_eq!((vocabulary.len(), vocabulary.num_words(), vocabulary.unknown_id()), (275, 274, None));
    let fox = vocabulary.id("Ġfox").unwrap();
    assert_eq!((vocabulary.readable(fox).unwrap().as_ref(), vocabulary.count(fox)), (" fox", 3));
    assert_eq!(vocabulary.subword_bytes(fox).unwrap(), b" fox");
    let byte = vocabulary.id("ã").unwrap();
    assert_eq!(vocabulary.readable(byte).unwrap(), "\\xe3");
    assert!(vocabulary.to_tsv().contains(&format!("\n{fox}\t fox\t3\n")), "{}", vocabulary.to_tsv());
    assert!(vocabulary.to_tsv().contains("\\n\t"));
    let frequent = vocabulary.by_frequency();
    assert_eq!(frequent.len(), 274);
    assert!(frequent.is_sorted_by_key(|&id| std::cmp::Reverse(vocabulary.count(id))));
    assert!(vocabulary.is_reserved(0) && !vocabulary.is_reserved(1));
    let json = serde_json::to_string(&vocabulary).unwrap();
    assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary);
    for (broken, expected) in [
        (json.replacen("\"Ġfo\"", "\"f f\"", 1), "expected characters that stand for bytes"),
        (json.replacen("\"merges\":[[", "\"merges\":[[9999,1],[", 1), "token 9999 in merge 0: expected a token that"),
    ] {
        let error = serde_json::from_str::<Vocabulary>(&broken).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_text_that_spells_a_special_token_stays_text() {
    let tokenizer = fit("verbatim", &"<padding> <document> ".repeat(50), 400);
    let text = "<padding><document> <padding>";
    let ids = tokenizer.encode(text, OovPolicy::Error).unwrap().ids;
    assert!(ids.iter().all(|&id| !tokenizer.vocabulary.is_reserved(id)));
    assert_eq!(tokenizer.decode(&ids), text);
    assert_eq!(theirs(&tokenizer).encode(text, false).unwrap().get_ids(), ids);
    assert_eq!(tokenizer.decode(&[0, 9_999]), "<id 9999>");
}

#[test]
fn a_document_token_comes_before_the_bytes_and_separates_texts() {
    let plain = fit("verbatim", TEXT, 280);
    let tokenizer = Tokenizer { vocabulary: plain.vocabulary.clone().with_documents(3), ..plain.clone() };
    let document = tokenizer.vocabulary.document_id().unwrap();
    assert_eq!((document, tokenizer.vocabulary.len()), (1, 281));
    let ids = tokenizer.encode("The fox", OovPolicy::Error).unwrap().ids;
    let before: Vec<u32> = plain.encode("The fox", OovPolicy::Error).unwrap().ids.iter().map(|id| id + 1).collect();
    assert_eq!(ids, before);
    // The end of a document completes its last character, too.
    let part = tokenizer.vocabulary.id("ã").unwrap();
    assert_eq!(tokenizer.decode(&[&ids[..], &[part, document], &ids, &[document]].concat()), "The fox\u{fffd}The fox");
    let json = tokenizer.to_json();
    assert_eq!(Tokenizer::from_json(&json).unwrap(), tokenizer);
    let theirs = theirs(&tokenizer);
    assert_eq!(theirs.token_to_id("<document>"), Some(document));
    assert_eq!(theirs.encode("<document>The fox", false).unwrap().get_ids().last(), ids.last());
    // In another run the texts may not be documents.
    assert_eq!(Vocabulary::from_tokenizer_json(&json).unwrap(), plain.vocabulary.recounted([]));
    let damaged = json.replace("\"content\": \"<document>\"", "\"content\": \"<documents>\"");
    assert!(Tokenizer::from_json(&damaged).is_err());
}

#[test]
fn a_file_of_another_program_is_used_with_its_order_of_tokens() {
    let counter = pre_tokens(TEXT);
    let counts: Vec<(String, u64)> = counter.iter().map(|(token, count)| (token.to_owned(), count)).collect();
    let model: BPE = serde_json::from_str(&train_theirs(&counts, 300).to_string()).unwrap();
    let mut theirs = TheirTokenizer::new(model);
    theirs.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    theirs.with_decoder(Some(ByteLevel::default()));
    theirs.add_special_tokens(&[AddedToken::from("<|endoftext|>", true)]);
    theirs.set_encode_special_tokens(true);
    let json = theirs.to_string(true).unwrap();
    let vocabulary = Vocabulary::from_tokenizer_json(&json).unwrap();
    assert_eq!(vocabulary.len(), theirs.get_vocab_size(true) + 1);
    let special = vocabulary.id("<|endoftext|>").unwrap();
    assert!(vocabulary.is_reserved(special) && vocabulary.never_sampled().eq([0, special]));
    let tokenizer = Tokenizer { vocabulary, ..fit("verbatim", "", 257) };
    for text in [TEXT, "a <|endoftext|> b"] {
        let ids = tokenizer.encode(text, OovPolicy::Error).unwrap().ids;
        let expected: Vec<u32> = theirs.encode(text, false).unwrap().get_ids().iter().map(|id| id + 1).collect();
        assert_eq!(ids, expected);
        assert_eq!(tokenizer.decode(&ids), text);
    }
    // The special token stays special when the tokenizer is saved, and a saved file can be given again.
    let saved = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
    assert_eq!(saved, tokenizer);
    assert_eq!(Vocabulary::from_tokenizer_json(&tokenizer.to_json()).unwrap(), tokenizer.vocabulary);
    assert_eq!(tokenizer.vocabulary.count(special), 0);
    // Merges as older programs write them.
    let mut old: Value = serde_json::from_str(&json).unwrap();
    for merge in old["model"]["merges"].as_array_mut().unwrap() {
        *merge = json!(format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()));
    }
    assert_eq!(Vocabulary::from_tokenizer_json(&old.to_string()).unwrap(), tokenizer.vocabulary);
}

#[test]
fn files_of_other_kinds_and_damaged_ones_are_rejected_by_name() {
    let json: Value = serde_json::from_str(&fit("verbatim", TEXT, 270).to_json()).unwrap();
    let changed = |path: &str, value: Value| {
        let mut changed = json.clone();
        *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        Vocabulary::from_tokenizer_json(&changed.to_string()).map(drop).unwrap_err().to_string()
    };
    let split = json!({"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]});
    let first_merge = json["model"]["merges"][0].clone();
    for (path, value, expected) in [
        ("/model/type", json!("WordPiece"), "its model is `WordPiece`: expected `BPE` or `WordLevel`"),
        ("/model/type", json!("Unigram"), "its model is `Unigram`"),
        ("/normalizer", json!({"type": "Lowercase"}), "its normalizer is `Lowercase`: expected none or `NFC`"),
        ("/pre_tokenizer", json!({"type": "Metaspace"}), "its pre-tokenizer is `Metaspace`: expected `ByteLevel`"),
        ("/pre_tokenizer", split, "its pre-tokenizer is `Sequence of Split, ByteLevel`"),
        ("/pre_tokenizer", Value::Null, "its pre-tokenizer is `none`"),
        ("/pre_tokenizer/add_prefix_space", json!(true), "`add_prefix_space` = false"),
        ("/pre_tokenizer/use_regex", json!(false), "`use_regex` = true"),
        ("/decoder", json!({"type": "WordPiece"}), "its decoder is `WordPiece`"),
        ("/model/byte_fallback", json!(true), "its model has `byte_fallback`"),
        ("/model/ignore_merges", json!(true), "`ignore_merges`"),
        ("/model/end_of_word_suffix", json!("</w>"), "`end_of_word_suffix`"),
        ("/model/dropout", json!(0.1), "`dropout`"),
        ("/model/vocab/a", json!(1_000), "expected"),
        ("/model/vocab/a", json!(5), "ids are without gaps and repetitions"),
        ("/model/merges/1", json!(["Ġ", "nothing"]), "its merge 1 names `nothing`, which is no token of it"),
        ("/model/merges/1", json!(["z", "z"]), "has no token `zz`, which merge 1 makes"),
        ("/model/merges/1", first_merge, "its merge 1 occurs twice"),
        ("/model/merges/1", json!(["<padding>", "z"]), "its merge 1 names `<padding>`"),
        ("/model/merges", json!("none"), "cannot be read"),
        ("/model", Value::Null, "it has no `model`"),
    ] {
        let message = changed(path, value);
        assert!(message.contains(expected) && message.lines().count() == 1, "{path}: {message}");
    }
    let text = json.to_string();
    for (broken, expected) in [
        (text.replacen("\"Y\":", "\"X\":", 1), "its token `X` has two ids"),
        (text.replacen("\"X\":", "\"XX\":", 1), "has no token for the byte 0x58"),
        (text.replacen("\"X\":", "\"X Y\":", 1), "characters that stand for bytes"),
        (text[..text.len() / 2].to_owned(), "cannot be read"),
        ("[]".into(), "it is a list: expected an object, as in a tokenizer.json of Hugging Face's tokenizers; use "),
    ] {
        let message = Vocabulary::from_tokenizer_json(&broken).map(drop).unwrap_err().to_string();
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
    let mut saved = json.clone();
    saved["model"]["pastiche"]["counts"] = json!([1, 2]);
    let message = Tokenizer::from_json(&saved.to_string()).unwrap_err().to_string();
    assert!(message.contains("2 counts for 269 tokens"), "{message}");
    saved["model"]["pastiche"]["format"] = json!(2);
    assert!(Tokenizer::from_json(&saved.to_string()).unwrap_err().to_string().contains("format 2"));
    saved["model"].as_object_mut().unwrap().remove("pastiche");
    let message = Tokenizer::from_json(&saved.to_string()).unwrap_err().to_string();
    assert!(message.contains("no `model.pastiche`"), "{message}");
}

proptest! {
    #![proptest_config(test_strategies::cases(512))]

    #[test]
    fn training_equals_counting_again_after_each_merge(counts in words(), more in 0usize..40) {
        let trained = train(counts.iter().map(|(word, count)| (word.as_str(), *count)), 256 + more);
        prop_assert_eq!(&trained, &reference(&counts, 256 + more));
        // The crate walks hash maps: what it trains depends on them if a token is made in two ways.
        let results: std::collections::HashSet<u32> = trained.merges.iter().map(|merge| merge.result).collect();
        if results.len() == trained.merges.len() {
            let [vocab, merges] = as_value(&trained);
            let theirs = train_theirs(&counts, 256 + more);
            prop_assert_eq!((&theirs["vocab"], &theirs["merges"]), (&vocab, &merges));
        }
    }

    #[test]
    fn every_text_is_encoded_as_by_the_crate_and_decoded_to_itself(
        training in test_strategies::text(), text in test_strategies::text(), more in 0usize..60
    ) {
        for preset in PRESETS {
            let tokenizer = fit(preset, &training, 257 + more);
            let clean = tokenizer.cleaner.clean(&text);
            let ids = tokenizer.encode(&text, OovPolicy::Error).unwrap().ids;
            prop_assert_eq!(&tokenizer.decode(&ids), &clean);
            prop_assert_eq!(tokenizer.decoded_len(&ids), clean.len());
            let mut streamed = Vec::new();
            let counts = tokenizer.encode_stream(&mut text.as_str(), |id| streamed.push(id)).unwrap();
            prop_assert_eq!(&streamed, &ids);
            prop_assert_eq!(counts.ids(), ids.len() as u64);
            let json = tokenizer.to_json();
            let back = Tokenizer::from_json(&json).unwrap();
            prop_assert_eq!(&back, &tokenizer);
            prop_assert_eq!(back.to_json(), json);
            // Their tables are of an older version of Unicode.
            if clean.chars().all(|c| c.is_ascii() || super::split::tests::agree(&[c])) {
                let theirs = theirs(&tokenizer);
                let encoding = theirs.encode(clean.as_str(), false).unwrap();
                prop_assert_eq!(encoding.get_ids(), &ids);
                prop_assert_eq!(theirs.decode(&ids, false).unwrap(), clean);
            }
        }
    }
}
