//! Seeded mutations of the files that the program reads. None may cause a panic, an abort or a hang, or ask for much
//! memory; an error must be one line. Hashes are computed again after a mutation, so that the checks behind them are
//! reached.
//!
//! Every kind of file is a process of its own, so that an abort or a hang is a failure of one case. To repeat a case:
//! `PASTICHE_MUTATION_KIND=KIND PASTICHE_MUTATION_SEED=SEED cargo xtask test mutations::child -- --ignored`.

mod binary;
mod inputs;
mod models;
mod text;

use std::fmt::Display;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use seqdata::Random;

/// Mutations of each kind, unless the environment variable gives another number.
const CASES: u64 = 300;
const COUNT: &str = "PASTICHE_MUTATIONS";
/// A case that takes longer hangs. All cases of a kind together take a few seconds.
const HANG: Duration = Duration::from_secs(30);
/// How much address space the cases may take, in bytes.
const MEMORY: u64 = 512 << 20;

const KIND: &str = "PASTICHE_MUTATION_KIND";
const SEED: &str = "PASTICHE_MUTATION_SEED";
const PROGRESS: &str = "PASTICHE_MUTATION_PROGRESS";

static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
static REJECTED: AtomicUsize = AtomicUsize::new(0);

/// Makes one mutation and reads the result.
type Case = Box<dyn FnMut(&mut Random)>;
/// Makes the unchanged files in a folder.
type Make = fn(&Path) -> Case;

/// The kinds of files.
const KINDS: [(&str, Make); 15] = [
    ("model", models::model),
    ("int8-model", models::int8_model),
    ("document-model", models::document_model),
    ("question-model", models::question_model),
    ("checkpoint-windows", models::checkpoint_windows),
    ("checkpoint-tbptt", models::checkpoint_tbptt),
    ("import", models::import),
    ("configuration", inputs::configuration),
    ("question-configuration", inputs::question_configuration),
    ("tokenizer", inputs::tokenizer),
    ("squad", inputs::squad),
    ("jsonl", inputs::jsonl),
    ("newsqa", inputs::newsqa),
    ("vectors", inputs::vectors),
    ("corpus", inputs::corpus),
];

#[test]
fn mutated_files_cause_no_panic_abort_or_hang() {
    let prlimit = Command::new("prlimit").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !prlimit.is_ok_and(|status| status.success()) {
        crate::output::status("skipped: the memory limit of mutated files; there is no `prlimit` (of util-linux)");
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let processes = std::thread::available_parallelism().map_or(1, |count| count.get().min(KINDS.len()));
    std::thread::scope(|scope| {
        for _ in 0..processes {
            scope.spawn(|| {
                while let Some((kind, _)) = KINDS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failures.lock().unwrap().extend(run_in_process(kind).err());
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs all cases of a kind. The error names the kind, the seed and what happened.
fn run_in_process(kind: &str) -> Result<(), String> {
    // Files in memory: a saved model is synced to the disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (progress, log) = (folder.path().join("progress"), folder.path().join("log"));
    let output = File::create(&log).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["mutations::child", "--exact", "--ignored", "--nocapture"])
        .env(KIND, kind)
        .env(PROGRESS, &progress)
        .env("TMPDIR", folder.path())
        .env("RAYON_NUM_THREADS", "2")
        .env("RUST_MIN_STACK", crate::STACK_SIZE.to_string())
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let read = || fs::read_to_string(&progress).unwrap_or_default();
    let (mut last, mut since) = (read(), Instant::now());
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let (seed, log) = (read(), fs::read_to_string(&log).unwrap_or_default());
            return if status.success() { Ok(()) } else { Err(format!("{kind}, seed {seed}: {status}\n{log}")) };
        }
        let now = read();
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > HANG {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("{kind}, seed {last}: no end after {HANG:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "started by `mutated_files_cause_no_panic_abort_or_hang`"]
fn child() {
    static MESSAGE: Mutex<String> = Mutex::new(String::new());
    let Ok(name) = std::env::var(KIND) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (kind, make) = KINDS.iter().find(|(kind, _)| *kind == name).expect("a known kind");
    let mut case = make(folder.path());
    limit_memory();
    let number = |variable| std::env::var(variable).ok().map(|number| number.parse::<u64>().unwrap());
    let seeds = number(SEED).map_or(0..number(COUNT).unwrap_or(CASES), |seed| seed..seed + 1);
    std::panic::set_hook(Box::new(|info| *MESSAGE.lock().unwrap() = info.to_string().replace('\n', " ")));
    let mut failures = Vec::new();
    let count = seeds.end - seeds.start;
    for seed in seeds {
        if let Ok(path) = std::env::var(PROGRESS) {
            fs::write(path, seed.to_string()).unwrap();
        }
        let mut random = Random::keyed(seed, "mutation", &[kind.len() as u64]);
        if catch_unwind(AssertUnwindSafe(|| case(&mut random))).is_err() {
            failures.push(format!("{kind}, seed {seed}: {}", MESSAGE.lock().unwrap()));
        }
    }
    let _ = std::panic::take_hook();
    assert!(failures.is_empty(), "{} cases\n{}", failures.len(), failures.join("\n"));
    let [accepted, rejected] = [&ACCEPTED, &REJECTED].map(|count| count.load(Ordering::Relaxed) as u64);
    crate::output::status(&format!("{kind}: {accepted} accepted, {rejected} rejected"));
    // Otherwise the unchanged files are wrong, or the changes are lost.
    assert!(count < 100 || accepted.min(rejected) > count / 20, "{kind}: {accepted} accepted, {rejected} rejected");
}

/// Limits the address space of this process, where `prlimit` exists.
fn limit_memory() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?.parse().ok());
    let Some(kilobytes) = size.map(|size: u64| size) else { return };
    let (process, limit) = (std::process::id().to_string(), (kilobytes << 10) + MEMORY);
    let _ = Command::new("prlimit").args(["--pid", &process, &format!("--as={limit}")]).status();
}

/// The value, if there is one; an error must be one line.
fn accepted<T, E: Display>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => {
            ACCEPTED.fetch_add(1, Ordering::Relaxed);
            Some(value)
        }
        Err(error) => {
            REJECTED.fetch_add(1, Ordering::Relaxed);
            let message = error.to_string();
            assert!(!message.contains('\n'), "an error of several lines: {message}");
            if std::env::var_os(SEED).is_some() {
                crate::output::status(&message);
            }
            None
        }
    }
}

/// True once in `count` calls, on average.
fn one_in(random: &mut Random, count: u64) -> bool {
    random.below(count) == 0
}

/// One of `values`.
fn pick<'a, T>(random: &mut Random, values: &'a [T]) -> &'a T {
    &values[random.below(values.len() as u64) as usize]
}
