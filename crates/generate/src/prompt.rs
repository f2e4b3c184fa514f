//! How a text begins: the prompt through the training text's own cleaning, primed with the story
//! mark where it is short.

use text_prep::{Tokenizer, UnseenPolicy, Vocabulary};

use crate::error::{Error, Result};

/// What a model reads before it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The ids, never empty.
    pub ids: Vec<u32>,
    /// Words that were skipped or read as unknown.
    pub unseen: Vec<String>,
}

/// Encodes `text` for a model that was trained on windows of `window` ids. Without text the model
/// begins a story of its own: after the story mark, or, where there is none, after the likeliest
/// token of its training text.
///
/// # Errors
/// If the text holds unseen words and `unseen` refuses them, or nothing is left of it.
pub fn prompt(
    tokenizer: &Tokenizer,
    text: &str,
    unseen: UnseenPolicy,
    window: usize,
) -> Result<Prompt> {
    let encoded = tokenizer.encode_prompt(text, unseen)?;
    let mut ids = encoded.ids;
    if let Some(mark) = tokenizer.story_mark_id()
        && ids.first() != Some(&mark)
        && ids.len() < window
    {
        ids.splice(0..0, vec![mark; window - ids.len()]);
    }
    if ids.is_empty() && !encoded.unseen.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    if ids.is_empty() {
        let vocabulary: &Vocabulary = &tokenizer.vocabulary;
        let mut words = (0..vocabulary.len() as u32).filter(|&id| !vocabulary.is_reserved(id));
        // Nobody sees this token: half a syllable would leave the other half to the sample.
        let whole = |id: &u32| {
            vocabulary.token(*id).is_some_and(|token| tokenizer.splitter.stands_alone(token))
        };
        ids.extend(words.clone().find(whole).or_else(|| words.next()));
    }
    Ok(Prompt { ids, unseen: encoded.unseen })
}

#[cfg(test)]
mod tests {
    use text_prep::{Capitals, Characters, Cleaner, Rare, SHIFT, Splitter, Words};

    use super::*;

    fn tokenizer(preset: &str, story_mark: Option<&str>) -> Tokenizer {
        let words = [("|", 9), ("the", 5), ("fox", 3)];
        Tokenizer {
            cleaner: Cleaner::preset(preset).unwrap(),
            splitter: Splitter::Words(Words::default()),
            vocabulary: Vocabulary::from_counts(words, 1, true),
            story_mark: story_mark.map(Into::into),
            rare: Rare::Unknown,
        }
    }

    fn ids(preset: &str, mark: Option<&str>, text: &str) -> Vec<u32> {
        prompt(&tokenizer(preset, mark), text, UnseenPolicy::Skip, 5).unwrap().ids
    }

    #[test]
    fn the_book_recipe_primes_by_itself() {
        let mut expected = vec![2; 20];
        assert_eq!(ids("book", Some("|"), ""), expected);
        expected.extend([3, 4]);
        assert_eq!(ids("book", Some("|"), "The FOX"), expected);
    }

    #[test]
    fn short_prompts_are_primed_and_long_ones_are_not() {
        assert_eq!(ids("prose", Some("|"), "the fox"), [2, 2, 2, 3, 4]);
        let long = "the fox the fox the fox";
        assert_eq!(ids("prose", Some("|"), long), [3, 4, 3, 4, 3, 4]);
    }

    #[test]
    fn without_a_mark_the_likeliest_token_begins() {
        assert_eq!(ids("prose", None, ""), [2]);
        assert_eq!(ids("prose", None, "fox"), [4]);
    }

    #[test]
    fn a_text_does_not_begin_within_a_syllable_or_with_a_shift() {
        let characters =
            Characters { jamo: true, capitals: Capitals::Shift, ..Characters::default() };
        let begin = |tokens: &[(&str, u64)]| {
            let tokenizer = Tokenizer {
                splitter: Splitter::Characters(characters),
                vocabulary: Vocabulary::from_counts(tokens.iter().copied(), 1, false),
                ..tokenizer("prose", None)
            };
            prompt(&tokenizer, "", UnseenPolicy::Skip, 5).unwrap().ids
        };
        assert_eq!(begin(&[(SHIFT, 9), ("\u{1112}", 8), ("\u{1161}", 7), (" ", 6), ("a", 5)]), [4]);
        assert_eq!(begin(&[("\u{1112}", 8), ("\u{1161}", 7)]), [1]);
    }

    #[test]
    fn a_prompt_of_unseen_words_alone_is_refused_where_nothing_primes_it() {
        let tokenizer = tokenizer("prose", None);
        let skipped = prompt(&tokenizer, "wolf", UnseenPolicy::Skip, 5).unwrap_err();
        assert!(skipped.to_string().contains("nothing is left"), "{skipped}");
        let unknown = prompt(&tokenizer, "wolf", UnseenPolicy::Unknown, 5).unwrap();
        assert_eq!(unknown.ids, [Vocabulary::UNKNOWN]);
        let error = prompt(&tokenizer, "fix", UnseenPolicy::Error, 5).unwrap_err().to_string();
        assert!(error.contains("`fix`") && error.contains("fox"), "{error}");
    }
}
