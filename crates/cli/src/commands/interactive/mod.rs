//! `generate --interactive`: a text is written by hand, with the likeliest next tokens to choose from. It reads lines, so that it
//! works on any terminal, without colours, and with a script as its input. The dialogue is on standard error, and the text
//! at the end on standard output.

mod line;
mod save;
mod tree;
mod unprinted;

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use args::Generate;
use generate::{Draft, Generator, NextToken, Prompt, Sampling};

use self::line::{HELP, Line};
use self::save::Origin;
use self::tree::{Author, Token, Tree};
use self::unprinted::Unprinted;
use super::prompt::{explain_oov, oov_policy, warn_of_oov};
use super::sampling_settings::{Settings, in_words};
use crate::error::{Error, Result, bail};
use crate::output::{ask, columns, status, status_raw};
use crate::run::initial_model::manifest_sha256;
use crate::run::signals;
use crate::surprise::Painter;
use crate::view::format::thousands;

/// The choices that are shown at first.
const CHOICES: usize = 8;
/// The characters that are shown of a long text.
const SHOWN: usize = 400;
/// The characters that are shown of the end of a branch.
const BRANCH: usize = 50;
/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// The model that the text is written with.
pub struct Model<'a> {
    pub generator: &'a Generator,
    pub directory: &'a Path,
    /// What it is mixed with, in words.
    pub mixed_with: &'a str,
}

/// A text that is written by hand.
struct Session<'a> {
    generator: &'a Generator,
    draft: Draft<'a>,
    tree: Tree,
    origin: Origin,
    args: &'a Generate,
    painter: Painter,
    choices: usize,
    /// How often tokens were sampled.
    samples: u64,
    /// The files that were saved, which may be replaced.
    saved: BTreeSet<PathBuf>,
    /// The text as it is printed at the end.
    unprinted: Unprinted,
}

/// What is shown after a line.
enum Shown {
    /// The end of the text and the choices.
    Choices,
    Nothing,
    /// The session ends.
    End,
}

/// Runs the dialogue. `text` is that of the prompt.
///
/// # Errors
/// If the model cannot be computed, the input cannot be read, or, of an input that is no terminal, a line is invalid.
pub fn run(args: &Generate, model: &Model, prompt: Prompt, text: &str, sampling: Sampling) -> Result<()> {
    let Model { generator, directory, mixed_with } = *model;
    let settings = in_words(&sampling);
    status(&format!(
        "model {}{mixed_with}, seed {}{settings}; `/help` lists the commands",
        directory.display(),
        sampling.seed
    ));
    let origin = Origin {
        program: concat!("pastiche ", env!("CARGO_PKG_VERSION")),
        model: directory.display().to_string(),
        model_sha256: manifest_sha256(directory)?,
        mix: generator.mixture().map(|_| "ngram"),
        label: prompt.label.clone(),
        sampling: Settings::of(&sampling),
    };
    let draft = generator.draft(&prompt, sampling)?;
    let painter = Painter::for_stderr(args.color.color);
    let (tree, choices, samples, saved) = (Tree::new(text), CHOICES, 0, BTreeSet::new());
    let unprinted = Unprinted::new(&tree, args.raw);
    let interrupted = unprinted.clone();
    signals::end_command(move || interrupted.print_and_exit())?;
    let mut session = Session { generator, draft, tree, origin, args, painter, choices, samples, saved, unprinted };
    if let Some(legend) = painter.legend() {
        status(&legend);
    }
    let done = session.dialogue();
    // What was written is not lost with the error.
    session.unprinted.print()?;
    done
}

