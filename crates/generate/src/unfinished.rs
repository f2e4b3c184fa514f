//! The last pre-token of a prompt in models of subwords, which may be a part of a word: ` qu` of ` quick`. A text has other
//! tokens where a word continues than where it ends, so these bytes are not given to the model as tokens. Its first token must
//! begin with all of them instead, or be the first of those that the tokenizer makes of them. Other tokens of the same bytes,
//! such as ` q` and `u`, are excluded: no text has ` quick` as ` q`, `u`, `ick`, so what the model writes after them would be
//! arbitrary. A very long pre-token is given to the model as it is: it is no word that the next tokens complete, and to write it
//! again would take a step of the model for each of its tokens.

use text_prep::Tokenizer;

/// The longest pre-token that is written again, in bytes.
const LONGEST: usize = 64;

/// The end of a prompt that the next tokens must write first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfinished {
    /// Its bytes.
    bytes: Vec<u8>,
    /// Its tokens; none if the sample continues with other ones.
    ids: Vec<u32>,
}

impl Unfinished {
    /// Divides the ids of a prompt into those before its last pre-token and that pre-token. `document` is the document
    /// token. If nothing would be left for the model, the pre-token is longer than [`LONGEST`], or the ids are not those of a
    /// text, all are given to it.
    pub fn split_off<'a>(tokenizer: &Tokenizer, ids: &'a [u32], document: Option<u32>) -> (&'a [u32], Self) {
        let whole = (ids, Self::default());
        if !tokenizer.vocabulary.is_subwords() {
            return whole;
        }
        let start = ids.iter().rposition(|&id| Some(id) == document).map_or(0, |at| at + 1);
        let text = tokenizer.decode(&ids[start..]);
        let mut last = String::new();
        tokenizer.pre_tokenizer.for_each_token(&text, |token| token.clone_into(&mut last));
        if last.len() > LONGEST {
            return whole;
        }
        let (mut at, mut length) = (ids.len(), 0);
        while at > start && length < last.len() {
            at -= 1;
            length += tokenizer.decoded_len(&ids[at..=at]);
        }
        if at == 0 || length != last.len() {
            return whole;
        }
        (&ids[..at], Self { bytes: last.into_bytes(), ids: ids[at..].to_vec() })
    }

    /// The number of bytes that are still to be written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// `logits` without those of tokens that do not continue the prompt.
    pub fn filter(&self, tokenizer: &Tokenizer, logits: &[f32]) -> Vec<f32> {
        let next = self.ids.first();
        let bytes = |id: u32| tokenizer.vocabulary.subword_bytes(id);
        let continues = |id: u32| next == Some(&id) || bytes(id).is_some_and(|bytes| bytes.starts_with(&self.bytes));
        (0..).zip(logits).map(|(id, &logit)| if continues(id) { logit } else { f32::NEG_INFINITY }).collect()
    }

    /// Removes what a token has written. Returns whether it writes more than that, or there was nothing to be written.
    pub fn advance(&mut self, tokenizer: &Tokenizer, id: u32) -> bool {
        if self.bytes.is_empty() {
            return true;
        }
        let length = tokenizer.decoded_len(&[id]);
        let written = length.min(self.bytes.len());
        self.bytes.drain(..written);
        if self.ids.first() == Some(&id) {
            self.ids.remove(0);
        } else {
            self.ids.clear();
        }
        length > written
    }
}
