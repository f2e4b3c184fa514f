//! The smoke test: trains a tiny model on a few lines and generates from it, through the user's commands.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use args::{BACKEND_VARIABLE, Backend};

use crate::cargo::{not_started, root};
use crate::ci::Failure;
use crate::features::{BackendSet, FEATURES_VARIABLE};
use crate::output;

/// Small enough for software Vulkan, where a step of the default model takes most of a second.
const LM_SETTINGS: [&str; 3] = ["train.epochs=1", "model.embedding_dim=16", "model.layers[0].units=16"];

/// The same for the question generation model.
const QA_SETTINGS: [&str; 7] = [
    "train.epochs=1",
    "train.batch_size=160",
    "model.embedding_dim=8",
    "model.readout=8",
    "model.encoder[0].units=4",
    "model.extractor[0].units=4",
    "model.decoder[0].units=8",
];

/// The training text, repeated [`REPETITIONS`] times.
const STORY: &str = "\
A snail set out to visit the well. The road was long, and a hare who passed her laughed.
\"You will be thirsty before you arrive,\" said the hare. \"So will you,\" said the snail, \"for
you have no house to carry your water in.\" At noon the hare lay in the dust, and the snail,
who had kept the morning's dew, gave him half of it.
";
const REPETITIONS: usize = 12;

/// Trains and generates on one backend, with the program that contains all backends of the set `compiled`.
pub fn run(compiled: BackendSet, backend: Backend, device: Option<&str>) -> Result<(), Failure> {
    let folder =
        tempfile::tempdir().map_err(|error| Failure::new(format!("cannot create a temporary folder: {error}")))?;
    let (text, model) = (folder.path().join("text.txt"), folder.path().join("run"));
    std::fs::write(&text, STORY.repeat(REPETITIONS))
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", text.display())))?;

    let launcher = |task: &str| launcher(task, compiled, backend, device);
    let mut train = launcher("train")?;
    train.args(["--no-tui", "--config", "configs/lstm.toml"]).arg("--text").arg(&text).arg("--out").arg(&model);
    train.args(LM_SETTINGS.iter().flat_map(|setting| ["--set", setting]));
    stdout_of(train)?;

    let mut generate = launcher("generate")?;
    generate.arg("--model").arg(&model).args(["--max-tokens", "20", "--seed", "1"]);
    let generated = stdout_of(generate)?;
    if generated.trim().is_empty() {
        return Err(Failure::new("generate printed nothing"));
    }
    output::print(format_args!("generated: {}", generated.trim()));
    question_generation(folder.path(), &text, launcher)
}

/// Trains a question generation model and generates questions about the same text.
fn question_generation(
    folder: &Path,
    text: &Path,
    launcher: impl Fn(&str) -> Result<Command, Failure>,
) -> Result<(), Failure> {
    let model = folder.join("asks");
    let mut train = launcher("train")?;
    train.args(["--no-tui", "--config", "configs/qa.toml"]).arg("--out").arg(&model);
    train.args(QA_SETTINGS.iter().flat_map(|setting| ["--set", setting]));
    stdout_of(train)?;

    let mut ask = launcher("ask")?;
    ask.arg("--model").arg(&model).arg("--text").arg(text);
    ask.args(["--format", "squad", "--min-confidence", "0"]);
    let questions = stdout_of(ask)?;
    if !questions.contains("\"paragraphs\"") {
        return Err(Failure::new("ask printed no questions"));
    }
    output::print(format_args!("generated questions: {} bytes", questions.len()));
    Ok(())
}

/// Whether Mesa's software Vulkan is installed, or an environment variable specifies a driver.
pub fn has_software_vulkan() -> bool {
    let variables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    variables.iter().any(|name| std::env::var_os(name).is_some())
        || folders.iter().any(|folder| contains_lavapipe(Path::new(folder)))
}

fn contains_lavapipe(folder: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| file.file_name().as_encoded_bytes().starts_with(b"lvp"))
}

/// A command of this launcher, as a user would run it.
fn launcher(task: &str, compiled: BackendSet, backend: Backend, device: Option<&str>) -> Result<Command, Failure> {
    let path = std::env::current_exe()
        .map_err(|error| Failure::new(format!("the launcher's own path is unknown: {error}")))?;
    let mut command = Command::new(path);
    command.current_dir(root()).env(FEATURES_VARIABLE, compiled.features()).env_remove(BACKEND_VARIABLE);
    command.args([task, "--backend", backend.name()]);
    command.args(device.iter().flat_map(|device| ["--device", device]));
    Ok(command)
}

/// Runs a command and returns its standard output.
fn stdout_of(mut command: Command) -> Result<String, Failure> {
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    output::print(format_args!("cargo xtask {}", words.join(" ")));
    let result =
        command.stderr(Stdio::inherit()).output().map_err(|error| Failure::new(not_started(&command, &error)))?;
    let text = String::from_utf8_lossy(&result.stdout).into_owned();
    if result.status.success() {
        return Ok(text);
    }
    output::print(text.trim_end());
    Err(Failure::of_child(result.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lavapipe_is_recognised_by_its_driver_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!contains_lavapipe(folder.path()));
        std::fs::write(folder.path().join("intel_icd.x86_64.json"), "{}").unwrap();
        assert!(!contains_lavapipe(folder.path()));
        std::fs::write(folder.path().join("lvp_icd.x86_64.json"), "{}").unwrap();
        assert!(contains_lavapipe(folder.path()));
        assert!(!contains_lavapipe(&folder.path().join("missing")));
    }
}
