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
use crate::view::format::counted;

/// Tokens in the sample of a character model: about 400 English words, so that 1 % is still four of them.
const CHARACTERS: usize = 2_000;
/// Tokens in the sample of a model of subwords, about as much text as that of a word model.
const SUBWORDS: usize = 700;
/// Tokens in the sample of a word model.
const WORDS: usize = 500;
/// Documents in a sample, unless they are long.
const DOCUMENTS: usize = 100;
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
        let novelty = DocumentNovelty::of(&samples, &dataset.training_documents());
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
    fn of(samples: &[Sample], training: &DocumentHashes) -> Self {
        let mut found = Self { documents: samples.len(), ..Self::default() };
        let mut written = std::collections::HashSet::new();
        for sample in samples {
            if training.contains(&sample.text) {
                found.in_training_text += 1;
            } else if written.insert(&sample.text) {
                found.new += 1;
            } else {
                found.repeated += 1;
            }
            found.cut_off += usize::from(!sample.is_complete);
        }
        found
    }

    /// The numbers in one sentence.
    pub fn sentence(&self) -> String {
        let Self { documents, new, in_training_text, repeated, cut_off } = self;
        let are = |count: usize| if count == 1 { "is" } else { "are" };
        let documents = counted(*documents, "document");
        let repeat = if *repeated == 1 { "repeats" } else { "repeat" };
        format!(
            "Of {documents} generated at temperature {TEMPERATURE}, {new} {} new, {in_training_text} {} in the \
             training text and {repeated} {repeat} an earlier one; {cut_off} had no end after as many tokens as the longest \
             training document.",
            are(*new),
            are(*in_training_text)
        )
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
        let found = DocumentNovelty::of(&["a", "b", "a", "c", "b", "b"].map(sample), &training);
        let expected = DocumentNovelty { documents: 6, new: 2, in_training_text: 2, repeated: 2, cut_off: 1 };
        assert_eq!(found, expected);
        assert!(
            found.sentence().contains("2 are new, 2 are in the training text and 2 repeat an earlier one; 1 had"),
            "{}",
            found.sentence()
        );
        let single = DocumentNovelty { documents: 3, new: 1, in_training_text: 1, repeated: 1, cut_off: 0 }.sentence();
        assert!(single.contains("1 is new, 1 is in the training text and 1 repeats an earlier one; 0 had"), "{single}");
    }
}
