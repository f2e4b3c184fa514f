//! The model card of a base model: what it has read, its results, what it copies, its limits.

use std::borrow::Cow;

use args::visible;
use eval::{CopiedShare, NgramFilter};

use crate::observers::sampling::TEMPERATURE;
use crate::view::format::{counted, decimals, thousands};

/// The number of samples in which copies are counted.
pub const SAMPLES: u64 = 20;
/// The tokens of each.
pub const SAMPLE_TOKENS: usize = 200;
/// The seed of their random numbers.
pub const SAMPLE_SEED: u64 = 1;

/// A smaller difference between two losses is not shown.
const SHOWN: f64 = 0.001;

/// What a model card says.
pub struct ModelCard {
    /// What the text is, if it was said.
    pub about: Option<String>,
    /// The licence of the text, if it was said.
    pub licence: Option<String>,
    /// The names of the files, with their bytes if they are known.
    pub files: Vec<(String, Option<u64>)>,
    /// The characters of the text.
    pub characters: usize,
    /// The hash of the text as it is read.
    pub text_sha256: String,
    /// The part of the text that it was not trained on, as in "the last 10 % of each file".
    pub held_out: String,
    /// The number of its weights.
    pub parameters: usize,
    /// The number of its subwords.
    pub subwords: usize,
    /// The number of training steps.
    pub steps: u64,
    /// The bytes of all files of the base but the card.
    pub bytes: u64,
    /// The loss on the held-out text in bits per byte, with 32-bit weights and with the 8-bit weights that are stored.
    pub bits_per_byte: [f64; 2],
    /// How these losses are computed, in words.
    pub protocol: String,
    /// The better of the baselines that count n-grams, and its loss on the same text in bits per byte, if it is known.
    pub counting: Option<(String, f64)>,
    /// How many word sequences of samples stand in the training text.
    pub copied: CopiedShare,
    /// The words of the longest passage that a sample has in common with the training text.
    pub longest_copy: usize,
}

impl ModelCard {
    /// The card as Markdown.
    pub fn to_markdown(&self) -> String {
        let [results, text] = [self.results(), self.training_text()];
        let Self { parameters, subwords, steps, bytes, .. } = self;
        let (parameters, subwords) = (thousands(*parameters), thousands(*subwords));
        let (bytes, steps) = (thousands(*bytes as usize), counted(*steps as usize, "training step"));
        let version = env!("CARGO_PKG_VERSION");
        format!(
            "# A base model\n\nA recurrent language model by subwords with {parameters} parameters and {subwords} subwords. \
             With 8-bit weights its files have {bytes} bytes. Runs on other texts can start from it, and it writes text by \
             itself. Made by `pastiche base` (version {version}) in {steps}; `config.toml` has all \
             settings.\n\n{text}\n{results}\n{}\n{LIMITS}",
            self.copying()
        )
    }

    fn training_text(&self) -> String {
        let Self { characters, text_sha256, held_out, .. } = self;
        let about = self.about.as_deref().map_or(String::new(), |about| format!("{} ", sentence(about)));
        let licence = sentence(self.licence.as_deref().unwrap_or("not given when the base was made"));
        let bytes = |bytes: &Option<u64>| bytes.map_or("–".into(), |bytes| thousands(bytes as usize));
        let row = |(name, size): &(String, Option<u64>)| {
            let name = name.replace('\n', " ").replace('|', "\\|");
            format!("| {} | {} |\n", visible(&name), bytes(size))
        };
        let rows: String = self.files.iter().map(row).collect();
        format!(
            "## Training text\n\n{about}{} characters; {held_out} is held out: the model was not trained on it.\n\n\
             | file | bytes |\n|---|---|\n{rows}\nThe licence of the text: {licence} SHA-256 of the text as it is read: \
             `{text_sha256}`.\n",
            thousands(*characters)
        )
    }

    fn results(&self) -> String {
        let [exact, stored] = self.bits_per_byte.map(|bits| decimals(bits, 3));
        let counting = self.counting.as_ref().map_or(String::new(), |(baseline, bits)| {
            format!("| no network: {baseline} of the training text | {} |\n", decimals(*bits, 3))
        });
        let warning = self.warning().map_or(String::new(), |warning| format!("\n**Warning:** {warning}.\n"));
        format!(
            "## Results\n\n| weights | loss on the held-out text, bits per byte |\n|---|---|\n| 32-bit, as trained | {exact} \
             |\n| 8-bit, as stored | {stored} |\n{counting}\nProtocol of the evaluation: {}.\n{warning}",
            self.protocol
        )
    }

    /// That the base is of no use, if counting n-grams is better.
    pub fn warning(&self) -> Option<String> {
        let [_, stored] = self.bits_per_byte;
        let (baseline, counting) = self.counting.as_ref().filter(|(_, counting)| stored >= counting + SHOWN)?;
        let [stored, counting] = [stored, *counting].map(|bits| decimals(bits, 3));
        Some(format!(
            "the base needs {stored} bits per byte of the held-out text, and {baseline} {counting}: it has learned less than \
             counting gives, and runs should not start from it; train longer, or on more text"
        ))
    }

