//! Chooses the cargo features to build with: the requested backend, or a configured set that contains it.

use args::{BACKEND_FILE, BACKEND_VARIABLE, Backend, BackendFile};
use clap::ValueEnum;

use crate::mpi;

/// The backends that build and run on any machine. Tests, checks and smoke tests share this set, so that one
/// build serves all. `cuda` is left out: it needs NVIDIA's driver to run, and downloads a compiler to build.
pub const PORTABLE: &str = "ndarray,flex,wgpu";

/// The backends that need no graphics driver.
const CPU: &str = "ndarray,flex";

/// What tests need besides backends: the failpoints that they interrupt a run with, and kernels for f64, neither of which
/// a program started by the launcher has; and [`PROFILE`], which only `bench --profile` starts one with.
const TEST_FEATURES: [&str; 3] = ["failpoints", "f64", PROFILE];

/// The feature that counts the time of each kind of work.
pub const PROFILE: &str = "profile";

/// The environment variable that lists the backends to compile in, such as `ndarray,wgpu`.
pub const FEATURES_VARIABLE: &str = "PASTICHE_FEATURES";

/// The backends that are checked and tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendSet {
    /// [`PORTABLE`]; checks of the source include `cuda`.
    Portable,
    /// Those of the CPU, for machines without Vulkan.
    Cpu,
}

impl BackendSet {
    /// The features, separated by commas.
    pub fn features(self) -> &'static str {
        match self {
            Self::Portable => PORTABLE,
            Self::Cpu => CPU,
        }
    }

    /// Cargo arguments for running the whole workspace: these backends, [`TEST_FEATURES`], and MPI where it can be built.
    ///
    /// The default features are off, as they are for a started program: otherwise `cli` would be compiled once
    /// with its feature `default` and once without.
    pub fn workspace_args(self) -> [String; 4] {
        self.workspace_args_with(mpi::is_tested(), &[])
    }

    /// Cargo arguments for checks of the source, and the variable that tells CUDA's build script that nothing will
    /// be linked.
    pub fn source_check_args(self) -> ([String; 4], (&'static str, &'static str)) {
        let more: &[&str] = match self {
            Self::Portable => &[Backend::Cuda.name()],
            Self::Cpu => &[],
        };
        (self.workspace_args_with(mpi::is_tested(), more), ("DOCS_RS", "1"))
    }

    fn workspace_args_with(self, with_mpi: bool, more: &[&str]) -> [String; 4] {
        let mpi: &[&str] = if with_mpi { &[mpi::FEATURE] } else { &[] };
        args_for(&[&self.features().split(',').collect::<Vec<_>>(), &TEST_FEATURES[..], mpi, more].concat())
    }
}

/// Cargo arguments for the whole workspace with these features of the package `pastiche-cli`.
fn args_for(features: &[&str]) -> [String; 4] {
    let features: Vec<String> = features.iter().map(|name| format!("pastiche-cli/{name}")).collect();
    ["--workspace", "--no-default-features", "--features", &features.join(",")].map(String::from)
}

/// The features for a command: those of the environment, else of `backend.toml`, else only the backend.
///
/// `requested` is the backend of the command line or the environment.
///
/// # Errors
/// A name is unknown, or the backend is not among the features.
pub fn choose(requested: Option<Backend>, listed: Option<&str>, file: &BackendFile) -> Result<String, String> {
    let backend = requested.or(file.backend);
    let (features, source) = match listed.map(str::trim) {
        Some(names) if !names.is_empty() => {
            let features = names.split(',').map(|name| parse(name.trim(), FEATURES_VARIABLE));
            (features.collect::<Result<_, _>>()?, FEATURES_VARIABLE)
        }
        _ => (file.features.clone(), BACKEND_FILE),
    };
    if features.is_empty() {
        return Ok(backend.unwrap_or(Backend::Ndarray).name().into());
    }
    let names = features.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(",");
    match backend {
        Some(backend) if !features.contains(&backend) => Err(format!(
            "the backend `{0}` is not among the features `{names}` of {source}; \
             add `{0}` there, or choose another with --backend",
            backend.name()
        )),
        _ => Ok(names),
    }
}

