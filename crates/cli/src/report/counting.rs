//! The baseline "counting": the best Kneser–Ney model of characters of the same training text, in bits per byte, whatever
//! the tokens of the network are.

use std::f64::consts::LN_2;

use seqdata::{Part, TextDataset};
use serde::Serialize;

use crate::report::characters;
use crate::report::held_out::HeldOut;
use crate::view::format::{decimals, thousands};

/// The most characters or tokens of the training text that are counted, the last ones: counting is done before the first
/// step, and what it counts may not depend on the speed of the machine.
pub const MAX_COUNTED: usize = 5_000_000;
/// Longer held-out texts are not compared.
const MAX_HELD_OUT: usize = 10_000_000;
/// From this ratio on, a loss is said as a multiple of another one and not in percent.
const MULTIPLE: f64 = 3.0;

/// The loss of the best Kneser–Ney model of 2 to 8 characters on the held-out text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counting {
    /// The length of its n-grams in characters.
    pub order: usize,
    /// Its loss.
    pub bits_per_byte: f64,
    /// The same in nats.
    pub nats_per_byte: f64,
    /// The characters of the held-out text that it predicts, and the ends of documents.
    pub characters: usize,
    /// Their bytes in UTF-8; the end of a document has one.
    pub bytes: usize,
    /// The characters of the training text, and the ends of documents, that it counted.
    pub training_characters: usize,
    /// Whether it counted only the last part of the training text.
    pub is_partial: bool,
    /// The loss of each order in bits per byte.
    pub orders: Vec<(usize, f64)>,
}

/// The model compared with the best Kneser–Ney model of characters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CountingScore {
    /// That model and its loss.
    #[serde(flatten)]
    pub counting: Counting,
    /// The bits per byte that the network needs, on the same targets.
    pub network_bits_per_byte: f64,
    /// The comparison in one sentence.
    pub sentence: String,
}

impl Counting {
    /// Counts the characters of the training text of `dataset`, as the network writes it, and evaluates the counts on the
    /// targets of `held_out`. What is unknown to the network is spelled as in the text. Of a long text only the last five
    /// million characters are counted. `None` for a held-out text without targets or of more than ten million characters.
    pub fn new(dataset: &TextDataset, held_out: &HeldOut) -> Option<Self> {
        Self::of_last(dataset, held_out, MAX_COUNTED)
    }

    /// The same, counting at most this many characters of the training text.
    fn of_last(dataset: &TextDataset, held_out: &HeldOut, max_training: usize) -> Option<Self> {
        let (train, valid) = (dataset.split.train.clone(), &dataset.split.valid);
        if valid.len() > MAX_HELD_OUT {
            return None;
        }
        // A token may be several characters.
        let last = train.end.saturating_sub(max_training).max(train.start)..train.end;
        let mut training = characters::characters(dataset, Part::Train, last.clone());
        let excess = training.len().saturating_sub(max_training);
        training.drain(..excess);
        let (held_out, targets) = characters::targets(dataset, held_out.context_len);
        let bytes = characters::bytes(&held_out[targets.clone()]);
        if bytes == 0 || held_out.len() > MAX_HELD_OUT {
            return None;
        }
        let training_characters = training.len();
        let best = characters::best_order(training, held_out, targets.clone());
        let nats_per_byte = |nats_per_character: f64| nats_per_character * targets.len() as f64 / bytes as f64;
        Some(Self {
            order: best.order,
            bits_per_byte: nats_per_byte(best.nats_per_token) / LN_2,
            nats_per_byte: nats_per_byte(best.nats_per_token),
            characters: targets.len(),
            bytes,
            training_characters,
            is_partial: excess > 0 || last.start > train.start,
            orders: best.losses.iter().map(|&(order, nats)| (order, nats_per_byte(nats) / LN_2)).collect(),
        })
    }

    /// The model in words: `Kneser–Ney of order 6 by characters`.
    pub fn model(&self) -> String {
        let Self { order, training_characters, is_partial, .. } = self;
        let part = if *is_partial {
            format!(", of the last {} characters of the training text", thousands(*training_characters))
        } else {
            String::new()
        };
        format!("Kneser–Ney of order {order} by characters{part}")
    }

