//! `doctor`: what this machine and this build can do, what would be fastest, and what is wrong.

use std::process::ExitCode;

use args::{Doctor, SIMD_VARIABLE};
use kernels::{KernelMode, SimdLevel, has_bf16_instruction};
use pastiche::device::{self, BACKENDS, Gpu};
use pastiche::threads::{ThreadCount, invalid_setting};
use serde::Serialize;

use crate::device::BackendSelection;
use crate::error::Result;
use crate::output::{columns, print, print_json};
use crate::run::provenance::Machine;
use crate::view::format::counted;

/// Less memory than this is hardly enough to train any model.
const LITTLE_MEMORY: u64 = 512 << 20;
/// Where Linux has the version of NVIDIA's driver.
const NVIDIA_DRIVER: &str = "/proc/driver/nvidia/version";

/// What was found.
#[derive(Serialize)]
struct Findings {
    version: &'static str,
    /// Whether the program is compiled with optimisation.
    optimized: bool,
    /// Operating system and architecture.
    system: String,
    /// The CPU's name; empty if unknown.
    processor: String,
    /// Logical CPUs that this process may use.
    processors: usize,
    /// The vector instructions of the kernels.
    vector_instructions: &'static str,
    vector_bits: usize,
    /// Whether `train.precision = "bf16"` is possible.
    has_bf16: bool,
    /// Threads of the CPU backends.
    threads: usize,
    /// 0 if unknown.
    memory_bytes: u64,
    available_memory_bytes: Option<u64>,
    /// Those that are compiled in.
    backends: &'static [&'static str],
    /// The backend and the device that commands use without options; `None` if they are invalid.
    selected: Option<Selected>,
    gpus: Vec<FoundGpu>,
    /// The version of NVIDIA's driver, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    nvidia_driver: Option<String>,
    /// The options of what would be fastest, and why.
    fastest: String,
    /// What is wrong and what to do, the worst first.
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Selected {
    backend: &'static str,
    device: String,
    kernels: &'static str,
}

#[derive(Serialize)]
struct FoundGpu {
    backend: &'static str,
    device: String,
    name: String,
    software: bool,
}

