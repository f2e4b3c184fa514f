//! A started job: its output, its processes on all computers, and its end.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cargo::not_started;
use crate::mpirun;

/// A variable that all processes of a job inherit, by which they are found.
const MARK: &str = "PASTICHE_MPI_TEST";
/// How long a job may take to start and to reach a state. Other programs may use the processors.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long processes may outlive `mpirun`.
const ORPHANS: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

/// `mpirun` and what it has started. All is killed if a test fails.
pub struct Job {
    mpirun: Child,
    mark: String,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
}

/// A process of a job.
pub struct Process {
    /// Its id, which is the same in all namespaces.
    pub id: u32,
    /// Its rank, if it is no daemon.
    pub rank: Option<usize>,
    /// The name of its program.
    pub name: String,
}

impl Job {
    /// Starts `mpirun` with this program.
    pub fn start(mut mpirun: Command, program: &[&str]) -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        mpirun.args(program).env(MARK, &mark).env("RAYON_NUM_THREADS", "1");
        mpirun.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = mpirun.spawn().map_err(|error| not_started(&mpirun, &error))?;
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        Ok(Self { mpirun: child, mark, stdout, stderr })
    }

    /// Waits until standard output contains this.
    pub fn wait_for(&mut self, text: &str) -> Result<(), String> {
        self.wait_until(&format!("no `{text}` was printed"), |job| locked(&job.stdout).contains(text))
    }

    /// Waits until this is true, while the job runs; `otherwise` says what has not happened.
    pub fn wait_until(&mut self, otherwise: &str, is_true: impl Fn(&Self) -> bool) -> Result<(), String> {
        let began = Instant::now();
        while !is_true(self) {
            let ended = self.mpirun.try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > PATIENCE {
                return Err(format!("{otherwise}; {}", self.in_words(ended)));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// The id of `mpirun`.
    pub fn id(&self) -> u32 {
        // In a namespace it replaced the program that entered it.
        self.mpirun.id()
    }

    /// The processes of the job besides `mpirun`.
    pub fn processes(&self) -> Vec<Process> {
        let mark = format!("{MARK}={}", self.mark);
        let Ok(all) = std::fs::read_dir("/proc") else { return Vec::new() };
        let ids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let process = |id: u32| {
            let folder = PathBuf::from(format!("/proc/{id}"));
            let variables = std::fs::read(folder.join("environ")).ok()?;
            let variables: Vec<_> = variables.split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
            let is_ended = std::fs::read_to_string(folder.join("stat")).ok()?.contains(") Z ");
            if is_ended || !variables.iter().any(|variable| *variable == mark) {
                return None;
            }
            let rank =
                variables.iter().find_map(|variable| variable.strip_prefix("OMPI_COMM_WORLD_RANK=")?.parse().ok());
            let name = std::fs::read_to_string(folder.join("comm")).ok()?.trim().to_owned();
            Some(Process { id, rank, name })
        };
        ids.filter(|&id| id != self.mpirun.id()).filter_map(process).collect()
    }

    /// Whether this is in what was printed on standard error.
    pub fn has_printed(&self, text: &str) -> bool {
        locked(&self.stderr).contains(text)
    }

    /// The process that has started this one, which is the daemon of its computer.
    pub fn daemon_of(&self, process: u32) -> Result<u32, String> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(|error| error.to_string())?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        parent.ok_or_else(|| format!("process {process} has no parent"))
    }

    /// The process of a rank.
    pub fn process_of(&self, rank: usize) -> Result<u32, String> {
        let process = self.processes().into_iter().find(|process| process.rank == Some(rank));
        process.map(|process| process.id).ok_or_else(|| format!("rank {rank} has no process"))
    }

    /// Waits until the job has ended and none of its processes is left. Returns its status, what it printed, and how long it
    /// took to end.
    pub fn end_within(mut self, limit: Duration) -> Result<Ended, String> {
        let began = Instant::now();
        let status = loop {
            match self.mpirun.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if began.elapsed() > limit => {
                    return Err(format!("it did not end within {} s; {}", limit.as_secs(), self.in_words(None)));
                }
                None => std::thread::sleep(POLL),
            }
        };
        let took = began.elapsed();
        while !self.processes().is_empty() {
            if began.elapsed() > took + ORPHANS {
                let left: Vec<String> = self.processes().into_iter().map(|process| process.name).collect();
                return Err(format!("processes are left: {}; {}", left.join(", "), self.in_words(Some(status))));
            }
            std::thread::sleep(POLL);
        }
        let (stdout, stderr) = (locked(&self.stdout).clone(), locked(&self.stderr).clone());
        Ok(Ended { status, stdout, stderr, took })
    }

    fn in_words(&self, status: Option<ExitStatus>) -> String {
        let state = status.map_or("it runs".into(), |status| status.to_string());
        format!("{state}; it printed: {}{}", locked(&self.stdout), locked(&self.stderr))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.mpirun.kill();
        self.processes().iter().for_each(|process| mpirun::signal(process.id, "KILL"));
        let _ = self.mpirun.wait();
    }
}

/// A job that has ended.
pub struct Ended {
    /// Of `mpirun`.
    pub status: ExitStatus,
    /// All that was printed.
    pub stdout: String,
    /// All that was printed on standard error.
    pub stderr: String,
    /// How long it took to end.
    pub took: Duration,
}

/// What a pipe contains, read by a thread.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    if let Some(pipe) = pipe {
        let text = text.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let mut text = locked(&text);
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
        });
    }
    text
}

fn locked(text: &Mutex<String>) -> std::sync::MutexGuard<'_, String> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
