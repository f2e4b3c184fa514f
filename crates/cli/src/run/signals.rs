//! Ctrl-C, SIGTERM, SIGHUP and SIGUSR1: the first signal requests a stop of the run, the second one exits the program.
//! Before the training of a run begins and after it is saved, the first one exits.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// What a signal does.
#[derive(Clone)]
#[cfg_attr(not(unix), allow(dead_code, reason = "only the handlers read all of it"))]
enum Reaction {
    /// It exits the program, which has created no run yet.
    Exit,
    /// It exits the program, which has not changed this run yet.
    ExitUnchanged(PathBuf),
    /// It stops the run.
    Stop(StopFlag),
    /// It calls this, which ends the command.
    Call(Arc<dyn Fn() + Send + Sync>),
    /// It exits the program, which has saved this run and writes its report.
    ExitSaved(PathBuf),
}

static REACTION: Mutex<Reaction> = Mutex::new(Reaction::Exit);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Installs the handlers, if they are not yet: until [`stop_run`] is called, a signal exits the program.
///
/// # Errors
/// If the system does not allow it.
#[cfg(unix)]
pub fn install_handlers() -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    use crate::error::Error;

    static INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut is_installed = locked(&INSTALLED);
    if *is_installed {
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::new(format!("cannot install signal handlers: {error}; try again"));
    // `mpirun` passes SIGUSR1 on to all processes, and gives them the time to save.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1]).map_err(failed)?;
    let react = move || {
        signals.forever().for_each(|_| {
            let reaction = locked(&REACTION).clone();
            match reaction {
                Reaction::Exit => exit(&stopped_before_training(None)),
                Reaction::ExitUnchanged(run) => exit(&stopped_before_training(Some(&run))),
                Reaction::Stop(stop) => request_stop(&stop),
                Reaction::Call(end) => end(),
                Reaction::ExitSaved(_) if is_same_request() => {}
                Reaction::ExitSaved(run) => exit_saved(&run),
            }
        });
    };
    std::thread::Builder::new().name("signals".into()).spawn(react).map_err(failed)?;
    *is_installed = true;
    Ok(())
}

/// Without Unix signals, Ctrl-C exits the program, and the last checkpoint remains.
#[cfg(not(unix))]
pub fn install_handlers() -> Result<()> {
    Ok(())
}

/// From now on a signal exits the program and says that `run`, which is resumed, has not changed.
pub fn resume_run(run: &Path) {
    *locked(&REACTION) = Reaction::ExitUnchanged(run.into());
}

/// From now on signals request `stop`. A new run calls this before it has a directory, so that a signal never leaves a
/// directory that cannot be resumed.
///
/// # Errors
/// If handlers cannot be installed.
pub fn stop_run(stop: &StopFlag) -> Result<()> {
    *locked(&REACTION) = Reaction::Stop(stop.clone());
    install_handlers()
}

/// From now on a signal calls `end`, which ends the command. Without Unix signals, Ctrl-C exits the program.
///
/// # Errors
/// If handlers cannot be installed.
pub fn end_command(end: impl Fn() + Send + Sync + 'static) -> Result<()> {
    *locked(&REACTION) = Reaction::Call(Arc::new(end));
    install_handlers()
}

/// From now on a signal exits the program and says that `run` is saved, but not its whole report.
pub fn report_run(run: &Path) {
    *locked(&REACTION) = Reaction::ExitSaved(run.into());
}

fn exit(message: &str) -> ! {
    view::restore();
    status(message);
    std::process::exit(EXIT_INTERRUPTED.into());
}

/// Exits while the report on `run` is written, of which no half-written file stays.
fn exit_saved(run: &Path) -> ! {
    durable::file::remove_staged(run);
    exit(&stopped_before_report(run))
}

/// Whether a signal that comes now is the same request as the first one.
#[cfg(unix)]
fn is_same_request() -> bool {
    locked(&FIRST_REQUEST).is_some_and(|first| first.elapsed() < SAME_REQUEST)
}

/// The message of a stop while the report is written.
fn stopped_before_report(run: &Path) -> String {
    let run = run.display();
    format!(
        "{run} is saved, but not all of its report: cargo xtask train --resume {run} (or pastiche …) writes the rest"
    )
}

/// The message of a stop before training, of a new run or a resumed one.
#[cfg(unix)]
fn stopped_before_training(resumed: Option<&Path>) -> String {
    let what = "stopped before the first training step";
    match resumed {
        None => format!("{what}: no run was created"),
        Some(run) => {
            let run = run.display();
            format!("{what}: {run} is as it was; resume it with: cargo xtask train --resume {run} (or pastiche …)")
        }
    }
}

/// Requests a stop of the run; the second request exits the program at once.
pub fn request_stop(stop: &StopFlag) {
    let mut first = locked(&FIRST_REQUEST);
    if !stop.request() {
        *first = Some(Instant::now());
        if !view::is_shown() {
            status("finishing the step, then saving; repeat to quit now");
        }
    } else if first.is_none_or(|first| first.elapsed() >= SAME_REQUEST) {
        // The view may read a key until just after the end of the run.
        if let Reaction::ExitSaved(run) = &*locked(&REACTION) {
            exit_saved(run);
        }
        exit("quit without saving: `train --resume` continues from the last checkpoint, if there is one");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_stop_before_the_report_says_that_the_run_is_saved() {
        assert_eq!(
            stopped_before_report(Path::new("runs/fox-1")),
            "runs/fox-1 is saved, but not all of its report: cargo xtask train --resume runs/fox-1 (or pastiche …) writes \
             the rest"
        );
    }

    #[test]
    fn a_stop_before_training_says_which_run_can_be_resumed() {
        assert_eq!(stopped_before_training(None), "stopped before the first training step: no run was created");
        assert_eq!(
            stopped_before_training(Some(Path::new("runs/fox-1"))),
            "stopped before the first training step: runs/fox-1 is as it was; resume it with: cargo xtask train --resume \
             runs/fox-1 (or pastiche …)"
        );
    }
}
