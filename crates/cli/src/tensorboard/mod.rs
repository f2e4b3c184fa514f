//! Files that TensorBoard opens: events (numbers and texts by step) and the embedding projector.
//!
//! Knows the formats, not what is trained. Reads no clock: wall times are handed in, so that a file
//! is a function of what was written. The formats are those of TensorFlow's `event.proto`,
//! `summary.proto` and `tensor.proto`, of `tsl/lib/io/record_writer.h`, and of TensorBoard's
//! `projector_config.proto`.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use durable::Journal;

mod event;
#[cfg(test)]
mod parity;
mod projector;
mod protobuf;
#[cfg(test)]
pub mod reader;
mod record;
#[cfg(test)]
mod wire;

pub use projector::write_projector;

/// What the name of an event file begins with; TensorBoard looks for `tfevents` in it.
const PREFIX: &str = "events.out.tfevents.";

/// A file of events, written to its end one event at a time.
///
/// Each event is handed to the system at once: nothing waits in this process, so that a killed process
/// loses none. Wall times are seconds since 1970.
#[derive(Debug)]
pub struct EventFile {
    journal: Journal,
}

impl EventFile {
    /// Makes an event file in `directory`, which must be there. Its name holds `wall_time`, when the
    /// run begins, and the number of the process.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn create(directory: &Path, wall_time: f64, process: u32) -> durable::Result<Self> {
        let seconds = wall_time as u64;
        let path = directory.join(format!("{PREFIX}{seconds:010}.pastiche.{process}"));
        let mut file = Self { journal: Journal::open(&path, 0)? };
        file.write(&event::version(wall_time))?;
        Ok(file)
    }

    /// The event file in `directory`, the latest of several; none if there is none.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn find(directory: &Path) -> io::Result<Option<PathBuf>> {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        let name = |path: &PathBuf| path.file_name().and_then(OsStr::to_str).map(str::to_owned);
        let events = |path: &PathBuf| name(path).is_some_and(|name| name.starts_with(PREFIX));
        Ok(paths.into_iter().filter(events).max())
    }

    /// Opens an event file to go on after its first `keep` bytes, as [`mark`](Self::mark) gave them:
    /// later events, which the run will write again, go.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn reopen(path: &Path, keep: u64) -> durable::Result<Self> {
        Ok(Self { journal: Journal::open(path, keep)? })
    }

    /// Writes a number, rounded to 32 bits, which is what TensorBoard keeps; it need not be finite.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn scalar(
        &mut self,
        step: u64,
        wall_time: f64,
        tag: &str,
        value: f64,
    ) -> durable::Result<()> {
        self.write(&event::scalar(step, wall_time, tag, value as f32))
    }

    /// Writes a text, which TensorBoard shows as Markdown.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn text(
        &mut self,
        step: u64,
        wall_time: f64,
        tag: &str,
        markdown: &str,
    ) -> durable::Result<()> {
        self.write(&event::text(step, wall_time, tag, markdown))
    }

    /// Makes all that was written durable, and gives the length of the file in bytes.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn mark(&mut self) -> durable::Result<u64> {
        self.journal.mark()
    }

    /// Drops what was written after the first `keep` bytes.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn cut(&mut self, keep: u64) -> durable::Result<()> {
        self.journal.cut(keep)
    }

    fn write(&mut self, event: &[u8]) -> durable::Result<()> {
        self.journal.append(&record::frame(event))
    }
}

#[cfg(test)]
mod tests {
    use super::reader::{Event, What, read};
    use super::*;

    const START: f64 = 1_700_000_000.5;

    fn write_steps(file: &mut EventFile, steps: std::ops::RangeInclusive<u64>) {
        for step in steps {
            file.scalar(step, START + step as f64, "loss", 1.0 / step as f64).unwrap();
            file.text(step, START + step as f64, "sample", &format!("*{step}*")).unwrap();
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path(), START, 7).unwrap();
        file.scalar(0, START, "a/b", f64::NEG_INFINITY).unwrap();
        file.scalar(u64::MAX, -1.0, "", 0.1).unwrap();
        file.text(300, START, "여우", "").unwrap();
        let long = "🦊\n\0\"".repeat(1000);
        file.text(300, START, "🦊", &long).unwrap();
        file.mark().unwrap();
        let event = |step, wall_time, what| Event { step, wall_time, what };
        let scalar = |tag: &str, value| What::Scalar { tag: tag.into(), value };
        let text = |tag: &str, text: &str| What::Text { tag: tag.into(), text: text.into() };
        let expected = [
            event(0, START, What::Version("brain.Event:2".into())),
            event(0, START, scalar("a/b", f32::NEG_INFINITY)),
            event(u64::MAX, -1.0, scalar("", 0.1)),
            event(300, START, text("여우", "")),
            event(300, START, text("🦊", &long)),
        ];
        assert_eq!(read(&EventFile::find(folder.path()).unwrap().unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_file_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path();
        assert_eq!(EventFile::find(&directory.join("nowhere")).unwrap(), None);
        assert_eq!(EventFile::find(directory).unwrap(), None);
        drop(EventFile::create(directory, START, 7).unwrap());
        let first = directory.join("events.out.tfevents.1700000000.pastiche.7");
        assert_eq!(EventFile::find(directory).unwrap(), Some(first));
        drop(EventFile::create(directory, START + 1.0, 6).unwrap());
        fs::write(directory.join("metrics.jsonl"), "").unwrap();
        let later = directory.join("events.out.tfevents.1700000001.pastiche.6");
        assert_eq!(EventFile::find(directory).unwrap(), Some(later));
    }

    #[test]
    fn a_run_that_goes_back_to_a_mark_writes_the_file_of_an_uninterrupted_one() {
        let folder = tempfile::tempdir().unwrap();
        let directory = |name: &str| {
            let directory = folder.path().join(name);
            fs::create_dir(&directory).unwrap();
            directory
        };
        let (whole, parts) = (directory("whole"), directory("parts"));
        write_steps(&mut EventFile::create(&whole, START, 1).unwrap(), 1..=3);
        let mut file = EventFile::create(&parts, START, 1).unwrap();
        write_steps(&mut file, 1..=1);
        let mark = file.mark().unwrap();
        write_steps(&mut file, 2..=2);
        file.cut(mark).unwrap();
        write_steps(&mut file, 2..=3);
        drop(file);
        let bytes = |directory: &Path| fs::read(EventFile::find(directory).unwrap().unwrap());
        assert_eq!(bytes(&parts).unwrap(), bytes(&whole).unwrap());

        let path = EventFile::find(&parts).unwrap().unwrap();
        let mut file = EventFile::reopen(&path, mark).unwrap();
        write_steps(&mut file, 2..=3);
        assert_eq!(bytes(&parts).unwrap(), bytes(&whole).unwrap());
    }
}
