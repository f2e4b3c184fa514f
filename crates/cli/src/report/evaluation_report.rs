//! The honest score card at the end of a run: its loss beside what needs no network at all, how much of
//! what it writes is copied, and whether text and network are of a size. Told, and kept as `score.md` and
//! `score.json`.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use durable::write_atomically;
use eval::{Copied, Source};
use generate::{Request, Sample, Sampling, Voice, Writer, bits_per_byte, prompt, write_sample};
use models::summary::thousands;
use models::{Artifact, Context, Precision};
use seqdata::Prepared;
use serde::Serialize;
use text_prep::{Splitter, UnseenPolicy};

use crate::error::Result;
use crate::observers::sampling::TEMPERATURE;
use crate::report::baselines::{Baselines, NGRAM, train_ids, valid_ids};

/// Losses that differ by no more than this tie: three seeds of `configs/aesop.toml` lie within 0.02
/// of one another at their best epochs.
const TIE: f64 = 0.03;
/// Enough for some 400 English words, so that a share of 1 % is still four of them.
const CHARACTERS: usize = 2_000;
const WORDS: usize = 500;

/// The score card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreCard {
    /// Tokens of held-out, contiguous text that were predicted.
    pub tokens: usize,
    /// What was predicted how well, the model first.
    pub rows: Vec<Row>,
    /// What the sample has in common with the training text.
    pub copied: Overlap,
    /// What held-out text, as long as the sample and written by no model, has in common with it.
    pub copied_by_held_out_text: Overlap,
    /// Trainable numbers.
    pub parameters: usize,
    /// Tokens that were learned from.
    pub training_tokens: usize,
}

/// One way to predict the held-out text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The model, or what took its place.
    pub name: String,
    /// Mean −ln p of a token.
    pub loss_nats_per_token: f64,
    /// e to the loss.
    pub perplexity: f64,
    /// The loss in bits over the bytes that the tokens stand for; none where some are unknown.
    pub bits_per_byte: Option<f64>,
}

/// What a text has in common with the training text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overlap {
    /// Tokens in the text.
    pub tokens: usize,
    /// Tokens of the longest run taken over as it is.
    pub longest_run: usize,
    /// That run, as text.
    pub longest_run_text: String,
    /// The share of n-grams that the training text does not hold, for n = 2, 3, …, 8; none where the text
    /// is too short for one.
    pub novel_ngrams: Vec<(usize, Option<f64>)>,
}

/// A longer sample of the finished model, for what is said of its writing.
///
/// # Errors
/// If the model cannot write.
pub fn closing_sample(best: &Artifact, device: &Device) -> Result<Sample> {
    let Artifact { model, tokenizer, about, .. } = best;
    let prompt = prompt(tokenizer, "", UnseenPolicy::Skip, about.window)?;
    let request = Request {
        prompt: &prompt.ids,
        tokens: match tokenizer.splitter {
            Splitter::Characters(_) => CHARACTERS,
            Splitter::Words(_) | Splitter::Passage => WORDS,
        },
        sampling: Sampling { temperature: TEMPERATURE, ..Sampling::default() },
        seed: about.seed,
        context: about.context(),
        // Marks would be left out of what is counted.
        one_story: true,
        stop: None,
    };
    let voice = Voice::new(model, device, Precision::F32);
    let writer = Writer { voice, tokenizer, window: about.window };
    Ok(write_sample(&writer, &request, 0, |_| Ok(()))?)
}

impl ScoreCard {
    /// Scores `best`, which was trained on `prepared` and wrote `sample`.
    pub fn new(
        prepared: &Prepared,
        best: &Artifact,
        baselines: &Baselines,
        sample: &Sample,
    ) -> Self {
        let valid = valid_ids(prepared);
        let window = prepared.window();
        let row = |name: &str, loss: f64| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: bits_per_byte(&prepared.tokenizer, &valid, window, loss)
                .filter(|_| prepared.valid_dropped == 0),
        };
        let about = &best.about;
        let losses = [
            (Context::Carried, "carried", about.valid_loss_carried),
            (Context::Window, "by window", about.valid_loss_window),
        ];
        let mut rows: Vec<(bool, Row)> = losses
            .iter()
            .filter_map(|&(context, how, loss)| {
                let name = format!("this model, {how}");
                Some((context != about.context(), row(&name, loss?)))
            })
            .collect();
        // The way in which `generate` will read comes first.
        rows.sort_by_key(|&(other, _)| other);
        let mut rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
        rows.extend(baselines.named().map(|(name, loss)| row(name, loss)));