/// Runs the command. `backend` is what the options, the environment and `backend.toml` select.
///
/// # Errors
/// If standard output cannot be written. What is wrong with the machine is a result.
pub fn run(args: &Doctor, backend: Result<BackendSelection>) -> Result<ExitCode> {
    let findings = find(backend);
    if args.json { print_json(&findings) } else { print(&table(&findings)) }?;
    Ok(if findings.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(backend: Result<BackendSelection>) -> Findings {
    let machine = Machine::current();
    let simd = SimdLevel::selected();
    let widest = SimdLevel::available().pop().unwrap_or(simd);
    let gpus = device::gpus();
    let nvidia_driver = std::fs::read_to_string(NVIDIA_DRIVER).ok();
    let nvidia_driver = nvidia_driver.and_then(|text| Some(text.lines().next()?.trim().to_owned()));
    let available_memory_bytes = Machine::available_memory();
    let mut problems = Vec::new();
    let selected = match backend {
        Ok(backend) => {
            problems.extend(backend.open().err().map(|error| error.full_message()));
            let kernels = if backend.kernels() == KernelMode::Composed { "off" } else { "on" };
            Some(Selected { backend: backend.name(), device: backend.device_name().to_owned(), kernels })
        }
        Err(error) => {
            problems.push(error.full_message());
            None
        }
    };
    let has_gpu_backend = BACKENDS.iter().any(|name| ["wgpu", "cuda"].contains(name));
    let is_off = selected
        .as_ref()
        .is_some_and(|selected| selected.kernels == "off" && !["wgpu", "cuda"].contains(&selected.backend));
    let is_little = available_memory_bytes.is_some_and(|bytes| bytes < LITTLE_MEMORY);
    let count = ThreadCount::from_env();
    let others = [
        cfg!(debug_assertions).then(|| {
            "this build is not optimised and many times slower: build it with `--release`, or use `cargo xtask`".to_owned()
        }),
        is_off.then(|| "PASTICHE_KERNELS is `off`, which is several times slower on a CPU: unset it".to_owned()),
        (simd.bits() < widest.bits()).then(|| {
            format!("{SIMD_VARIABLE} limits the kernels to `{}`, and this processor has `{}`: unset it", simd.name(), widest.name())
        }),
        matches!(widest, SimdLevel::Scalar).then(|| {
            "the processor has no vector instructions that the kernels use (AVX2 with FMA, AVX-512 or NEON), so training \
             is slow: use another machine or a GPU"
                .to_owned()
        }),
        invalid_setting().map(|text| format!("RAYON_NUM_THREADS is `{text}`, which is not a number: correct or unset it")),
        count.reduced_from.map(|requested| {
            let processors = counted(count.processors, "processor");
            format!("RAYON_NUM_THREADS is {requested}, but this machine has {processors}: unset it")
        }),
        is_little.then(|| {
            let available = bytes(available_memory_bytes.unwrap_or_default());
            format!("only {available} of memory are available: close other programs")
        }),
        (nvidia_driver.is_some() && has_gpu_backend && gpus.iter().all(|gpu| gpu.is_software)).then(|| {
            "there is an NVIDIA GPU, but no backend of this build can use it: `wgpu` needs the driver's Vulkan library, and `cuda` \
             CUDA"
                .to_owned()
        }),
        (nvidia_driver.is_some() && !has_gpu_backend).then(|| {
            "there is an NVIDIA GPU, but this build has no backend for GPUs: build it with `--features wgpu`, or use `cargo \
             xtask` with `--backend wgpu`"
                .to_owned()
        }),
    ];
    problems.extend(others.into_iter().flatten());
    Findings {
        version: env!("CARGO_PKG_VERSION"),
        optimized: !cfg!(debug_assertions),
        system: machine.system,
        processor: machine.processor,
        processors: machine.processors,
        vector_instructions: simd.name(),
        vector_bits: simd.bits(),
        has_bf16: has_bf16_instruction(),
        threads: count.threads,
        memory_bytes: machine.memory_bytes,
        available_memory_bytes,
        backends: BACKENDS,
        selected,
        fastest: fastest(&gpus),
        gpus: gpus.into_iter().map(FoundGpu::from).collect(),
        nvidia_driver,
        problems,
    }
}

impl From<Gpu> for FoundGpu {
    fn from(Gpu { backend, device, name, is_software }: Gpu) -> Self {
        Self { backend, device, name, software: is_software }
    }
}

/// The options of the fastest backend of this build, and for which models.
fn fastest(gpus: &[Gpu]) -> String {
    let cpu = BACKENDS.iter().find(|name| ["ndarray", "flex"].contains(name));
    // CUDA reaches the same GPUs as Vulkan, with kernels of its own.
    let gpu = gpus.iter().filter(|gpu| !gpu.is_software).max_by_key(|gpu| gpu.backend == "cuda");
    let gpu = gpu.map(|gpu| format!("`--backend {} --device {}`", gpu.backend, gpu.device));
    match (cpu, gpu) {
        (Some(cpu), Some(gpu)) => format!(
            "`--backend {cpu}` for small models, which do not fill a GPU, and {gpu} for wide layers with large batches; \
             `train` with both for a minute shows which one your model is faster with"
        ),
        (Some(cpu), None) => format!("`--backend {cpu}`, as no GPU was found that this build can use"),
        (None, Some(gpu)) => gpu,
        (None, None) => "nothing: this build has no backend that works here".into(),
    }
}

fn table(findings: &Findings) -> String {
    let build = if findings.optimized { "optimised" } else { "not optimised" };
    let processor = if findings.processor.is_empty() { "unknown" } else { &findings.processor };
    let bf16 = if findings.has_bf16 { "with" } else { "without" };
    let available =
        findings.available_memory_bytes.map_or(String::new(), |free| format!(", {} available", bytes(free)));
    let memory = match findings.memory_bytes {
        0 => "unknown".to_owned(),
        size => format!("{}{available}", bytes(size)),
    };
    let selected = findings.selected.as_ref().map_or("invalid".into(), |Selected { backend, device, kernels }| {
        format!("{backend}, device {device}, fused kernels {kernels}")
    });
    let gpus = findings.gpus.iter().map(|FoundGpu { backend, device, name, software }| {
        let kind = if *software { ", a software driver" } else { "" };
        let name = if name.is_empty() { "a GPU" } else { name };
        ("GPU", format!("{name}{kind}: `--backend {backend} --device {device}`"))
    });
    let gpus: Vec<(&str, String)> = gpus.collect();
    let no_gpu = gpus.is_empty().then(|| ("GPU", "none found by the backends of this build".to_owned()));
    let driver = findings.nvidia_driver.clone().map(|driver| ("driver", driver));
    let nothing = findings.problems.is_empty().then(|| ("wrong", "nothing found".to_owned()));
    let rows = [
        ("program", format!("pastiche {}, {build}", findings.version)),
        ("system", findings.system.clone()),
        ("processor", format!("{processor}, {} available", counted(findings.processors, "processor"))),
        ("vectors", format!("{}, {} bits, {bf16} bf16", findings.vector_instructions, findings.vector_bits)),
        ("threads", findings.threads.to_string()),
        ("memory", memory),
        ("backends", findings.backends.join(", ")),
        ("selected", selected),
    ];
    let rows = rows.into_iter().chain(gpus).chain(no_gpu).chain(driver);
    let rows = rows.chain([("fastest", findings.fastest.clone())]).chain(nothing);
    let rows = rows.chain(findings.problems.iter().map(|problem| ("wrong", problem.clone())));
    columns(rows.map(|(name, value)| [name.to_owned(), value]))
}

/// A size of memory: `7.8 GiB` or `300 MiB`.
fn bytes(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

#[cfg(test)]
mod tests {
    use crate::error::Error;

    use super::*;

    fn gpu(backend: &'static str, device: &str, is_software: bool) -> Gpu {
        Gpu { backend, device: device.into(), name: "Test".into(), is_software }
    }

    #[test]
    fn a_software_driver_is_never_the_fastest() {
        let cpu_only = fastest(&[]);
        assert!(cpu_only.contains("no GPU was found"), "{cpu_only}");
        assert_eq!(fastest(&[gpu("wgpu", "cpu", true)]), cpu_only);
        let both = fastest(&[gpu("wgpu", "discrete:0", false), gpu("cuda", "0", false), gpu("wgpu", "cpu", true)]);
        assert!(both.contains("`--backend cuda --device 0` for wide layers"), "{both}");
    }

    #[test]
    fn an_invalid_backend_is_a_finding() {
        let findings = find(Err(Error::new("backend.toml is invalid; mend it")));
        assert_eq!(findings.problems[0], "backend.toml is invalid; mend it");
        let table = table(&findings);
        assert!(table.contains("\nselected   invalid\n"), "{table}");
        assert!(table.contains("\nwrong      backend.toml is invalid; mend it\n"), "{table}");
        assert!(findings.processors > 0 && findings.threads > 0);
    }

    #[test]
    fn memory_is_readable() {
        assert_eq!([300 << 20, 8_375_186_227].map(bytes), ["300 MiB", "7.8 GiB"]);
    }
}
