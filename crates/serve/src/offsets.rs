//! Where the tokens of a text are in it.

use text_prep::Tokenizer;

/// Where each token begins in the text that they write together, in characters, and after the last one where it ends.
pub(crate) fn character_starts(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<usize> {
    let mut detokenizer = tokenizer.detokenizer();
    // Counted so far, in bytes and in characters.
    let (mut bytes, mut characters) = (0, 0);
    let mut starts = vec![0];
    for &id in ids {
        detokenizer.push(tokenizer.vocabulary.written(id));
        match detokenizer.text().get(bytes..) {
            Some(new) => characters += new.chars().count(),
            // The last syllable has become another one.
            None => characters = detokenizer.text().chars().count(),
        }
        bytes = detokenizer.text().len();
        starts.push(characters);
    }
    starts
}
