//! The program trains to the same weights with 1, 2 and 4 processes, and after one of them was killed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Bench, Job};
use crate::cargo::shell_code;
use crate::mpirun;

/// The text: sentences that differ, so that the gradients of all steps do.
const WORDS: [&str; 12] = ["a", "snail", "and", "the", "hare", "went", "to", "an", "old", "well", "slowly", "again"];
/// Fifty steps of a small model with state that is carried, dropout, clipping and averaged weights. A checkpoint after every
/// fifth step, and one is resumed.
const CONFIG: &str = r#"
seed = 3
[text]
path = "text.txt"
[tokens]
kind = "words"
[model]
embedding_dim = 32
layers = [{ cell = "lstm", units = 160, recurrent_dropout = 0.2 }]
dropout = 0.2
[train]
mode = "tbptt"
bptt_len = 24
batch_size = 32
shards = 4
epochs = 2
steps_per_epoch = 25
learning_rate = 0.01
ema_decay = 0.9
optimizer = { kind = "adam" }
clip = { global_norm = 1.0 }
[samples]
every_steps = 0
[checkpoints]
every_steps = 5
every_minutes = 0
"#;
/// How long a run may take on a machine that does other things, too.
const LIMIT: Duration = Duration::from_secs(240);

/// Trains with 1, 2 and 4 processes, and again with 4 of which one is killed, then with 2, which are stopped, then alone.
pub fn test(bench: &Bench) -> Result<String, String> {
    std::fs::write(bench.path().join("text.txt"), text()).map_err(|error| format!("no text: {error}"))?;
    std::fs::write(bench.path().join("config.toml"), CONFIG).map_err(|error| format!("no configuration: {error}"))?;
    let alone = train(bench, 1, "alone")?;
    for ranks in [2, 4] {
        let hash = train(bench, ranks, &format!("ranks-{ranks}"))?;
        if hash != alone {
            return Err(format!("{ranks} ranks end with other weights than one: {hash}, not {alone}"));
        }
    }
    interrupt(bench, 4, |job| Ok((job.process_of(2)?, "KILL")), "start", 137)?;
    interrupt(bench, 2, |job| Ok((job.id(), "USR1")), "resume", 130)?;
    let resumed = finish(bench, 1)?;
    if resumed != alone {
        return Err(format!(
            "a run that lost a process and was resumed ends with other weights: {resumed}, not {alone}"
        ));
    }
    Ok(format!("50 steps on 1, 2 and 4 ranks, and after a kill and a stop, end with the weights {}", &alone[..16]))
}

fn text() -> String {
    let sentence = |number: usize| {
        let words = (0..5 + number % 5).map(|word| WORDS[(number * number + word * (3 + number % 7)) % WORDS.len()]);
        words.collect::<Vec<_>>().join(" ") + ".\n"
    };
    (0..3000).map(sentence).collect()
}

/// Trains in a new run and returns the hash of the weights.
fn train(bench: &Bench, ranks: usize, run: &str) -> Result<String, String> {
    let ended = job(bench, ranks, &["--config", "config.toml", "--out", run])?.end_within(LIMIT)?;
    if !ended.status.success() {
        return Err(format!("{ranks} ranks: {}: {}", ended.status, ended.stderr));
    }
    if ended.stdout.trim() != run {
        return Err(format!("{ranks} ranks printed on standard output: {}", ended.stdout));
    }
    hash(&bench.path().join(run))
}

/// Starts or resumes the run `lost`, sends this signal to a process after its next checkpoint, and expects this exit code.
fn interrupt(
    bench: &Bench,
    ranks: usize,
    signal: impl Fn(&Job) -> Result<(u32, &'static str), String>,
    how: &str,
    code: i32,
) -> Result<(), String> {
    let words: &[&str] =
        if how == "start" { &["--config", "config.toml", "--out", "lost"] } else { &["--resume", "lost"] };
    let folder = bench.path().join("lost/checkpoints");
    let newest = || newest_checkpoint(&folder);
    let before = newest().unwrap_or(0);
    let mut job = job(bench, ranks, words)?;
    job.wait_until("no checkpoint was written", |_| newest().is_some_and(|step| step > before))?;
    let (process, name) = signal(&job)?;
    mpirun::signal(process, name);
    let ended = job.end_within(Duration::from_secs(70))?;
    if shell_code(ended.status) != code {
        return Err(format!("to {how} on {ranks} ranks ended with {}, not {code}: {}", ended.status, ended.stderr));
    }
    Ok(())
}

/// Resumes the run `lost` to its end.
fn finish(bench: &Bench, ranks: usize) -> Result<String, String> {
    let ended = job(bench, ranks, &["--resume", "lost"])?.end_within(LIMIT)?;
    if !ended.status.success() {
        return Err(format!("it was not resumed: {}: {}", ended.status, ended.stderr));
    }
    hash(&bench.path().join("lost"))
}

/// The program on this number of ranks; a single one without `mpirun`.
fn job(bench: &Bench, ranks: usize, words: &[&str]) -> Result<Job, String> {
    let program = bench.pastiche.display().to_string();
    let command = match ranks {
        1 => std::process::Command::new("env"),
        _ => bench.mpirun(ranks),
    };
    let mut command = command;
    command.current_dir(bench.path()).env_remove("PASTICHE_BACKEND");
    Job::start(command, &[&[program.as_str(), "train", "--no-tui", "--backend", "flex"], words].concat())
}

fn newest_checkpoint(folder: &Path) -> Option<u64> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok()).max()
}

/// The hash of the weights after the last step: those that are averaged and those that are trained.
fn hash(run: &Path) -> Result<String, String> {
    let folder = run.join("checkpoints");
    let step = newest_checkpoint(&folder).filter(|&step| step == 50);
    step.ok_or_else(|| format!("{} has no checkpoint of step 50", run.display()))?;
    let entries = std::fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten();
    let newest = entries.map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with("50"));
    let newest: PathBuf = newest.ok_or("the checkpoint of step 50 has gone")?;
    let mut hash = Sha256::new();
    let mut names: Vec<_> =
        std::fs::read_dir(&newest).map_err(|error| error.to_string())?.flatten().map(|entry| entry.path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "bpk"));
    names.sort();
    for path in names {
        hash.update(std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
