//! Reading files that others may have written: what a path leads to is checked before it is opened, and how much is
//! read is limited. Opening a named pipe waits for a writer, and a device may never end.

use std::fs::{File, FileType};
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::{Component, Path};

/// The most bytes of a small file: a manifest, a configuration, a record in JSON.
pub const SMALL_FILE: u64 = 64 << 20;
/// The most bytes of a text or table that is read into memory as a whole.
pub const WHOLE_TEXT: u64 = 4 << 30;

/// What a path may lead to; symbolic links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// A regular file.
    File,
    /// A regular file or a pipe, for what is read only once.
    FileOrPipe,
}

impl Accept {
    /// Checks what `path` leads to, without opening it.
    ///
    /// # Errors
    /// If there is nothing, or a directory, device, socket or unwanted pipe; the message says which.
    pub fn check(self, path: &Path) -> io::Result<()> {
        let found = path.metadata()?.file_type();
        let what = describe(found);
        if found.is_file() || (self == Self::FileOrPipe && what == PIPE) {
            return Ok(());
        }
        let expected = match self {
            Self::File => "a regular file",
            Self::FileOrPipe => "a regular file or a pipe",
        };
        let kind = if found.is_dir() { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
        Err(io::Error::new(kind, format!("it is {what}, expected {expected}")))
    }

    /// Opens `path` for reading.
    ///
    /// # Errors
    /// As [`check`](Self::check), or if the system reports an error.
    pub fn open(self, path: &Path) -> io::Result<File> {
        self.check(path)?;
        File::open(path)
    }

    /// Reads `path` to its end.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if there are more than `limit` bytes.
    pub fn read(self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path)?;
        // Before any memory is asked for; the length of a pipe is 0.
        if file.metadata()?.len() > limit {
            return Err(too_large(limit));
        }
        read_to_end(file, limit)
    }
}

const PIPE: &str = "a pipe";

#[cfg(unix)]
fn describe(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if found.is_dir() => "a directory",
        () if found.is_fifo() => PIPE,
        () if found.is_socket() => "a socket",
        () if found.is_char_device() || found.is_block_device() => "a device",
        () => "not a regular file",
    }
}

#[cfg(not(unix))]
fn describe(found: FileType) -> &'static str {
    if found.is_dir() { "a directory" } else { "not a regular file" }
}

/// Reads a regular file of any size.
///
/// # Errors
/// If it is not a regular file, or cannot be read.
pub fn file(path: &Path) -> io::Result<Vec<u8>> {
    Accept::File.read(path, u64::MAX)
}

/// Reads a regular file of at most [`SMALL_FILE`] bytes.
///
/// # Errors
/// If it is not a regular file, is larger, or cannot be read.
pub fn small_file(path: &Path) -> io::Result<Vec<u8>> {
    Accept::File.read(path, SMALL_FILE)
}

/// Reads a regular file of at most [`SMALL_FILE`] bytes of UTF-8.
///
/// # Errors
/// As [`small_file`], and if it is not UTF-8.
pub fn small_text(path: &Path) -> io::Result<String> {
    utf8(small_file(path)?)
}

/// The text in `bytes`, without a byte order mark, which editors put at the start of files that were edited by hand.
///
/// # Errors
/// If they are not UTF-8; the message gives the first invalid byte.
pub fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("it is not UTF-8: byte {at} starts an invalid sequence"))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Reads `reader` to its end.
///
/// # Errors
/// If it fails, or has more than `limit` bytes.
pub fn read_to_end(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// The error of an input with more than `limit` bytes.
pub fn too_large(limit: u64) -> io::Error {
    let size = if limit >= 1 << 20 { format!("{} MiB", limit >> 20) } else { format!("{limit} bytes") };
    io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {size}, the limit for such a file"))
}

/// What [`read_line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineLength {
    /// A line within the limit.
    Whole,
    /// A longer line, of which only the start is kept.
    TooLong,
    /// The end of the input.
    End,
}

/// Replaces `line` by the next line of `reader`, without its line feed and with at most `limit` bytes; the rest of a
/// longer line is skipped.
///
/// # Errors
/// If `reader` fails.
pub fn read_line(reader: &mut impl BufRead, limit: usize, line: &mut Vec<u8>) -> io::Result<LineLength> {
    line.clear();
    let mut found = LineLength::End;
    loop {
        let block = match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            block => block?,
        };
        if block.is_empty() {
            return Ok(found);
        }
        let end = block.iter().position(|&byte| byte == b'\n');
        let piece = &block[..end.unwrap_or(block.len())];
        let kept = piece.len().min(limit - line.len());
        line.extend_from_slice(&piece[..kept]);
        if kept < piece.len() {
            found = LineLength::TooLong;
        } else if found == LineLength::End {
            found = LineLength::Whole;
        }
        let used = end.map_or(block.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(found);
        }
    }
}

/// Whether `name` is the name of a file without any directory, on every system: a path that is read from a file and
/// is no such name may lead anywhere.
pub fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_name = matches!(parts.next(), Some(Component::Normal(part)) if part == name);
    is_name && parts.next().is_none() && !name.contains(['/', '\\', ':', '\0'])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_read_up_to_their_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(file(&path).unwrap(), b"12345");
        assert_eq!(small_text(&path).unwrap(), "12345");
        assert_eq!(Accept::File.read(&path, 5).unwrap(), b"12345");
        let error = Accept::File.read(&path, 4).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 4 bytes, the limit for such a file");
        assert_eq!(read_to_end(&b"12345"[..], 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        // A file without contents on disk: its length alone is too large.
        fs::File::create(&path).unwrap().set_len(SMALL_FILE + 1).unwrap();
        assert!(small_file(&path).unwrap_err().to_string().contains("more than 64 MiB"));
        fs::write(&path, "\u{feff}seed = 1").unwrap();
        assert_eq!(small_text(&path).unwrap(), "seed = 1");
        fs::write(&path, b"ab\xff").unwrap();
        assert!(small_text(&path).unwrap_err().to_string().contains("byte 2"));
        assert_eq!(file(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        let error = file(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "it is a directory, expected a regular file");
    }

    #[cfg(unix)]
    #[test]
    fn devices_sockets_and_unwanted_pipes_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path, accept: Accept| accept.open(path).unwrap_err().to_string();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(message(&socket, Accept::FileOrPipe), "it is a socket, expected a regular file or a pipe");
        assert_eq!(message(Path::new("/dev/zero"), Accept::File), "it is a device, expected a regular file");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(message(&pipe, Accept::File), "it is a pipe, expected a regular file");
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, b"12345")
        });
        assert_eq!(Accept::FileOrPipe.read(&pipe, 5).unwrap(), b"12345");
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn long_lines_are_cut_and_the_next_line_follows() {
        for buffer in 1..9 {
            let mut reader = io::BufReader::with_capacity(buffer, &b"ab\n\nabcdef\nabc\nx"[..]);
            let mut line = Vec::new();
            for (found, text) in [
                (LineLength::Whole, "ab"),
                (LineLength::Whole, ""),
                (LineLength::TooLong, "abc"),
                (LineLength::Whole, "abc"),
                (LineLength::Whole, "x"),
                (LineLength::End, ""),
            ] {
                assert_eq!(read_line(&mut reader, 3, &mut line).unwrap(), found);
                assert_eq!(line, text.as_bytes());
            }
        }
    }

    #[test]
    fn a_file_name_has_no_directory() {
        for name in ["weights.bpk", "a b", ".hidden", "가.json"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../a", "/a", "a/b", "a/", "./a", "a\\b", "c:a", "a\0"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
