//! `man`: writes the manual pages, one for the program and one for each command.

use args::Man;
use durable::{directory, write_atomically};

use crate::error::{Error, Result};
use crate::output::{print, status};
use crate::view::format::counted;

/// Runs the command for this command line.
pub fn run(args: &Man, command_line: clap::Command) -> Result<()> {
    directory::create(&args.out)?;
    // The page of `help` would say nothing.
    let mut command_line = command_line.disable_help_subcommand(true);
    command_line.build();
    let commands = command_line.get_subcommands();
    let pages: Vec<&clap::Command> = std::iter::once(&command_line).chain(commands).collect();
    for command in &pages {
        let page = clap_mangen::Man::new((*command).clone()).source(concat!("pastiche ", env!("CARGO_PKG_VERSION")));
        let mut text = Vec::new();
        page.render(&mut text).map_err(Error::io(page.get_filename(), "rendered"))?;
        write_atomically(&args.out.join(page.get_filename()), &text)?;
    }
    let first = args.out.join("pastiche.1");
    status(&format!("{} written; `man {}` shows the first", counted(pages.len(), "page"), first.display()));
    print(&format!("{}\n", args.out.display()))
}
