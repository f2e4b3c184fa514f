//! The sample of the trained model that the reports at the end of a run are based on: a text, or documents.

use generate::{Generator, Mixture, Prompt, Sample};
use models::LmBundle;
use seqdata::{DocumentHashes, Part, TextDataset};
use serde::Serialize;
use text_prep::{OovPolicy, PreTokenizer};

use crate::error::Result;
use crate::long_task::LongTask;
use crate::observers::sampling::{TEMPERATURE, sample_document, sampling};
use crate::report::copied_words::{CopiedWords, EarlierTexts};
use crate::view::format::{counted, thousands};

/// Tokens in the sample of a character model: about 400 English words, so that 1 % is still four of them.
const CHARACTERS: usize = 2_000;
/// Tokens in the sample of a model of subwords, about as much text as that of a word model.
const SUBWORDS: usize = 700;
/// Tokens in the sample of a word model.
const WORDS: usize = 500;
/// Documents in a sample, unless they are long: so many that those which equal a held-out one can be counted.
const DOCUMENTS: usize = 500;
/// How many tokens all documents of a sample have, as a multiple of those in a sample of running text.
const DOCUMENT_TOKENS: usize = 10;

/// A longer sample of the trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct FinalSample {
    /// The sample. Documents are lines of the text; the document token stands between their ids.
    pub sample: Sample,
    /// How many documents are new, if it consists of documents.
    pub novelty: Option<DocumentNovelty>,
    /// How many of its sequences of words are copied, if it has some.
    pub copied_words: Option<CopiedWords>,
}

/// How many of some generated documents are new. As with `generate --unique`, one that is in the training text counts
/// as such every time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DocumentNovelty {
    /// All documents.
    pub documents: usize,
    /// Those that are neither in the training text nor equal to one before.
    pub new: usize,
    /// Those in the training text.
    pub in_training_text: usize,
    /// Those that are equal to one before.
    pub repeated: usize,
    /// Those that are equal to a held-out document, which are new, or repeated.
    pub in_held_out_text: usize,
    /// How many different documents the training text has.
    pub training_documents: usize,
    /// How many different held-out documents there are.
    pub held_out_documents: usize,
    /// Those that were cut off, because they had no end after as many tokens as the longest training document has.
    pub cut_off: usize,
}

impl FinalSample {
    /// Samples from `best`, or from its mixture with n-grams, which was trained on `dataset`, from weights that come from
    /// `earlier` texts.
    ///
    /// # Errors
    /// If the model's outputs are not finite.
    pub fn new(
        best: &LmBundle,
        mixture: Option<&Mixture>,
        dataset: &TextDataset,
        earlier: &EarlierTexts,
    ) -> Result<Self> {
        let generator = Generator::new(best.clone()).with_mixture(mixture.cloned());
        let (sample, novelty) = Self::sample(&generator, dataset)?;
        let _task = LongTask::start("looking up the words of the sample");
        // Documents are compared one by one.
        let document = best.metadata.config.document_id;
        let texts = sample.ids.split(|&id| Some(id) == document);
        let texts: Vec<String> = texts.map(|ids| best.tokenizer.decode(ids)).collect();
        let copied_words = CopiedWords::find(dataset, &texts, earlier);
        Ok(Self { sample, novelty, copied_words })
    }

    fn sample(generator: &Generator, dataset: &TextDataset) -> Result<(Sample, Option<DocumentNovelty>)> {
        let best = generator.bundle();
        let max_tokens = match best.tokenizer.pre_tokenizer {
            PreTokenizer::Characters(_) => CHARACTERS,
            PreTokenizer::Subwords(_) => SUBWORDS,
            PreTokenizer::Words(_) | PreTokenizer::Spans(_) => WORDS,
        };
        let documents = dataset.documents.as_ref();
        let lengths = documents.and_then(|documents| documents.lengths(documents.of(Part::Train)));
        let Some(lengths) = lengths else {
            let sample = sample_document(generator, best.metadata.state_mode(), TEMPERATURE, max_tokens, || true)?;
            return Ok((sample.expect("nothing cuts it off"), None));
        };
        let count = (DOCUMENT_TOKENS * max_tokens) as f64 / lengths.mean.max(1.0);
        let count = (count as usize).clamp(1, DOCUMENTS);
        let samples = sample_documents(generator, count, lengths.max.min(max_tokens))?;
        let novelty = DocumentNovelty::of(&samples, &dataset.training_documents(), &dataset.held_out_documents());
        let document = best.metadata.config.document_id;
        let ids: Vec<Vec<u32>> = samples.iter().map(|sample| sample.ids.clone()).collect();
        let texts: Vec<&str> = samples.iter().map(|sample| sample.text.as_str()).collect();
        let ids = ids.join(document.as_slice());
        let sample =
            Sample { text: texts.join("\n"), ids, is_complete: true, log_prob_per_token: None, spans: Vec::new() };
        Ok((sample, Some(novelty)))
    }
}

/// `count` documents of at most `max_tokens` tokens. The labels share them evenly; of more labels than `count`, the first
/// ones have one each.
fn sample_documents(generator: &Generator, count: usize, max_tokens: usize) -> Result<Vec<Sample>> {
    let best = generator.bundle();
    let sampling = sampling(best, best.metadata.state_mode(), TEMPERATURE).max_tokens(max_tokens);
    let prompt = generator.encode("", OovPolicy::Drop)?;
    let labels = generator.labels();
    let parts = labels.len().clamp(1, count);
    let mut samples = Vec::with_capacity(count);
    for part in 0..parts {
        let prompt = Prompt { label: labels.get(part).cloned(), ..prompt.clone() };
        let numbers = [part, part + 1].map(|part| (part * count / parts) as u64);
        for sample in generator.samples(&prompt, &sampling, numbers[0]..numbers[1])? {
            samples.push(sample?);
        }
    }
    Ok(samples)
}

