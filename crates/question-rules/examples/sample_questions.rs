//! Draws random sentences of a text and prints the questions about them, one a line: rule, question, answer, sentence, confidence
//! and features, separated by tabs. An empty line ends a paragraph. A sentence without questions has a line with the reason
//! instead of a rule.
//!
//! `cargo run --example sample_questions FILE SENTENCES SEED [PER_SENTENCE]`

use std::io::{self, Write};
use std::ops::Range;

use question_rules::{Candidates, Rules};
use text_prep::spans::{paragraphs, sentences};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|argument| argument.parse::<u64>().ok());
    let (Some(path), Some(wanted), Some(seed)) = (arguments.first(), number(1), number(2)) else {
        return Err(io::Error::other("expected a text file, a number of sentences and a random seed"));
    };
    let per_sentence = number(3).map_or(usize::MAX, |most| most as usize);
    let text = std::fs::read_to_string(path)?;
    let mut all = candidates(&text);
    let asked = all.iter().filter(|(_, found)| !found.questions.is_empty()).count();
    let questions: usize = all.iter().map(|(_, found)| found.questions.len().min(per_sentence)).sum();
    let mut out = io::stdout().lock();
    writeln!(out, "# {} sentences, {asked} with questions, {questions} questions; seed {seed}", all.len())?;
    // The first sentences of a random order.
    let mut state = seed;
    for drawn in 0..all.len().min(wanted as usize) {
        let at = drawn + (next(&mut state) % (all.len() - drawn) as u64) as usize;
        all.swap(drawn, at);
        let (sentence, found) = &all[drawn];
        let sentence = text[sentence.clone()].replace(['\n', '\t'], " ");
        for one in found.best(per_sentence) {
            let answer = text[one.answer.clone()].replace('\n', " ");
            let confidence = one.features.confidence(one.rule);
            writeln!(
                out,
                "{:?}\t{}\t{answer}\t{sentence}\t{confidence:.3}\t{:?}",
                one.rule, one.question, one.features
            )?;
        }
        if found.questions.is_empty() {
            let reason = found.left_out.first().map_or("nothing to ask about".into(), |one| one.reason.to_string());
            writeln!(out, "-\t{reason}\t\t{sentence}")?;
        }
    }
    Ok(())
}

/// The questions about each sentence of a text.
fn candidates(text: &str) -> Vec<(Range<usize>, Candidates)> {
    let mut rules = Rules::new(text, sentences(text));
    let mut all = Vec::new();
    for paragraph in paragraphs(text) {
        rules.begin_paragraph(paragraph.clone());
        let inside = sentences(&text[paragraph.clone()]);
        let inside = inside.into_iter().map(|it| it.start + paragraph.start..it.end + paragraph.start);
        all.extend(inside.map(|sentence| (sentence.clone(), rules.candidates(&sentence))));
    }
    all
}

/// The next number of the generator SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
