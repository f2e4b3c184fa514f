//! Whether this machine can build programs with MPI.

use std::path::Path;

/// The cargo feature of the program that trains with several processes.
pub const FEATURE: &str = "mpi";

/// What the build of the feature lacks on this machine, and the package of Debian that has it; `None` if nothing.
pub fn missing() -> Option<&'static str> {
    if !is_in_path("mpicc") || !is_in_path("mpirun") {
        return Some("Open MPI's mpicc and mpirun (Debian's packages are libopenmpi-dev and openmpi-bin)");
    }
    // On macOS it belongs to the compiler.
    (cfg!(target_os = "linux") && !has_libclang()).then_some("libclang (Debian's package is libclang-dev)")
}

/// Whether the program is checked and tested with MPI: on Linux, where it can be built.
pub fn is_tested() -> bool {
    cfg!(target_os = "linux") && missing().is_none()
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Where the build script of the bindings looks for the library, in short.
fn has_libclang() -> bool {
    std::env::var_os("LIBCLANG_PATH").is_some()
        || std::fs::read_dir("/usr/lib").is_ok_and(|folders| {
            folders.flatten().any(|folder| {
                let name = folder.file_name();
                let is_llvm = name.as_encoded_bytes().starts_with(b"llvm-");
                contains_libclang(&if is_llvm { folder.path().join("lib") } else { folder.path() })
            })
        })
        || ["/usr/lib64", "/usr/local/lib"].iter().any(|folder| contains_libclang(Path::new(folder)))
}

fn contains_libclang(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|files| {
        files.flatten().any(|file| {
            let name = file.file_name();
            let name = name.as_encoded_bytes();
            name.starts_with(b"libclang.so") || name.starts_with(b"libclang-1") && name.ends_with(b".so")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_is_found_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!contains_libclang(folder.path()));
        std::fs::write(folder.path().join("libclang.so.1"), "").unwrap();
        assert!(contains_libclang(folder.path()));
    }
}