/// The backend of the environment, for commands without the option `--backend`.
pub fn backend_from_env() -> Result<Option<Backend>, String> {
    match std::env::var(BACKEND_VARIABLE) {
        Ok(name) if !name.is_empty() => parse(&name, BACKEND_VARIABLE).map(Some),
        _ => Ok(None),
    }
}

fn parse(name: &str, source: &str) -> Result<Backend, String> {
    Backend::from_str(name, false)
        .map_err(|_| format!("{source} contains the unknown backend `{name}`; expected one of {}", Backend::names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(backend: Option<Backend>, features: &[Backend]) -> BackendFile {
        BackendFile { backend, device: None, features: features.to_vec() }
    }

    #[test]
    fn the_flag_overrides_the_file_and_ndarray_is_the_default() {
        let flex = file(Some(Backend::Flex), &[]);
        assert_eq!(choose(None, None, &BackendFile::default()).unwrap(), "ndarray");
        assert_eq!(choose(None, None, &flex).unwrap(), "flex");
        assert_eq!(choose(Some(Backend::Wgpu), None, &flex).unwrap(), "wgpu");
    }

    #[test]
    fn a_list_of_features_overrides_the_single_backend() {
        let both = file(None, &[Backend::Flex, Backend::Wgpu]);
        assert_eq!(choose(Some(Backend::Wgpu), None, &both).unwrap(), "flex,wgpu");
        assert_eq!(choose(None, Some(PORTABLE), &both).unwrap(), PORTABLE);
        assert_eq!(choose(None, Some(" "), &both).unwrap(), "flex,wgpu");
    }

    #[test]
    fn a_backend_outside_the_list_is_rejected_in_one_line() {
        let error = choose(Some(Backend::Wgpu), Some("ndarray, flex"), &BackendFile::default());
        let error = error.unwrap_err();
        assert!(error.contains("`wgpu`") && error.contains("`ndarray,flex`"), "{error}");
        assert!(error.contains(FEATURES_VARIABLE) && !error.contains('\n'), "{error}");
        let error = choose(None, None, &file(Some(Backend::Wgpu), &[Backend::Flex])).unwrap_err();
        assert!(error.contains(BACKEND_FILE), "{error}");
    }

    #[test]
    fn an_unknown_feature_is_reported_with_the_known_ones() {
        let error = choose(None, Some("ndarray,tpu"), &BackendFile::default()).unwrap_err();
        assert!(error.contains("`tpu`") && error.contains(&Backend::names()), "{error}");
    }

    #[test]
    fn every_backend_but_cuda_is_portable() {
        let all = Backend::value_variants().iter().filter(|&&backend| backend != Backend::Cuda);
        let names: Vec<&str> = all.map(|backend| backend.name()).collect();
        assert_eq!(PORTABLE, names.join(","));
        let tests = "pastiche-cli/ndarray,pastiche-cli/flex,pastiche-cli/wgpu,pastiche-cli/failpoints,pastiche-cli/f64,pastiche-cli/profile";
        let features = |with_mpi, more: &[&str]| BackendSet::Portable.workspace_args_with(with_mpi, more)[3].clone();
        assert_eq!(features(false, &[]), tests);
        assert_eq!(features(true, &["cuda"]), format!("{tests},pastiche-cli/mpi,pastiche-cli/cuda"));
        let checks = BackendSet::Portable.source_check_args().0[3].clone();
        assert_eq!(checks, features(mpi::is_tested(), &["cuda"]));
    }

    #[test]
    fn no_backend_for_a_gpu_is_in_the_set_for_the_cpu() {
        let all = Backend::value_variants().iter().filter(|backend| !backend.is_gpu());
        assert_eq!(CPU, all.map(|backend| backend.name()).collect::<Vec<_>>().join(","));
        let features =
            "pastiche-cli/ndarray,pastiche-cli/flex,pastiche-cli/failpoints,pastiche-cli/f64,pastiche-cli/profile";
        assert_eq!(BackendSet::Cpu.workspace_args_with(false, &[])[3], features);
        assert_eq!(BackendSet::Cpu.workspace_args(), BackendSet::Cpu.source_check_args().0);
    }
}
