//! Ctrl-C, SIGTERM and SIGHUP: the first signal requests a stop of the run, the second one exits the program.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use trainer::StopFlag;

use crate::error::Result;
use crate::output::status;
use crate::view;

/// The exit code after a stop by Ctrl-C.
pub const EXIT_INTERRUPTED: u8 = 130;

/// A second signal within this time is the same request: `timeout` of GNU sends SIGTERM to the program and to its group,
/// which it belongs to.
const SAME_REQUEST: Duration = Duration::from_millis(500);

/// When a stop was first requested by a signal or a key.
static FIRST_REQUEST: Mutex<Option<Instant>> = Mutex::new(None);

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
    let mut first = FIRST_REQUEST.lock().unwrap_or_else(PoisonError::into_inner);
    if !stop.request() {
        *first = Some(Instant::now());
        if !view::is_shown() {
            status("finishing the step, then saving; repeat to quit now");
        }
    } else if first.is_none_or(|first| first.elapsed() >= SAME_REQUEST) {
        view::restore();
        status("quit without saving: `train --resume` continues from the last checkpoint");
        std::process::exit(EXIT_INTERRUPTED.into());
    }
}
