//! Opens devices by the names of backends and devices.
//!
//! [`Device`] has constructors of its own, but those for GPUs panic at the first operation if there is
//! no such GPU. [`open`] reports it as an error instead, and it works with names from options or files.
//!
//! ```
//! use pastiche::device::{self, DeviceError};
//!
//! // The CPU, or whatever the first backend of this build is.
//! let device = device::open(device::BACKENDS[0], None)?;
//! # let _ = device;
//! let error = device::open("tpu", None).unwrap_err();
//! assert!(matches!(&error, DeviceError::UnknownBackend { name } if name == "tpu"));
//! # Ok::<(), DeviceError>(())
//! ```

use burn::tensor::Device;

/// The names of the backends that are compiled in, each a cargo feature of the same name. The first is that of the
/// [default device](crate::default_device). The names of their devices:
///
/// | backend | devices |
/// |---|---|
/// | `ndarray`, `flex` | `default`, the CPU |
/// | `wgpu` | `default`, `discrete:N`, `integrated:N`, `virtual:N`, and `cpu` for software Vulkan |
/// | `cuda` | `default`, or the index of the GPU |
pub const BACKENDS: &[&str] = &[
    #[cfg(feature = "ndarray")]
    "ndarray",
    #[cfg(feature = "flex")]
    "flex",
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "cuda")]
    "cuda",
];

/// All backends, compiled in or not.
const ALL: [&str; 4] = ["ndarray", "flex", "wgpu", "cuda"];

/// Why a device cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No backend has this name.
    #[error("the backend `{name}` is unknown; expected one of {}", ALL.join(", "))]
    UnknownBackend {
        /// The name.
        name: String,
    },
    /// The backend is not compiled in.
    #[error("this build does not have the backend `{name}`, only {}: enable the feature `{name}`", names(BACKENDS))]
    NotCompiledIn {
        /// The backend, which is also the feature to enable.
        name: String,
    },
    /// The backend has no device of this name.
    #[error("the backend `{backend}` has no device `{device}`; expected {expected}")]
    UnknownDevice {
        /// The backend.
        backend: String,
        /// The name of the device.
        device: String,
        /// The names of its devices.
        expected: &'static str,
    },
    /// There is no GPU of this index.
    #[error("{}", no_cuda_gpu(*index, *count))]
    NoCudaGpu {
        /// The index, from 0.
        index: usize,
        /// The number of GPUs found; 0 also without NVIDIA's driver.
        count: usize,
    },
    /// There is no GPU adapter of this name.
    #[error("{}", no_adapter(device))]
    NoAdapter {
        /// The name of the device.
        device: String,
    },
    /// There is such an adapter, but it cannot be used.
    #[error("the GPU adapter `{device}` cannot be opened: update its driver, or use the backend `ndarray`")]
    Adapter {
        /// The name of the device.
        device: String,
        /// The error of the graphics API.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is only a software adapter, which has to be opened as `cpu` because it is slow.
    #[error(
        "there is no GPU adapter, only the software adapter `{adapter}`: use the backend `ndarray`, which is faster, \
         or the device `cpu`"
    )]
    SoftwareAdapter {
        /// The name of the adapter.
        adapter: String,
    },
}

fn names(backends: &[&str]) -> String {
    if backends.is_empty() { "none".into() } else { backends.join(", ") }
}

fn no_adapter(device: &str) -> String {
    let found = match device.split_once(':') {
        Some((kind, number)) => format!(
            "there is no GPU adapter `{device}`: no {kind} GPU has the number {number}, counted from 0; use the device \
             `default` for the best one"
        ),
        None if device == "cpu" => "there is no GPU adapter `cpu`: no software driver for Vulkan was found; install \
                                    Mesa's (on Debian and Ubuntu the package mesa-vulkan-drivers)"
            .into(),
        None => "there is no GPU adapter: no GPU with a driver for Vulkan, Metal or DirectX 12 was found; install the \
                 driver of the GPU"
            .into(),
    };
    format!("{found}, or use the backend `ndarray`")
}

fn no_cuda_gpu(index: usize, count: usize) -> String {
    if count == 0 {
        return "no CUDA GPU was found: install NVIDIA's driver, or use the backend `ndarray`".into();
    }
    format!("there is no CUDA GPU {index}: {count} were found, numbered from 0; use another one")
}

