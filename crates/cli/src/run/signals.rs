//! Ctrl-C, SIGTERM and SIGHUP: the first signal requests a stop of the run, the second one exits the program.

use trainer::StopFlag;

use crate::error::Result;
use crate::output::status;
use crate::view;

/// The exit code after a stop by Ctrl-C.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Installs handlers that request `stop`.
///
/// # Errors
/// If the system does not allow it.
#[cfg(unix)]
pub fn install_handlers(stop: &StopFlag) -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::error::Error;

    let failed = |error: std::io::Error| Error::new(format!("cannot install signal handlers: {error}; try again"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let stop = stop.clone();
    std::thread::spawn(move || signals.forever().for_each(|_| request_stop(&stop)));
    Ok(())
}

/// Without Unix signals, Ctrl-C exits the program, and the last checkpoint remains.
#[cfg(not(unix))]
pub fn install_handlers(_stop: &StopFlag) -> Result<()> {
    Ok(())
}

/// Requests a stop of the run; the second request exits the program at once.
pub fn request_stop(stop: &StopFlag) {
    if !stop.request() {
        if !view::is_shown() {
            status("finishing the step, then saving; repeat to quit now");
        }
    } else {
        view::restore();
        status("quit without saving: `train --resume` continues from the last checkpoint");
        std::process::exit(EXIT_INTERRUPTED.into());
    }
}
