//! How fluent questions are: their loss under a language model.

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::{LanguageModel, LmBundle};
use text_prep::{OovPolicy, Tokenizer};

use crate::error::Result;

/// Questions that are evaluated together.
const BATCH_SIZE: usize = 64;

/// The highest loss, in nats per token, of the sentences of a text whose questions a language model can tell apart by their
/// fluency. Under the built-in base, which is English, English questions have 4.4, German ones 6.7 and Korean ones 20.2: this
/// is between the first two. Above it, the loss tells how foreign the language is, not how fluent a question is.
const MAX_NATS: f64 = 5.5;
/// The most characters of a question or sentence that count, because the memory for it is in proportion to them: more than
/// 200 words of a language have.
const MAX_CHARACTERS: usize = 2_000;
/// The most sentences that this is judged by.
const MAX_SENTENCES: usize = 64;

/// A language model that evaluates questions.
#[derive(Clone, Debug)]
pub struct Fluency {
    model: LanguageModel,
    tokenizer: Tokenizer,
    device: Device,
}

impl Fluency {
    /// By the language model of `bundle`, on its device.
    pub fn new(bundle: LmBundle) -> Self {
        let device = bundle.model.device();
        Self { model: bundle.model, tokenizer: bundle.tokenizer, device }
    }

    /// The mean loss of each question, in nats per token, at the beginning of a line or document; `None` for a question
    /// without tokens.
    ///
    /// # Errors
    /// If the device does not return the losses.
    pub fn nats_per_token(&self, questions: &[&str]) -> Result<Vec<Option<f64>>> {
        let ids: Vec<Vec<u32>> = questions.iter().map(|question| self.encode(question)).collect();
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&at| ids[at].len());
        let mut losses = vec![None; ids.len()];
        for chunk in order.chunks(BATCH_SIZE) {
            // Questions of similar length, so that there is little padding, which comes last and changes nothing.
            let steps = chunk.iter().map(|&at| ids[at].len().saturating_sub(1)).max().unwrap_or(0);
            if steps == 0 {
                continue;
            }
            let part = |first: usize| {
                let row = |&at: &usize| {
                    let row = ids[at].iter().skip(first).take(steps).map(|&id| id as i32);
                    row.chain(std::iter::repeat(0)).take(steps).collect::<Vec<i32>>()
                };
                let values: Vec<i32> = chunk.iter().flat_map(row).collect();
                Tensor::<2, Int>::from_data(TensorData::new(values, [chunk.len(), steps]), &self.device)
            };
            let state = self.model.init_state(chunk.len());
            let (output, _) = self.model.forward_eval(part(0), part(1), state);
            let nats: Vec<f64> = output.nats.try_into_vec_as()?;
            for (row, &at) in nats.chunks_exact(steps).zip(chunk) {
                let targets = ids[at].len().saturating_sub(1);
                losses[at] = (targets > 0).then(|| row[..targets].iter().sum::<f64>() / targets as f64);
            }
        }
        Ok(losses)
    }

    /// Whether the language model suits a text with these sentences, by their median loss; false without a sentence that has
    /// one.
    ///
    /// # Errors
    /// As [`nats_per_token`](Self::nats_per_token).
    pub fn suits(&self, sentences: &[&str]) -> Result<bool> {
        let step = sentences.len().div_ceil(MAX_SENTENCES).max(1);
        let some: Vec<&str> = sentences.iter().step_by(step).copied().collect();
        let mut losses: Vec<f64> = self.nats_per_token(&some)?.into_iter().flatten().collect();
        losses.sort_by(f64::total_cmp);
        Ok(losses.get(losses.len() / 2).is_some_and(|median| *median <= MAX_NATS))
    }

    /// The ids of the beginning of a question after what stands before a line: a document token, a separator or a line end.
    fn encode(&self, question: &str) -> Vec<u32> {
        let end = question.char_indices().nth(MAX_CHARACTERS).map_or(question.len(), |(at, _)| at);
        let question = &question[..end];
        let before = self.model.document_id.or(self.tokenizer.document_separator_id());
        let text = if before.is_some() { question.to_owned() } else { format!("\n{question}") };
        let encoded = self.tokenizer.encode(&text, OovPolicy::Unknown).unwrap_or_default();
        before.into_iter().chain(encoded.ids).collect()
    }
}

#[cfg(test)]
mod tests {
    use models::{LanguageModelConfig, LayerConfig, LmMetadata};
    use text_prep::{Cleaner, PreTokenizer, Vocabulary, WordOptions};

    use super::*;

    /// An untrained model, under which each token has a loss of about the logarithm of the number of words.
    fn untrained<'a>(words: impl IntoIterator<Item = &'a str>) -> Fluency {
        let tokenizer = Tokenizer {
            cleaner: Cleaner::preset("prose").unwrap(),
            pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
            vocabulary: Vocabulary::from_counts(words.into_iter().map(|word| (word, 3)), 1, true),
            document_separator: None,
            oov: OovPolicy::Unknown,
        };
        let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![LayerConfig::lstm(8)]);
        let model = config.init(1, &Device::flex()).unwrap();
        Fluency::new(LmBundle::new(model, tokenizer, LmMetadata::new(config, 20, 1, String::new())))
    }

    #[test]
    fn a_model_suits_sentences_with_a_low_loss() {
        let sentences = ["who saw the fox ?", "a crow saw the fox", "the"];
        let few = untrained(["who", "saw", "the", "fox", "?", "a", "crow"]);
        assert!(few.suits(&sentences).unwrap());
        assert!(few.suits(&sentences.repeat(100)).unwrap());
        assert!(!few.suits(&[]).unwrap() && !few.suits(&["the"]).unwrap());
        // ln 2,000 = 7.6
        let words: Vec<String> = (0..2_000).map(|n| format!("word{n}")).collect();
        assert!(!untrained(words.iter().map(String::as_str)).suits(&sentences).unwrap());
    }

    #[test]
    fn each_question_has_the_loss_that_it_has_alone() {
        let fluency = untrained(["who", "saw", "the", "fox", "?", "a", "crow"]);
        let questions = ["who saw the fox ?", "who", "", "who saw a crow saw the fox ?", "the the unknown fox"];
        let together = fluency.nats_per_token(&questions).unwrap();
        // The first token of a text has no loss, so one word is not enough.
        assert_eq!(together.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false, true, true]);
        for (question, together) in questions.iter().zip(together) {
            let alone = fluency.nats_per_token(&[question]).unwrap()[0];
            assert!(alone.zip(together).is_none_or(|(alone, together)| (alone - together).abs() < 1e-5), "{question}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_long_text_counts() {
        let fluency = untrained(["who", "saw", "the", "fox", "?"]);
        let beginning = "the ".repeat(MAX_CHARACTERS / 4);
        assert!(fluency.encode(&beginning).len() >= MAX_CHARACTERS / 4);
        assert_eq!(fluency.encode(&(beginning.clone() + "fox saw")), fluency.encode(&beginning));
        assert_eq!(fluency.encode(&"é".repeat(10 * MAX_CHARACTERS)), fluency.encode(&"é".repeat(MAX_CHARACTERS)));
    }
}
