//! Failpoints: places where a test can make a file operation fail, or kill the process, as a full disk or a power
//! cut would.
//!
//! Without the feature `failpoints` they do nothing. With it the environment variable [`VARIABLE`], read once per
//! process, chooses the action: `list:FILE` writes the name of every failpoint that is reached into FILE, one per
//! line; `fail:N` makes the N-th failpoint and all later ones fail, as on a full disk; `kill:N` kills the process
//! (SIGKILL; on Windows it aborts) at the N-th; `pause:N:NAME:FILE` creates FILE at the N-th failpoint with this name and
//! waits until a test deletes it. N is counted from 1.

use std::path::Path;

/// The environment variable that chooses the action.
pub const VARIABLE: &str = "PASTICHE_FAILPOINTS";

/// Writes `bytes` to `file`. With failpoints, the failpoint `operation` is reached after half of the bytes: a process
/// that is killed there leaves a half-written file.
///
/// # Errors
/// If the file system reports an error, or a test makes the failpoint fail.
pub(crate) fn write(file: &mut std::fs::File, bytes: &[u8], operation: &str, path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    let middle = if cfg!(feature = "failpoints") { bytes.len() / 2 } else { 0 };
    let (half, rest) = bytes.split_at(middle);
    file.write_all(half)?;
    reach(operation, path)?;
    file.write_all(rest)
}

/// Reaches the failpoint that is named by `operation` and the file name of `path`.
///
/// # Errors
/// If a test makes it fail.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_operation: &str, _path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Reaches the failpoint that is named by `operation` and the file name of `path`.
///
/// # Errors
/// If a test makes it fail.
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

    enum Action {
        Nothing,
        List(PathBuf),
        FailFrom(u64),
        KillAt(u64),
        PauseAt { point: u64, name: String, file: PathBuf },
    }

    static ACTION: OnceLock<Action> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    pub fn reach(operation: &str, path: &Path) -> std::io::Result<()> {
        let action = ACTION.get_or_init(|| {
            let text = std::env::var(super::VARIABLE).unwrap_or_default();
            let number = |text: &str| text.parse().expect("the number of a failpoint");
            match text.split_once(':') {
                Some(("list", file)) => Action::List(file.into()),
                Some(("fail", at)) => Action::FailFrom(number(at)),
                Some(("kill", at)) => Action::KillAt(number(at)),
                Some(("pause", rest)) => match rest.splitn(3, ':').collect::<Vec<_>>()[..] {
                    [at, name, file] => Action::PauseAt { point: number(at), name: name.into(), file: file.into() },
                    _ => Action::Nothing,
                },
                _ => Action::Nothing,
            }
        });
        let name = || format!("{operation} {}", path.file_name().unwrap_or_default().to_string_lossy());
        if matches!(action, Action::PauseAt { name: only, .. } if *only != name()) {
            return Ok(());
        }
        let at = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
        match action {
            Action::Nothing => Ok(()),
            Action::List(file) => {
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
                writeln!(file, "{}", name())
            }
            Action::PauseAt { point, file, .. } if at == *point => {
                std::fs::write(file, "")?;
                while file.exists() {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                Ok(())
            }
            Action::FailFrom(first) if at >= *first => Err(std::io::ErrorKind::StorageFull.into()),
            Action::KillAt(point) if at == *point => {
                #[cfg(unix)]
                signal_hook::low_level::raise(signal_hook::consts::SIGKILL)?;
                std::process::abort()
            }
            Action::FailFrom(_) | Action::KillAt(_) | Action::PauseAt { .. } => Ok(()),
        }
    }
}
