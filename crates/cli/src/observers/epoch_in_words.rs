//! An epoch in words, beside its losses: what the network needs compared with counting, whether its sample consists of real
//! words, and how much of the sample is copied.

use std::collections::HashMap;

use eval::{KnownWords, TrainingText};
use seqdata::{DocumentHashes, TextDataset};
use text_prep::{PreTokenizer, Segmentation};

use crate::observers::sampling::{DOCUMENT_SEPARATOR, one_line};
use crate::report::baselines::Baselines;
use crate::report::held_out::HeldOut;
use crate::report::training_texts::training_texts;
use crate::view::format::counted;

/// Samples are compared with texts of at most this many characters, about a second's work before training.
const MAX_CHARACTERS: usize = 5_000_000;
/// Documents of fewer words on average, such as names, are to be new as a whole.
const SHORT_DOCUMENT: f64 = 3.0;
/// Longer words, in characters on average, are no words: the script has no spaces.
const LONG_WORD: usize = 15;
/// The number between documents, which no word has.
const BOUNDARY: u32 = 0;

/// Says what an epoch achieved. The default says nothing.
#[derive(Debug, Default)]
pub struct EpochInWords {
    held_out: Option<HeldOut>,
    /// What counting needs, in bits per byte.
    counting: Option<f64>,
    training: Option<Training>,
}

/// The training text that samples are compared with.
#[derive(Debug)]
struct Training {
    /// Its words, if the network spells words and spaces separate them.
    words: Option<KnownWords>,
    copies: Option<Copies>,
    /// What may stand before the documents of a sample.
    labels: Vec<String>,
}

/// What a sample may have copied.
#[derive(Debug)]
enum Copies {
    /// Whole documents, each in one line.
    Documents(DocumentHashes),
    /// Passages: the words of the text have numbers.
    Passages { numbers: HashMap<String, u32>, text: TrainingText },
}

impl EpochInWords {
    /// For a network that is trained on `dataset`; long texts are not compared with samples.
    pub fn new(dataset: &TextDataset, baselines: &Baselines) -> Self {
        let is_short = dataset.stats.characters <= MAX_CHARACTERS;
        Self {
            held_out: baselines.held_out,
            counting: baselines.counting.as_ref().map(|counting| counting.bits_per_byte),
            training: is_short.then(|| Training::new(dataset)),
        }
    }

    /// Whether the network is compared with counting.
    pub fn has_counting(&self) -> bool {
        self.held_out.is_some() && self.counting.is_some()
    }

    /// An epoch with this validation loss in nats/token and this sample in one line; `None` if there is nothing to say.
    pub fn line(&self, valid_loss: f64, sample: &str) -> Option<String> {
        let bits = self.held_out.map(|held_out| format!("{:.2} bits per byte", held_out.bits_per_byte(valid_loss)));
        let bits = bits.map(|bits| match self.counting {
            Some(counting) => format!("{bits}, counting needs {counting:.2}"),
            None => bits,
        });
        let of_sample = self.training.iter().flat_map(|training| training.compare(sample));
        let parts: Vec<String> = bits.into_iter().chain(of_sample).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

impl Training {
    fn new(dataset: &TextDataset) -> Self {
        let texts = training_texts(dataset);
        let count: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
        let is_short = dataset.documents.is_some() && (count as f64) < SHORT_DOCUMENT * texts.len() as f64;
        let spells = match dataset.tokenizer.pre_tokenizer {
            PreTokenizer::Characters(_) | PreTokenizer::Subwords(_) => true,
            PreTokenizer::Words(_) | PreTokenizer::Spans(_) => false,
        };
        let has_words = spells && !is_short && Segmentation::detect(texts.iter().map(String::as_str)).is_spaces();
        let words = || has_words.then(|| KnownWords::new(&texts.join("\n")));
        let copies = || {
            if is_short {
                Some(Copies::Documents(DocumentHashes::of(texts.iter().map(|text| one_line(text)))))
            } else {
                (characters <= LONG_WORD * count).then(|| Copies::passages(&texts))
            }
        };
        // At the same time: both take seconds for a text of some megabytes.
        let (words, copies) = rayon::join(words, copies);
        Self {
            words,
            copies,
            labels: dataset.label_names().iter().map(|label| format!("{}: ", one_line(label))).collect(),
        }
    }

    /// What `sample` has in common with the text.
    fn compare(&self, sample: &str) -> Vec<String> {
        let mut found = Vec::new();
        let documents: Vec<&str> =
            sample.split(DOCUMENT_SEPARATOR).map(|document| self.without_label(document)).collect();
        if sample.is_empty() {
            return found;
        }
        if let Some(words) = &self.words {
            // The first word is a whole one, the last one may be cut off.
            let words = words.find_invented(&format!(" {}", documents.join(DOCUMENT_SEPARATOR)));
            if words.words > 0 {
                found.push(format!("{:.0} % real words", (100.0 * (1.0 - words.fraction())).floor()));
            }
        }
        found.extend(self.copies.as_ref().map(|copies| copies.find(&documents)));
        found
    }

    fn without_label<'a>(&self, document: &'a str) -> &'a str {
        self.labels.iter().find_map(|label| document.strip_prefix(label)).unwrap_or(document)
    }
}

