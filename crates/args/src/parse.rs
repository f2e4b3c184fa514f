//! Parses the command line; an error is one line.

use std::any::TypeId;
use std::ffi::OsString;
use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, Parser};

use crate::escapes::visible;

/// Parses the command line of this process. On an error it prints one line and exits with code 2; help and
/// version are printed by clap.
pub fn parse<P: Parser>() -> P {
    try_parse(std::env::args_os()).unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // `error.exit()` would ignore a failed write.
            let printed = error.print();
            let write_failed = printed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
            std::process::exit(if write_failed { 1 } else { error.exit_code() })
        }
        _ => {
            // `eprintln!` would panic where standard error is closed.
            let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            let message = stray_text::<P>(&error, &words).unwrap_or_else(|| one_line(&error));
            let _ = writeln!(std::io::stderr(), "{message}");
            std::process::exit(2)
        }
    })
}

/// Parses these words, of which the first is the name of the program.
pub(crate) fn try_parse<P: Parser>(
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> clap::error::Result<P> {
    let mut matches = with_negative_numbers(P::command()).try_get_matches_from(words)?;
    P::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut P::command()))
}

/// The same command line, where a number after an option may be negative: an option that cannot be is rejected with its value,
/// and not as if the value were an option.
fn with_negative_numbers(command: Command) -> Command {
    let numbers = [TypeId::of::<usize>(), TypeId::of::<u64>(), TypeId::of::<f64>()];
    let is_number = |arg: &Arg| numbers.iter().any(|number| arg.get_value_parser().type_id() == *number);
    let allow = |arg: Arg| if is_number(&arg) { arg.allow_negative_numbers(true) } else { arg };
    command.mut_args(allow).mut_subcommands(with_negative_numbers)
}

/// The message about an argument that no option takes, such as a file, if the command of the command line `words` has texts.
fn stray_text<P: CommandFactory>(error: &clap::Error, words: &[String]) -> Option<String> {
    let Some(ContextValue::String(stray)) = error.get(ContextKind::InvalidArg) else { return None };
    let program = P::command();
    let command = words.iter().skip(1).find_map(|word| program.find_subcommand(word))?;
    let is_stray = error.kind() == ErrorKind::UnknownArgument && !stray.starts_with('-');
    let takes_text = command.get_arguments().any(|argument| argument.get_long() == Some("text"));
    let message =
        format!("error: unexpected argument '{stray}': to read it as a text, give it as `--text {stray}` (see --help)");
    (is_stray && takes_text).then(|| visible(&message).into_owned())
}

/// Old names, which clap suggests for a misspelt one because they are aliases, and the current names.
const RENAMED: [(&str, &str); 9] = [
    ("'--plain'", "'--no-tui'"),
    ("'--tokens'", "'--max-tokens'"),
    ("'--samples'", "'--num-samples'"),
    ("'--no-repeat'", "'--no-repeat-ngram'"),
    ("'--context'", "'--state'"),
    ("'--unseen'", "'--oov'"),
    ("'--vocabulary'", "'--new-tokens'"),
    ("'--back'", "'--max-lag'"),
    ("'probe'", "'gradients'"),
];

/// What the standard library says of a word that is no number, and what is said instead.
const NUMBERS: [(&str, &str); 5] = [
    ("invalid digit found in string", "expected a whole number, 0 or more"),
    ("cannot parse integer from empty string", "expected a whole number, 0 or more"),
    ("number too large to fit in target type", "expected a smaller number"),
    ("invalid float literal", "expected a number such as 0.5"),
    ("cannot parse float from empty string", "expected a number such as 0.5"),
];

/// Clap's message in one line, without the usage, with current names in its tip.
pub(crate) fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let (cause, tip) = text.split_at(text.find("tip:").unwrap_or(text.len()));
    let tip = RENAMED.iter().fold(tip.to_owned(), |tip, (old, new)| tip.replace(old, new));
    let cause = NUMBERS.iter().fold(cause.to_owned(), |cause, (of_library, ours)| cause.replace(of_library, ours));
    let text = format!("{cause}{tip}");
    let message = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let words: Vec<&str> = message.flat_map(str::split_whitespace).collect();
    let message = words.join(" ").replace(" For more information, try '--help'.", "");
    visible(&format!("{message} (see --help)")).into_owned()
}

