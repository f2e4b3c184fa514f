//! `cargo xtask page-test`: the tests of the page by Node.js, and in Chromium with a server that the program runs.
//!
//! The packages that they need are installed once, in the versions of `crates/page/tests/chromium/package-lock.json`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo::{not_started, remove_launcher_env, root};
use crate::ci::Failure;
use crate::features::BackendSet;
use crate::{build, output, test};

/// The tests, and in its folder `chromium` those in the browser.
const TESTS: &str = "crates/page/tests";
/// The list of packages, and their versions and hashes.
const PACKAGES: [&str; 2] = ["package.json", "package-lock.json"];
/// Where the packages are installed.
const FOLDER: &str = "target/page-test";
/// Runs with whose models the server is started.
const RUNS: &str = "crates/cli/tests/fixtures/old_runs";
/// The first version of Node.js that the packages support.
const LOWEST_NODE: u32 = 20;
/// The names that Chromium has on different systems.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The programs that the tests need.
struct Programs {
    node: PathBuf,
    npm: PathBuf,
    chromium: PathBuf,
}

/// Runs all tests of the page.
pub fn run() -> Result<ExitCode, String> {
    let programs = Programs::find()?;
    match run_tests(&programs, BackendSet::Portable) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Failure { reason, .. }) if !reason.is_empty() => Err(reason),
        Err(Failure { code, .. }) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
    }
}

/// The step of CI: left out where a program is missing, unless CI has to be complete.
pub fn step(backends: BackendSet) -> Result<(), Failure> {
    match Programs::find() {
        Ok(programs) => run_tests(&programs, backends),
        Err(missing) if backends == BackendSet::Portable && std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            Err(Failure::new(missing))
        }
        Err(missing) => {
            output::print(format_args!("skipped: {missing}"));
            Ok(())
        }
    }
}

impl Programs {
    /// The programs, which are looked for in the folders of `PATH`.
    fn find() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let need = |names: &[&str]| {
            first_file(&folders, names)
                .ok_or_else(|| format!("{} was not found (Debian's packages are nodejs, npm and chromium)", names[0]))
        };
        let programs = Self { node: need(&["node"])?, npm: need(&["npm"])?, chromium: need(&CHROMIUM)? };
        let version = Command::new(&programs.node).arg("--version").output();
        check_version(&version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default())?;
        Ok(programs)
    }
}

/// Checks the version that Node.js prints, such as `v20.20.2`.
fn check_version(version: &str) -> Result<(), String> {
    let major = version.trim().strip_prefix('v').and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(major) if major >= LOWEST_NODE => Ok(()),
        _ => Err(format!("the version of Node.js is `{}`; expected {LOWEST_NODE} or later", version.trim())),
    }
}

/// The first of these files that one of the folders has.
fn first_file(folders: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Builds the program with these backends, installs the packages, and runs the tests.
fn run_tests(programs: &Programs, backends: BackendSet) -> Result<(), Failure> {
    let program = build::pastiche(backends.features()).map_err(Failure::new)?.map_err(Failure::of_child)?;
    let folder = root().join(FOLDER);
    install(programs, &folder)?;
    let pages = folder.join("pages");
    write_pages(backends, &pages)?;
    let screenshots = folder.join("screenshots");
    std::fs::create_dir_all(&screenshots).map_err(|error| failed(&screenshots, &error))?;
    let mut command = Command::new(&programs.node);
    // One after another: on few processors, several browsers at once would only wait for each other.
    command.current_dir(root()).args(["--test", "--test-concurrency=1"]).args(test_files(&root().join(TESTS))?);
    command.env("PAGE_TEST_PROGRAM", program).env("PAGE_TEST_CHROMIUM", &programs.chromium);
    command.env("PAGE_TEST_PACKAGES", &folder).env("PAGE_TEST_SCREENSHOTS", &screenshots);
    command.env("PAGE_TEST_RUNS", root().join(RUNS)).env("PAGE_TEST_PAGES", pages);
    finish(command)
}

/// Has a test of the program write pages that are models, and their logits, into a new folder. `cargo xtask ci` runs
/// all tests with the same features, so that nothing is built twice.
fn write_pages(backends: BackendSet, folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    let mut command = test::command(backends);
    command.args(["--test", "train_and_generate", "page_logits"]).env("PAGE_TEST_PAGES", folder);
    finish(command)
}

/// The files with tests in the folder and its folder `chromium`.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for folder in [folder.to_path_buf(), folder.join("chromium")] {
        let entries = std::fs::read_dir(&folder).map_err(|error| failed(&folder, &error))?;
        let paths = entries.flatten().map(|entry| entry.path());
        files.extend(paths.filter(|path| path.to_string_lossy().ends_with(".test.mjs")));
    }
    files.sort();
    Ok(files)
}

/// Installs the packages, unless the folder has them.
fn install(programs: &Programs, folder: &Path) -> Result<(), Failure> {
    let source = root().join(TESTS).join("chromium");
    let mut required = String::new();
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for name in PACKAGES {
        let path = source.join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
        std::fs::write(folder.join(name), &text).map_err(|error| failed(folder, &error))?;
        required += &text;
    }
    // Written last: without it, or with other contents, the packages are incomplete.
    let stamp = folder.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == required) {
        return Ok(());
    }
    let mut npm = Command::new(&programs.npm);
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    finish(npm)?;
    std::fs::write(&stamp, required).map_err(|error| failed(&stamp, &error))
}

fn finish(mut command: Command) -> Result<(), Failure> {
    remove_launcher_env(&mut command);
    let status = command.status().map_err(|error| Failure::new(not_started(&command, &error)))?;
    if status.success() { Ok(()) } else { Err(Failure::of_child(status)) }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_several_names_and_the_first_one_is_preferred() {
        let root = tempfile::tempdir().unwrap();
        let folders = [root.path().join("a"), root.path().join("b")];
        folders.iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
        assert_eq!(first_file(&folders, &CHROMIUM), None);
        for (folder, name) in [(0, "google-chrome"), (1, "chromium")] {
            let path = folders[folder].join(name);
            std::fs::write(&path, "").unwrap();
            assert_eq!(first_file(&folders, &CHROMIUM), Some(path));
        }
    }

    #[test]
    fn an_old_version_of_node_is_rejected() {
        assert_eq!(check_version("v20.20.2\n"), Ok(()));
        for old in ["v18.20.4\n", "", "20.1.0", "vx"] {
            let error = check_version(old).unwrap_err();
            assert!(error.contains("20 or later") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn tests_of_both_folders_are_found() {
        let files = test_files(&super::root().join(TESTS)).ok().unwrap();
        let has = |name: &str| files.iter().any(|path| path.ends_with(name));
        assert!(has("tests/text_tree.test.mjs") && has("tests/chromium/page.test.mjs"), "{files:?}");
        assert!(has("tests/chromium/logits.test.mjs") && !has("tests/chromium/write.mjs"));
    }
}
