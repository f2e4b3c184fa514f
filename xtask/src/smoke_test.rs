//! The main job, small: train on a few lines and write from what was learned, as a user would.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use args::{BACKEND_VARIABLE, Backend};

use crate::cargo::{not_started, number, root};
use crate::ci::Failure;
use crate::features::{EVERYTHING, FEATURES_VARIABLE};

/// Small enough for software Vulkan, where a step of the default model takes most of a second.
const SETTINGS: [&str; 3] = ["train.epochs=1", "model.embedding=16", "model.layers[0].units=16"];

/// The same for a network that asks.
const ASKING: [&str; 7] = [
    "train.epochs=1",
    "train.batch_size=160",
    "model.embedding=8",
    "model.readout=8",
    "model.encoder[0].units=4",
    "model.extractor[0].units=4",
    "model.decoder[0].units=8",
];

/// One story; the job reads it [`TOLD`] times.
const STORY: &str = "\
A snail set out to visit the well. The road was long, and a hare who passed her laughed.
\"You will be thirsty before you arrive,\" said the hare. \"So will you,\" said the snail, \"for
you have no house to carry your water in.\" At noon the hare lay in the dust, and the snail,
who had kept the morning's dew, gave him half of it.
";
const TOLD: usize = 12;

/// Trains and generates on one backend, with the program that holds all of them.
pub fn run(backend: Backend, device: Option<&str>) -> Result<(), Failure> {
    let folder = Folder::new(backend).map_err(|error| Failure::new(1, error))?;
    let (text, model) = (folder.0.join("text.txt"), folder.0.join("run"));
    std::fs::write(&text, STORY.repeat(TOLD))
        .map_err(|error| Failure::new(1, format!("{} was not written: {error}", text.display())))?;

    let mut train = front_door("train", backend, device)?;
    train.arg("--plain").arg("--text").arg(&text).arg("--out").arg(&model);
    for setting in SETTINGS {
        train.args(["--set", setting]);
    }
    speak(train)?;

    let mut generate = front_door("generate", backend, device)?;
    generate.arg("--model").arg(&model).args(["--tokens", "20", "--seed", "1"]);
    let written = speak(generate)?;
    if written.trim().is_empty() {
        return Err(Failure::new(1, "generate wrote nothing"));
    }
    println!("it wrote: {}", written.trim());
    questions(&folder, &text, backend, device)
}

/// The second job: learn to ask, and ask about the same lines.
fn questions(
    folder: &Folder,
    text: &Path,
    backend: Backend,
    device: Option<&str>,
) -> Result<(), Failure> {
    let model = folder.0.join("asks");
    let mut train = front_door("train", backend, device)?;
    train.args(["--plain", "--config", "configs/qa.toml"]).arg("--out").arg(&model);
    for setting in ASKING {
        train.args(["--set", setting]);
    }
    speak(train)?;

    let mut ask = front_door("ask", backend, device)?;
    ask.arg("--model").arg(&model).arg("--text").arg(text);
    ask.args(["--format", "squad", "--min-confidence", "0"]);
    let asked = speak(ask)?;
    if !asked.contains("\"paragraphs\"") {
        return Err(Failure::new(1, "ask wrote no questions"));
    }
    println!("it asked in {} bytes", asked.len());
    Ok(())
}

/// Whether Mesa's software Vulkan is installed, or a driver is named by hand.
pub fn software_vulkan() -> bool {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    named.iter().any(|name| std::env::var_os(name).is_some())
        || folders.iter().any(|folder| holds_lavapipe(Path::new(folder)))
}

fn holds_lavapipe(folder: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| file.file_name().as_encoded_bytes().starts_with(b"lvp"))
}

/// This launcher again, so that the job goes the way that a user goes.
fn front_door(task: &str, backend: Backend, device: Option<&str>) -> Result<Command, Failure> {
    let ourselves = std::env::current_exe()
        .map_err(|error| Failure::new(1, format!("the launcher cannot find itself: {error}")))?;
    let mut command = Command::new(ourselves);
    command.current_dir(root()).env(FEATURES_VARIABLE, EVERYTHING).env_remove(BACKEND_VARIABLE);
    command.args([task, "--backend", backend.name()]);
    command.args(device.iter().flat_map(|device| ["--device", device]));
    Ok(command)
}

/// Runs a command to its end and returns what it said on standard output.
fn speak(mut command: Command) -> Result<String, Failure> {
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    println!("cargo xtask {}", words.join(" "));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::new(1, not_started(&command, &error)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    print!("{text}");
    Err(Failure::new(number(output.status), ""))
}

/// A folder outside the checkout that goes when the job ends.
struct Folder(PathBuf);

impl Folder {
    fn new(backend: Backend) -> Result<Self, String> {
        let name = format!("pastiche-ci-{}-{}", std::process::id(), backend.name());
        let folder = std::env::temp_dir().join(name);
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
    fn lavapipe_is_known_by_its_driver_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!holds_lavapipe(folder.path()));
        std::fs::write(folder.path().join("intel_icd.x86_64.json"), "{}").unwrap();
        assert!(!holds_lavapipe(folder.path()));
        std::fs::write(folder.path().join("lvp_icd.x86_64.json"), "{}").unwrap();
        assert!(holds_lavapipe(folder.path()));
        assert!(!holds_lavapipe(&folder.path().join("missing")));
    }
}
