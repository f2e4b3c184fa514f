//! Colours and marks: knows what is told apart, not where it stands.

use ratatui::style::{Color, Modifier, Style};

/// How things look, with colours or without.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    colours: bool,
}

impl Paint {
    /// The mark of the training loss.
    pub const TRAIN: char = '⠒';
    /// The mark of a validation loss.
    pub const VALID: char = '•';
    /// The mark of a validation loss of averaged weights.
    pub const AVERAGED: char = '◇';
    /// The mark of a baseline.
    pub const BASELINE: char = '⠐';

    /// With colours, or by marks and weights alone.
    pub fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// Colours, unless `NO_COLOR` is set to something: <https://no-color.org>.
    pub fn of_environment() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// Are there colours?
    pub fn colours(self) -> bool {
        self.colours
    }

    /// The training loss, and all that moves on: sky blue.
    pub fn train(self) -> Style {
        self.colour(74)
    }

    /// The validation loss: vermilion.
    pub fn valid(self) -> Style {
        self.colour(166)
    }

    /// The validation loss of averaged weights: bluish green.
    pub fn averaged(self) -> Style {
        self.colour(36)
    }

    /// What must catch the eye: reddish purple.
    pub fn alarm(self) -> Style {
        self.colour(175).add_modifier(Modifier::BOLD)
    }

    /// What may be overlooked.
    pub fn quiet(self) -> Style {
        if self.colours { self.colour(244) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// What leads the eye.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// One of the 256 colours that nearly every terminal has, the nearest to one that Okabe and Ito
    /// (2008) chose, to be told apart also by those who see few; each is seen on black and on white.
    fn colour(self, index: u8) -> Style {
        if self.colours { Style::new().fg(Color::Indexed(index)) } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_there_are_none() {
        let paint = Paint::new(false);
        let all = [paint.train(), paint.valid(), paint.averaged(), paint.alarm(), paint.quiet()];
        assert!(all.iter().all(|style| style.fg.is_none() && style.bg.is_none()));
    }
}
