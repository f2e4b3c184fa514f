//! Which cargo features the program is built with: the backend asked for, or a set that holds it.

use args::{BACKEND_FILE, BACKEND_VARIABLE, Backend, BackendChoice};
use clap::ValueEnum;

/// Every backend that any machine can build and run: what tests, checks and the main job share, so that one
/// build serves all. `cuda` needs NVIDIA's driver to run, and a compiler of its own, fetched as it is built.
pub const EVERYTHING: &str = "ndarray,flex,wgpu";

/// The environment variable that names the backends to compile in, as in `ndarray,wgpu`.
pub const FEATURES_VARIABLE: &str = "PASTICHE_FEATURES";

/// The arguments with which every cargo command over the whole workspace selects [`EVERYTHING`], and
/// the failpoints that tests break a run at; a program that is launched has none.
///
/// The default features are off, as they are when the program is launched: otherwise `cli` would
/// be compiled once with its feature `default` and once without.
pub fn of_the_workspace() -> [String; 4] {
    workspace_with(&["failpoints"])
}

fn workspace_with(more: &[&str]) -> [String; 4] {
    let features = EVERYTHING.split(',').chain(more.iter().copied());
    let features: Vec<String> = features.map(|name| format!("cli/{name}")).collect();
    let [workspace, none, which] = ["--workspace", "--no-default-features", "--features"];
    [workspace.into(), none.into(), which.into(), features.join(",")]
}

/// The same for commands that only look at the source: with `cuda` too, and the variable by which its compiler
/// knows that it will not be linked.
pub fn of_the_source() -> ([String; 4], (&'static str, &'static str)) {
    (workspace_with(&["failpoints", Backend::Cuda.name()]), ("DOCS_RS", "1"))
}

/// The features for a command: those of the environment, else of `backend.toml`, else the backend.
///
/// `asked` is the backend of the flag or of the environment.
///
/// # Errors
/// One line if a name is unknown or the backend is not among the features.
pub fn choose(
    asked: Option<Backend>,
    listed: Option<&str>,
    file: &BackendChoice,
) -> Result<String, String> {
    let backend = asked.or(file.backend);
    let (features, place) = match listed.map(str::trim) {
        Some(names) if !names.is_empty() => (parse(names)?, FEATURES_VARIABLE),
        _ => (file.features.clone(), BACKEND_FILE),
    };
    if features.is_empty() {
        return Ok(backend.unwrap_or(Backend::Ndarray).name().into());
    }
    let names = features.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(",");
    match backend {
        Some(backend) if !features.contains(&backend) => Err(format!(
            "the backend `{0}` is not among the features `{names}` of {place}; \
             add `{0}` there, or choose another with --backend",
            backend.name()
        )),
        _ => Ok(names),
    }
}

/// The backend that the environment asks for, for commands whose arguments have none.
pub fn backend_of_the_environment() -> Result<Option<Backend>, String> {
    match std::env::var(BACKEND_VARIABLE) {
        Ok(name) if !name.is_empty() => one(&name, BACKEND_VARIABLE).map(Some),
        _ => Ok(None),
    }
}

fn parse(names: &str) -> Result<Vec<Backend>, String> {
    names.split(',').map(|name| one(name.trim(), FEATURES_VARIABLE)).collect()
}

fn one(name: &str, place: &str) -> Result<Backend, String> {
    Backend::from_str(name, false)
        .map_err(|_| format!("{place} names the backend `{name}`; known are {}", Backend::names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(backend: Option<Backend>, features: &[Backend]) -> BackendChoice {
        BackendChoice { backend, device: None, features: features.to_vec() }
    }

    #[test]
    fn the_flag_goes_before_the_file_and_ndarray_is_the_default() {
        let flex = file(Some(Backend::Flex), &[]);
        assert_eq!(choose(None, None, &BackendChoice::default()).unwrap(), "ndarray");
        assert_eq!(choose(None, None, &flex).unwrap(), "flex");
        assert_eq!(choose(Some(Backend::Wgpu), None, &flex).unwrap(), "wgpu");
    }

    #[test]
    fn a_list_of_features_goes_before_the_backend_alone() {
        let both = file(None, &[Backend::Flex, Backend::Wgpu]);
        assert_eq!(choose(Some(Backend::Wgpu), None, &both).unwrap(), "flex,wgpu");
        assert_eq!(choose(None, Some(EVERYTHING), &both).unwrap(), EVERYTHING);
        assert_eq!(choose(None, Some(" "), &both).unwrap(), "flex,wgpu");
    }

    #[test]
    fn a_backend_outside_the_list_is_refused_in_one_line() {
        let error = choose(Some(Backend::Wgpu), Some("ndarray, flex"), &BackendChoice::default());
        let error = error.unwrap_err();
        assert!(error.contains("`wgpu`") && error.contains("`ndarray,flex`"), "{error}");
        assert!(error.contains(FEATURES_VARIABLE) && !error.contains('\n'), "{error}");
        let error = choose(None, None, &file(Some(Backend::Wgpu), &[Backend::Flex])).unwrap_err();
        assert!(error.contains(BACKEND_FILE), "{error}");
    }

    #[test]
    fn an_unknown_feature_is_named_with_the_known_ones() {
        let error = choose(None, Some("ndarray,tpu"), &BackendChoice::default()).unwrap_err();
        assert!(error.contains("`tpu`") && error.contains(&Backend::names()), "{error}");
    }

    #[test]
    fn everything_is_every_backend_but_cuda() {
        let all = Backend::value_variants().iter().filter(|&&backend| backend != Backend::Cuda);
        let names: Vec<&str> = all.map(|backend| backend.name()).collect();
        assert_eq!(EVERYTHING, names.join(","));
        assert_eq!(of_the_workspace()[3], "cli/ndarray,cli/flex,cli/wgpu,cli/failpoints");
        assert_eq!(of_the_source().0[3], "cli/ndarray,cli/flex,cli/wgpu,cli/failpoints,cli/cuda");
    }
}
