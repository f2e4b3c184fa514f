//! The prompt of `generate`: its text, its tokens, and what is printed of it.

use std::borrow::Cow;
use std::path::Path;

use args::Generate;
use generate::{Generator, MAX_READ, Prompt};
use text_prep::OovPolicy;
use text_prep::source::remove_byte_order_marks;

use super::train::CONFIG;
use crate::config::Config;
use crate::error::{Error, Result, bail};
use crate::input::{is_standard_input, read_prompt};
use crate::output::status;
use crate::view::format::{counted, thousands};

/// The characters that are printed of a prompt that is not read as a whole.
const PRINTED_END: usize = 1_000;

/// The text of the prompt, empty if none is given. It is read as the text of the model in `directory` was.
///
/// # Errors
/// If it is empty or cannot be read.
pub fn prompt_text(args: &Generate, directory: &Path) -> Result<String> {
    let options = Config::of_model(directory, CONFIG).text.options_for_other_text(args.encoding.as_deref());
    let Some(path) = &args.prompt_file else {
        let prompt = args.prompt.as_deref().unwrap_or_default();
        if args.prompt.as_deref() == Some("") {
            bail!("`--prompt` is empty; expected at least one character: leave it out for a text without a prompt");
        }
        return Ok(if options.keep_inner_marks { prompt.into() } else { remove_byte_order_marks(prompt).into_owned() });
    };
    if args.interactive && is_standard_input(path) {
        bail!(
            "`--prompt-file {}` and `--interactive` both read standard input: give the prompt with `--prompt`",
            path.display()
        );
    }
    read_prompt(path, &options).map_err(|error| error.about_text(None))
}

/// The part of a prompt's `text` that is printed: all of it, or the end of a very long one. Reports a prompt of which the model
/// reads only the last `reads` tokens.
pub fn printed<'a>(text: &'a str, prompt: &Prompt, reads: usize, json: bool) -> Cow<'a, str> {
    let tokens = prompt.ids.len();
    if tokens <= reads {
        return text.into();
    }
    let is_printed = tokens <= MAX_READ;
    let and_printed = if json || is_printed { "" } else { ", and its end is printed" };
    status(&format!(
        "the prompt has {}: the model reads the last {}{and_printed}",
        counted(tokens, "token"),
        thousands(reads)
    ));
    if is_printed { text.into() } else { end_of(text).into() }
}

/// The end of a long text, from the beginning of a word if there is one.
fn end_of(text: &str) -> String {
    let start = text.char_indices().rev().nth(PRINTED_END - 1).map_or(0, |(at, _)| at);
    let end = &text[start..];
    let words = end.split_once(char::is_whitespace).map_or(end, |(_, words)| words);
    format!("…{}", if words.is_empty() { end } else { words })
}

/// The prompt `text`, with what `--oov` says.
///
/// # Errors
/// If a token is not in the vocabulary and has to be, or nothing is left of the prompt.
pub fn encode(args: &Generate, generator: &Generator, text: &str) -> Result<Prompt> {
    let oov = oov_policy(args.oov);
    let prompt = generator.encode(text, oov).map_err(explain_oov)?;
    warn_of_oov(&prompt.oov_tokens, oov);
    Ok(prompt)
}

/// The library's policy for tokens that are not in the vocabulary.
pub fn oov_policy(option: args::OovPolicy) -> OovPolicy {
    match option {
        args::OovPolicy::Error => OovPolicy::Error,
        args::OovPolicy::Drop => OovPolicy::Drop,
        args::OovPolicy::Unknown => OovPolicy::Unknown,
    }
}

/// Adds the options to an error about tokens that are not in the vocabulary.
pub fn explain_oov(error: generate::Error) -> Error {
    let hint = match &error {
        generate::Error::Text(text_prep::Error::OutOfVocabulary { .. }) => Some("use `--oov drop` or `--oov unknown`"),
        generate::Error::Text(text_prep::Error::NoUnknownToken { .. }) => Some("use `--oov error` or `--oov drop`"),
        generate::Error::EmptyPrompt => Some("use `--oov unknown`"),
        _ => None,
    };
    Error::from(error).with_hint(hint)
}

/// Reports tokens that are not in the vocabulary, and what is done with them.
pub fn warn_of_oov(tokens: &[String], oov: OovPolicy) {
    if !tokens.is_empty() {
        let action = if oov == OovPolicy::Drop { "dropped" } else { "mapped to the unknown token" };
        status(&format!("warning: not in the vocabulary and {action}: {}", tokens.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_very_long_prompt_the_end_is_printed() {
        let words = "fox crow ".repeat(2_000);
        let end = end_of(&words);
        assert!(end.starts_with("…fox crow fox ") || end.starts_with("…crow fox crow "), "{end}");
        assert!(end.ends_with(" fox crow ") && (990..=PRINTED_END).contains(&end.chars().count()), "{end}");
        // Without white space, or with white space only at its end.
        for long in ["여우".repeat(2_000), format!("{} ", "여우".repeat(2_000))] {
            let end = end_of(&long);
            assert_eq!(end.chars().count(), PRINTED_END + 1);
            assert!(end.starts_with('…') && long.ends_with(end.trim_start_matches('…')), "{end}");
        }
        let prompt = |tokens| Prompt::from(vec![0; tokens]);
        assert_eq!(printed(&words, &prompt(MAX_READ), MAX_READ, false), words);
        // Of a shorter prompt that a window does not hold, all is printed.
        assert_eq!(printed(&words, &prompt(30), 20, false), words);
        assert_eq!(printed(&words, &prompt(MAX_READ + 1), MAX_READ, false), end_of(&words));
    }
}
