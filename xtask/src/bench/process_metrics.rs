//! What is measured of whole processes of ours: how much memory training takes, and how soon a fresh
//! process has written its first token.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::program::Program;
use super::results::Done;
use super::worker::last_line;
use super::works::{Kind, Work};
use crate::cargo::{not_started, root};

/// The configuration that the aims are about.
pub const AESOP: &str = "aesop.toml";
/// The one that is used where Aesop's text is not at hand.
pub const FABLES: &str = "lstm.toml";

/// Where `fetch aesop` puts the text.
const IN_PLACE: &str = "datasets/aesop/aesop.txt";
/// So many times at least a process is started anew: the first token comes in milliseconds.
const STARTS: usize = 7;
/// How often a training process is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// Trains for an epoch, and measures what is asked for of that process and of its model.
pub fn measure(
    program: &Program,
    works: &[&'static Work],
    repetitions: usize,
    text: Option<&Path>,
) -> Result<Vec<Done>, String> {
    if works.is_empty() {
        return Ok(Vec::new());
    }
    let folder = Folder::new()?;
    within(&folder.0, program, works, repetitions, text)
}

fn within(
    folder: &Path,
    program: &Program,
    works: &[&'static Work],
    repetitions: usize,
    text: Option<&Path>,
) -> Result<Vec<Done>, String> {
    let log = folder.join("log");
    let on = prepare(program, text, folder, &log)?;
    eprintln!("training an epoch of {on}");
    let peak = train(program, on, folder, &log)?;
    let mut all = Vec::new();
    for &work in works {
        let values = match work.kind {
            Kind::FirstToken => {
                eprintln!("{}", work.name);
                first_tokens(program, repetitions.max(STARTS), folder, &log)?
            }
            _ => peak.into_iter().collect(),
        };
        all.push(Done { work, on, values: vec![values], others: None });
    }
    Ok(all)
}

/// Puts Aesop's fables where training finds them; without them, the fables that the program carries will
/// do.
fn prepare(
    program: &Program,
    text: Option<&Path>,
    folder: &Path,
    log: &Path,
) -> Result<&'static str, String> {
    let in_place = root().join(IN_PLACE);
    let Some(text) = text.map(Path::to_path_buf).or_else(|| in_place.exists().then_some(in_place))
    else {
        eprintln!(
            "{IN_PLACE} is not in place, nor named by --text: {FABLES} stands in for {AESOP}"
        );
        return Ok(FABLES);
    };
    let text = std::path::absolute(&text)
        .map_err(|error| format!("{} cannot be found: {error}", text.display()))?;
    let mut fetch = program.command();
    fetch.args(["fetch", "aesop", "--from"]).arg(text);
    finish(&mut start(fetch.stdout(Stdio::null()), folder, log)?, log, |_| ())?;
    Ok(AESOP)
}

/// Trains an epoch and returns the most memory that was resident, in MB; nothing where nobody tells.
fn train(program: &Program, on: &str, folder: &Path, log: &Path) -> Result<Option<f64>, String> {
    let mut train = program.command();
    train.args(["train", "--plain", "--out", "model", "--set", "train.epochs=1", "--config"]);
    train.arg(root().join("configs").join(on));
    program.on_device(&mut train);
    let mut child = start(train.stdout(Stdio::null()), folder, log)?;
    let mut peak = None;
    finish(&mut child, log, |id| peak = peak_megabytes(id).or(peak))?;
    Ok(peak)
}

/// How long after its start a process has written something, in milliseconds, so many times; once more at
/// first, to have the files at hand.
fn first_tokens(
    program: &Program,
    times: usize,
    folder: &Path,
    log: &Path,
) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for _ in 0..=times {
        let mut generate = program.command();
        generate.args(["generate", "--model", "model", "--tokens", "1", "--seed", "1"]);
        program.on_device(&mut generate);
        let began = Instant::now();
        let mut child = start(generate.stdout(Stdio::piped()), folder, log)?;
        let mut output = child.stdout.take().expect("piped");
        // There is no prompt, so the first byte belongs to the first token.
        let first = output.read_exact(&mut [0]);
        let took = began.elapsed();
        // Read to its end, lest the process writes into a closed pipe.
        let rest = output.read_to_end(&mut Vec::new());
        finish(&mut child, log, |_| ())?;
        first.and(rest).map_err(|error| format!("generate wrote nothing: {error}"))?;
        all.push(1e3 * took.as_secs_f64());
    }
    all.remove(0);
    Ok(all)
}

