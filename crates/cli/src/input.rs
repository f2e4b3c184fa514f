//! What a user names as input: a file, a pipe such as the shell's `<(…)`, or standard input as `-`.

use std::path::Path;

use durable::read::{Accept, SMALL_FILE, WHOLE_TEXT, read_to_end};
use text_prep::{InputError, SourceOptions, TextFiles, TextSource};

use crate::error::{Error, Result, bail};

/// Where a system keeps the open files of a process, whose paths mean something else in another process.
const OPEN_FILES: [&str; 3] = ["/dev/stdin", "/dev/fd", "/proc"];

/// The names of standard input.
const STANDARD_INPUT: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// An input of which the run keeps a copy in its directory, because it is needed again: it was piped, for this run or for
/// the one that this run starts from or repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptInput {
    /// The name of the copy.
    pub name: &'static str,
    /// Its contents, as they were read.
    pub bytes: Vec<u8>,
}

impl KeptInput {
    /// Reads `path` if it can be read only once; the copy will have this name.
    ///
    /// # Errors
    /// If it cannot be read, or is too large to keep.
    pub fn read(path: &Path, name: &'static str) -> Result<Option<Self>> {
        if !is_read_once(path) {
            return Ok(None);
        }
        Ok(Some(Self { name, bytes: read(path)? }))
    }

    /// Writes the copy into the directory of the run.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, run: &Path) -> Result<()> {
        Ok(durable::write_atomically(&run.join(self.name), &self.bytes)?)
    }
}

/// Whether `path` means standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// Rejects two inputs of one command that are the same pipe.
///
/// # Errors
/// Names the pipe.
pub fn reject_repeated_pipes<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let mut found: Vec<&Path> = Vec::new();
    for path in paths.into_iter().filter(|path| is_read_once(path)) {
        let path = if STANDARD_INPUT.iter().any(|name| path == Path::new(name)) { Path::new("-") } else { path };
        if found.contains(&path) {
            bail!(
                "{} is named twice; it can be read only once, so save one of the inputs in a file and name that",
                name(path)
            );
        }
        found.push(path);
    }
    Ok(())
}

/// Whether `path` is one of an open file of a process.
pub fn is_open_file(path: &Path) -> bool {
    OPEN_FILES.iter().any(|folder| path.starts_with(folder))
}

/// Whether `path` is a pattern of files, if there is no file of this name.
pub fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// Whether `path` gives its contents only once.
pub fn is_read_once(path: &Path) -> bool {
    let is_pipe = || Accept::File.check(path).is_err() && Accept::FileOrPipe.check(path).is_ok();
    is_standard_input(path) || is_open_file(path) || is_pipe()
}

/// The name of an input in messages.
pub fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".into() } else { path.display().to_string() }
}

/// The contents of an input.
///
/// # Errors
/// If it cannot be read, or has more than [`WHOLE_TEXT`] bytes.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = if is_standard_input(path) {
        read_to_end(std::io::stdin().lock(), WHOLE_TEXT)
    } else {
        Accept::FileOrPipe.read(path, WHOLE_TEXT)
    };
    bytes.map_err(Error::io(name(path), "read"))
}

/// Reads a prompt as a text is read, which may be compressed. Text editors end a file with a line break, which is not part
/// of the prompt.
///
/// # Errors
/// If it is not one file, cannot be read or decoded, the encoding is unknown, it is empty, or it has more than
/// [`SMALL_FILE`] bytes.
pub fn read_prompt(path: &Path, options: &SourceOptions) -> Result<String> {
    if path.is_dir() && !is_standard_input(path) {
        return Err(text_prep::Error::Directory { path: path.into() }.into());
    }
    if is_pattern(path) && !path.exists() {
        bail!("no file is named {}: expected one file with the prompt, not a pattern; name it", name(path));
    }
    let text = prompt_text(path, options)?;
    match text.strip_suffix('\n').unwrap_or(&text) {
        "" => bail!(
            "the prompt in {} is empty: expected at least one character; write it there, or leave the prompt out",
            name(path)
        ),
        text => Ok(text.into()),
    }
}

/// The text of the file of a prompt.
fn prompt_text(path: &Path, options: &SourceOptions) -> Result<String> {
    let files = if is_standard_input(path) {
        TextFiles::default().reader(name(path), std::io::stdin())
    } else {
        TextFiles::new([path])
    };
    let mut file = files.options(options.clone()).open_text()?;
    let mut text = String::new();
    loop {
        match file.next_chunk() {
            Ok(Some(chunk)) => text.push_str(chunk),
            // A prompt may be white space only.
            Ok(None) | Err(text_prep::Error::Empty { .. } | text_prep::Error::Input(InputError::NoText { .. })) => {
                return Ok(text);
            }
            Err(error) => return Err(error.into()),
        }
        if text.len() as u64 > SMALL_FILE {
            bail!("the prompt in {} has more than {} MiB; use a shorter one", name(path), SMALL_FILE >> 20);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_and_open_files_are_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        std::fs::write(&file, "a").unwrap();
        for (path, expected) in [("-", true), ("/dev/stdin", true), ("/dev/fd/63", true), ("none.txt", false)] {
            assert_eq!(is_read_once(Path::new(path)), expected, "{path}");
        }
        assert!(!is_read_once(&file) && !is_read_once(folder.path()));
        for (paths, repeated) in [
            (["-", "/dev/stdin"], Some("standard input is named twice; ")),
            (["/dev/fd/63", "/dev/fd/63"], Some("/dev/fd/63 is named twice; ")),
            (["/dev/fd/63", "/dev/fd/62"], None),
            (["a.txt", "a.txt"], None),
        ] {
            let error = reject_repeated_pipes(paths.map(Path::new)).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), repeated.is_some(), "{paths:?}");
            assert!(error.unwrap_or_default().starts_with(repeated.unwrap_or_default()), "{paths:?}");
        }
        assert!(KeptInput::read(&file, "text.txt").unwrap().is_none());
    }

    #[test]
    fn a_prompt_is_read_without_its_line_end_and_may_be_white_space() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prompt.txt");
        for (text, prompt) in [("A fox", "A fox"), ("A fox\n", "A fox"), (" ", " "), ("\n\n", "\n"), (" a\n\n", " a\n")]
        {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read_prompt(&file, &SourceOptions::default()).unwrap(), prompt);
        }
    }

    #[test]
    fn a_prompt_is_one_file_with_text() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str| folder.path().join(name);
        let error = |path: &Path| read_prompt(path, &SourceOptions::default()).unwrap_err().to_string();
        for (name, text) in [("a.txt", "A fox"), ("empty.txt", ""), ("line.txt", "\n"), ("mark.txt", "\u{feff}")] {
            std::fs::write(named(name), text).unwrap();
        }
        for name in ["empty.txt", "line.txt", "mark.txt"] {
            let expected = format!("the prompt in {} is empty: ", named(name).display());
            assert!(error(&named(name)).starts_with(&expected), "{}", error(&named(name)));
        }
        assert!(error(folder.path()).contains("is a directory: expected a text file"), "{}", error(folder.path()));
        let pattern = named("*.txt");
        let expected = format!("no file is named {}: expected one file with the prompt", pattern.display());
        assert!(error(&pattern).starts_with(&expected), "{}", error(&pattern));
        // On Windows, no file has such a name.
        if cfg!(unix) {
            std::fs::write(&pattern, "A crow").unwrap();
            assert_eq!(read_prompt(&pattern, &SourceOptions::default()).unwrap(), "A crow");
        }
    }
}