impl DocumentNovelty {
    fn of(samples: &[Sample], training: &DocumentHashes, held_out: &DocumentHashes) -> Self {
        let mut found = Self {
            documents: samples.len(),
            training_documents: training.len(),
            held_out_documents: held_out.len(),
            ..Self::default()
        };
        let mut written = std::collections::HashSet::new();
        for sample in samples {
            if training.contains(&sample.text) {
                found.in_training_text += 1;
            } else if written.insert(&sample.text) {
                found.new += 1;
            } else {
                found.repeated += 1;
            }
            found.in_held_out_text += usize::from(held_out.contains(&sample.text));
            found.cut_off += usize::from(!sample.is_complete);
        }
        found
    }

    /// How many of the documents a model that has memorised nothing would take from the training text: a training document is
    /// then as probable as a held-out one, and there are more of them.
    fn expected_in_training_text(&self) -> f64 {
        let per_document = self.in_held_out_text as f64 / self.held_out_documents.max(1) as f64;
        (per_document * self.training_documents as f64).min(self.documents as f64)
    }

    /// Whether documents of the training text are memorised, or likely anyway because the model's documents are short and
    /// alike; `None` if there are too few to tell.
    fn memorisation(&self) -> Option<String> {
        let Self { in_training_text, in_held_out_text, held_out_documents, .. } = *self;
        // So many would be expected of three documents of the held-out text; with none, fewer than three are (95 %).
        let of_three = 3.0 * self.training_documents as f64 / held_out_documents.max(1) as f64;
        if in_training_text == 0 || held_out_documents == 0 {
            return None;
        }
        if in_held_out_text == 0 {
            let is_memorised = in_training_text as f64 > of_three;
            return is_memorised.then(|| {
                format!(
                    "None is one of the {}, so those in the training text are memorised: `generate --unique` leaves them out.",
                    counted(held_out_documents, "held-out document")
                )
            });
        }
        let expected = self.expected_in_training_text().round() as usize;
        let memorised = in_training_text.saturating_sub(expected);
        Some(format!(
            "{in_held_out_text} of them {} held-out, which it was not trained on: such documents are so likely that a model that \
             has memorised none would write about {} of the training text, too; about {} memorised. A higher `--temperature` \
             gives more new ones, `generate --unique` only new ones.",
            if in_held_out_text == 1 { "is" } else { "are" },
            thousands(expected),
            if memorised == 1 { "1 is".into() } else { format!("{} are", thousands(memorised)) }
        ))
    }

    /// The numbers, and what they mean.
    pub fn sentence(&self) -> String {
        let Self { documents, new, in_training_text, repeated, cut_off, .. } = self;
        let are = |count: usize| if count == 1 { "is" } else { "are" };
        let documents = counted(*documents, "document");
        let repeat = if *repeated == 1 { "repeats" } else { "repeat" };
        let counts = format!(
            "Of {documents} generated at temperature {TEMPERATURE}, {new} {} new, {in_training_text} {} in the \
             training text and {repeated} {repeat} an earlier one; {cut_off} had no end after as many tokens as the longest \
             training document.",
            are(*new),
            are(*in_training_text)
        );
        [Some(counts), self.memorisation()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_new_known_or_repeated() {
        let sample = |text: &str| Sample {
            text: text.into(),
            ids: Vec::new(),
            is_complete: text != "c",
            log_prob_per_token: None,
            spans: Vec::new(),
        };
        let training = DocumentHashes::of(["a"]);
        let held_out = DocumentHashes::of(["c", "x"]);
        let found = DocumentNovelty::of(&["a", "b", "a", "c", "b", "b"].map(sample), &training, &held_out);
        let expected = DocumentNovelty {
            documents: 6,
            new: 2,
            in_training_text: 2,
            repeated: 2,
            in_held_out_text: 1,
            training_documents: 1,
            held_out_documents: 2,
            cut_off: 1,
        };
        assert_eq!(found, expected);
        assert!(
            found.sentence().contains("2 are new, 2 are in the training text and 2 repeat an earlier one; 1 had"),
            "{}",
            found.sentence()
        );
        let counts = DocumentNovelty { documents: 3, new: 1, in_training_text: 1, repeated: 1, ..Default::default() };
        let single = counts.sentence();
        assert!(single.contains("1 is new, 1 is in the training text and 1 repeats an earlier one; 0 had"), "{single}");
        assert!(single.ends_with("as the longest training document."), "{single}");
    }

    #[test]
    fn documents_that_are_as_likely_as_held_out_ones_are_not_memorised() {
        let of = |in_training_text, in_held_out_text| DocumentNovelty {
            documents: 500,
            new: 500 - in_training_text,
            in_training_text,
            in_held_out_text,
            training_documents: 1_350,
            held_out_documents: 150,
            ..Default::default()
        };
        for (counts, expected) in [
            (of(300, 28), "28 of them are held-out, which it was not trained on"),
            (of(300, 28), "would write about 252 of the training text, too; about 48 are memorised."),
            (of(10, 1), "1 of them is held-out"),
            (of(10, 1), "about 9 of the training text, too; about 1 is memorised."),
            (of(400, 100), "about 500 of the training text, too; about 0 are memorised."),
            (of(300, 0), "None is one of the 150 held-out documents, so those in the training text are memorised"),
        ] {
            assert!(counts.sentence().contains(expected), "{}", counts.sentence());
        }
        for uncertain in [of(27, 0), of(0, 0), of(0, 3)] {
            assert!(!uncertain.sentence().contains("memorised"), "{}", uncertain.sentence());
        }
    }
}
