//! The only place of the launcher that prints. Write errors are ignored: stdout or stderr may be closed.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints a line on stdout.
pub fn print(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line of progress or an error on stderr.
pub fn status(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Stderr as a writer that never fails.
pub fn stderr() -> impl Write {
    IgnoreErrors(io::stderr())
}

struct IgnoreErrors<W>(W);

impl<W: Write> Write for IgnoreErrors<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_stream_is_ignored() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut stream = IgnoreErrors(Closed);
        assert!(stream.write_all(b"text").and_then(|()| stream.flush()).is_ok());
    }
}
