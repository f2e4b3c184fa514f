//! The measured programs as commands: ours and the peers, each with the same number of threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use args::{BACKEND_VARIABLE, Backend, SIMD_VARIABLE};

use super::worker::Worker;
use crate::{cargo, python};

/// The other frameworks.
const PEERS: [Peer; 2] =
    [peer("PyTorch", "benchmarks/peers/pytorch.py", &[]), peer("Keras", "benchmarks/peers/keras_peer.py", &[])];
/// PyTorch's training steps compiled by `torch.compile`.
const COMPILED: Peer = peer("torch.compile", "benchmarks/peers/pytorch.py", &["compile"]);
/// PyTorch's training steps in bf16.
const AUTOCAST: Peer = peer("PyTorch autocast", "benchmarks/peers/pytorch.py", &["autocast"]);
/// Large matrix products by NumPy's library, which is OpenBLAS.
const NUMPY: Peer = peer("NumPy", "benchmarks/peers/numpy_peer.py", &[]);
/// Where the stderr of the workers is written; each run overwrites it.
const LOGS: &str = "target/bench";
/// The variable that allows a peer to use a GPU.
const PEERS_ON_GPU: &str = "PASTICHE_PEERS_ON_GPU";
/// The variables for the number of threads: Rayon, OpenMP, and MKL, which otherwise asks OpenMP.
const THREADS: [&str; 3] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/// What limits each library to AVX2: our kernels, PyTorch, oneDNN (PyTorch and TensorFlow), MKL, XLA and OpenBLAS.
const AVX2: [(&str, &str); 6] = [
    (SIMD_VARIABLE, "avx2"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
    ("XLA_FLAGS", "--xla_cpu_max_isa=AVX2"),
    ("OPENBLAS_CORETYPE", "Haswell"),
];

/// A worker in Python.
struct Peer {
    name: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
}

const fn peer(name: &'static str, path: &'static str, arguments: &'static [&'static str]) -> Peer {
    Peer { name, path, arguments }
}

/// The built `pastiche` and how to start it.
#[derive(Clone)]
pub struct Program {
    /// The binary
    pub path: PathBuf,
    /// The backend; processes in another folder would not read this folder's `backend.toml`
    pub backend: Backend,
    /// The backend's device, if not its default
    pub device: Option<String>,
    /// How many threads
    pub threads: usize,
    /// Whether all programs are limited to AVX2
    pub limit_to_avx2: bool,
    /// Whether training steps are those in bf16
    pub bf16: bool,
}

impl Program {
    /// `sh` in place of `pastiche`: `sh train …` runs the script `train` in the working directory.
    #[cfg(test)]
    pub fn of_scripts() -> Self {
        Self { path: "sh".into(), backend: Backend::Flex, device: None, threads: 1, limit_to_avx2: false, bf16: false }
    }

    /// A command without arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        cargo::remove_launcher_env(&mut command);
        command.env(BACKEND_VARIABLE, self.backend.name());
        self.limit(&mut command);
        command
    }

    fn limit(&self, command: &mut Command) {
        command.envs(THREADS.map(|name| (name, self.threads.to_string())));
        if self.limit_to_avx2 {
            command.envs(AVX2);
        }
    }

    /// Adds the device to a command that computes.
    pub fn on_device(&self, command: &mut Command) {
        if let Some(device) = &self.device {
            command.args(["--device", device]);
        }
    }

    /// Our own worker; it prepares the text in `prose`.
    pub fn worker(&self, prose: Option<&Path>) -> Result<Worker, String> {
        let mut command = self.command();
        command.arg("bench");
        if let Some(path) = prose {
            let path =
                std::path::absolute(path).map_err(|error| format!("{} is not a path: {error}", path.display()))?;
            command.arg("--prose").arg(path);
        }
        if self.bf16 {
            command.arg("--bf16");
        }
        self.on_device(&mut command);
        command.current_dir(cargo::root());
        start(command, "Pastiche", self.threads)
    }

    /// The workers in Python; their environment is created if needed. If we compute on a GPU, they do so too,
    /// provided that their libraries find one. If `compile`, one of them is PyTorch with compiled training steps;
    /// in bf16, PyTorch is the only one.
    pub fn peers(&self, compile: bool) -> Result<Vec<Worker>, String> {
        let python = python::environment(cargo::root())?;
        if self.bf16 {
            return Ok(vec![self.peer(&python, &AUTOCAST)?]);
        }
        let compiled = compile.then_some(COMPILED);
        PEERS.into_iter().chain(compiled).chain([NUMPY]).map(|peer| self.peer(&python, &peer)).collect()
    }

    /// NumPy's worker, if the environment of the workers in Python exists.
    pub fn numpy(&self) -> Result<Option<Worker>, String> {
        python::installed(cargo::root()).map(|python| self.peer(&python, &NUMPY)).transpose()
    }

    fn peer(&self, python: &Path, peer: &Peer) -> Result<Worker, String> {
        let mut command = python::program(python, cargo::root(), peer.path);
        command.args(peer.arguments);
        self.limit(&mut command);
        // The device `cpu` of wgpu is software.
        let on_gpu = self.backend.is_gpu() && self.device.as_deref() != Some("cpu");
        command.env(PEERS_ON_GPU, if on_gpu { "1" } else { "" });
        if let (Backend::Cuda, Some(gpu)) = (self.backend, &self.device) {
            command.env("CUDA_VISIBLE_DEVICES", gpu);
        }
        start(command, peer.name, self.threads)
    }
}

fn start(command: Command, name: &str, threads: usize) -> Result<Worker, String> {
    let logs = cargo::root().join(LOGS);
    std::fs::create_dir_all(&logs).map_err(|error| format!("{} cannot be created: {error}", logs.display()))?;
    let worker = Worker::start(command, &logs.join(format!("{}.log", name.to_lowercase().replace(' ', "-"))))?;
    let found = worker.info.threads;
    if found != threads as u64 {
        return Err(format!("{name} uses {found} threads, expected {threads}"));
    }
    Ok(worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_gets_the_number_of_threads() {
        let program = Program { threads: 3, limit_to_avx2: true, ..Program::of_scripts() };
        let command = program.command();
        let value = |name: &str| {
            let mut all = command.get_envs();
            all.find(|(key, _)| *key == name).and_then(|(_, value)| value?.to_str()).map(str::to_owned)
        };
        for name in THREADS {
            assert_eq!(value(name).as_deref(), Some("3"), "{name}");
        }
        assert_eq!(value(BACKEND_VARIABLE).as_deref(), Some("flex"));
        assert_eq!(value(SIMD_VARIABLE).as_deref(), Some("avx2"));
    }

    #[test]
    fn the_programs_of_the_peers_exist() {
        for Peer { path, .. } in PEERS.into_iter().chain([COMPILED, AUTOCAST, NUMPY]) {
            assert!(cargo::root().join(path).is_file(), "{path}");
        }
    }
}
