//! Colours and markers of the view.

use ratatui::style::{Color, Modifier, Style};

use crate::surprise::allows_colours;

/// The styles of the view, with or without colours.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    colours: bool,
}

impl Theme {
    /// The marker of the training loss.
    pub const TRAIN: char = '⠒';
    /// The marker of a validation loss.
    pub const VALID: char = '•';
    /// The marker of a validation loss of the averaged weights.
    pub const AVERAGED: char = '◇';
    /// The marker of a baseline.
    pub const BASELINE: char = '⠐';

    /// Without `colours`, only markers and font weights tell things apart.
    pub fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// With colours unless `NO_COLOR` is set.
    pub fn from_env() -> Self {
        Self::new(allows_colours())
    }

    /// Whether colours are used.
    pub fn has_colours(self) -> bool {
        self.colours
    }

    /// The training loss and progress: sky blue.
    pub fn train(self) -> Style {
        self.colour(74)
    }

    /// The validation loss: vermilion.
    pub fn valid(self) -> Style {
        self.colour(166)
    }

    /// The validation loss of the averaged weights: bluish green.
    pub fn averaged(self) -> Style {
        self.colour(36)
    }

    /// Warnings: reddish purple.
    pub fn warning(self) -> Style {
        self.colour(175).add_modifier(Modifier::BOLD)
    }

    /// Secondary information.
    pub fn muted(self) -> Style {
        if self.colours { self.colour(244) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// Titles.
    pub fn emphasis(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A colour of the common 256-colour palette, close to one of the colour-blind-safe colours of Okabe and Ito
    /// (2008); each is visible on black and on white.
    fn colour(self, index: u8) -> Style {
        if self.colours { Style::new().fg(Color::Indexed(index)) } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_without_colours_sets_none() {
        let theme = Theme::new(false);
        let all = [theme.train(), theme.valid(), theme.averaged(), theme.warning(), theme.muted()];
        assert!(all.iter().all(|style| style.fg.is_none() && style.bg.is_none()));
    }
}
