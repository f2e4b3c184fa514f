//! Tests of profiles.

mod documents;
mod texts;

use super::{LineProfile, TextProfile, TextProfiler};

fn profile(text: &str) -> TextProfile {
    let mut profiler = TextProfiler::default();
    profiler.push(text);
    profiler.finish()
}

/// Whether two shares are equal up to rounding.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn sizes_scripts_and_words_are_counted() {
    let found = profile("The fox, the fox\u{a0}and é.\n여우 ㅋㅋ 灰猫\n");
    assert_eq!((found.bytes, found.characters, found.letters), (47, 33, 22));
    let mut characters: Vec<char> = "The fox, the fox\u{a0}and é.\n여우 ㅋㅋ 灰猫\n".chars().collect();
    characters.sort_unstable();
    characters.dedup();
    assert_eq!(found.distinct_characters, characters.len());
    characters.retain(|character| !character.is_ascii());
    assert_eq!(found.distinct_outside_ascii, characters.len());
    assert!(close(found.hangul_share, 4.0 / 22.0) && close(found.unspaced_share, 2.0 / 22.0), "{found:?}");
    // The fox, the fox and é. 여우 ㅋㅋ 灰猫
    let words = &found.words;
    assert_eq!((words.count, words.counted, words.distinct, words.once), (9, 9, 9, 9));
    assert!(close(words.mean_len, 37.0 / 9.0), "{words:?}");
    let words = profile("a b a c a b").words;
    assert_eq!((words.count, words.distinct, words.once), (6, 3, 1));
    assert!(close(words.once_share(), 1.0 / 6.0) && close(words.once_share_of_distinct(), 1.0 / 3.0));
}

#[test]
fn an_empty_text_has_a_profile() {
    for text in ["", "\n", " \r\n\t"] {
        let found = profile(text);
        assert_eq!((found.words.count, found.lines.not_blank(), found.sections.count), (0, 0, 0), "{text:?}");
        assert!(!found.repeats() && found.documents().unit.is_none() && found.lines.mean_len == 0.0, "{found:?}");
    }
    assert_eq!(profile(""), TextProfile::default());
}

#[test]
fn line_ends_of_all_kinds_give_the_same_lines() {
    let text = "\n\nOne fox. \n\n  two foxes,\n\n\n\nA fox: “No!”\n\n\n\nand one\n";
    let expected = profile(text);
    let lines = &expected.lines;
    assert_eq!((lines.count, lines.blank, lines.not_blank()), (13, 9, 4));
    for end in ["\r\n", "\r"] {
        let found = profile(&text.replace('\n', end));
        assert_eq!((&found.lines, &found.sections), (&expected.lines, &expected.sections), "{end:?}");
        assert_eq!(found.words, expected.words);
    }
    // The last line may lack its end.
    assert_eq!(profile(text.trim_end()).lines, expected.lines);
}

#[test]
fn the_profile_does_not_depend_on_the_chunks() {
    let text = texts::verse(30).replace('\n', "\r\n") + &texts::stories(25) + "한글 灰猫。“One. Two.”\r\n%\n";
    let expected = profile(&text);
    for len in [1, 2, 7, 1_000] {
        let (mut profiler, mut rest) = (TextProfiler::default(), text.as_str());
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.ceil_char_boundary(len.min(rest.len())));
            profiler.push(chunk);
            rest = tail;
        }
        assert_eq!(profiler.finish(), expected, "{len}");
    }
}

#[test]
fn the_shape_of_lines_is_measured() {
    let lines =
        profile("“One fox ran. It ran.”\n  two foxes, {\nand three;\n10:30 four\n\n\nfive foxes\nfive foxes  \n").lines;
    assert_eq!((lines.count, lines.blank, lines.p95_len), (8, 2, 26));
    assert!(close(lines.blank_share(), 0.25) && close(lines.mean_len, 80.0 / 6.0), "{lines:?}");
    let sixths = |share: f64| (6.0 * share).round() as u32;
    let LineProfile { full_share, indented_share, sentence_share, several_sentences_share, .. } = lines;
    assert_eq!([full_share, indented_share, sentence_share, several_sentences_share].map(sixths), [1, 1, 1, 1]);
    let LineProfile { lower_case_share, continued_share, open_share, code_share, .. } = lines;
    assert_eq!([lower_case_share, continued_share, open_share, code_share].map(sixths), [4, 2, 2, 1]);
    let LineProfile { quoted_share, dated_share, repeated_share, .. } = lines;
    assert_eq!([quoted_share, dated_share, repeated_share].map(sixths), [1, 1, 1]);
    let equal = profile(&"four\nfive\n".repeat(50)).lines;
    assert!(close(equal.relative_deviation, 0.0) && close(equal.full_share, 1.0) && close(equal.repeated_share, 0.98));
}

#[test]
fn only_a_text_that_repeats_itself_is_redundant() {
    for text in ["a".repeat(6_000), "The fox ran.\n".repeat(3_000), "one\ntwo\n\nthree\n".repeat(2_000)] {
        assert!(profile(&text).repeats(), "{}", &text[..20]);
    }
    let fables = profile(texts::FABLES);
    assert!((0.5..0.7).contains(&fables.redundancy), "{}", fables.redundancy);
    for text in [texts::names(1_500), texts::headlines(500), texts::log(500), "a fox".into()] {
        assert!(!profile(&text).repeats(), "{}", &text[..5]);
    }
}

#[test]
fn sections_are_as_long_as_their_texts() {
    let sections = profile("\n\n\n\nCHAPTER I.\n\nOne.\n\n\ntwo\n\n \n\t\n\n  A FOX\n").sections;
    assert_eq!((sections.count, sections.medium, sections.numbered), (2, 0, 1));
    assert!(close(sections.mean_len, (23.0 + 8.0) / 2.0), "{sections:?}");
    assert_eq!(profile(&texts::stories(25)).sections.medium, 25);
}
