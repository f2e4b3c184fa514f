//! How many words in a sample of characters or subwords do not occur in its training text. Printed at the end of a run, and
//! written to `spelling.md` in the run directory.

use std::path::Path;

use durable::write_atomically;
use eval::{InventedWords, KnownWords};
use generate::Sample;
use models::LmBundle;
use seqdata::TextDataset;
use text_prep::{PreTokenizer, Segmentation};

use crate::error::Result;
use crate::observers::sampling::TEMPERATURE;
use crate::report::training_texts::training_texts;
use crate::view::format::counted;

/// Writes `spelling.md` and returns a summary of the words in `sample` that the model invented; `None` for a word
/// model, which can invent none, and for a text whose words no spaces separate.
///
/// # Errors
/// If the file cannot be written.
pub fn write(dataset: &TextDataset, best: &LmBundle, sample: &Sample, run: &Path) -> Result<Option<String>> {
    match dataset.tokenizer.pre_tokenizer {
        PreTokenizer::Characters(_) | PreTokenizer::Subwords(_) => {}
        PreTokenizer::Words(_) | PreTokenizer::Spans(_) => return Ok(None),
    }
    // Documents are lines.
    let training = training_texts(dataset).join("\n");
    let Some(summary) = summary(&training, &sample.text) else { return Ok(None) };
    let quoted: String = sample.text.lines().map(|line| format!("> {line}\n")).collect();
    let file = format!(
        "# Spelling\n\nThe model of epoch {} {summary}\n\nWords are compared without regard to case. The \
         sample, {} at temperature {TEMPERATURE}, seed {}:\n\n{quoted}",
        best.metadata.epochs,
        counted(sample.ids.len(), "token"),
        best.metadata.seed
    );
    write_atomically(&run.join("spelling.md"), file.as_bytes())?;
    Ok(Some(summary))
}

/// Which words of `sample` are not in the text `training`; `None` if most of the letters in that are of scripts without
/// spaces, whose words cannot be told from others.
fn summary(training: &str, sample: &str) -> Option<String> {
    let has_words = Segmentation::detect([training]).is_spaces();
    has_words.then(|| summarize(&KnownWords::new(training).find_invented(sample)))
}

fn summarize(found: &InventedWords) -> String {
    let InventedWords { words, invented, examples } = found;
    let count = counted(*words, "word");
    match invented {
        0 if *words == 0 => "spelled no whole word.".to_owned(),
        0 if *words == 1 => "spelled 1 word, which is in the training text.".to_owned(),
        0 => format!("spelled {count}, all of them in the training text."),
        _ if *words == 1 => format!("spelled 1 word, which is not in the training text: {}", examples.join(", ")),
        _ => {
            let more = if examples.len() < *invented { " …" } else { "" };
            let (percent, examples) = (100.0 * found.fraction(), examples.join(", "));
            format!("spelled {count}, {percent:.1} % of them not in the training text: {examples}{more}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_lists_the_invented_words() {
        let summary = |text: &str| summary("the fox and the crow", text).unwrap();
        assert_eq!(summary("."), "spelled no whole word.");
        assert_eq!(summary(" the fox "), "spelled 2 words, all of them in the training text.");
        assert_eq!(summary(" fox "), "spelled 1 word, which is in the training text.");
        assert_eq!(summary(" foxen "), "spelled 1 word, which is not in the training text: foxen");
        let found = summary(" the foxen and a fox ");
        assert_eq!(found, "spelled 5 words, 40.0 % of them not in the training text: foxen, a");
        assert!(summary(" foxen foxen ").ends_with("100.0 % of them not in the training text: foxen …"));
    }

    #[test]
    fn a_script_without_spaces_has_no_summary() {
        for (training, has_words) in [("灰猫在桥下", false), ("แม่ขายขนมปัง", false), ("여우가 포도를", true), ("", true)]
        {
            assert_eq!(summary(training, " 灰猫 fox 여우 ").is_some(), has_words, "{training}");
        }
    }
}
