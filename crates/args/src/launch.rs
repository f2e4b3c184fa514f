//! How the launcher starts one training as several processes.

use std::ffi::OsString;

use clap::Args;

/// Options of `cargo xtask train` that start it as several processes. The program itself is started by `mpirun` or `srun`,
/// which say how many processes there are: it rejects these options, and its help does not show them.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Several processes")]
pub struct LaunchArgs {
    /// Train with this number of processes, which `mpirun` starts; `train.shards` must be 1, 2, 4, … times as many
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks: Option<u32>,
    /// The computers on which they run, as in `a,b`, or `a:1,b:3` with numbers of processes [default: this one]
    #[arg(long, hide = true, value_name = "HOST,…", value_delimiter = ',', requires = "ranks")]
    pub hosts: Vec<String>,
    /// Resume the run up to this many times after a process or a computer was lost
    #[arg(long, hide = true, value_name = "N", requires = "ranks")]
    pub restarts: Option<u32>,
}

/// The names of these options, each of which takes a value.
const NAMES: [&str; 3] = ["--ranks", "--hosts", "--restarts"];

impl LaunchArgs {
    /// `words` of a command line without these options and their values.
    pub fn without(words: &[OsString]) -> Vec<OsString> {
        let mut rest = words.iter();
        let mut kept = Vec::new();
        while let Some(word) = rest.next() {
            let text = word.to_string_lossy();
            let name = text.split('=').next().unwrap_or_default();
            if !NAMES.contains(&name) {
                kept.push(word.clone());
            } else if !text.contains('=') {
                rest.next();
            }
        }
        kept
    }

    /// Shows these options in the help of `command`, which has them.
    pub fn show(command: clap::Command) -> clap::Command {
        NAMES.iter().fold(command, |command, name| command.mut_arg(name.trim_start_matches('-'), |arg| arg.hide(false)))
    }

    /// The options that were given, as they are written.
    pub fn given(&self) -> Option<&'static str> {
        let given = [self.ranks.is_some(), !self.hosts.is_empty(), self.restarts.is_some()];
        NAMES.into_iter().zip(given).find_map(|(name, is_given)| is_given.then_some(name))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        launch: LaunchArgs,
        #[arg(long)]
        text: Option<String>,
    }

    #[test]
    fn the_options_of_the_launcher_are_separated_from_the_others() {
        let words = ["train", "--ranks", "4", "--text", "a.txt", "--hosts=a,b", "--restarts", "2"];
        let parsed = Cli::try_parse_from(words).map_err(|error| error.to_string());
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        assert_eq!(LaunchArgs::without(&words), ["train", "--text", "a.txt"]);
        let Cli { launch, text } = parsed.unwrap();
        assert_eq!(launch.hosts, ["a", "b"]);
        assert_eq!((launch.ranks, launch.restarts, text.as_deref()), (Some(4), Some(2), Some("a.txt")));
        assert_eq!(launch.given(), Some("--ranks"));
        assert_eq!(LaunchArgs::default().given(), None);
    }

    #[test]
    fn only_the_help_of_the_launcher_shows_them() {
        let help = |command: clap::Command| command.clone().render_long_help().to_string();
        let command = <Cli as clap::CommandFactory>::command();
        assert!(!help(command.clone()).contains("--ranks"), "{}", help(command));
        let shown = help(LaunchArgs::show(command));
        assert!(NAMES.iter().all(|name| shown.contains(name)) && shown.contains("Several processes"), "{shown}");
    }

    #[test]
    fn hosts_and_restarts_need_a_number_of_processes() {
        assert!(Cli::try_parse_from(["train", "--hosts", "a"]).is_err());
        assert!(Cli::try_parse_from(["train", "--restarts", "1"]).is_err());
        assert!(Cli::try_parse_from(["train", "--ranks", "0"]).is_err());
    }
}
