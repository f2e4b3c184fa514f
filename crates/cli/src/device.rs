//! Selects the backend and opens its device. No other file of this crate names backends.

use args::{Backend, BackendArgs, BackendFile};
use burn::tensor::Device;
use clap::ValueEnum;
use kernels::KernelMode;

use crate::error::{Error, Result, bail};

/// The environment variable that turns the fused kernels off, to find out whether they cause a problem.
const KERNELS_VARIABLE: &str = "PASTICHE_KERNELS";

/// The compiled-in backends; the first one is the default.
const COMPILED: &[Backend] = &[
    #[cfg(feature = "ndarray")]
    Backend::Ndarray,
    #[cfg(feature = "flex")]
    Backend::Flex,
    #[cfg(feature = "wgpu")]
    Backend::Wgpu,
    #[cfg(feature = "cuda")]
    Backend::Cuda,
];

/// The backend, the device and the kernels, as selected by options, environment variables and `backend.toml`.
#[derive(Clone)]
pub struct BackendSelection {
    backend: Backend,
    device: Option<String>,
    kernels: KernelMode,
}

impl BackendSelection {
    /// The selection for the options of a command; a command that does not compute has none.
    ///
    /// # Errors
    /// If the backend is not compiled in, or `backend.toml` or an environment variable is invalid.
    pub fn new(options: Option<&BackendArgs>) -> Result<Self> {
        let args = options.cloned().unwrap_or_default();
        let file = BackendFile::read(".".as_ref()).map_err(Error::new)?;
        let first = COMPILED.first().copied().ok_or_else(|| {
            Error::new("this build has no backend: build it with `--features ndarray`, `flex`, `wgpu` or `cuda`")
        })?;
        let backend = args.backend.or(file.backend).unwrap_or(first);
        if options.is_some() {
            check_compiled_in(backend, COMPILED)?;
        }
        // A device in backend.toml belongs to the backend in backend.toml.
        let device = args.device.or(file.device.filter(|_| file.backend.is_none_or(|b| b == backend)));
        Ok(Self { backend, device, kernels: kernel_mode()? })
    }

    /// The same with the backend of this name.
    ///
    /// # Errors
    /// If it is unknown or not compiled in.
    pub fn with_backend(&self, name: &str) -> Result<Self> {
        let backend = Backend::from_str(name, false).ok();
        let backend = backend
            .ok_or_else(|| Error::new(format!("the backend `{name}` is unknown; use another with `--backend`")))?;
        check_compiled_in(backend, COMPILED)?;
        let device = self.device.clone().filter(|_| backend == self.backend);
        Ok(Self { backend, device, kernels: self.kernels })
    }

    /// Sets the environment variables from which Burn takes its default device; loading an optimizer uses it.
    ///
    /// Must be called before any thread is started.
    #[allow(unsafe_code)]
    pub fn set_environment(&self) {
        let software = self.backend == Backend::Wgpu && self.device.as_deref() == Some("cpu");
        // SAFETY: `main` calls this before any other thread exists, so no thread reads the environment
        // during the change.
        unsafe {
            std::env::set_var("BURN_DEVICE", self.backend.name());
            if software {
                std::env::set_var("CUBECL_WGPU_DEFAULT_DEVICE", "Cpu");
            }
        }
    }

    /// Opens the device.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn open(&self) -> Result<Device> {
        match self.backend {
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => wgpu::open(self.device.as_deref().unwrap_or("default")),
            #[cfg(feature = "cuda")]
            Backend::Cuda => cuda(self.device.as_deref().unwrap_or("default")),
            backend => {
                if let Some(device) = self.device.as_deref().filter(|&d| d != "default") {
                    bail!(
                        "the backend `{}` has no device `{device}`: leave out `--device`, or choose a \
                         backend for GPUs",
                        backend.name()
                    );
                }
                cpu(backend)
            }
        }
    }

    /// The name of the backend.
    pub fn name(&self) -> &'static str {
        self.backend.name()
    }

    /// Which kernels to use.
    pub fn kernels(&self) -> KernelMode {
        self.kernels
    }
}

fn kernel_mode() -> Result<KernelMode> {
    match std::env::var(KERNELS_VARIABLE).as_deref() {
        Err(_) | Ok("on") => Ok(KernelMode::Fused),
        Ok("off") => Ok(KernelMode::Composed),
        Ok(found) => Err(Error::new(format!("{KERNELS_VARIABLE} is `{found}`; expected `on` or `off`"))),
    }
}

