//! Whatever breaks, a job ends soon, with a reason that names the rank and its computer, and no process is left.

use std::time::Duration;

use super::{Bench, Job};
use crate::cargo::shell_code;
use crate::mpirun;
use crate::output;

/// How long a rank waits for the others in this test.
const DEADLINE: u64 = 4;
/// A job may take this much longer to end than its ranks wait.
const MORE: Duration = Duration::from_secs(10);
/// The rank that breaks, and its computer.
const RANK: usize = 2;
const RANKS: usize = 4;

/// What a test does to a job.
enum Fault {
    /// The rank does it itself.
    Own(&'static str),
    /// The rank gets this signal.
    Signal(&'static str),
    /// `mpirun` gets this signal.
    SignalToMpirun(&'static str),
    /// The computer of the rank loses its network.
    Cable,
    /// The daemon on the computer of the rank is killed.
    Daemon,
}

struct Case {
    name: &'static str,
    fault: Fault,
    /// The exit code of `mpirun`, if it says something.
    code: Option<i32>,
    /// What is printed, with the name of the computer in place of `HOST` and as `mpirun` names it in place of `NODE`. Nothing
    /// where the launcher itself is ended, which does not name a rank.
    messages: &'static [&'static str],
}

const NO_ANSWER: &str =
    "rank 2 did not answer within 4 s; start the job again, and it continues from its newest checkpoint (on HOST)";

const CASES: [Case; 8] = [
    Case {
        name: "killed rank",
        fault: Fault::Signal("KILL"),
        code: Some(137),
        messages: &["process rank 2 with PID ", " on node NODE exited on signal 9"],
    },
    Case {
        name: "panic",
        fault: Fault::Own("panic"),
        code: Some(101),
        messages: &["error: rank 2 of 4 on host HOST: panicked at crates/ranks/examples/ranks_job.rs"],
    },
    Case {
        name: "error",
        fault: Fault::Own("error"),
        code: Some(1),
        messages: &["error: rank 2 of 4 on host HOST: a test of errors"],
    },
    Case { name: "stopped rank", fault: Fault::Signal("STOP"), code: Some(75), messages: &[NO_ANSWER] },
    Case { name: "pulled cable", fault: Fault::Cable, code: None, messages: &[NO_ANSWER] },
    Case { name: "killed daemon", fault: Fault::Daemon, code: None, messages: &[" on node NODE"] },
    Case { name: "Ctrl-C", fault: Fault::SignalToMpirun("INT"), code: None, messages: &[] },
    Case { name: "killed mpirun", fault: Fault::SignalToMpirun("KILL"), code: Some(137), messages: &[] },
];

/// Runs all cases, and one in which a rank is only busy.
pub fn test(bench: &Bench) -> Result<String, String> {
    for case in CASES {
        if matches!(case.fault, Fault::Cable | Fault::Daemon) && bench.hosts.is_none() {
            output::print(format_args!("skipped: {}, which needs several computers", case.name));
            continue;
        }
        let took = break_down(bench, &case).map_err(|reason| format!("{}: {reason}", case.name))?;
        output::print(format_args!("{}: the job ended after {:.1} s", case.name, took.as_secs_f64()));
    }
    let busy = start(bench, &["40", "1000", &DEADLINE.to_string(), &format!("busy:{RANK}")])?;
    let ended = busy.end_within(Duration::from_secs(120)).map_err(|reason| format!("busy rank: {reason}"))?;
    if !ended.status.success() {
        return Err(format!("a rank that was busy longer than the deadline ended the job: {}", ended.stderr));
    }
    Ok("all jobs ended in time and left no process".into())
}

fn start(bench: &Bench, words: &[&str]) -> Result<Job, String> {
    let adder = bench.adder.display().to_string();
    Job::start(bench.mpirun(RANKS), &[&[adder.as_str()], words].concat())
}

fn break_down(bench: &Bench, case: &Case) -> Result<Duration, String> {
    let deadline = DEADLINE.to_string();
    let mut words = vec!["0", "1000", &deadline];
    let own = match case.fault {
        Fault::Own(kind) => Some(format!("{kind}:{RANK}")),
        _ => None,
    };
    words.extend(own.as_deref());
    let mut job = start(bench, &words)?;
    if own.is_some() {
        job.wait_until("a rank printed nothing", |job| job.has_printed("error:"))?;
    } else {
        job.wait_for("ready")?;
    }
    match case.fault {
        Fault::Own(_) => {}
        Fault::Signal(signal) => mpirun::signal(job.process_of(RANK)?, signal),
        Fault::SignalToMpirun(signal) => mpirun::signal(job.id(), signal),
        Fault::Cable => bench.hosts.iter().try_for_each(|hosts| hosts.connect(RANK, false))?,
        Fault::Daemon => {
            let rank = job.process_of(RANK)?;
            mpirun::signal(job.daemon_of(rank)?, "KILL");
        }
    }
    let ended = job.end_within(Duration::from_secs(DEADLINE) + MORE);
    if matches!(case.fault, Fault::Cable) {
        bench.hosts.iter().try_for_each(|hosts| hosts.connect(RANK, true))?;
    }
    let ended = ended?;
    let code = shell_code(ended.status);
    if code == 0 || case.code.is_some_and(|expected| expected != code) {
        return Err(format!("mpirun exited with {code}: {}", ended.stderr));
    }
    let (host, node) = match &bench.hosts {
        Some(hosts) => (hosts.name(RANK), hosts.address(RANK)),
        None => (this_host(), this_host()),
    };
    for message in case.messages {
        let message = message.replace("HOST", &host).replace("NODE", &node);
        if !ended.stderr.contains(&message) {
            return Err(format!("`{message}` is missing in: {}", ended.stderr));
        }
    }
    Ok(ended.took)
}

fn this_host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
