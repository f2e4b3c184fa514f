//! Finds the files that paths, folders and patterns name.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use durable::read::Accept;
use glob::{MatchOptions, Pattern};

use super::InputError;
use crate::error::{Error, Result};

/// One file of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Its path.
    pub path: PathBuf,
    /// The name of the first folder below the given folder (or below the part of a pattern without wildcards) on the way
    /// to the file; for a file directly in it, and for a file that is named itself, the name of the folder that it is in.
    /// `None` for a pipe.
    pub folder: Option<String>,
}

/// What a wildcard does in a pattern: as in a shell, it matches neither `/` nor the dot of a hidden name.
const PATTERN: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files of each of the `inputs`; those of a folder or pattern are sorted by path. A path that exists is not a pattern,
/// whatever its name.
///
/// # Errors
/// If one does not exist or has no files, or if two inputs name the same file.
pub(super) fn find(inputs: &[&Path]) -> Result<Vec<Vec<FoundFile>>> {
    let mut found = Vec::new();
    // The canonical path of each file, and the input that names it.
    let mut named: Vec<(PathBuf, &Path)> = Vec::new();
    for &input in inputs {
        let files = files_of(input)?;
        named.extend(files.iter().filter_map(|file| Some((regular_file(&file.path)?, input))));
        found.push(files);
    }
    named.sort_by(|one, other| one.0.cmp(&other.0));
    match named.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(found),
        Some(pair) => {
            let shown = |path: &Path| path.display().to_string();
            let (first, second) = (shown(pair[0].1), shown(pair[1].1));
            Err(InputError::NamedTwice { file: shown(&pair[0].0), first, second }.into())
        }
    }
}

/// The files of one input.
fn files_of(input: &Path) -> Result<Vec<FoundFile>> {
    match input.metadata() {
        Ok(data) if data.is_dir() => files_in(input),
        Ok(_) => Accept::FileOrPipe.check(input).map_err(unreadable(input)).map(|()| {
            let file = regular_file(input);
            let folder = file.as_deref().and_then(Path::parent).and_then(name_of);
            vec![FoundFile { path: input.to_owned(), folder }]
        }),
        Err(source) => match pattern_in(input) {
            Some(pattern) => files_like(pattern),
            None => Err(unreadable(input)(source)),
        },
    }
}

/// An input as text, if it has wildcards.
fn pattern_in(input: &Path) -> Option<&str> {
    input.to_str().filter(|name| name.contains(['*', '?', '[']))
}

/// The absolute path of an input of [`TextFiles`](super::TextFiles): a file, a folder or a pattern. Wildcards in the name of
/// the working directory are not part of a pattern.
///
/// # Errors
/// If the input is empty, or the working directory is unknown.
pub fn absolute_input(input: &Path) -> io::Result<PathBuf> {
    if input.is_absolute() || input.as_os_str().is_empty() {
        return std::path::absolute(input);
    }
    absolute_from(&std::env::current_dir()?, input)
}

/// The absolute path of an input in this working directory.
pub(super) fn absolute_from(directory: &Path, input: &Path) -> io::Result<PathBuf> {
    let path = directory.join(input);
    match (pattern_in(input), directory.to_str()) {
        (Some(pattern), Some(directory)) if path.metadata().is_err() => {
            std::path::absolute(Path::new(&Pattern::escape(directory)).join(pattern))
        }
        _ => std::path::absolute(path),
    }
}

/// All files in a folder and the folders in it that are not hidden, sorted by path. Symbolic links are followed, unless
/// they lead to what was found without them.
fn files_in(folder: &Path) -> Result<Vec<FoundFile>> {
    let mut walk = Walk::default();
    walk.folder(folder)?;
    // A link may lead to a folder with other links.
    while !walk.links.is_empty() {
        let mut links = std::mem::take(&mut walk.links);
        links.sort();
        for link in links {
            let data = link.metadata().map_err(unreadable(&link))?;
            if data.is_dir() {
                walk.folder(&link)?;
            } else if data.is_file() {
                walk.file(link)?;
            }
        }
    }
    let mut files = walk.files;
    files.sort();
    if files.is_empty() {
        return Err(InputError::NoFiles { name: format!("the folder `{}`", folder.display()) }.into());
    }
    Ok(files.into_iter().map(|path| found_below(folder, path)).collect())
}