/// Rejects a backend that is not compiled in.
fn check_compiled_in(backend: Backend, compiled: &[Backend]) -> Result<()> {
    if compiled.contains(&backend) {
        return Ok(());
    }
    let names: Vec<&str> = compiled.iter().map(|backend| backend.name()).collect();
    let name = backend.name();
    Err(Error::new(format!(
        "this build does not have the backend `{name}`, only {}: build it with `--features {name}`, or use \
         `cargo xtask`, which adds it automatically",
        names.join(", ")
    )))
}

fn cpu(backend: Backend) -> Result<Device> {
    match backend {
        // Deprecated in Burn, but still the default of this project.
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        Backend::Ndarray => Ok(Device::ndarray()),
        #[cfg(feature = "flex")]
        Backend::Flex => Ok(Device::flex()),
        backend => Err(Error::new(format!("`{}` is not a CPU backend of this build", backend.name()))),
    }
}

#[cfg(feature = "cuda")]
fn cuda(name: &str) -> Result<Device> {
    // Opening a GPU that does not exist would panic at the first operation.
    let count = Device::enumerate(burn::tensor::DeviceType::Cuda).len();
    cuda_index(name, count).map(Device::cuda)
}

/// The index of the CUDA GPU `name`, of `count` GPUs.
#[cfg(any(feature = "cuda", test))]
fn cuda_index(name: &str, count: usize) -> Result<usize> {
    let index = match name {
        "default" => 0,
        index => index.parse().map_err(|_| {
            Error::new(format!("`--device {name}` is unknown; expected default or the index of a CUDA GPU"))
        })?,
    };
    if index < count {
        return Ok(index);
    }
    Err(Error::new(if count == 0 {
        "no CUDA GPU was found: install NVIDIA's driver, or use `--backend ndarray`".into()
    } else {
        format!("there is no CUDA GPU `--device {name}`: {count} were found, numbered from 0")
    }))
}

#[cfg(feature = "wgpu")]
mod wgpu {
    //! Opens a wgpu adapter: a GPU, or Mesa's software Vulkan if it is named explicitly.

    use burn::tensor::{Device, DeviceKind};

    use crate::error::{Error, Result, bail};

    pub fn open(name: &str) -> Result<Device> {
        let kind = kind(name)?;
        let software_is_wanted = kind == DeviceKind::Cpu;
        // Initializing here reports a missing adapter; a lazily opened one would panic at the first operation.
        let options = Device::wgpu_options().device_kind(kind);
        let (device, setup) = options.init_with_setup().map_err(|error| {
            Error::new(format!(
                "there is no GPU adapter `--device {name}` ({error}): use `--backend ndarray`, or install \
                 Mesa's software Vulkan and use `--device cpu`"
            ))
        })?;
        let info = setup.adapter.get_info();
        // The type belongs to the crate wgpu, which is not a dependency; a test checks that the software
        // adapter still has this name.
        let is_software = format!("{:?}", info.device_type) == "Cpu";
        if is_software && !software_is_wanted {
            bail!(
                "there is no GPU adapter, only the software adapter `{}`: use `--backend ndarray`, which is \
                 faster, or select it with `--device cpu`",
                info.name
            );
        }
        Ok(device)
    }

    fn kind(name: &str) -> Result<DeviceKind> {
        let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
        let number = number.parse().ok();
        match (kind, number) {
            ("default", _) if name == kind => Ok(DeviceKind::DefaultDevice),
            ("cpu", _) if name == kind => Ok(DeviceKind::Cpu),
            ("discrete", Some(number)) => Ok(DeviceKind::DiscreteGpu(number)),
            ("integrated", Some(number)) => Ok(DeviceKind::IntegratedGpu(number)),
            ("virtual", Some(number)) => Ok(DeviceKind::VirtualGpu(number)),
            _ => Err(Error::new(format!(
                "`--device {name}` is unknown; expected default, cpu, discrete:N, integrated:N or \
                 virtual:N"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_backend_is_rejected_with_its_feature() {
        let error = check_compiled_in(Backend::Wgpu, &[Backend::Ndarray, Backend::Flex]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("`wgpu`, only ndarray, flex"), "{error}");
        assert!(error.contains("--features wgpu"), "{error}");
        check_compiled_in(Backend::Flex, &[Backend::Flex]).unwrap();
    }

    #[test]
    fn a_cuda_gpu_is_selected_by_index() {
        assert_eq!(cuda_index("default", 1).unwrap(), 0);
        assert_eq!(cuda_index("1", 2).unwrap(), 1);
        let error = |name, count| cuda_index(name, count).unwrap_err().to_string();
        assert!(error("default", 0).contains("install NVIDIA's driver"));
        assert!(error("2", 2).contains("`--device 2`: 2 were found"));
        assert!(error("discrete:0", 1).contains("expected default or the index"));
    }
}