impl Copies {
    fn passages(texts: &[String]) -> Self {
        let (mut numbers, mut ids) = (HashMap::new(), Vec::new());
        for text in texts {
            ids.push(BOUNDARY);
            for word in words(text) {
                let next = numbers.len() as u32 + 1;
                ids.push(*numbers.entry(word.to_owned()).or_insert(next));
            }
        }
        Self::Passages { numbers, text: TrainingText::new(ids, Some(BOUNDARY)) }
    }

    /// How much of these documents, or parts of one text, is copied.
    fn find(&self, documents: &[&str]) -> String {
        match self {
            Self::Documents(training) => {
                let copied = documents.iter().filter(|document| training.contains(document)).count();
                format!("{copied} of {} are in the training text", counted(documents.len(), "document"))
            }
            Self::Passages { numbers, text } => {
                let number = |word: &str| numbers.get(word).copied().unwrap_or(u32::MAX);
                let ids = |document: &&str| words(document).map(number).chain([BOUNDARY]).collect::<Vec<_>>();
                let longest = text.compare(&documents.iter().flat_map(ids).collect::<Vec<_>>()).longest.length;
                format!("longest copy {}", counted(longest, "word"))
            }
        }
    }
}

/// The words of `text`, without what separates its parts, such as rows of dashes and asterisks, which would count as copied.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use seqdata::{DatasetConfig, DatasetInput};

    use super::*;

    const TEXT: &str = "The fox saw the crow. The crow saw the grapes.\n";

    /// For a dataset, and what is said about the bits per byte of a loss of 1 nat/token.
    fn in_words(dataset: &TextDataset) -> (EpochInWords, String) {
        let baselines = Baselines::compute(dataset, dataset.valid_context_len());
        let bits = baselines.held_out.unwrap().bits_per_byte(1.0);
        let counting = baselines.counting.as_ref().unwrap().bits_per_byte;
        let bits = format!("{bits:.2} bits per byte, counting needs {counting:.2}");
        (EpochInWords::new(dataset, &baselines), bits)
    }

    fn running(config: DatasetConfig, end: &str) -> TextDataset {
        TextDataset::from_text(TEXT.repeat(30) + end).config(config.context_len(4)).build().unwrap()
    }

    #[test]
    fn a_network_is_compared_with_counting_and_its_sample_with_the_text() {
        for config in [DatasetConfig::characters(), DatasetConfig::subwords()] {
            let (words, bits) = in_words(&running(config, ""));
            let line = |sample: &str| words.line(1.0, sample).unwrap();
            // `crowx` and `and` are two of nine words; the last one may be cut off.
            let sample = "the fox saw the crowx and The fox saw the";
            assert_eq!(line(sample), format!("{bits}; 77 % real words; longest copy 4 words"));
            assert_eq!(line("The cro"), format!("{bits}; 100 % real words; longest copy 1 word"));
            assert_eq!(line(""), bits);
        }
        // One character has one byte.
        let (words, _) = in_words(&running(DatasetConfig::characters(), ""));
        assert!(words.line(2.0 * std::f64::consts::LN_2, "").unwrap().starts_with("2.00 bits per byte, "));
    }

    #[test]
    fn the_words_of_a_network_of_words_are_always_real() {
        for end in ["", "An owl."] {
            let (words, bits) = in_words(&running(DatasetConfig::words(), end));
            assert_eq!(words.line(1.0, "saw the owl").unwrap(), format!("{bits}; longest copy 2 words"));
        }
    }

    #[test]
    fn nothing_is_said_of_words_that_no_space_separates() {
        for (text, sample, expected) in [
            ("灰猫在桥下睡觉。黑狗走过北门。", "灰狗在北门下睡觉。", ""),
            (
                "여우가 포도를 보았다. 까마귀는 치즈를 먹었다. ",
                "여우가 치즈를 먹었다. 까마귀는 포두를 보았다. 여우",
                "; 83 % real words",
            ),
        ] {
            let dataset = TextDataset::from_text(text.repeat(40)).config(DatasetConfig::characters().context_len(4));
            let (words, bits) = in_words(&dataset.build().unwrap());
            let line = words.line(1.0, sample).unwrap();
            let said = line.strip_prefix(&bits).map(|rest| rest.split("; longest copy").next().unwrap());
            assert_eq!(said, Some(expected), "{line}");
        }
    }

    fn documents(train: &[(&str, Option<&str>)]) -> EpochInWords {
        let valid: [(&str, Option<&str>); 1] = [("Anton", None)];
        let dataset = TextDataset::from_documents(train).valid(DatasetInput::documents(&valid[..]));
        in_words(&dataset.config(DatasetConfig::characters()).build().unwrap()).0
    }

    #[test]
    fn short_documents_are_new_or_copied() {
        let said =
            |words: &EpochInWords, sample: &str| words.line(1.0, sample).unwrap().rsplit("; ").next().map(String::from);
        let words = documents(&[("Anna", None), ("Otto", None), ("Ann Na", None), ("Tonton", None)]);
        assert_eq!(said(&words, "Anna · Otta · Ann Na · Ant").unwrap(), "2 of 4 documents are in the training text");
        let words = documents(&[("Anna", Some("new\nones")), ("Otto", Some("old")), ("Anton", None)]);
        assert_eq!(
            said(&words, "new ones: Anna · old: Otto · old: new ones: Anna").unwrap(),
            "2 of 3 documents are in the training text"
        );
    }

    #[test]
    fn passages_of_longer_documents_end_with_them() {
        let words = documents(&[("The Ant on a Ton", None), ("A Ton on an Ant", None), ("Ant an Ant", None)]);
        let line = words.line(1.0, "A Ton · on an Ant · Ton on a Ton").unwrap();
        assert!(line.ends_with("; 100 % real words; longest copy 3 words"), "{line}");
    }

    #[test]
    fn separators_are_no_words_of_a_copy() {
        let text = format!("{TEXT}* * * * * * * *\n--\n");
        let dataset = TextDataset::from_text(text.repeat(30)).config(DatasetConfig::words().context_len(4));
        let (words, bits) = in_words(&dataset.build().unwrap());
        let said = |sample: &str| words.line(1.0, sample).unwrap();
        assert_eq!(said("* * * * * * * *"), format!("{bits}; longest copy 0 words"));
        assert_eq!(said("saw a crow. * * * The crow"), format!("{bits}; longest copy 3 words"));
    }

    #[test]
    fn nothing_is_said_by_default() {
        assert_eq!(EpochInWords::default().line(1.0, "a"), None);
    }
}
