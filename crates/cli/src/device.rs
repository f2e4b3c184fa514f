//! The one place that names backends: from a choice to a Burn device.

use args::{Backend, BackendArgs, BackendChoice};
use burn::tensor::Device;
use clap::ValueEnum;

use crate::error::{Error, Result};

/// The backends compiled in, the preferred one first.
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

/// What was asked for, by flag, environment or `backend.toml`.
#[derive(Clone)]
pub struct Choice {
    backend: Backend,
    device: Option<String>,
}

impl Choice {
    /// Reads the choice of a command's `arguments`; commands that do not compute have none, and get the
    /// default.
    pub fn of(arguments: Option<&BackendArgs>) -> Result<Self> {
        let asked = arguments.cloned().unwrap_or_default();
        let file = BackendChoice::read(".".as_ref()).map_err(Error::new)?;
        let first = COMPILED.first().copied().ok_or_else(|| {
            Error::new(
                "this build holds no backend: build it with `--features ndarray`, `flex`, `wgpu` or \
                 `cuda`",
            )
        })?;
        let backend = asked.backend.or(file.backend).unwrap_or(first);
        if arguments.is_some() {
            compiled_in(backend, COMPILED)?;
        }
        // A device in backend.toml belongs to the backend in backend.toml.
        let device =
            asked.device.or(file.device.filter(|_| file.backend.is_none_or(|b| b == backend)));
        Ok(Self { backend, device })
    }

    /// The same with the backend of this name.
    ///
    /// # Errors
    /// If there is none, or this build does not hold it.
    pub fn with_backend(&self, name: &str) -> Result<Self> {
        let backend = Backend::from_str(name, false).ok();
        let backend = backend.ok_or_else(|| {
            Error::new(format!("the backend `{name}` is unknown; name another with `--backend`"))
        })?;
        compiled_in(backend, COMPILED)?;
        let device = self.device.clone().filter(|_| backend == self.backend);
        Ok(Self { backend, device })
    }

    /// Tells Burn, whose optimizer loading asks for a device of its own accord, which one is meant.
    ///
    /// Must be called first thing in `main`.
    #[allow(unsafe_code)]
    pub fn announce(&self) {
        let software = self.backend == Backend::Wgpu && self.device.as_deref() == Some("cpu");
        // SAFETY: `main` calls this before any other thread exists, so nobody reads the environment
        // while it is changed.
        unsafe {
            std::env::set_var("BURN_DEVICE", self.backend.name());
            if software {
                std::env::set_var("CUBECL_WGPU_DEFAULT_DEVICE", "Cpu");
            }
        }
    }

    /// Opens the device.
    pub fn open(&self) -> Result<Device> {
        match self.backend {
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => wgpu::open(self.device.as_deref().unwrap_or("default")),
            #[cfg(feature = "cuda")]
            Backend::Cuda => cuda(self.device.as_deref().unwrap_or("default")),
            backend => {
                if let Some(device) = self.device.as_deref().filter(|&d| d != "default") {
                    return Err(Error::new(format!(
                        "the backend `{}` has no device `{device}`: leave out `--device`, or choose a \
                         backend for graphics processors",
                        backend.name()
                    )));
                }
                cpu(backend)
            }
        }
    }

    /// The backend's name, for people.
    pub fn name(&self) -> &'static str {
        self.backend.name()
    }
}

/// Refuses a backend that is not among those compiled in, and says how to get it.
fn compiled_in(backend: Backend, compiled: &[Backend]) -> Result<()> {
    if compiled.contains(&backend) {
        return Ok(());
    }
    let names: Vec<&str> = compiled.iter().map(|backend| backend.name()).collect();
    let name = backend.name();
    Err(Error::new(format!(
        "this build does not hold the backend `{name}`, only {}: build it with `--features {name}`, \
         or use `cargo xtask`, which does so by itself",
        names.join(", ")
    )))
}

fn cpu(backend: Backend) -> Result<Device> {
    match backend {
        // Deprecated upstream, and still this project's default.
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        Backend::Ndarray => Ok(Device::ndarray()),
        #[cfg(feature = "flex")]
        Backend::Flex => Ok(Device::flex()),
        backend => Err(Error::new(format!("`{}` is no CPU backend of this build", backend.name()))),
    }
}

#[cfg(feature = "cuda")]
fn cuda(name: &str) -> Result<Device> {
    // Counted beforehand: opening a card that is not there would panic at the first number.
    let count = Device::enumerate(burn::tensor::DeviceType::Cuda).len();
    card(name, count).map(Device::cuda)
}

/// Which of `count` CUDA cards is meant by `name`.
#[cfg(any(feature = "cuda", test))]
fn card(name: &str, count: usize) -> Result<usize> {
    let number = match name {
        "default" => Ok(0),
        number => number.parse().map_err(|_| {
            Error::new(format!(
                "`--device {name}` is unknown; expected default or the number of a CUDA card"
            ))
        }),
    }?;
    match (number < count, count) {
        (true, _) => Ok(number),
        (false, 0) => Err(Error::new(
            "no CUDA card was found: install NVIDIA's driver, or use `--backend ndarray`",
        )),
        (false, _) => Err(Error::new(format!(
            "no CUDA card answers to `--device {name}`: {count} were found, numbered from 0"
        ))),
    }
}

#[cfg(feature = "wgpu")]
mod wgpu {
    //! Adapters: a real one, or Mesa's software Vulkan when it is asked for by name.

    use burn::tensor::{Device, DeviceKind};

    use crate::error::{Error, Result};

    pub fn open(name: &str) -> Result<Device> {
        let kind = kind(name)?;
        let asked_for_software = kind == DeviceKind::Cpu;
        // Initialising reports a missing adapter; opening lazily would panic at the first number.
        let options = Device::wgpu_options().device_kind(kind);
        let (device, setup) = options.init_with_setup().map_err(|error| {
            Error::new(format!(
                "no graphics adapter answers to `--device {name}` ({error}): use `--backend \
                 ndarray`, or install Mesa's software Vulkan and use `--device cpu`"
            ))
        })?;
        let info = setup.adapter.get_info();
        // The type is wgpu's own, a crate that is not worth naming for one comparison; a test makes
        // sure that the software adapter is still known by it.
        let software = format!("{:?}", info.device_type) == "Cpu";
        if software && !asked_for_software {
            return Err(Error::new(format!(
                "there is no real graphics adapter, only the software one `{}`: use `--backend \
                 ndarray`, which is faster, or ask for it with `--device cpu`",
                info.name
            )));
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
    fn a_backend_that_is_not_compiled_in_is_refused_with_its_feature() {
        let error = compiled_in(Backend::Wgpu, &[Backend::Ndarray, Backend::Flex]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("`wgpu`, only ndarray, flex"), "{error}");
        assert!(error.contains("--features wgpu"), "{error}");
        compiled_in(Backend::Flex, &[Backend::Flex]).unwrap();
    }

    #[test]
    fn a_cuda_card_is_meant_by_its_number() {
        assert_eq!(card("default", 1).unwrap(), 0);
        assert_eq!(card("1", 2).unwrap(), 1);
        let refused = |name, count| card(name, count).unwrap_err().to_string();
        assert!(refused("default", 0).contains("install NVIDIA's driver"));
        assert!(refused("2", 2).contains("`--device 2`: 2 were found"));
        assert!(refused("discrete:0", 1).contains("expected default or the number"));
    }
}