/// Opens a device of a backend by its name, see the table at [`BACKENDS`]; without a name, `default`.
///
/// # Errors
/// If the backend is unknown or not compiled in, or the device does not exist.
pub fn open(backend: &str, device: Option<&str>) -> Result<Device, DeviceError> {
    let device = device.unwrap_or("default");
    if !BACKENDS.contains(&backend) {
        let name = backend.into();
        return Err(if ALL.contains(&backend) {
            DeviceError::NotCompiledIn { name }
        } else {
            DeviceError::UnknownBackend { name }
        });
    }
    match backend {
        #[cfg(feature = "wgpu")]
        "wgpu" => wgpu::open(device),
        #[cfg(feature = "cuda")]
        "cuda" => cuda(device),
        _ if device != "default" => Err(unknown_device(backend, device, "default")),
        _ => Ok(cpu(backend)),
    }
}

/// A GPU that a backend of this build can use, or a software driver that takes the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// The name of the backend.
    pub backend: &'static str,
    /// The name of the device, for [`open`].
    pub device: String,
    /// The name that the GPU has itself, and its driver; empty if the backend does not say it.
    pub name: String,
    /// Whether it is a software driver, which is slow.
    pub is_software: bool,
}

/// The GPUs that the backends of this build find. It opens them all, which may take seconds.
pub fn gpus() -> Vec<Gpu> {
    #[allow(unused_mut)]
    let mut found = Vec::new();
    #[cfg(feature = "wgpu")]
    found.extend(wgpu::all());
    #[cfg(feature = "cuda")]
    found.extend((0..Device::enumerate(burn::tensor::DeviceType::Cuda).len()).map(|index| Gpu {
        backend: "cuda",
        device: index.to_string(),
        name: String::new(),
        is_software: false,
    }));
    found
}

fn unknown_device(backend: &str, device: &str, expected: &'static str) -> DeviceError {
    DeviceError::UnknownDevice { backend: backend.into(), device: device.into(), expected }
}

/// The CPU with this backend. NdArray is deprecated in Burn, and still the default of this project.
#[allow(deprecated)]
fn cpu(backend: &str) -> Device {
    match backend {
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::ndarray(),
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        _ => unreachable!("`{backend}` is not a CPU backend of this build"),
    }
}

#[cfg(feature = "cuda")]
fn cuda(name: &str) -> Result<Device, DeviceError> {
    // Opening a GPU that does not exist would panic at the first operation.
    cuda_index(name, Device::enumerate(burn::tensor::DeviceType::Cuda).len()).map(Device::cuda)
}

/// The index of the CUDA GPU `name`, of `count` GPUs.
#[cfg(any(feature = "cuda", test))]
fn cuda_index(name: &str, count: usize) -> Result<usize, DeviceError> {
    let index = match name {
        "default" => 0,
        index => index.parse().map_err(|_| unknown_device("cuda", name, "`default` or the index of a CUDA GPU"))?,
    };
    if index < count { Ok(index) } else { Err(DeviceError::NoCudaGpu { index, count }) }
}

#[cfg(feature = "wgpu")]
mod wgpu {
    //! Opens a wgpu adapter: a GPU, or Mesa's software Vulkan if it is named explicitly.

    use std::sync::{Mutex, PoisonError};

    use burn::tensor::wgpu::WgpuInitError;
    use burn::tensor::{Device, DeviceKind};

    use super::{DeviceError, Gpu, unknown_device};

    /// A device that is open.
    #[derive(Clone)]
    struct Open {
        kind: DeviceKind,
        device: Device,
        /// The name of the adapter and its driver; empty if an operation has initialized it.
        adapter: String,
    }

    /// The devices that are open: an adapter can be initialized only once.
    static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

    pub fn open(name: &str) -> Result<Device, DeviceError> {
        Ok(open_adapter(name)?.device)
    }

    /// All adapters, GPUs first.
    pub fn all() -> Vec<Gpu> {
        let mut found = Vec::new();
        let mut add = |device: &str| {
            let opened = open_adapter(device);
            if let Ok(Open { adapter, .. }) = &opened {
                let is_software = device == "cpu";
                found.push(Gpu { backend: "wgpu", device: device.into(), name: adapter.clone(), is_software });
            }
            opened.is_ok()
        };
        for kind in ["discrete", "integrated", "virtual"] {
            let mut number = 0;
            while add(&format!("{kind}:{number}")) {
                number += 1;
            }
        }
        add("cpu");
        found
    }