fn start(command: &mut Command, folder: &Path, log: &Path) -> Result<Child, String> {
    let errors = File::create(log)
        .map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
    let command = command.current_dir(folder).stdin(Stdio::null()).stderr(errors);
    command.spawn().map_err(|error| not_started(command, &error))
}

/// Waits for a process, with a glance at it now and then.
fn finish(child: &mut Child, log: &Path, mut glance: impl FnMut(u32)) -> Result<(), String> {
    loop {
        glance(child.id());
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let words = last_line(log).unwrap_or_default();
                return Err(format!("pastiche ended with {status}: {words}"));
            }
            Ok(None) => std::thread::sleep(GLANCE),
            Err(error) => return Err(format!("pastiche was lost: {error}")),
        }
    }
}

/// The peak so far of a process that still runs, where Linux tells; it never falls, so the last glance
/// knows all but the last milliseconds.
fn peak_megabytes(process: u32) -> Option<f64> {
    peak_in(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn peak_in(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// A folder outside the checkout that goes when all is measured.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("pastiche-bench-{}", std::process::id()));
        std::fs::create_dir(&folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in the system's temporary place does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_megabytes() {
        let status = "Name:\tpastiche\nVmPeak:\t  900000 kB\nVmHWM:\t  100000 kB\nVmRSS:\t 5 kB\n";
        assert_eq!(peak_in(status), Some(102.4));
        assert_eq!(peak_in("Name:\tpastiche\nState:\tZ (zombie)\n"), None);
    }

    #[cfg(unix)]
    mod with_a_program {
        use super::super::*;
        use crate::bench::works::WORKS;

        /// A shell, for which our commands are scripts of their names in the folder it runs in.
        fn program(folder: &Path, train: &str) -> Program {
            let scripts =
                [("train", train), ("generate", "cat model/word"), ("fetch", "test -f $3")];
            for (name, script) in scripts {
                std::fs::write(folder.join(name), script).unwrap();
            }
            Program { path: "sh".into(), backend: args::Backend::Flex, device: None, threads: 1 }
        }

        fn works() -> Vec<&'static Work> {
            WORKS.iter().filter(|work| !work.is_for_workers()).collect()
        }

        #[test]
        fn training_is_watched_and_its_model_writes() {
            let folder = tempfile::tempdir().unwrap();
            let program = program(folder.path(), "mkdir model; echo once > model/word");
            let text = folder.path().join("text.txt");
            std::fs::write(&text, "Once").unwrap();
            let done = within(folder.path(), &program, &works(), 9, Some(&text)).unwrap();
            let names: Vec<_> = done.iter().map(|done| (done.work.name, done.on)).collect();
            assert_eq!(names, [("peak-memory", AESOP), ("first-token", AESOP)]);
            assert_eq!(done[1].values[0].len(), 9);
            assert!(done[1].values[0].iter().all(|&milliseconds| milliseconds > 0.0));
        }

        #[test]
        fn a_program_that_fails_is_quoted() {
            let folder = tempfile::tempdir().unwrap();
            let program = program(folder.path(), "echo 'no room' >&2; exit 2");
            let folder = folder.path();
            let error = train(&program, FABLES, folder, &folder.join("log")).unwrap_err();
            assert!(error.contains("exit status: 2") && error.contains("no room"), "{error}");
        }

        #[test]
        fn a_program_that_writes_nothing_is_no_fast_one() {
            let folder = tempfile::tempdir().unwrap();
            let program = program(folder.path(), "");
            std::fs::create_dir(folder.path().join("model")).unwrap();
            std::fs::write(folder.path().join("model/word"), "").unwrap();
            let log = folder.path().join("log");
            let error = first_tokens(&program, 1, folder.path(), &log).unwrap_err();
            assert!(error.contains("wrote nothing"), "{error}");
        }
    }
}
