//! `--color`: the surprise of each token as a colour.

use clap::{Args, ValueEnum};

/// When output has colours.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    #[default]
    Never,
}

/// Whether texts are printed with the surprise of each token as a colour.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ColorArgs {
    /// Print the text with the surprise of each token, −ln of its probability in nats, as the colour behind it [default:
    /// never; `--color` alone is auto]
    #[arg(long, alias = "colour", value_enum, value_name = "WHEN", num_args = 0..=1, default_value_t,
        default_missing_value = "auto", hide_default_value = true)]
    pub color: ColorChoice,
}