        // Rows of marks between stories are nobody's invention.
        let mark = prepared.tokenizer.story_mark_id();
        let told = |ids: &[u32]| -> Vec<u32> {
            ids.iter().copied().filter(|&id| Some(id) != mark).collect()
        };
        let source = Source::new(told(&train_ids(prepared)));
        let overlap = |ids: &[u32]| {
            let Copied { longest, ngrams } = source.copied(ids);
            let run = &ids[longest.in_sample..longest.in_sample + longest.length];
            Overlap {
                tokens: ids.len(),
                longest_run: longest.length,
                longest_run_text: prepared.tokenizer.decode(run),
                novel_ngrams: ngrams
                    .iter()
                    .map(|held| (held.length, (held.all > 0).then(|| held.share())))
                    .collect(),
            }
        };
        let written = told(&sample.ids);
        let held_out = told(&valid);
        // Two texts of one length, as far as there is held-out text.
        let length = held_out.len().min(written.len());
        let (written, held_out) = (&written[..length], &held_out[..length]);
        Self {
            tokens: valid.len() - window,
            rows,
            copied: overlap(written),
            copied_by_held_out_text: overlap(held_out),
            parameters: best.model.num_params(),
            training_tokens: prepared.split.train.len(),
        }
    }

    /// The card as Markdown, to read.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Score card\n\n{} tokens of held-out, contiguous text, none of which was learned from (though it \
             chose the epoch):\n\n\
             | | nats a token | perplexity | bits a byte |\n|---|---|---|---|\n",
            thousands(self.tokens)
        );
        for row in &self.rows {
            let bits = row.bits_per_byte.map_or("–".into(), |bits| format!("{bits:.3}"));
            let (loss, perplexity) = (row.loss_nats_per_token, row.perplexity);
            text += &format!("| {} | {loss:.3} | {perplexity:.1} | {bits} |\n", row.name);
        }
        if self.rows.iter().any(|row| row.bits_per_byte.is_none()) {
            text += "\nBits a byte are not known where some of the held-out tokens are unknown words.\n";
        }
        format!("{text}\n{}\n\n{}\n\n{}\n", self.verdict(), self.copying(), self.size())
    }

    /// The model against the n-grams, in a sentence.
    pub fn verdict(&self) -> String {
        let loss = |name: &str| {
            let row = self.rows.iter().find(|row| row.name == name);
            row.map_or(f64::NAN, |row| row.loss_nats_per_token)
        };
        let (best, counted) = (self.rows[0].loss_nats_per_token, loss(NGRAM));
        let difference = best - counted;
        let unigram = loss("unigram");
        let said = match difference {
            _ if best >= unigram => format!(
                "has not learned more than which tokens are frequent (a unigram costs {unigram:.3}): \
                 train longer, or on more text"
            ),
            d if d > TIE => format!(
                "is worse by {d:.2} than an interpolated Kneser–Ney {NGRAM} counted on the same text \
                 ({counted:.3}): train longer, or regularise if the validation loss has turned"
            ),
            d if d < -TIE => format!(
                "is better by {:.2} than an interpolated Kneser–Ney {NGRAM} counted on the same text \
                 ({counted:.3})",
                -d
            ),
            _ => format!(
                "only ties with an interpolated Kneser–Ney {NGRAM} counted on the same text \
                 ({counted:.3})"
            ),
        };
        format!("The network costs {best:.3} nats a token; it {said}.")
    }

    /// How much is copied, in a sentence.
    pub fn copying(&self) -> String {
        let share = |overlap: &Overlap, n: usize| {
            let found = overlap.novel_ngrams.iter().find(|&&(length, _)| length == n);
            let share = found.and_then(|&(_, share)| share);
            share.map_or("–".to_string(), |share| format!("{:.0} %", 100.0 * share))
        };
        let (own, held_out) = (&self.copied, &self.copied_by_held_out_text);
        let run = own.longest_run_text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!(
            "Of a sample of {} tokens at temperature {TEMPERATURE}, {} of the 4-grams and {} of \
             the 8-grams are not in the training text (of held-out text as long {} and {}); the \
             longest run copied is {} tokens (in held-out text {}): “{run}”.",
            own.tokens,
            share(own, 4),
            share(own, 8),
            share(held_out, 4),
            share(held_out, 8),
            own.longest_run,
            held_out.longest_run,
        )
    }

    /// The network's size against the text's, in a sentence.
    pub fn size(&self) -> String {
        let ratio = self.parameters as f64 / self.training_tokens.max(1) as f64;
        let advice = match ratio {
            r if r > 1.0 => {
                "it can learn its text by heart: trust the validation loss, not the training loss, and \
                 use dropout, patience or a smaller network"
            }
            r if r > 0.05 => "text and network are of a size: watch that the validation loss falls",
            _ => "there is more text than it can hold: a larger network may learn more",
        };
        format!(
            "{} parameters learned from {} tokens, {} a token: {advice}.",
            thousands(self.parameters),
            thousands(self.training_tokens),
            match ratio {
                r if r >= 10.0 => format!("{r:.0}"),
                r => format!("{r:.2}"),
            }
        )
    }

    /// Keeps the card in `run`.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write(&self, run: &Path) -> Result<()> {
        write_atomically(&run.join("score.md"), self.to_markdown().as_bytes())?;
        let json = serde_json::to_string_pretty(self).expect("plain data") + "\n";
        Ok(write_atomically(&run.join("score.json"), json.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(model: f64) -> ScoreCard {
        let row = |name: &str, loss: f64| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: None,
        };
        let overlap = |longest_run, share| Overlap {
            tokens: 500,
            longest_run,
            longest_run_text: "the\nfox said".into(),
            novel_ngrams: (2..=8).map(|n| (n, Some(share))).collect(),
        };
        ScoreCard {
            tokens: 5_022,
            rows: vec![row("this model", model), row("5-gram", 4.42), row("unigram", 5.6)],
            copied: overlap(12, 0.25),
            copied_by_held_out_text: overlap(7, 0.75),
            parameters: 1_853_901,
            training_tokens: 45_394,
        }
    }

    #[test]
    fn the_verdict_is_honest() {
        assert!(card(4.44).verdict().contains("only ties"), "{}", card(4.44).verdict());
        assert!(card(4.2).verdict().contains("better by 0.22"), "{}", card(4.2).verdict());
        assert!(card(4.6).verdict().contains("worse by 0.18"), "{}", card(4.6).verdict());
        assert!(card(5.7).verdict().contains("has not learned more"), "{}", card(5.7).verdict());
    }

    #[test]
    fn the_card_says_what_is_copied_and_what_sizes_suggest() {
        let text = card(4.4).to_markdown();
        for part in [
            "| this model | 4.400 | 81.5 | – |",
            "25 % of the 8-grams",
            "12 tokens (in held-out text 7): “the fox said”",
            "1,853,901 parameters learned from 45,394 tokens, 41 a token",
            "by heart",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }
}
