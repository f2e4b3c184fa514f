//! Ctrl-C, SIGTERM and SIGHUP: the first signal requests a stop of the run, the second one exits the program. Before the
//! training of a run begins, the first one exits.

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

/// The run that signals stop; `None` before its training begins.
static RUN: Mutex<Option<StopFlag>> = Mutex::new(None);

/// Installs the handlers, if they are not yet: until [`stop_run`] is called, a signal exits the program.
///
/// # Errors
/// If the system does not allow it.
#[cfg(unix)]
pub fn install_handlers() -> Result<()> {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::error::Error;

    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::new(format!("cannot install signal handlers: {error}; try again"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    std::thread::spawn(move || {
        signals.forever().for_each(|_| {
            let run = RUN.lock().unwrap_or_else(PoisonError::into_inner).clone();
            run.map_or_else(exit_before_training, |stop| request_stop(&stop));
        });
    });
    Ok(())
}

/// Without Unix signals, Ctrl-C exits the program, and the last checkpoint remains.
#[cfg(not(unix))]
pub fn install_handlers() -> Result<()> {
    Ok(())
}

/// From now on signals request `stop`.
///
/// # Errors
/// If handlers cannot be installed.
pub fn stop_run(stop: &StopFlag) -> Result<()> {
    *RUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop.clone());
    install_handlers()
}

#[cfg(unix)]
fn exit_before_training() {
    status("stopped before the first training step: nothing was saved");
    std::process::exit(EXIT_INTERRUPTED.into());
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
