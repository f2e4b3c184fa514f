//! What a model of characters came to spell: how many of its words are its own. Told at the end of
//! a run, and kept in the run directory as `spelling.md`.

use std::path::Path;

use durable::write_atomically;
use eval::{Lexicon, Novelty};
use generate::Sample;
use models::Artifact;
use models::summary::thousands;
use seqdata::Prepared;
use text_prep::Splitter;

use crate::error::Result;
use crate::observers::sampling::TEMPERATURE;

/// Says which words of `sample` the model of a run invented; none for a model of words.
///
/// # Errors
/// If the file system refuses.
pub fn judge(
    prepared: &Prepared,
    best: &Artifact,
    sample: &Sample,
    run: &Path,
) -> Result<Option<String>> {
    if !matches!(prepared.tokenizer.splitter, Splitter::Characters(_)) {
        return Ok(None);
    }
    let said = sentence(&Lexicon::of(&training_text(prepared)).novelty(&sample.text));
    let quoted: String = sample.text.lines().map(|line| format!("> {line}\n")).collect();
    let file = format!(
        "# Spelling\n\nThe model of epoch {} {said}\n\nA word of another case is the same word. The \
         sample, {} tokens at temperature {TEMPERATURE}, seed {}:\n\n{quoted}",
        best.about.epochs,
        thousands(sample.ids.len()),
        best.about.seed
    );
    write_atomically(&run.join("spelling.md"), file.as_bytes())?;
    Ok(Some(said))
}

/// What was learned from, as the model saw it: without what it has no token for, and without the
/// text held out, whose words nobody taught it.
fn training_text(prepared: &Prepared) -> String {
    let vocabulary = &prepared.tokenizer.vocabulary;
    let mut joiner = prepared.tokenizer.joiner();
    let ids = prepared.split.train.clone().map(|at| prepared.ids.get(at));
    let known = ids.filter(|&id| !vocabulary.is_reserved(id));
    joiner.extend(known.filter_map(|id| vocabulary.token(id)));
    joiner.into_text()
}

fn sentence(novelty: &Novelty) -> String {
    let Novelty { words, invented, named } = novelty;
    let count = thousands(*words);
    match invented {
        0 if *words == 0 => "spelled no whole word.".to_owned(),
        0 => format!("spelled {count} words, all of them in the training text."),
        _ => {
            let more = if named.len() < *invented { " …" } else { "" };
            let (share, named) = (100.0 * novelty.share(), named.join(", "));
            format!(
                "spelled {count} words, {share:.1} % of them not in the training text: {named}{more}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_was_invented() {
        let lexicon = Lexicon::of("the fox and the crow");
        let said = |text: &str| sentence(&lexicon.novelty(text));
        assert_eq!(said("."), "spelled no whole word.");
        assert_eq!(said(" the fox "), "spelled 2 words, all of them in the training text.");
        let one = said(" the foxen and a fox ");
        assert_eq!(one, "spelled 5 words, 40.0 % of them not in the training text: foxen, a");
        assert!(
            said(" foxen foxen ").ends_with("100.0 % of them not in the training text: foxen …")
        );
    }
}
