//! The backends, and the file `backend.toml`. The backend is chosen by option, environment variable or
//! `backend.toml`, in this order.

use std::path::Path;

use clap::ValueEnum;

/// The environment variable that sets the backend of a machine.
pub const BACKEND_VARIABLE: &str = "PASTICHE_BACKEND";
/// The environment variable that limits the vector instructions of the CPU backends.
pub const SIMD_VARIABLE: &str = "PASTICHE_SIMD";
/// The environment variable that sets how many seconds a process waits for the others that train with it, at least.
pub const RANK_TIMEOUT_VARIABLE: &str = "PASTICHE_RANK_TIMEOUT";
/// The untracked file that sets the backend of a checkout, in the working directory.
pub const BACKEND_FILE: &str = "backend.toml";

/// A backend that can be compiled in; each is a cargo feature of the same name.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// CPU, with the crate `ndarray`
    Ndarray,
    /// CPU, Burn's own backend
    Flex,
    /// GPU through Vulkan, Metal, DirectX 12 or WebGPU
    Wgpu,
    /// NVIDIA GPU, through CUDA
    Cuda,
}

impl Backend {
    /// The name, which is also the cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndarray => "ndarray",
            Self::Flex => "flex",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// Whether it computes on a GPU.
    pub fn is_gpu(self) -> bool {
        matches!(self, Self::Wgpu | Self::Cuda)
    }

    /// All names, for error messages.
    pub fn names() -> String {
        Self::value_variants().iter().map(|backend| backend.name()).collect::<Vec<_>>().join(", ")
    }
}

/// The contents of `backend.toml`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackendFile {
    /// `backend = "flex"`
    pub backend: Option<Backend>,
    /// `device = "discrete:0"`
    pub device: Option<String>,
    /// `features = ["ndarray", "wgpu"]`: the backends that the launcher compiles in, if more than one.
    pub features: Vec<Backend>,
}

impl BackendFile {
    /// Reads `backend.toml` in `folder`; a missing file counts as an empty one.
    ///
    /// # Errors
    /// If the file cannot be read or parsed; one line that names the file and the problem.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(BACKEND_FILE);
        // Reading a pipe or a device might never end.
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(format!("{} cannot be read: it is not a regular file", path.display()));
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        // Editors may begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let message = error.message();
            format!("{BACKEND_FILE} is not valid TOML ({message}); expected lines such as `backend = \"flex\"`")
        })?;
        let mut file = Self::default();
        for (key, value) in &table {
            match (key.as_str(), value) {
                ("backend", toml::Value::String(name)) => file.backend = Some(backend(name)?),
                ("device", toml::Value::String(name)) => file.device = Some(name.clone()),
                ("features", toml::Value::Array(names)) => {
                    for name in names {
                        file.features.push(backend(name.as_str().unwrap_or_default())?);
                    }
                }
                _ => {
                    let at = text.lines().position(|line| line.trim_start().starts_with(key));
                    let line = at.map_or(String::new(), |at| format!(", line {}", at + 1));
                    return Err(format!(
                        "{BACKEND_FILE}{line}: `{key} = {value}` is unknown; expected `backend = \
                         \"ndarray\"`, `device = \"default\"` or `features = [\"ndarray\", \"wgpu\"]`"
                    ));
                }
            }
        }
        Ok(file)
    }
}

fn backend(name: &str) -> Result<Backend, String> {
    Backend::from_str(name, false)
        .map_err(|_| format!("{BACKEND_FILE} names the unknown backend `{name}`; expected one of {}", Backend::names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_parsed() {
        let text = "\u{feff}backend = \"flex\"\ndevice = \"default\"\nfeatures = [\"flex\", \"wgpu\"]";
        let file = BackendFile::parse(text).unwrap();
        assert_eq!(file.backend, Some(Backend::Flex));
        assert_eq!(file.device.as_deref(), Some("default"));
        assert_eq!(file.features, [Backend::Flex, Backend::Wgpu]);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join(BACKEND_FILE)).unwrap();
        assert!(BackendFile::read(folder.path()).unwrap_err().contains("not a regular file"));
    }

    #[test]
    fn an_unknown_backend_and_an_unknown_key_are_named() {
        let error = BackendFile::parse("backend = \"tpu\"").unwrap_err();
        assert!(error.contains("`tpu`") && error.contains("ndarray, flex, wgpu, cuda"), "{error}");
        let text = "device = \"default\"\nbackends = \"flex\"";
        let error = BackendFile::parse(text).unwrap_err();
        assert!(error.contains("line 2: `backends"), "{error}");
    }
}
