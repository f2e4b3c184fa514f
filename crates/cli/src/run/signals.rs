//! Ctrl-C, SIGTERM and the end of the terminal: the first one asks the run to stop, the second one ends
//! the program.

use trainer::Stop;

use crate::error::{Error, Result};
use crate::output::tell;
use crate::view;

/// What a program ends with that Ctrl-C has stopped.
pub const INTERRUPTED: u8 = 130;

/// Lets these signals ask for `stop` from now on.
///
/// # Errors
/// If the system refuses.
#[cfg(unix)]
pub fn listen(stop: &Stop) -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let refused = |error: std::io::Error| {
        Error::new(format!("Ctrl-C cannot be listened for: {error}; try again"))
    };
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(refused)?;
    let stop = stop.clone();
    std::thread::spawn(move || signals.forever().for_each(|_| ask(&stop)));
    Ok(())
}

/// Where there are no such signals, Ctrl-C ends the program, and the last checkpoint remains.
#[cfg(not(unix))]
pub fn listen(_stop: &Stop) -> Result<()> {
    Ok(())
}

/// Asks the run to stop; a second time, the program ends at once.
pub fn ask(stop: &Stop) {
    if !stop.ask() {
        if !view::is_shown() {
            tell("finishing the step, then saving; again to leave at once");
        }
    } else {
        view::restore();
        tell("left at once: `train --resume` goes on from the last checkpoint");
        std::process::exit(INTERRUPTED.into());
    }
}
