//! The questions about the sentences of `sentences.txt`, exactly: each passage with its sentences, a line each, and below
//! a sentence its questions with rule and answer. A dash begins why a sentence has no questions.

use question_rules::{Reason, Rule, Rules, candidates};

/// A sentence with the lines below it.
struct Expected<'a> {
    sentence: &'a str,
    lines: Vec<&'a str>,
}

fn passages(file: &str) -> Vec<Vec<Expected<'_>>> {
    let mut passages = Vec::new();
    for passage in file.split("\n\n") {
        let mut sentences: Vec<Expected> = Vec::new();
        for line in passage.lines() {
            match line.strip_prefix("    ") {
                Some(line) => sentences.last_mut().expect("a sentence comes first").lines.push(line),
                None => sentences.push(Expected { sentence: line, lines: Vec::new() }),
            }
        }
        passages.push(sentences);
    }
    passages
}

#[test]
fn each_sentence_has_exactly_its_questions() {
    let file = include_str!("sentences.txt").trim_end();
    let mut count = 0;
    for expected in passages(file) {
        let mut passage = String::new();
        let mut ranges = Vec::new();
        for one in &expected {
            ranges.push(passage.len()..passage.len() + one.sentence.len());
            passage = passage + one.sentence + " ";
        }
        for (one, found) in expected.iter().zip(candidates(&passage, &ranges)) {
            let questions = found.questions.iter();
            let mut lines: Vec<String> = questions
                .map(|it| format!("{:?}: {} -> {}", it.rule, it.question, &passage[it.answer.clone()]))
                .collect();
            if lines.is_empty() {
                lines.extend(found.left_out.iter().map(|it| format!("- {}", it.reason)));
                lines.dedup();
            }
            assert_eq!(lines, one.lines, "{}", one.sentence);
            count += 1;
        }
    }
    assert!(count >= 100, "{count} sentences");
}

#[test]
fn answers_and_left_out_parts_are_within_their_sentence() {
    let passage =
        "In 1526, the miller’s wife sold two sheep (and a cow) to the king. He paid well! It was late — très tard.";
    let first = passage.find(" He").unwrap();
    let second = passage.find(" It").unwrap();
    let sentences = [0..first, first + 1..second, second + 1..passage.len()];
    for (sentence, found) in sentences.iter().zip(candidates(passage, &sentences)) {
        for bytes in found.questions.iter().map(|it| &it.answer).chain(found.left_out.iter().map(|it| &it.bytes)) {
            assert!(sentence.start <= bytes.start && bytes.end <= sentence.end, "{bytes:?} in {sentence:?}");
            assert!(!passage[bytes.clone()].trim().is_empty());
        }
    }
    let found = candidates(passage, &sentences);
    let how_many = found[0].questions.iter().find(|it| it.rule == Rule::Number).expect("there is a number");
    assert_eq!(how_many.question, "How many sheep did the miller’s wife sell to the king in 1526?");
    assert_eq!((how_many.features.answer_words, how_many.features.cut_off), (1, 1));
}

#[test]
fn other_languages_and_odd_texts_give_no_questions() {
    let texts = [
        "",
        ".",
        "여우는 포도를 보았다.",
        "Der Fuchs sah eine Krähe auf dem Baum.",
        "De man was in Amsterdam.",
        "((( ) ] .",
        "THE FOX AND THE CROW",
        "1 2 3 4 5.",
        "'s 's 's 's.",
        "“„”’‘ … — - .",
    ];
    for text in texts {
        let whole = 0..text.len();
        let found = candidates(text, std::slice::from_ref(&whole));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].questions, [], "{text}");
    }
}

#[test]
fn reasons_and_rules_have_stable_names() {
    assert_eq!(serde_json::to_string(&Rule::Possessor).unwrap(), "\"possessor\"");
    assert_eq!(serde_json::to_string(&Reason::NeedsContext).unwrap(), "\"needs_context\"");
    for rule in Rule::ALL {
        let name = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&name).unwrap(), rule);
    }
}

#[test]
fn pronouns_refer_to_the_same_paragraph_and_not_far_back() {
    let first = "Anna Weber sold the mill in 1526.";
    let last = "She died in Ulm in 1879.";
    let questions = |between: &str, is_apart: bool| {
        let text = format!("{first} {between}{last}");
        let mut start = 0;
        let mut sentences = Vec::new();
        for (at, stop) in text.match_indices('.') {
            sentences.push(start..at + stop.len());
            start = at + stop.len() + 1;
        }
        let mut rules = Rules::new(&text, sentences.iter().cloned());
        let mut found = Vec::new();
        for (at, sentence) in sentences.iter().enumerate() {
            if at == 0 || is_apart {
                rules.begin_paragraph(sentence.start..text.len());
            }
            found = rules.candidates(sentence).questions;
        }
        found.into_iter().map(|one| one.question).collect::<Vec<_>>()
    };
    let where_she_died = "Where did Anna Weber die in 1879?".to_owned();
    let rain = "It rained. ";
    assert!(questions("", false).contains(&where_she_died));
    assert!(questions(&rain.repeat(2), false).contains(&where_she_died));
    assert_eq!(questions(&rain.repeat(3), false), [] as [&str; 0]);
    assert_eq!(questions("", true), [] as [&str; 0]);
}

#[test]
fn descriptions_stand_for_characters_only_in_a_text_without_names() {
    let story = "A fox stole a hen. The fox carried the hen into the wood.";
    let report = "Anna Weber sold a hen in Ulm. The hen laid three eggs in Verona.";
    let about_second = |text: &str| {
        let end = text.find('.').unwrap() + 1;
        candidates(text, &[0..end, end + 1..text.len()])[1].questions.len()
    };
    assert!(about_second(story) > 0);
    let asked = about_second(report);
    assert_eq!(asked, 0);
}

#[test]
fn the_best_questions_have_different_answers_and_the_most_confident_comes_first() {
    let text = "The World Health Organization (WHO) opened an office in Geneva in 1948.";
    let found = candidates(text, std::slice::from_ref(&(0..text.len())));
    let best = found[0].best(2);
    assert_eq!(best[0].rule, Rule::Abbreviation);
    let confidence = |at: usize| best[at].features.confidence(best[at].rule);
    assert!(best.len() == 2 && confidence(0) > confidence(1));
    let (first, second) = (best[0].answer.clone(), best[1].answer.clone());
    assert!(first.end <= second.start || second.end <= first.start);
}

#[test]
fn a_long_paragraph_is_judged_by_itself_and_a_short_one_by_the_text() {
    let english = "The old miller sold the mill to the king in 1526, and after that he lived with his wife in a small \
                   house beside the river.";
    let dutch = "Hij had een huis in de stad en was daar met zijn broer, maar in 1902 was het huis van de man in \
                 Amsterdam verkocht.";
    let ask = |text: &str, paragraph: &str| {
        let start = text.find(paragraph).unwrap();
        let range = start..start + paragraph.len();
        let mut rules = Rules::new(text, [range.clone()]);
        rules.begin_paragraph(range.clone());
        rules.candidates(&range)
    };
    let short = "Water boils in London.";
    for text in
        [format!("{dutch} {dutch}\n\n{english}\n\n{short}"), format!("{}\n\n{dutch}\n\n{short}", english.repeat(6))]
    {
        let has_reason = |paragraph| ask(&text, paragraph).left_out.iter().any(|it| it.reason == Reason::NotEnglish);
        assert_eq!((has_reason(english), has_reason(dutch)), (false, true), "{text}");
        assert_eq!(has_reason(short), text.starts_with("Hij"), "{text}");
    }
}
