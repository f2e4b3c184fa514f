//! The lines that a writer types: choices, words and commands.

use std::path::PathBuf;

use args::unescape;

/// Tokens that `/write` samples without a number.
const WRITE: usize = 20;
/// The most tokens that `/write` samples at once.
const MAX_WRITE: usize = 1_000;
/// The most choices that are shown.
const MAX_CHOICES: usize = 100;

/// What can be typed.
pub const HELP: &str = "  N                the choice with this number
  any other text   is appended as it is: a space at its beginning counts, except in models of words
  /type TEXT       appends a text that is a number or begins with `/`; `\\n` is a line end
  /write [N]       samples N tokens, 20 without a number, as the options say
  /undo [N]        goes back by one step, or by N; the steps stay, as a branch
  /redo            goes forward again
  /branches        lists the ends of all branches; `/go N` goes to one of them, or to any step of a saved tree
  /choices N       shows N choices
  /show            prints the whole text
  /save FILE       FILE.txt gets the text, FILE.md also who wrote how much, FILE.json the tree with all branches
  /quit            ends and prints the text on standard output, as the end of the input does";

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// The choice with this number, from 1.
    Choice(usize),
    /// A text to append.
    Text(String),
    /// Sample this number of tokens.
    Write(usize),
    /// Go back by this number of steps.
    Undo(usize),
    /// Go forward by a step.
    Redo,
    /// List the branches.
    Branches,
    /// Go to a step.
    Go(usize),
    /// Show this number of choices.
    Choices(usize),
    /// Print the text.
    Show,
    /// Save the text or the tree.
    Save(PathBuf),
    /// Print the help.
    Help,
    /// End.
    Quit,
}

impl Line {
    /// The meaning of a line without its line end; `None` if it is empty.
    ///
    /// # Errors
    /// What was found, and what is expected.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        if line.is_empty() {
            return Ok(None);
        }
        if line.bytes().all(|byte| byte.is_ascii_digit()) {
            return number(line, "the choice", 1..=usize::MAX).map(Self::Choice).map(Some);
        }
        let Some(command) = line.strip_prefix('/') else { return Ok(Some(Self::Text(line.into()))) };
        let (name, value) = command.split_once(' ').unwrap_or((command, ""));
        let word = value.trim();
        let count = |default: Option<usize>, limit| match (word, default) {
            ("", Some(default)) => Ok(default),
            _ => number(word, &format!("`/{name}`"), 1..=limit),
        };
        let parsed = match name {
            "type" => {
                let text = unescape(value).map_err(|error| format!("`/type`: {error}"))?;
                if text.is_empty() {
                    return Err("`/type` is given without a text: expected one after a space".into());
                }
                Self::Text(text)
            }
            "write" => Self::Write(count(Some(WRITE), MAX_WRITE)?),
            "undo" => Self::Undo(count(Some(1), usize::MAX)?),
            "choices" => Self::Choices(count(None, MAX_CHOICES)?),
            "go" => Self::Go(number(word, "`/go`", 0..=usize::MAX)?),
            "save" if word.is_empty() => {
                return Err("`/save` is given without a file: expected a name such as `/save text.md`".into());
            }
            "save" => Self::Save(word.into()),
            "redo" | "branches" | "show" | "help" | "quit" if !word.is_empty() => {
                return Err(format!("`/{name}` is given with `{word}`, but takes nothing: leave it out"));
            }
            "redo" => Self::Redo,
            "branches" => Self::Branches,
            "show" => Self::Show,
            "help" => Self::Help,
            "quit" => Self::Quit,
            _ => {
                return Err(format!(
                    "the command `/{name}` is unknown: `/help` lists all, and `/type /{command}` appends this text"
                ));
            }
        };
        Ok(Some(parsed))
    }
}

/// The number `word` of `what`.
fn number(word: &str, what: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
    let number = word.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (start, end) = range.into_inner();
        let end = if end == usize::MAX { "on".into() } else { format!("to {end}") };
        match word {
            "" => format!("{what} is given without a number: expected one from {start} {end}"),
            word => format!("{what} is `{word}`: expected a number from {start} {end}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_choices_texts_and_commands() {
        let text = |text: &str| Line::Text(text.into());
        for (line, expected) in [
            ("3", Line::Choice(3)),
            (" 3", text(" 3")),
            ("the fox", text("the fox")),
            ("3 foxes", text("3 foxes")),
            ("/type 12", text("12")),
            ("/type  /a\\n", text(" /a\n")),
            ("/write", Line::Write(20)),
            ("/write 5", Line::Write(5)),
            ("/undo", Line::Undo(1)),
            ("/undo 4", Line::Undo(4)),
            ("/go 0", Line::Go(0)),
            ("/choices 12", Line::Choices(12)),
            ("/save my text.md", Line::Save("my text.md".into())),
            ("/redo", Line::Redo),
            ("/quit ", Line::Quit),
        ] {
            assert_eq!(Line::parse(line), Ok(Some(expected)), "{line}");
        }
        assert_eq!(Line::parse(""), Ok(None));
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_with_advice() {
        for (line, expected) in [
            ("0", "the choice is `0`: expected a number from 1 on"),
            ("/wrote 5", "the command `/wrote` is unknown: `/help` lists all, and `/type /wrote 5` appends this text"),
            ("/write x", "`/write` is `x`: expected a number from 1 to 1000"),
            ("/choices", "`/choices` is given without a number: expected one from 1 to 100"),
            ("/go", "`/go` is given without a number: expected one from 0 on"),
            ("/save", "`/save` is given without a file: expected a name such as `/save text.md`"),
            ("/show me", "`/show` is given with `me`, but takes nothing: leave it out"),
            ("/type", "`/type` is given without a text: expected one after a space"),
        ] {
            assert_eq!(Line::parse(line), Err(expected.into()), "{line}");
        }
        assert!(Line::parse("/type \\q").unwrap_err().contains("unknown escape"));
    }

    #[test]
    fn the_help_has_every_command() {
        for command in HELP.lines().filter_map(|line| line.trim().strip_prefix('/')) {
            let name = command.split_whitespace().next().unwrap();
            let known = Line::parse(&format!("/{name} 1")).or_else(|_| Line::parse(&format!("/{name}")));
            assert!(known.is_ok(), "{name}");
        }
    }
}
