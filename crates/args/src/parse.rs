//! Parses the command line; an error is one line.

use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::escapes::visible;

/// Parses the command line of this process. On an error it prints one line and exits with code 2; help and
/// version are printed by clap.
pub fn parse<P: Parser>() -> P {
    P::try_parse().unwrap_or_else(|error| match error.kind() {
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

/// Clap's message in one line, without the usage, with current names in its tip.
pub(crate) fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let (cause, tip) = text.split_at(text.find("tip:").unwrap_or(text.len()));
    let tip = RENAMED.iter().fold(tip.to_owned(), |tip, (old, new)| tip.replace(old, new));
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
