//! Draws random sentences of a file and prints the questions about them, one a line: rule, question, answer, sentence and
//! features, separated by tabs. The file has a sentence a line and an empty line between passages. A sentence without questions has a
//! line with the reason instead of a rule.
//!
//! `cargo run --example sample_questions FILE SENTENCES SEED [PER_SENTENCE]`

use std::io::{self, Write};

use question_rules::{Candidates, candidates};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|argument| argument.parse::<u64>().ok());
    let (Some(path), Some(wanted), Some(seed)) = (arguments.first(), number(1), number(2)) else {
        return Err(io::Error::other(
            "expected a file with a sentence a line, a number of sentences and a random seed",
        ));
    };
    let per_sentence = number(3).map_or(usize::MAX, |most| most as usize);
    let text = std::fs::read_to_string(path)?;
    let mut all: Vec<(String, Candidates, &str)> = Vec::new();
    for passage in text.split("\n\n") {
        let mut sentences = Vec::new();
        let mut start = 0;
        for line in passage.split_inclusive('\n') {
            sentences.push(start..start + line.trim_end().len());
            start += line.len();
        }
        let found = candidates(passage, &sentences);
        all.extend(sentences.into_iter().zip(found).map(|(at, found)| (passage[at].to_owned(), found, passage)));
    }
    let asked = all.iter().filter(|(_, found, _)| !found.questions.is_empty()).count();
    let questions: usize = all.iter().map(|(_, found, _)| found.questions.len().min(per_sentence)).sum();
    let mut out = io::stdout().lock();
    writeln!(out, "# {} sentences, {asked} with questions, {questions} questions; seed {seed}", all.len())?;
    // The first sentences of a random order.
    let mut state = seed;
    for drawn in 0..all.len().min(wanted as usize) {
        let at = drawn + (next(&mut state) % (all.len() - drawn) as u64) as usize;
        all.swap(drawn, at);
        let (sentence, found, passage) = &all[drawn];
        for one in found.questions.iter().take(per_sentence) {
            let answer = &passage[one.answer.clone()];
            writeln!(out, "{:?}\t{}\t{answer}\t{sentence}\t{:?}", one.rule, one.question, one.features)?;
        }
        if found.questions.is_empty() {
            let reason = found.left_out.first().map_or("nothing to ask about".into(), |one| one.reason.to_string());
            writeln!(out, "-\t{reason}\t\t{sentence}")?;
        }
    }
    Ok(())
}

/// The next number of the generator SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
