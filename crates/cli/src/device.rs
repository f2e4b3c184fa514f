//! Selects the backend and its device by options, environment variables and `backend.toml`; the library opens it. No
//! other file of this crate names backends.

use args::{Backend, BackendArgs, BackendFile};
use burn::tensor::Device;
use clap::ValueEnum;
use kernels::KernelMode;
use pastiche::DeviceError;
use pastiche::device::{self, BACKENDS};

use crate::error::{Error, Result};

/// The environment variable that turns the fused kernels off, to find out whether they cause a problem.
const KERNELS_VARIABLE: &str = "PASTICHE_KERNELS";

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
        let first = BACKENDS.first().and_then(|name| Backend::from_str(name, false).ok()).ok_or_else(|| {
            Error::new("this build has no backend: build it with `--features ndarray`, `flex`, `wgpu` or `cuda`")
        })?;
        let backend = args.backend.or(file.backend).unwrap_or(first);
        if options.is_some() {
            check_compiled_in(backend, BACKENDS)?;
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
        check_compiled_in(backend, BACKENDS)?;
        let device = self.device.clone().filter(|_| backend == self.backend);
        Ok(Self { backend, device, kernels: self.kernels })
    }

    /// The selection for a run that is resumed or repeated: its own backend and device, unless `options` name others.
    /// An early version did not record the device.
    ///
    /// # Errors
    /// If the backend is unknown or not compiled in.
    pub fn for_run(&self, options: &BackendArgs, backend: &str, device: Option<&str>) -> Result<Self> {
        if options.backend.is_some_and(|named| named.name() != backend) {
            return Ok(self.clone());
        }
        let hint = "the run was trained on it; another one, which rounds differently, can be named with `--backend`";
        let selection = self.with_backend(backend).map_err(|error| error.with_hint(Some(hint)))?;
        let device = options.device.clone().or(device.map(String::from)).or(selection.device);
        Ok(Self { device, ..selection })
    }

    /// Opens the device.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn open(&self) -> Result<Device> {
        device::open(self.backend.name(), self.device.as_deref()).map_err(|error| {
            let hint = match &error {
                DeviceError::UnknownDevice { .. } if !self.backend.is_gpu() => {
                    Some("leave out `--device`, or choose a backend for GPUs with `--backend`")
                }
                DeviceError::UnknownDevice { .. } => Some("give one of them with `--device`"),
                DeviceError::NoCudaGpu { .. } => Some("the options are `--device N` and `--backend ndarray`"),
                DeviceError::NoAdapter { .. } | DeviceError::Adapter { .. } => {
                    Some("the options are `--backend ndarray` and, for a software driver, `--device cpu`")
                }
                DeviceError::SoftwareAdapter { .. } => Some("the options are `--backend ndarray` and `--device cpu`"),
                _ => None,
            };
            Error::from(error).with_hint(hint)
        })
    }

    /// The name of the backend.
    pub fn name(&self) -> &'static str {
        self.backend.name()
    }

    /// The name of the device.
    pub fn device_name(&self) -> &str {
        self.device.as_deref().unwrap_or("default")
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
fn check_compiled_in(backend: Backend, compiled: &[&str]) -> Result<()> {
    let name = backend.name();
    if compiled.contains(&name) {
        return Ok(());
    }
    Err(Error::new(format!(
        "this build does not have the backend `{name}`, only {}: build it with `--features {name}`, or use \
         `cargo xtask` with `--backend {name}`, which adds it",
        compiled.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_backend_is_rejected_with_its_feature() {
        let error = check_compiled_in(Backend::Wgpu, &["ndarray", "flex"]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("`wgpu`, only ndarray, flex"), "{error}");
        assert!(error.contains("--features wgpu"), "{error}");
        check_compiled_in(Backend::Flex, &["flex"]).unwrap();
    }

    #[cfg(all(feature = "ndarray", feature = "flex"))]
    #[test]
    fn a_run_keeps_its_backend_and_device_unless_others_are_named() {
        let selected = |backend: Option<Backend>, device: Option<&str>| {
            let options = BackendArgs { backend, device: device.map(String::from) };
            // As with `backend = "ndarray"` and `device = "cpu"` in backend.toml.
            let of_file =
                BackendSelection { backend: Backend::Ndarray, device: Some("cpu".into()), kernels: KernelMode::Fused };
            let selection = BackendSelection {
                backend: backend.unwrap_or(of_file.backend),
                device: options.device.clone().or(of_file.device),
                kernels: of_file.kernels,
            };
            move |run: &str, of_run: Option<&str>| {
                let selection = selection.for_run(&options, run, of_run).unwrap();
                (selection.name(), selection.device_name().to_string())
            }
        };
        let unnamed = selected(None, None);
        assert_eq!(unnamed("flex", Some("discrete:1")), ("flex", "discrete:1".into()));
        assert_eq!(unnamed("flex", None), ("flex", "default".into()));
        assert_eq!(unnamed("ndarray", None), ("ndarray", "cpu".into()));
        assert_eq!(selected(None, Some("x"))("flex", Some("y")), ("flex", "x".into()));
        assert_eq!(selected(Some(Backend::Flex), None)("flex", Some("y")), ("flex", "y".into()));
        assert_eq!(selected(Some(Backend::Ndarray), None)("flex", Some("y")), ("ndarray", "cpu".into()));
    }
}