impl Session<'_> {
    fn dialogue(&mut self) -> Result<()> {
        let mut input = std::io::stdin().lock();
        let is_terminal = std::io::stdin().is_terminal();
        self.show_choices();
        for number in 1.. {
            if is_terminal {
                ask("> ");
            }
            let Some(line) = read_line(&mut input)? else { break };
            let taken = line.and_then(|line| self.take(&line));
            self.unprinted.set(&self.tree);
            match taken {
                Ok(Shown::Choices) => self.show_choices(),
                Ok(Shown::Nothing) => {}
                Ok(Shown::End) => break,
                Err(error) if is_terminal => status(&error.full_message()),
                Err(error) => return Err(Error::new(format!("line {number} of the input: {}", error.full_message()))),
            }
        }
        Ok(())
    }

    /// Does what a line says.
    fn take(&mut self, line: &str) -> Result<Shown> {
        match Line::parse(line).map_err(Error::new)? {
            None => {}
            Some(Line::Choice(number)) => self.choose(number)?,
            Some(Line::Text(text)) => self.type_text(&text)?,
            Some(Line::Write(count)) => {
                self.check_open()?;
                let sampled = self.draft.sample(count, self.samples)?;
                self.samples += 1;
                self.add(Author::Sampled, &sampled);
            }
            Some(Line::Undo(steps)) => {
                if self.tree.undo(steps) == 0 {
                    bail!("there is no step before the prompt");
                }
                self.draft.replace(&self.tree.ids())?;
            }
            Some(Line::Redo) => {
                if !self.tree.redo() {
                    bail!("there is no step after this one: choose or type one");
                }
                self.draft.replace(&self.tree.ids())?;
            }
            Some(Line::Go(number)) => {
                if !self.tree.go(number) {
                    bail!("there is no step {number}: expected 0 to {}", self.tree.steps().len() - 1);
                }
                self.draft.replace(&self.tree.ids())?;
            }
            Some(Line::Choices(count)) => self.choices = count,
            Some(Line::Branches) => {
                self.list_branches();
                return Ok(Shown::Nothing);
            }
            Some(Line::Show) => {
                self.show_text(usize::MAX);
                return Ok(Shown::Nothing);
            }
            Some(Line::Save(path)) => {
                self.save(&path)?;
                return Ok(Shown::Nothing);
            }
            Some(Line::Help) => {
                status(HELP);
                return Ok(Shown::Nothing);
            }
            Some(Line::Quit) => return Ok(Shown::End),
        }
        Ok(Shown::Choices)
    }

    fn choose(&mut self, number: usize) -> Result<()> {
        self.check_open()?;
        let choices = self.draft.likeliest(self.choices);
        let Some(choice) = choices.get(number - 1) else {
            bail!("there is no choice {number}: expected 1 to {}, or `/type {number}` for this text", choices.len());
        };
        self.append(Author::Chosen, &[choice.id])
    }

    fn type_text(&mut self, text: &str) -> Result<()> {
        self.check_open()?;
        let oov = oov_policy(self.args.oov);
        let encoded = self.draft.encode(text, oov).map_err(explain_oov)?;
        warn_of_oov(&encoded.oov_tokens, oov);
        if encoded.ids.is_empty() {
            bail!("`{}` has no token of this model: type another text", text.escape_debug());
        }
        self.append(Author::Typed, &encoded.ids)
    }

    /// Rejects a text after the end of a document.
    fn check_open(&self) -> Result<()> {
        if self.draft.is_complete() {
            bail!("the document is complete: go back with `/undo`, or end with `/quit`");
        }
        Ok(())
    }

    fn append(&mut self, author: Author, ids: &[u32]) -> Result<()> {
        let mut tokens = Vec::new();
        for &id in ids {
            tokens.push((id, self.draft.log_prob(id)));
            self.draft.push(id)?;
        }
        self.add(author, &tokens);
        Ok(())
    }

    /// Adds the last tokens of the draft as a step.
    fn add(&mut self, author: Author, tokens: &[(u32, f64)]) {
        let first = self.draft.ids().len() - tokens.len();
        let prompt = self.tree.prompt().len();
        let mut before = self.draft.text_of(first);
        let mut added = Vec::new();
        for (at, &(id, log_prob)) in tokens.iter().enumerate() {
            let after = self.draft.text_of(first + at + 1);
            let same = before.char_indices().zip(after.chars()).find(|((_, a), b)| a != b);
            let start = same.map_or(before.len().min(after.len()), |((start, _), _)| start);
            added.push(Token { id, log_prob, start: prompt + start, text: after[start..].into() });
            before = after;
        }
        if !added.is_empty() {
            self.tree.add(author, added);
        }
    }

    fn save(&mut self, path: &Path) -> Result<()> {
        if path.exists() && !self.saved.contains(path) {
            bail!("{} exists and is not replaced: name another file", path.display());
        }
        save::save(&self.tree, &self.origin, path)?;
        self.saved.insert(path.into());
        status(&format!("saved in {}", path.display()));
        Ok(())
    }

    /// Shows the end of the text and what can come next.
    fn show_choices(&self) {
        self.show_text(SHOWN);
        if self.draft.is_complete() {
            status("the document is complete");
            return;
        }
        let choices = self.draft.likeliest(self.choices);
        let row = |(number, choice): (usize, &NextToken)| {
            [format!("{:>3}", number + 1), format!("{:>5.1} %", 100.0 * choice.probability), self.name(choice.id)]
        };
        status(columns(choices.iter().enumerate().map(row)).trim_end_matches('\n'));
    }

    /// Shows at most the last `count` characters of the text.
    fn show_text(&self, count: usize) {
        let pieces = self.tree.pieces();
        let (mut shown, mut left) = (Vec::new(), count);
        for piece in pieces.iter().rev() {
            let length = piece.text.chars().count();
            let skipped = length.saturating_sub(left);
            let start = piece.text.char_indices().nth(skipped).map_or(piece.text.len(), |(start, _)| start);
            shown.push(self.painter.paint(&piece.text[start..], piece.nats));
            left = left.saturating_sub(length);
        }
        shown.reverse();
        let text = shown.concat();
        let is_cut = self.tree.text().chars().count() > count;
        let text = format!("\n{}{text}", if is_cut { "…" } else { "" });
        if self.painter.has_colour() { status_raw(&text) } else { status(&text) }
    }

    fn list_branches(&self) {
        let rows = self.tree.branches().into_iter().map(|number| {
            let mark = if number == self.tree.current() { "*" } else { " " };
            let text = self.tree.text_to(number);
            let length = text.chars().count();
            let end: String = text.chars().skip(length.saturating_sub(BRANCH)).collect();
            let end = format!("{}{}", if length > BRANCH { "…" } else { "" }, end.escape_debug());
            [format!("{mark} {number}"), format!("{} characters", thousands(length)), end]
        });
        status(columns(rows).trim_end_matches('\n'));
    }

    /// A token in a list of choices.
    fn name(&self, id: u32) -> String {
        if Some(id) == self.generator.document_id() {
            return "(the end of the document)".into();
        }
        let token = self.generator.tokenizer().vocabulary.readable(id).unwrap_or_default();
        format!("\"{}\"", token.escape_debug())
    }
}

