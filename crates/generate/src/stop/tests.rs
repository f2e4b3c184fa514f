//! Tests of stop texts: what they are for a tokenizer, and where they end samples.

use text_prep::{Capitals, CharacterOptions, Cleaner, OovPolicy, SHIFT, Segmentation, Vocabulary, WordOptions};

use super::*;
use crate::sample_in_progress::Sample;
use crate::sampling::Sampling;
use crate::test_model::{JAMO, WORDS, composed, generator};

fn tokenizer(
    preset: &str,
    pre_tokenizer: impl Into<PreTokenizer>,
    separator: Option<&str>,
    tokens: &[&str],
) -> Tokenizer {
    Tokenizer {
        cleaner: Cleaner::preset(preset).unwrap(),
        pre_tokenizer: pre_tokenizer.into(),
        vocabulary: Vocabulary::from_counts(tokens.iter().map(|&token| (token, 1)), 1, false),
        document_separator: separator.map(Into::into),
        oov: OovPolicy::Drop,
    }
}

/// The tokens of a stop text in a model of words.
fn words(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    match StopText::new(tokenizer, text) {
        Ok(StopText::Ids(ids)) => ids.iter().map(|&id| tokenizer.vocabulary.token(id).unwrap().to_owned()).collect(),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn a_stop_text_is_cleaned_and_tokenized_as_prompts_are() {
    let fables = ["|", "monday", "said", "the", ",", ".", "\"", "don't"];
    let fables = tokenizer("keras-lowercase", WordOptions::default(), Some("|"), &fables);
    assert_eq!(words(&fables, "Monday"), ["monday"]);
    assert_eq!(words(&fables, " Said the "), ["said", "the"]);
    assert_eq!(words(&fables, "said,\"Don't"), ["said", ",", "\"", "don't"]);
    // Two line ends are a full stop for this cleaning, but no text of the model has any except between documents.
    for text in ["|", "| |", "\n", "\r\n", "\n\n", "\n\n\n\n\n"] {
        assert_eq!(words(&fables, text), ["|"], "{text:?}");
    }
    let prose = tokenizer("prose", WordOptions::default().lower_case(true), None, &["monday", "said", "the", "—"]);
    assert_eq!(words(&prose, "said\nthe—Monday"), ["said", "the", "—", "monday"]);
    assert_eq!(StopText::new(&prose, "\n").unwrap(), StopText::Never);
    // A tokenizer that keeps line ends as tokens.
    let letters = tokenizer("verbatim", CharacterOptions::default(), None, &["\n", " ", "a"]);
    for text in ["\n", "\na", " ", "a \n"] {
        assert_eq!(StopText::new(&letters, text).unwrap(), StopText::Text(text.into()));
    }
    assert_eq!(StopText::new(&letters, "a\r\n\r").unwrap(), StopText::Text("a\n\n".into()));
}

#[test]
fn a_stop_text_of_characters_may_have_capitals_and_syllables() {
    let options = CharacterOptions::default();
    let tokens = [SHIFT, "t", "h", "e", "\u{1103}", "\u{1161}", "."];
    for (options, text, expected) in [
        (options.capitals(Capitals::Shift), "The", "The"),
        (options.capitals(Capitals::Lower), "The", "the"),
        (options.jamo(true), "다", "다"),
        (options.jamo(true), "다.", "다."),
    ] {
        let tokenizer = tokenizer("verbatim", options, Some("."), &tokens);
        assert_eq!(StopText::new(&tokenizer, text).unwrap(), StopText::Text(expected.into()), "{options:?}");
        // The model has no line ends, and its documents end with a full stop.
        assert_eq!(StopText::new(&tokenizer, "\n").unwrap(), StopText::Text(".".into()));
    }
}

#[test]
fn a_stop_text_of_a_script_without_spaces_is_found_however_the_text_is_divided() {
    let options = WordOptions::default().segmentation(Segmentation::Dictionary);
    let tokenizer = tokenizer("prose", options, None, &["在中", "午", "睡觉", "the", "\n"]);
    // A dictionary divides 中午 in another way after 在.
    assert_eq!(StopText::new(&tokenizer, "中午").unwrap(), StopText::Text("中午".into()));
    assert_eq!(words(&tokenizer, "the"), ["the"]);
    assert_eq!(StopText::new(&tokenizer, " ").unwrap(), StopText::Text(" ".into()));
    let stops = Stops::new(&tokenizer, &["中午".into()]).unwrap();
    let written = GeneratedSoFar { text: "睡觉在中午", ids: &[3, 1, 2], ends: &[6, 12, 15], certain: 9 };
    assert_eq!(stops.find(written), Some(9));
    let begun = GeneratedSoFar { text: "睡觉在中", ids: &[3, 1], ends: &[6, 12], certain: 6 };
    assert_eq!((stops.find(begun), stops.certain_len(begun)), (None, 9));
}

#[test]
fn a_stop_text_that_no_text_can_contain_is_rejected() {
    let prose = tokenizer("prose", WordOptions::default(), None, &["monday", "the"]);
    let letters = tokenizer("verbatim", CharacterOptions::default(), None, &["a"]);
    for (tokenizer, text, expected) in [
        (&prose, "", "a stop text is empty: "),
        (&letters, "", "a stop text is empty: "),
        (&prose, " \t", "a stop text is only white space, which is not a token of this model: "),
        (&prose, "the mondya", "a stop text contains `mondya`, which is not in the vocabulary (nearest: monday), so "),
        (&letters, "a\u{1b}", "a stop text contains `\\u{1b}`, which is not in the vocabulary, so "),
    ] {
        let error = StopText::new(tokenizer, text).unwrap_err().to_string();
        assert!(error.starts_with(expected) && error.lines().count() == 1, "{error}");
    }
}

/// The sample, which must be the same when it is streamed, in which no piece may be taken back, and in a batch.
fn sample(generator: &Generator, sampling: &Sampling) -> Sample {
    let mut stream = generator.stream("a", sampling).unwrap();
    let streamed: String = (&mut stream).map(Result::unwrap).collect();
    let sample = stream.into_sample();
    assert_eq!(streamed, sample.text);
    let batch: Vec<Sample> = generator.samples("a", sampling, 0..3).unwrap().map(Result::unwrap).collect();
    assert_eq!(batch[0], sample);
    assert_eq!(batch[2], generator.sample("a", sampling, 2).unwrap());
    sample
}

#[test]
fn a_sample_of_characters_ends_before_the_first_stop_text() {
    let packed = generator(JAMO, None);
    let (mut found, mut within_syllable) = (0, 0);
    for (generator, seeds) in [(composed(&packed), 0..3), (packed, 0..60)] {
        for seed in seeds {
            let all = Sampling::default().seed(seed).max_tokens(40);
            let whole = sample(&generator, &all).text;
            for stop in ["하", "a.", ".  ", "É", "하a", "É.", "\u{1112}하", " 한 "] {
                let stopped = sample(&generator, &all.clone().stop_texts([stop]));
                let (before, cut) = whole.split_once(stop).map_or((&*whole, false), |(before, _)| (before, true));
                assert_eq!(stopped.text, before, "{stop} in {whole}");
                assert_eq!(generator.tokenizer().decode(&stopped.ids), before, "{stop} in {whole}");
                found += usize::from(cut);
                within_syllable += usize::from(stop == "하" && before.contains('한'));
            }
            // The first of several stop texts ends the sample.
            let stopped = sample(&generator, &all.stop_texts(["a.", "한", "É"]));
            let first = ["a.", "한", "É"].iter().filter_map(|stop| whole.find(stop)).min().unwrap_or(whole.len());
            assert_eq!(stopped.text, whole[..first]);
        }
    }
    assert!(found > 50 && within_syllable > 0, "{found} {within_syllable}");
}

#[test]
fn a_sample_of_words_ends_before_the_first_stop_text() {
    let mut found = 0;
    for separator in [None, Some(".")] {
        let packed = generator(WORDS, separator);
        let tokenizer = packed.tokenizer();
        let id_of = |token: &str| tokenizer.vocabulary.id(token).unwrap();
        let ids = |tokens: &[&str]| tokens.iter().map(|token| id_of(token)).collect::<Vec<_>>();
        let stops = [("a", ids(&["a"])), ("é a", ids(&["é", "a"])), ("a a é", ids(&["a", "a", "é"]))];
        for (generator, seeds) in [(&composed(&packed), 0..3), (&packed, 0..60)] {
            for seed in seeds {
                let all = Sampling::default().seed(seed).max_tokens(40);
                let whole = sample(generator, &all);
                for (stop, ids) in &stops {
                    let stopped = sample(generator, &all.clone().stop_texts([*stop]));
                    let at = whole.ids.windows(ids.len()).position(|window| window == ids);
                    found += usize::from(at.is_some());
                    let before = &whole.ids[..at.unwrap_or(whole.ids.len())];
                    // Separators in a row are written once, as white space; those at the end may be left out.
                    let is_blank = |id: &u32| Some(*id) == tokenizer.document_separator_id() || *id == id_of(" ");
                    let end = |ids: &[u32]| ids.iter().rposition(|id| !is_blank(id)).map_or(0, |last| last + 1);
                    assert_eq!(stopped.ids[..end(&stopped.ids)], before[..end(before)], "{stop} in {}", whole.text);
                    assert!(whole.text.starts_with(&stopped.text));
                }
            }
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn separators_in_a_row_are_one() {
    let generator = generator(WORDS, Some("."));
    let id = |token: &str| generator.tokenizer().vocabulary.id(token).unwrap();
    let (a, dot) = (id("a"), id("."));
    let stops = Stops::new(generator.tokenizer(), &["a . a".into()]).unwrap();
    let ends = [1, 1, 1, 4, 6];
    let ids = [a, dot, dot, a, a];
    let written = |count: usize| GeneratedSoFar {
        text: &"a\n\na a"[..ends[count - 1]],
        ids: &ids[..count],
        ends: &ends[..count],
        certain: 0,
    };
    for count in 1..4 {
        assert_eq!((stops.find(written(count)), stops.certain_len(written(count))), (None, 0), "{count}");
    }
    assert_eq!(stops.find(written(4)), Some(0));
    assert_eq!(stops.find(written(5)), None);
    assert_eq!(stops.certain_len(written(5)), 4);
}

#[test]
fn invalid_stop_texts_are_errors_of_every_call() {
    let generator = generator(WORDS, None);
    let sampling = Sampling::default().stop_texts(["a", "zyzzyva"]);
    let rejected = |error: Option<Error>| matches!(error, Some(Error::StopTextNotInVocabulary { token, .. }) if token == "zyzzyva");
    assert!(rejected(generator.generate("a", &sampling).err()));
    assert!(rejected(generator.stream("a", &sampling).err()));
    assert!(rejected(generator.samples("a", &sampling, 0..9).err()));
    assert!(rejected(generator.sample_while("a", &sampling, 0, || true).err()));
}
