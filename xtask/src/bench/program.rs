//! The programs under test as commands: ours and the peers, each with the same number of threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use args::{BACKEND_VARIABLE, Backend};

use super::worker::Worker;
use crate::{cargo, python};

/// The peers by their names, and where they lie.
const PEERS: [(&str, &str); 2] =
    [("PyTorch", "benchmarks/peers/pytorch.py"), ("Keras", "benchmarks/peers/keras_peer.py")];
/// Where the programs' words go; another run overwrites them.
const LOGS: &str = "target/bench";
/// What tells a peer that we compute on a graphics processor, and that it may, too.
const GRAPHICS: &str = "PASTICHE_PEERS_ON_GRAPHICS";
/// Who reads how many threads there are: Rayon, OpenMP, and Intel's library, which else asks OpenMP.
const THREADS: [&str; 3] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/// The built `pastiche`, and how it is to be started.
pub struct Program {
    /// The binary
    pub path: PathBuf,
    /// The backend, which commands in another folder would not find in this one's `backend.toml`
    pub backend: Backend,
    /// The backend's device, if not its default
    pub device: Option<String>,
    /// How many threads
    pub threads: usize,
}

impl Program {
    /// A command still without arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        cargo::forget_the_launcher(&mut command);
        command.env(BACKEND_VARIABLE, self.backend.name());
        limit(&mut command, self.threads);
        command
    }

    /// Lets a command that computes do so on the device.
    pub fn on_device(&self, command: &mut Command) {
        if let Some(device) = &self.device {
            command.args(["--device", device]);
        }
    }

    /// Our own worker, which prepares the text in `prose`.
    pub fn worker(&self, prose: Option<&Path>) -> Result<Worker, String> {
        let mut command = self.command();
        if let Some(path) = prose {
            let path = std::path::absolute(path)
                .map_err(|error| format!("{} is no path: {error}", path.display()))?;
            command.arg("bench").arg("--prose").arg(path);
        } else {
            command.arg("bench");
        }
        self.on_device(&mut command);
        command.current_dir(cargo::root());
        start(command, "Pastiche", self.threads)
    }

    /// The workers in Python, in an environment that is made if it is not there; where we compute on a graphics
    /// processor, they do so too, if their libraries find one.
    pub fn peers(&self) -> Result<Vec<Worker>, String> {
        let root = cargo::root();
        let python = python::environment(root)?;
        let peer = |(name, path): (&str, &str)| {
            let mut command = python::program(&python, root, path);
            limit(&mut command, self.threads);
            // wgpu's `cpu` is software.
            let graphics = self.backend.is_graphics() && self.device.as_deref() != Some("cpu");
            command.env(GRAPHICS, if graphics { "1" } else { "" });
            if let (Backend::Cuda, Some(card)) = (self.backend, &self.device) {
                command.env("CUDA_VISIBLE_DEVICES", card);
            }
            start(command, name, self.threads)
        };
        PEERS.into_iter().map(peer).collect()
    }
}

fn limit(command: &mut Command, threads: usize) {
    command.envs(THREADS.map(|name| (name, threads.to_string())));
}

fn start(command: Command, name: &str, threads: usize) -> Result<Worker, String> {
    let logs = cargo::root().join(LOGS);
    std::fs::create_dir_all(&logs)
        .map_err(|error| format!("{} cannot be made: {error}", logs.display()))?;
    let worker = Worker::start(command, &log(&logs, name))?;
    let found = worker.hello.threads;
    if found != threads as u64 {
        return Err(format!("{name} computes with {found} threads, {threads} were asked for"));
    }
    Ok(worker)
}

fn log(logs: &Path, name: &str) -> PathBuf {
    logs.join(format!("{}.log", name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_is_told_the_number_of_threads() {
        let program =
            Program { path: "pastiche".into(), backend: Backend::Flex, device: None, threads: 3 };
        let command = program.command();
        let told = |name: &str| {
            let mut all = command.get_envs();
            all.find(|(key, _)| *key == name)
                .and_then(|(_, value)| value?.to_str())
                .map(str::to_owned)
        };
        for name in THREADS {
            assert_eq!(told(name).as_deref(), Some("3"), "{name}");
        }
        assert_eq!(told(BACKEND_VARIABLE).as_deref(), Some("flex"));
    }

    #[test]
    fn the_peers_lie_where_they_are_started() {
        for (_, path) in PEERS {
            assert!(cargo::root().join(path).is_file(), "{path}");
        }
    }
}