/// The next line without its line end, or what is wrong with it; `None` at the end of the input.
///
/// # Errors
/// If the input cannot be read.
fn read_line(input: &mut impl BufRead) -> Result<Option<Result<String>>> {
    let failed = || Error::io("standard input", "read");
    let mut line = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed())?;
    if read == 0 {
        return Ok(None);
    }
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n').map_err(failed())?;
        let most = thousands(MAX_LINE as usize);
        return Ok(Some(Err(Error::new(format!("a line of standard input has {most} bytes or more: divide it")))));
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    let text = String::from_utf8(line);
    Ok(Some(text.map_err(|_| Error::new("a line of standard input is not UTF-8: type or pipe text in UTF-8"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_without_their_ends() {
        let mut input = " a b \r\n\n1".as_bytes();
        let mut next = || read_line(&mut input).unwrap().map(|line| line.unwrap());
        assert_eq!([next(), next(), next(), next()], [Some(" a b ".into()), Some("".into()), Some("1".into()), None]);
    }

    #[test]
    fn a_line_that_cannot_be_used_does_not_end_the_input() {
        let long = "a".repeat(MAX_LINE as usize + 1);
        let input = [b"\xff\n", long.as_bytes(), b"\nb\n"].concat();
        let mut input = &input[..];
        let mut next = || read_line(&mut input).unwrap().map(|line| line.map_err(|error| error.to_string()));
        assert!(next().unwrap().unwrap_err().contains("UTF-8"));
        assert!(next().unwrap().unwrap_err().contains("divide it"));
        assert_eq!([next(), next()], [Some(Ok("b".into())), None]);
    }
}