/// What was found of a folder.
#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    links: Vec<PathBuf>,
    /// The canonical paths of the files and folders that were found.
    seen: HashSet<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path) -> Result<()> {
        if !self.is_new(folder)? {
            return Ok(());
        }
        for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
            let entry = entry.map_err(unreadable(folder))?;
            let (path, name) = (entry.path(), entry.file_name());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type().map_err(unreadable(&path))?;
            if kind.is_symlink() {
                self.links.push(path);
            } else if kind.is_dir() {
                self.folder(&path)?;
            } else if kind.is_file() {
                self.file(path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf) -> Result<()> {
        if self.is_new(&path)? {
            self.files.push(path);
        }
        Ok(())
    }

    fn is_new(&mut self, path: &Path) -> Result<bool> {
        Ok(self.seen.insert(path.canonicalize().map_err(unreadable(path))?))
    }
}

/// The files that match a pattern, sorted by path.
fn files_like(pattern: &str) -> Result<Vec<FoundFile>> {
    let bad = |problem: &str| InputError::BadPattern { pattern: pattern.into(), problem: problem.into() };
    let matches = glob::glob_with(pattern, PATTERN).map_err(|error| bad(error.msg))?;
    let mut walk = Walk::default();
    for path in matches {
        let path = path.map_err(|error| {
            let path = error.path().to_owned();
            unreadable(&path)(error.into())
        })?;
        if path.is_file() {
            walk.file(path)?;
        }
    }
    if walk.files.is_empty() {
        return Err(InputError::NoFiles { name: format!("the pattern `{pattern}`") }.into());
    }
    let fixed = Path::new(pattern).components().map_while(without_wildcards).collect::<PathBuf>();
    let base = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
    walk.files.sort();
    Ok(walk.files.into_iter().map(|path| found_below(base, path)).collect())
}

/// The name that a part of a pattern stands for, if it has no wildcards except those that are escaped as in `[*]`.
fn without_wildcards(part: Component) -> Option<String> {
    const ESCAPED: [(&str, char); 4] = [("[[]", '['), ("[]]", ']'), ("[?]", '?'), ("[*]", '*')];
    let (mut rest, mut name) = (part.as_os_str().to_str()?, String::new());
    while let Some(first) = rest.chars().next() {
        let escaped = ESCAPED.into_iter().find(|(escaped, _)| rest.starts_with(escaped));
        if escaped.is_none() && matches!(first, '*' | '?' | '[') {
            return None;
        }
        let (length, c) = escaped.map_or((first.len_utf8(), first), |(escaped, c)| (escaped.len(), c));
        name.push(c);
        rest = &rest[length..];
    }
    Some(name)
}

/// A file in the folder `base` or below.
fn found_below(base: &Path, path: PathBuf) -> FoundFile {
    let below = path.strip_prefix(base).unwrap_or(&path);
    let mut parts = below.components().filter(|part| matches!(part, Component::Normal(_)));
    let folder = match (parts.next(), parts.next()) {
        (Some(first), Some(_)) => Some(first.as_os_str().to_string_lossy().into_owned()),
        _ => base.canonicalize().ok().as_deref().and_then(name_of),
    };
    FoundFile { path, folder }
}

fn name_of(folder: &Path) -> Option<String> {
    folder.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// The canonical path of a regular file; pipes have none that lasts.
fn regular_file(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}

/// The error of a path that cannot be read.
pub(super) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    |source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::MissingFile { path },
        std::io::ErrorKind::IsADirectory => Error::Directory { path },
        _ => Error::Read { path, source },
    }
}