    fn open_adapter(name: &str) -> Result<Open, DeviceError> {
        let expected = "default, cpu, discrete:N, integrated:N or virtual:N";
        let kind = kind(name).ok_or_else(|| unknown_device("wgpu", name, expected))?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.iter().find(|known| known.kind == kind) {
            return Ok(known.clone());
        }
        let opened = initialize(name, kind)?;
        open.push(opened.clone());
        Ok(opened)
    }

    fn initialize(name: &str, kind: DeviceKind) -> Result<Open, DeviceError> {
        let software_is_wanted = kind == DeviceKind::Cpu;
        // Initializing here reports a missing adapter; a lazily opened one would panic at the first operation.
        let (device, setup) = match Device::wgpu_options().device_kind(kind.clone()).init_with_setup() {
            Ok(initialized) => initialized,
            // An operation on this device has initialized it already.
            Err(WgpuInitError::Registration { .. }) => {
                return Ok(Open { device: Device::wgpu(kind.clone()), kind, adapter: String::new() });
            }
            Err(WgpuInitError::AdapterUnavailable { .. }) => {
                return Err(DeviceError::NoAdapter { device: name.into() });
            }
            Err(error) => return Err(DeviceError::Adapter { device: name.into(), source: error.into() }),
        };
        let info = setup.adapter.get_info();
        // The type belongs to the crate wgpu, which is not a dependency; a test checks that the software
        // adapter still has this name.
        let is_software = format!("{:?}", info.device_type) == "Cpu";
        if is_software && !software_is_wanted {
            return Err(DeviceError::SoftwareAdapter { adapter: info.name });
        }
        let driver = [info.driver, info.driver_info].join(" ");
        let driver = driver.trim();
        let adapter = if driver.is_empty() { info.name } else { format!("{} ({driver})", info.name) };
        Ok(Open { kind, device, adapter })
    }

    fn kind(name: &str) -> Option<DeviceKind> {
        let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
        let number = number.parse().ok();
        match (kind, number) {
            ("default", _) if name == kind => Some(DeviceKind::DefaultDevice),
            ("cpu", _) if name == kind => Some(DeviceKind::Cpu),
            ("discrete", Some(number)) => Some(DeviceKind::DiscreteGpu(number)),
            ("integrated", Some(number)) => Some(DeviceKind::IntegratedGpu(number)),
            ("virtual", Some(number)) => Some(DeviceKind::VirtualGpu(number)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_compiled_in_is_not_an_unknown_one() {
        let error = open("tpu", None).unwrap_err().to_string();
        assert!(error.contains("`tpu` is unknown; expected one of ndarray, flex"), "{error}");
        for backend in ALL.into_iter().filter(|backend| !BACKENDS.contains(backend)) {
            let error = open(backend, None).unwrap_err().to_string();
            assert!(error.contains(&format!("enable the feature `{backend}`")), "{error}");
        }
    }

    #[test]
    fn gpus_can_be_opened_by_their_names() {
        for gpu in gpus() {
            open(gpu.backend, Some(&gpu.device)).unwrap();
            assert_eq!(gpu.is_software, gpu.device == "cpu", "{gpu:?}");
        }
    }

    #[test]
    fn devices_of_other_backends_are_rejected() {
        for backend in BACKENDS.iter().filter(|backend| **backend != "cuda") {
            let error = open(backend, Some("3")).unwrap_err();
            assert!(matches!(error, DeviceError::UnknownDevice { .. }), "{error}");
        }
    }

    #[test]
    fn a_missing_adapter_is_described_by_what_was_looked_for() {
        for (device, expected) in [
            ("default", "no GPU with a driver for Vulkan, Metal or DirectX 12 was found"),
            ("cpu", "install Mesa's"),
            ("discrete:2", "no discrete GPU has the number 2, counted from 0"),
        ] {
            let error = DeviceError::NoAdapter { device: device.into() }.to_string();
            assert!(error.starts_with("there is no GPU adapter") && error.contains(expected), "{error}");
            assert!(error.ends_with("or use the backend `ndarray`"), "{error}");
        }
    }

    #[test]
    fn a_cuda_gpu_is_selected_by_index() {
        assert_eq!(cuda_index("default", 1).unwrap(), 0);
        assert_eq!(cuda_index("1", 2).unwrap(), 1);
        let error = |name, count| cuda_index(name, count).unwrap_err().to_string();
        assert!(error("default", 0).contains("install NVIDIA's driver"));
        assert!(error("2", 2).contains("no CUDA GPU 2: 2 were found"));
        assert!(error("discrete:0", 1).contains("expected `default` or the index"));
    }
}