/// A time in minutes. Whether it is in range depends on the command.
pub(crate) fn minutes(word: &str) -> Result<f64, String> {
    word.parse().map_err(|_| "expected a number of minutes, such as 3 or 0.5".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Cli;

    #[test]
    fn minutes_are_a_number() {
        for command in [&["train"][..], &["base", "--out", "a"]] {
            for wrong in ["three", "3,5", "1:30", ""] {
                let words = [&["pastiche"][..], command, &["--minutes", wrong]].concat();
                let error = Cli::try_parse_from(words).err().map(|error| one_line(&error)).unwrap();
                let expected = format!(
                    "error: invalid value '{wrong}' for '--minutes <N>': expected a number of minutes, such as 3 or 0.5 \
                     (see --help)"
                );
                assert_eq!(error, expected);
            }
        }
        assert_eq!(minutes("-0.5"), Ok(-0.5));
    }

    #[test]
    fn a_number_after_any_option_may_be_negative() {
        let numbers = [TypeId::of::<usize>(), TypeId::of::<u64>(), TypeId::of::<f64>()];
        let error = |words: &[&str]| try_parse::<Cli>(words).err().map(|error| one_line(&error));
        let mut tried = 0;
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                let parser = arg.get_value_parser().type_id();
                let (Some(option), true) = (arg.get_long(), numbers.iter().any(|number| parser == *number)) else {
                    continue;
                };
                let option = format!("--{option}");
                let found = error(&["pastiche", command.get_name(), &option, "-1"]).unwrap_or_default();
                assert!(!found.contains("unexpected argument"), "{found}");
                let found = error(&["pastiche", command.get_name(), &option, "-x"]).unwrap_or_default();
                assert!(found.contains(&option) || found.contains("'-x'"), "{found}");
                tried += 1;
            }
        }
        assert!(tried > 20, "{tried}");
        for (words, expected) in [
            (["generate", "--top-k", "-1"], "invalid value '-1' for '--top-k <K>': expected a whole number, 0 or more"),
            (["evaluate", "--cache-size", "2.5"], "for '--cache-size <N>': expected a whole number, 0 or more"),
            (["generate", "--seed", "99999999999999999999"], "for '--seed <N>': expected a smaller number"),
            (["generate", "--top-p", "half"], "for '--top-p <P>': expected a number such as 0.5"),
            (["generate", "--top-p", ""], "for '--top-p <P>': expected a number such as 0.5"),
        ] {
            let found = error(&[&["pastiche"], &words[..]].concat()).unwrap();
            assert!(found.contains(expected), "{found}");
        }
        let Ok(Cli { command: crate::Command::Evaluate(evaluate) }) =
            try_parse(["pastiche", "evaluate", "--cache-weight", "-0.5"])
        else {
            panic!("a negative number is read");
        };
        assert_eq!(evaluate.cache.cache_weight, Some(-0.5));
    }

    #[test]
    fn an_error_is_one_line() {
        let words = ["pastiche", "train", "--backend", "tpu"];
        let error = Cli::try_parse_from(words).err().map(|error| one_line(&error)).unwrap();
        assert!(error.starts_with("error: ") && error.contains("'tpu'"), "{error}");
        assert!(error.contains("ndarray, flex, wgpu, cuda"), "{error}");
    }

    #[test]
    fn a_file_without_an_option_is_named_as_a_text() {
        let message = |line: &str| {
            let words: Vec<String> = line.split(' ').map(String::from).collect();
            let error = Cli::try_parse_from(&words).err().unwrap();
            stray_text::<Cli>(&error, &words)
        };
        for command in ["train", "train --no-tui", "evaluate"] {
            let found = message(&format!("pastiche {command} my.txt")).unwrap();
            let expected =
                "error: unexpected argument 'my.txt': to read it as a text, give it as `--text my.txt` (see --help)";
            assert_eq!(found, expected);
        }
        assert_eq!(message("pastiche train --colour my.txt"), None);
        assert_eq!(message("pastiche generate my.txt"), None);
        assert_eq!(message("pastiche nothing my.txt"), None);
    }

    #[test]
    fn an_error_shows_control_characters() {
        // Clap leaves out escape sequences by itself.
        let error = Cli::try_parse_from(["pastiche", "train", "--a\u{1b}[31mb\u{202e}c"]);
        let error = error.err().map(|error| one_line(&error)).unwrap();
        assert!(error.contains(r"\u{202e}c") && !error.contains(['\u{1b}', '\u{202e}']), "{error}");
    }
}