    /// Compares it with a network that needs `bits` bits per byte on the same targets. `why_worse` is why it may need more.
    pub fn compare(&self, bits: f64, why_worse: &str) -> CountingScore {
        let (network, own) = (decimals(bits, 3), decimals(self.bits_per_byte, 3));
        let ratio = bits / self.bits_per_byte;
        let percent = decimals(100.0 * (ratio - 1.0).abs(), 1);
        // A percentage of nearly nothing says nothing.
        let size = if own == "0.000" { String::new() } else { format!("{percent} % ") };
        let counting = format!("counting ({}), which needs {own}", self.model());
        let verdict = if network == own || percent == "0.0" {
            format!("about as good as {counting}")
        } else if ratio < 1.0 {
            format!("{size}less than {counting}")
        } else {
            // Large percentages are hard to read.
            let more = if ratio >= MULTIPLE && own != "0.000" {
                format!("about {} times as many as", thousands(ratio.round() as usize))
            } else {
                format!("{size}more than")
            };
            format!("{more} {counting}: counting is better, because {why_worse}")
        };
        let sentence = format!("The network needs {network} bits per byte, {verdict}.");
        CountingScore { counting: self.clone(), network_bits_per_byte: bits, sentence }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use eval::KneserNey;
    use seqdata::{DatasetConfig, DatasetInput, VocabSource};
    use text_prep::{Capitals, CharacterOptions, CharacterUnit, PreTokenizer, SubwordOptions};

    use super::*;

    fn pre_tokenizers() -> [PreTokenizer; 4] {
        let characters = CharacterOptions::default();
        let written_otherwise = characters.jamo(true).capitals(Capitals::Shift);
        let graphemes = characters.unit(CharacterUnit::Graphemes);
        [characters.into(), written_otherwise.into(), graphemes.into(), SubwordOptions::default().into()]
    }

    fn config(tokens: PreTokenizer) -> DatasetConfig {
        let config = DatasetConfig::characters().pre_tokenizer(tokens).split(0.25, 0.0);
        config.context_len(3).vocab_source(VocabSource::WholeText)
    }

    /// Names, one in a line, of which the last tenth are held out.
    fn names() -> (Vec<String>, Vec<String>) {
        let parts = [["An", "Mar", "Dan", "가"], ["na", "wyn", "ton", "람"], ["", "e", "é", "을"]];
        let name = |n: usize| [n, n / 4, n / 9].iter().zip(parts).map(|(at, parts)| parts[at % 4]).collect::<String>();
        ((0..90).map(name).collect(), (90..100).map(name).collect())
    }

    fn documents(tokens: PreTokenizer) -> TextDataset {
        let (train, valid) = names();
        let [train, valid] = [&train, &valid]
            .map(|names| names.iter().map(|name| (name.as_str(), None)).collect::<Vec<(&str, Option<&str>)>>());
        let builder = TextDataset::from_documents(&train[..]).valid(DatasetInput::documents(&valid[..]));
        builder.config(config(tokens)).build().unwrap()
    }

    /// The lowest loss of the orders in nats, summed over the targets.
    fn lowest_nats(train: &[u32], valid: &[u32], targets: Range<usize>, size: usize, document: Option<u32>) -> f64 {
        let nats = |order| KneserNey::fit(train, order, size, document).nats_per_token(valid, targets.clone());
        characters::ORDERS.map(nats).fold(f64::INFINITY, f64::min) * targets.len() as f64
    }

    #[test]
    fn the_loss_on_documents_does_not_depend_on_the_tokens_of_the_network() {
        let (train, valid) = names();
        let mut letters: Vec<char> = train.iter().chain(&valid).flat_map(|name| name.chars()).collect();
        letters.sort_unstable();
        letters.dedup();
        // The document token is 0.
        let ids = |names: &[String]| -> Vec<u32> {
            let number = |letter| letters.binary_search(&letter).unwrap() as u32 + 1;
            names.iter().flat_map(|name| [0].into_iter().chain(name.chars().map(number))).chain([0]).collect()
        };
        let (train, valid_ids) = (ids(&train), ids(&valid));
        let nats = lowest_nats(&train, &valid_ids, 1..valid_ids.len(), letters.len() + 1, Some(0));
        // Each with its line end.
        let bytes: usize = valid.iter().map(|name| name.len() + 1).sum();
        for tokens in pre_tokenizers() {
            let dataset = documents(tokens);
            let held_out = HeldOut::new(&dataset, dataset.valid_context_len()).unwrap();
            let counting = Counting::new(&dataset, &held_out).unwrap();
            assert!((counting.nats_per_byte - nats / bytes as f64).abs() < 1e-12, "{counting:?}");
            assert!((counting.bits_per_byte * LN_2 - counting.nats_per_byte).abs() < 1e-12);
            assert_eq!((counting.bytes, held_out.bytes, counting.characters), (bytes, bytes, valid_ids.len() - 1));
            assert_eq!((counting.training_characters, counting.is_partial), (train.len(), false));
            assert!(counting.orders.contains(&(counting.order, counting.bits_per_byte)), "{counting:?}");
        }
        // The network and counting have the same targets, also where windows make the first documents context.
        let dataset = documents(CharacterOptions::default().into());
        for context_len in 1..9 {
            let held_out = HeldOut::new(&dataset, context_len).unwrap();
            let counting = Counting::new(&dataset, &held_out).unwrap();
            assert_eq!((counting.characters, counting.bytes), (held_out.targets, held_out.bytes), "{context_len}");
        }
    }

    fn running_text() -> Vec<char> {
        let words = ["fox", "crow", "ärmel", "가을"];
        let sentence = |n: usize| format!("The {} saw a {}.\n", words[n % 3], words[n * 5 / 3 % 4]);
        (0..90).map(sentence).collect::<String>().chars().collect()
    }

    #[test]
    fn running_text_is_counted_by_characters() {
        let text = running_text();
        let dataset = |tokens| TextDataset::from_text(String::from_iter(&text)).config(config(tokens)).build().unwrap();
        let characters = dataset(CharacterOptions::default().into());
        let held_out = HeldOut::new(&characters, 3).unwrap();
        let counting = Counting::new(&characters, &held_out).unwrap();
        let mut letters = text.clone();
        letters.sort_unstable();
        letters.dedup();
        let ids: Vec<u32> = text.iter().map(|letter| letters.binary_search(letter).unwrap() as u32).collect();
        let (train, valid) = ids.split_at(characters.split.train.len());
        let nats = lowest_nats(train, valid, 3..valid.len(), letters.len(), None);
        assert!((counting.nats_per_byte * held_out.bytes as f64 - nats).abs() < 1e-9, "{counting:?}");
        assert_eq!((counting.characters, counting.bytes), (held_out.targets, held_out.bytes));
        let loss = held_out.nats_per_token(counting.bits_per_byte);
        assert!((loss - nats / held_out.targets as f64).abs() < 1e-12 && held_out.bits_per_byte(loss) > 0.0);

        // A context may end within a syllable; parts of it are not counted.
        for tokens in pre_tokenizers() {
            let dataset = dataset(tokens);
            for context_len in 3..20 {
                let held_out = HeldOut::new(&dataset, context_len).unwrap();
                let counting = Counting::new(&dataset, &held_out).unwrap();
                assert!(counting.bytes.abs_diff(held_out.bytes) < 5, "{counting:?} {held_out:?}");
            }
        }

        let last = Counting::of_last(&characters, &held_out, 500).unwrap();
        assert!((last.training_characters, last.is_partial) == (500, true), "{last:?}");
        let nats = lowest_nats(&train[train.len() - 500..], valid, 3..valid.len(), letters.len(), None);
        assert!((last.nats_per_byte * last.bytes as f64 - nats).abs() < 1e-9, "{last:?}");
    }

    #[test]
    fn an_unknown_character_costs_the_network_which_one_it_is() {
        let text = String::from_iter(running_text()) + "Ωλω, λ";
        let dataset = |source| {
            let config = config(CharacterOptions::default().into()).vocab_source(source);
            TextDataset::from_text(text.as_str()).config(config).build().unwrap()
        };
        let [unknown, known] = [VocabSource::Training, VocabSource::WholeText].map(dataset);
        let [of_unknown, of_known] = [&unknown, &known].map(|dataset| HeldOut::new(dataset, 3).unwrap());
        assert_eq!((of_unknown.targets, of_unknown.bytes), (of_known.targets, of_known.bytes));
        // Four of three kinds, and the comma, which does not occur before either.
        assert_eq!((of_known.unknown_nats, of_unknown.unknown_nats), (0.0, 5.0 * 4f64.ln()));
        let bits = (2.0 * of_unknown.targets as f64 + 5.0 * 4f64.ln()) / LN_2 / of_unknown.bytes as f64;
        assert!((of_unknown.bits_per_byte(2.0) - bits).abs() < 1e-12);
        assert_eq!(Counting::new(&unknown, &of_unknown), Counting::new(&known, &of_known));
    }

    #[test]
    fn unknown_words_are_spelled_by_a_model_of_characters() {
        let text = String::from_iter(running_text()).replace('\n', " ") + "A fowl saw a crowd.";
        let dataset = |source| {
            let config = DatasetConfig::words().split(0.25, 0.0).context_len(3).vocab_source(source);
            TextDataset::from_text(text.as_str()).config(config).build().unwrap()
        };
        let [unknown, known] = [VocabSource::Training, VocabSource::WholeText].map(dataset);
        let [of_unknown, of_known] = [&unknown, &known].map(|dataset| HeldOut::new(dataset, 3).unwrap());
        // The text that the network writes is the text.
        let valid = known.tokenizer.decode(&known.ids.slice(known.split.valid.clone()));
        assert!(text.ends_with(&valid), "{valid}");
        assert_eq!((of_unknown.targets, of_unknown.bytes), (of_known.targets, of_known.bytes));
        assert!(of_known.bytes < valid.len() && valid.len() < of_known.bytes + 25, "{of_known:?}");
        assert_eq!(Counting::new(&unknown, &of_unknown), Counting::new(&known, &of_known));
        assert_eq!(Counting::new(&known, &of_known).unwrap().bytes, of_known.bytes);

        // `A`, `fowl` and `crowd`, with the letters f, o, w, l and so on from the other words.
        let words =
            ["The", "saw", "a", ".", "fox", "crow", "ärmel", "가을"].iter().flat_map(|word| word.chars().chain(['|']));
        let (train, spelled): (String, &str) = (words.collect(), "A|fowl|crowd|");
        assert_eq!(unknown.unknown_tokens.of(Part::Valid).collect::<Vec<_>>(), ["A", "fowl", "crowd"]);
        let letters: std::collections::BTreeSet<char> = train.chars().chain(spelled.chars()).collect();
        let number = |letter: char| letters.iter().position(|&other| other == letter).unwrap() as u32;
        let ids = |words: &str| -> Vec<u32> { ['|'].into_iter().chain(words.chars()).map(number).collect() };
        let valid = ids(spelled);
        let nats = |train: &str| lowest_nats(&ids(train), &valid, 1..valid.len(), letters.len(), Some(number('|')));
        assert!((of_unknown.unknown_nats - nats(&train)).abs() < 1e-9, "{of_unknown:?} {}", nats(&train));
        assert_eq!(of_known.unknown_nats, 0.0);
        assert!(of_unknown.protocol(&unknown).unwrap().contains("spelled") && of_known.protocol(&known).is_none());
    }

    #[test]
    fn a_network_is_compared_in_one_sentence() {
        let counting = Counting {
            order: 6,
            bits_per_byte: 2.06,
            nats_per_byte: 2.06 * LN_2,
            characters: 10_000,
            bytes: 10_100,
            training_characters: 90_000,
            is_partial: false,
            orders: vec![(5, 2.07), (6, 2.06)],
        };
        let sentence = |bits: f64| counting.compare(bits, "the network is small for this text").sentence;
        let model = "counting (Kneser–Ney of order 6 by characters), which needs 2.060";
        assert_eq!(sentence(1.98), format!("The network needs 1.980 bits per byte, 3.9 % less than {model}."));
        assert_eq!(sentence(2.0601), format!("The network needs 2.060 bits per byte, about as good as {model}."));
        let worse =
            format!("The network needs 2.100 bits per byte, 1.9 % more than {model}: counting is better, because");
        assert_eq!(sentence(2.1), format!("{worse} the network is small for this text."));
        let multiple = |bits: f64, times: &str| {
            let expected =
                format!("bits per byte, about {times} times as many as {model}: counting is better, because");
            assert!(sentence(bits).contains(&expected), "{}", sentence(bits));
        };
        multiple(3.0 * 2.06, "3");
        multiple(115.82, "56");
        multiple(2_472.0, "1,200");
        assert!(sentence(6.1).contains(" bits per byte, 196.1 % more than counting"), "{}", sentence(6.1));
        let certain = Counting { bits_per_byte: 0.0, ..counting.clone() };
        assert!(certain.compare(0.0, "").sentence.starts_with("The network needs 0.000 bits per byte, about as good"));
        let more = certain.compare(0.012, "the network is small for this text").sentence;
        assert!(more.starts_with("The network needs 0.012 bits per byte, more than counting (Kneser"), "{more}");
        let partial = Counting { is_partial: true, training_characters: MAX_COUNTED, ..counting };
        assert!(partial.model().ends_with("characters, of the last 5,000,000 characters of the training text"));
    }
}