    fn copying(&self) -> String {
        let CopiedShare { checked, found } = self.copied;
        let (words, longest) = (NgramFilter::LENGTH, counted(self.longest_copy, "word"));
        let share = match checked {
            0 => format!("the samples have too few sequences of {words} words to say how much is copied"),
            _ => format!(
                "{} % of the sequences of {words} words stand in the training text ({} of {})",
                decimals(100.0 * found as f64 / checked as f64, 1),
                thousands(found),
                thousands(checked)
            ),
        };
        format!(
            "## Copying\n\n{SAMPLES} samples of {SAMPLE_TOKENS} tokens at temperature {TEMPERATURE}: {share}. The longest \
             passage that a sample has in common with the training text has {longest}.\n\n`ngrams.bin` has hashes \
             of some of the sequences of {words} words in the training text, but not the text. With it a run that starts \
             from the base reports what it copies from the base's text.\n"
        )
    }
}

/// `text` with a full stop, unless it ends as a sentence does.
fn sentence(text: &str) -> Cow<'_, str> {
    if text.ends_with(['.', '!', '?']) { text.into() } else { format!("{text}.").into() }
}

const LIMITS: &str = "\
## Limits

- The model is small. It writes sentences like those of its training text, but it knows no facts, and a story of more
  than a few sentences makes no sense.
- It writes in the language of its training text, as people wrote when that text was written, and it may repeat the
  prejudices of that time. Other scripts are spelled in bytes, so a run on a text in one of them gains little from it.
- Samples may contain passages of the training text, as measured above.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> ModelCard {
        ModelCard {
            about: Some("Two stories.".into()),
            licence: Some("public domain".into()),
            files: vec![("a|b.txt".into(), Some(1_234_567)), ("the corpus `fables`".into(), None)],
            characters: 1_200_000,
            text_sha256: "0123".into(),
            held_out: "the last 10 % of each file".into(),
            parameters: 3_500_000,
            subwords: 4_000,
            steps: 12_345,
            bytes: 3_900_001,
            bits_per_byte: [1.93449, 1.9361],
            protocol: "carried state".into(),
            counting: Some(("5-grams".into(), 1.9904)),
            copied: CopiedShare { checked: 500, found: 4 },
            longest_copy: 11,
        }
    }

    #[test]
    fn it_says_what_the_model_is_and_has_read() {
        let text = card().to_markdown();
        for part in [
            "3,500,000 parameters and 4,000 subwords",
            "3,900,001 bytes",
            "in 12,345 training steps",
            "Two stories. 1,200,000 characters; the last 10 % of each file is held out",
            "| a\\|b.txt | 1,234,567 |\n| the corpus `fables` | – |\n",
            "The licence of the text: public domain. SHA-256 of the text as it is read: `0123`",
            "| 32-bit, as trained | 1.934 |\n| 8-bit, as stored | 1.936 |\n| no network: 5-grams of the training text | 1.990 |\n\n\
             Protocol of the evaluation: carried state.\n\n## Copying",
            "0.8 % of the sequences of 8 words stand in the training text (4 of 500)",
            "has 11 words",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings, ["# A base model", "## Training text", "## Results", "## Copying", "## Limits"]);
        assert!(!text.contains("\n\n\n") && text.ends_with('\n'));
    }

    #[test]
    fn what_is_said_of_the_text_ends_with_one_full_stop_and_names_cannot_control_a_terminal() {
        let licence = Some("In the public domain.".into());
        let files = vec![("a\u{1b}[1m\nb.txt".into(), None)];
        let text = ModelCard { about: Some("Two stories".into()), licence, files, ..card() }.to_markdown();
        for part in [
            "\n\nTwo stories. 1,200,000 characters",
            "The licence of the text: In the public domain. SHA-256",
            "| a\\u{1b}[1m b.txt | – |",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn it_warns_of_a_base_that_is_worse_than_counting() {
        assert_eq!(card().warning(), None);
        let with = |counting| ModelCard { counting: Some(("5-grams".into(), counting)), ..card() };
        assert_eq!(with(1.936).warning(), None);
        let worse = with(1.92);
        let warning = worse.warning().unwrap();
        assert!(warning.starts_with("the base needs 1.936 bits per byte of the held-out text, and 5-grams 1.920:"));
        let text = worse.to_markdown();
        assert!(text.contains(&format!("\n\n**Warning:** {warning}.\n\n## Copying")), "{text}");
    }

    #[test]
    fn it_says_what_is_not_known() {
        let copied = CopiedShare { checked: 0, found: 0 };
        let unknown = ModelCard { about: None, licence: None, counting: None, copied, ..card() };
        assert_eq!(unknown.warning(), None);
        let text = unknown.to_markdown();
        assert!(text.contains("| 1.936 |\n\nProtocol of the evaluation: carried state.\n\n## Copying"), "{text}");
        assert!(text.contains("\n\n1,200,000 characters"), "{text}");
        assert!(text.contains("The licence of the text: not given when the base was made."), "{text}");
        assert!(text.contains("too few sequences of 8 words"), "{text}");
    }
}
