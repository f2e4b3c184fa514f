//! `cargo xtask train --ranks N`: builds the program with MPI, starts it by `mpirun`, and resumes the run after a process or a
//! computer was lost.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use args::{LaunchArgs, Train};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{build, cargo, mpi, mpirun, output};

/// The exit code of a job that lost a process or a computer, and can be resumed (`EX_TEMPFAIL`).
const EXIT_RESTART: u8 = 75;
/// What a shell shows for SIGKILL: the process was killed, perhaps because memory was short.
const KILLED: i32 = 137;
/// From here on, the exit codes of `mpirun` stand for what has failed between the computers.
const LOST: i32 = 200;
/// After a job has ended, its daemons on other computers need a moment, too.
const BEFORE_RESTART: Duration = Duration::from_secs(5);
/// How often the launcher looks whether the job has ended.
const POLL: Duration = Duration::from_millis(50);

/// Builds the program with `features` and MPI, and runs `train` on the ranks that it asks for.
pub fn run(train: &Train, words: &[OsString], features: &str) -> Result<ExitCode, String> {
    if let Some(missing) = mpi::missing() {
        return Err(format!("`--ranks` needs MPI, but this machine lacks {missing}"));
    }
    let program = match build::pastiche(&format!("{features},{}", mpi::FEATURE))? {
        Ok(program) => program,
        Err(status) => return Ok(cargo::exit_code(status)),
    };
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM]);
    let mut signals = signals.map_err(|error| format!("cannot install signal handlers: {error}"))?;
    let restarts = train.launch.restarts.unwrap_or(0);
    let mut words = LaunchArgs::without(words);
    for restart in 0.. {
        let started = SystemTime::now();
        let mut command = mpirun::command(train.launch.ranks.unwrap_or(1) as usize, &train.launch.hosts);
        command.arg(&program).args(&words);
        cargo::remove_launcher_env(&mut command);
        let status = wait(spawn(command)?, &mut signals)?;
        if !is_lost(status) {
            return Ok(cargo::exit_code(status));
        }
        let Some(run) = resumable(train, Path::new("runs"), started) else { break };
        if restart == restarts {
            let run = run.display();
            output::status(format_args!("a process was lost: resume with cargo xtask train --resume {run} --ranks N"));
            break;
        }
        output::status(format_args!("restart {} of {restarts}: resuming {}", restart + 1, run.display()));
        words = resume_words(train, &run);
        std::thread::sleep(BEFORE_RESTART);
    }
    Ok(ExitCode::from(EXIT_RESTART))
}

/// Whether a process or a computer was lost, so that the run can be resumed as it is.
fn is_lost(status: ExitStatus) -> bool {
    let code = cargo::shell_code(status);
    code == i32::from(EXIT_RESTART) || code == KILLED || code >= LOST
}

/// The run that a job trained which began at this time: one that its command line names, or else the newest one under `runs`,
/// if it is as new as the job. A run is named by its directory, or by its name in the folder `runs`.
fn resumable(train: &Train, runs: &Path, started: SystemTime) -> Option<PathBuf> {
    let is_run = |directory: &PathBuf| directory.join("checkpoints").is_dir();
    match train.out.clone().or_else(|| train.resume.clone().flatten()) {
        Some(named) => [named.clone(), runs.join(named)].into_iter().find(is_run),
        None => newest_run(runs, started),
    }
}

fn newest_run(folder: &Path, since: SystemTime) -> Option<PathBuf> {
    let runs = std::fs::read_dir(folder).ok()?.flatten();
    let changed = |run: &Path| run.join("checkpoints").metadata().ok()?.modified().ok();
    let times = runs.filter_map(|run| Some((changed(&run.path())?, run.path())));
    times.filter(|(time, _)| *time >= since).max().map(|(_, run)| run)
}

/// The command line that resumes `run` as `train` started it.
fn resume_words(train: &Train, run: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["train".into(), "--resume".into(), run.into()];
    let mut add = |name: &str, value: &OsStr| words.extend([name.into(), value.into()]);
    if let Some(backend) = train.backend.backend {
        add("--backend", backend.name().as_ref());
    }
    if let Some(device) = &train.backend.device {
        add("--device", device.as_ref());
    }
    if let Some(file) = &train.view_svg {
        add("--view-svg", file.as_ref());
    }
    if train.no_tui {
        words.push("--no-tui".into());
    }
    words
}

/// Waits for a job that has just started, and passes signals on: the first one asks it to stop and save, the second one
/// ends it.
fn wait(mut job: Child, signals: &mut Signals) -> Result<ExitStatus, String> {
    let mut first = true;
    loop {
        if let Some(status) = job.try_wait().map_err(|error| format!("cannot wait for mpirun: {error}"))? {
            return Ok(status);
        }
        for _ in signals.pending() {
            // After SIGINT and SIGTERM `mpirun` leaves the processes two seconds; SIGUSR1 it only passes on.
            mpirun::signal(job.id(), if first { "USR1" } else { "TERM" });
            first = false;
        }
        std::thread::sleep(POLL);
    }
}

/// The job in a process group of its own, which a terminal sends no signals to. It must not read from one, then.
fn spawn(mut command: Command) -> Result<Child, String> {
    if std::io::stdin().is_terminal() {
        command.stdin(Stdio::null());
    }
    command.process_group(0).spawn().map_err(|error| cargo::not_started(&command, &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use args::Backend;

    use super::*;

    #[test]
    fn a_job_is_resumed_only_after_a_loss() {
        let lost = |code: i32| is_lost(ExitStatus::from_raw(code << 8));
        assert!(lost(75) && lost(137) && lost(205) && is_lost(ExitStatus::from_raw(9)));
        assert!(!lost(0) && !lost(1) && !lost(101) && !lost(130) && !lost(143));
    }

    #[test]
    fn the_run_of_the_job_is_resumed_with_its_backend() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("fables-1");
        let mut train = Train { out: Some(run.clone()), no_tui: true, ..Train::default() };
        train.backend.backend = Some(Backend::Flex);
        let runs = folder.path();
        assert_eq!(resumable(&train, runs, SystemTime::now()), None);
        let before = SystemTime::now() - Duration::from_secs(60);
        std::fs::create_dir_all(run.join("checkpoints")).unwrap();
        assert_eq!(resumable(&train, runs, before), Some(run.clone()));
        let by_name = Train { resume: Some(Some("fables-1".into())), ..Train::default() };
        assert_eq!(resumable(&by_name, runs, before), Some(run.clone()));
        assert_eq!(newest_run(runs, before), Some(run.clone()));
        assert_eq!(newest_run(runs, SystemTime::now() + Duration::from_secs(60)), None);
        let words = resume_words(&train, &run);
        assert_eq!(words[0], "train");
        assert_eq!(words[2..], [run.into_os_string(), "--backend".into(), "flex".into(), "--no-tui".into()]);
    }
}
