//! The surprise of tokens as colours of a terminal (`--color`).

use std::borrow::Cow;
use std::io::IsTerminal;

use args::{ColorChoice, visible};
use generate::TokenSpan;

/// The colours behind a text by its surprise in nats, from the common 256-colour palette: the surprise from which each begins,
/// and its index. The more surprising, the darker, so that they differ without their hues, too; black is readable on all.
const LEVELS: [(f64, u8); 5] = [(1.0, 230), (2.0, 222), (4.0, 214), (6.0, 208), (8.0, 202)];

/// Whether colours are wanted where output goes, by `NO_COLOR`, which is not set or empty: <https://no-color.org>.
pub fn allows_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Puts the colour of its surprise behind a text, or leaves it without.
#[derive(Clone, Copy, Debug)]
pub struct Painter {
    colours: bool,
    /// Whether control characters become visible. Otherwise what is printed afterwards decides.
    escapes: bool,
}

impl Painter {
    /// For standard output; with `raw`, control characters stay as they are on a terminal, too.
    pub fn for_stdout(choice: ColorChoice, raw: bool) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self { colours: Self::has_colours(choice, is_terminal), escapes: is_terminal && !raw }
    }

    /// For standard error.
    pub fn for_stderr(choice: ColorChoice) -> Self {
        Self { colours: Self::has_colours(choice, std::io::stderr().is_terminal()), escapes: true }
    }

    fn has_colours(choice: ColorChoice, is_terminal: bool) -> bool {
        let is_dumb = || std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Auto => is_terminal && allows_colours() && !is_dumb(),
            ColorChoice::Never => false,
        }
    }

    /// Whether it colours. What it returns then must be printed unchanged.
    pub fn has_colour(self) -> bool {
        self.colours
    }

    /// `text` with the colour of its surprise, if it has one.
    pub fn paint(self, text: &str, nats: Option<f64>) -> String {
        if !self.colours {
            return text.into();
        }
        let text = if self.escapes { visible(text) } else { Cow::Borrowed(text) };
        let level = nats.and_then(|nats| LEVELS.iter().rev().find(|(from, _)| nats >= *from));
        let Some((_, colour)) = level else { return text.into_owned() };
        // Not behind a line end, where some terminals would colour the rest of the line.
        let lines = text.split('\n').map(|line| match line {
            "" => String::new(),
            line => format!("\u{1b}[38;5;16;48;5;{colour}m{line}\u{1b}[0m"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// `text`, which begins at byte `start` of a sample, with the colours of its tokens, of which `spans` has all from the
    /// beginning of the sample.
    pub fn paint_spans(self, text: &str, start: usize, spans: &[TokenSpan]) -> String {
        let mut painted = String::new();
        // Tokens that write nothing add their surprise to the next one.
        let (mut at, mut nats) = (0, 0.0);
        let mut previous = 0;
        for span in spans {
            nats -= span.log_prob;
            if span.end <= previous {
                continue;
            }
            previous = span.end;
            let end = text.floor_char_boundary(span.end.saturating_sub(start).min(text.len()));
            if end > at {
                painted.push_str(&self.paint(&text[at..end], Some(nats)));
                at = end;
            }
            nats = 0.0;
        }
        painted + &self.paint(&text[at..], None)
    }

    /// What the colours mean, in one line; `None` without colours.
    pub fn legend(self) -> Option<String> {
        let levels: Vec<String> = LEVELS.iter().map(|(from, _)| format!("{from}")).collect();
        let (last, others) = levels.split_last()?;
        let text = format!("colours: a surprise of {} and {last} nats per token or more", others.join(", "));
        self.colours.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Painter = Painter { colours: true, escapes: true };

    /// The text without colours, and the colour behind each piece.
    fn parts(painted: &str) -> (String, Vec<(String, u8)>) {
        let (mut text, mut colours) = (String::new(), Vec::new());
        let mut rest = painted;
        while let Some((before, after)) = rest.split_once("\u{1b}[38;5;16;48;5;") {
            let (colour, after) = after.split_once('m').unwrap();
            let (piece, after) = after.split_once("\u{1b}[0m").unwrap();
            text.push_str(before);
            text.push_str(piece);
            colours.push((piece.to_owned(), colour.parse().unwrap()));
            rest = after;
        }
        (text + rest, colours)
    }

    #[test]
    fn a_text_gets_the_colour_of_its_surprise_and_no_colour_behind_line_ends() {
        for (nats, colour) in [(0.99, None), (1.0, Some(230)), (3.9, Some(222)), (5.0, Some(214)), (1e9, Some(202))] {
            let (text, colours) = parts(&ON.paint("fox", Some(nats)));
            assert_eq!((text.as_str(), colours.first().map(|(_, colour)| *colour)), ("fox", colour), "{nats}");
        }
        let (text, colours) = parts(&ON.paint("a\n\nb\u{7}\n", Some(7.0)));
        assert_eq!(text, "a\n\nb\\u{7}\n");
        assert_eq!(colours, [("a".to_owned(), 208), ("b\\u{7}".to_owned(), 208)]);
        assert_eq!(ON.paint("fox", None), "fox");
        let off = Painter { colours: false, escapes: true };
        assert_eq!((off.paint("f\u{7}", Some(9.0)), off.legend()), ("f\u{7}".into(), None));
        assert!(ON.legend().unwrap().contains("1, 2, 4, 6 and 8 nats"));
    }

    #[test]
    fn pieces_of_a_sample_are_painted_by_their_tokens() {
        // The third token writes nothing, the fourth `é`, of which a piece may not have a half.
        let spans = [(2, -0.1), (5, -2.5), (5, -4.0), (7, -3.0)];
        let spans = spans.map(|(end, log_prob)| TokenSpan { end, log_prob });
        let text = "a fox";
        let whole = parts(&ON.paint_spans("a foxé.", 0, &spans));
        assert_eq!(whole, ("a foxé.".into(), vec![("fox".into(), 222), ("é".into(), 208)]));
        let first = parts(&ON.paint_spans(text, 0, &spans[..2]));
        assert_eq!(first, (text.into(), vec![("fox".into(), 222)]));
        let next = parts(&ON.paint_spans("é", text.len(), &spans));
        assert_eq!(next, ("é".into(), vec![("é".into(), 208)]));
        assert_eq!(ON.paint_spans("", 0, &[]), "");
    }

    #[test]
    fn only_auto_looks_at_the_terminal() {
        assert!(Painter::has_colours(ColorChoice::Always, false));
        assert!(!Painter::has_colours(ColorChoice::Never, true));
        assert!(!Painter::has_colours(ColorChoice::Auto, false));
    }
}
