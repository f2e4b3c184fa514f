//! Places where a test can make the file system refuse, or kill the process, as a full disk or a
//! power cut would.
//!
//! Without the feature `failpoints` a point is nothing. With it the environment variable
//! [`VARIABLE`] decides, once a process: `list:FILE` writes the name of every point that is reached
//! into FILE, a line each; `fail:N` lets the N-th point and all later ones refuse, as on a full
//! disk; `kill:N` kills the process there (SIGKILL). N is counted from 1.

use std::path::Path;

/// What decides over the points of a process.
pub const VARIABLE: &str = "PASTICHE_FAILPOINTS";

/// Writes `bytes` to `file`. With failpoints, the point `operation` lies between their halves: a process
/// that dies there leaves half of them.
///
/// # Errors
/// If the file system refuses, or a test lets it.
pub(crate) fn write(
    file: &mut std::fs::File,
    bytes: &[u8],
    operation: &str,
    path: &Path,
) -> std::io::Result<()> {
    use std::io::Write;
    let middle = if cfg!(feature = "failpoints") { bytes.len() / 2 } else { 0 };
    let (half, rest) = bytes.split_at(middle);
    file.write_all(half)?;
    reach(operation, path)?;
    file.write_all(rest)
}

/// Reaches the point named `operation` and the last name of `path`.
///
/// # Errors
/// If a test lets it refuse.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_operation: &str, _path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Reaches the point named `operation` and the last name of `path`.
///
/// # Errors
/// If a test lets it refuse.
#[cfg(feature = "failpoints")]
pub fn reach(operation: &str, path: &Path) -> std::io::Result<()> {
    active::reach(operation, path)
}

#[cfg(feature = "failpoints")]
mod active {
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    enum Plan {
        Nothing,
        List(PathBuf),
        Fail(u64),
        Kill(u64),
    }

    static PLAN: OnceLock<Plan> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    pub fn reach(operation: &str, path: &Path) -> std::io::Result<()> {
        let plan = PLAN.get_or_init(|| {
            let text = std::env::var(super::VARIABLE).unwrap_or_default();
            let number = |text: &str| text.parse().expect("a failpoint's number");
            match text.split_once(':') {
                Some(("list", file)) => Plan::List(file.into()),
                Some(("fail", at)) => Plan::Fail(number(at)),
                Some(("kill", at)) => Plan::Kill(number(at)),
                _ => Plan::Nothing,
            }
        });
        let at = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
        match plan {
            Plan::Nothing => Ok(()),
            Plan::List(file) => {
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                writeln!(file, "{operation} {name}")
            }
            Plan::Fail(from) if at >= *from => Err(std::io::ErrorKind::StorageFull.into()),
            Plan::Kill(point) if at == *point => {
                signal_hook::low_level::raise(signal_hook::consts::SIGKILL)?;
                unreachable!("a process does not outlive SIGKILL")
            }
            Plan::Fail(_) | Plan::Kill(_) => Ok(()),
        }
    }
}
