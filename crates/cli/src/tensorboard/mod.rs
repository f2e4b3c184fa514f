//! Writers of files for TensorBoard: events (scalars and texts by step) and the embedding projector.
//!
//! Wall times are arguments, so that a file depends only on its inputs. The formats are those of TensorFlow's
//! `event.proto`, `summary.proto` and `tensor.proto`, of `tsl/lib/io/record_writer.h`, and of TensorBoard's
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
mod record;

pub use projector::write_projector;

/// The prefix of an event file's name; TensorBoard looks for `tfevents` in it.
const PREFIX: &str = "events.out.tfevents.";

/// An event file that is appended to.
///
/// Each event is passed to the operating system at once and not buffered, so that a killed process loses none.
/// Wall times are seconds since 1970.
#[derive(Debug)]
pub struct EventFile {
    journal: Journal,
}

impl EventFile {
    /// Creates an event file in the existing `directory`. Its name contains `wall_time`, the start of the run,
    /// and the process id.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(directory: &Path, wall_time: f64, process_id: u32) -> durable::Result<Self> {
        let seconds = wall_time as u64;
        let path = directory.join(format!("{PREFIX}{seconds:010}.pastiche.{process_id}"));
        let mut file = Self { journal: Journal::open(&path, 0)? };
        file.write(&event::version(wall_time))?;
        Ok(file)
    }

    /// The newest event file in `directory`, if there is one.
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
        let is_event_file = |path: &PathBuf| name(path).is_some_and(|name| name.starts_with(PREFIX));
        Ok(paths.into_iter().filter(is_event_file).max())
    }

    /// Opens an event file and truncates it to `keep` bytes, a result of [`synced_len`](Self::synced_len): later
    /// events will be written again by the run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn reopen(path: &Path, keep: u64) -> durable::Result<Self> {
        Ok(Self { journal: Journal::open(path, keep)? })
    }

    /// Writes a scalar as 32-bit float, the precision of TensorBoard; it need not be finite.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalar(&mut self, step: u64, wall_time: f64, tag: &str, value: f64) -> durable::Result<()> {
        self.write(&event::scalar(step, wall_time, tag, value as f32))
    }

    /// Writes a text, which TensorBoard shows as Markdown.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn text(&mut self, step: u64, wall_time: f64, tag: &str, markdown: &str) -> durable::Result<()> {
        self.write(&event::text(step, wall_time, tag, markdown))
    }

    /// Syncs the file to disk and returns its length in bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn synced_len(&mut self) -> durable::Result<u64> {
        self.journal.synced_len()
    }

    /// Truncates the file to `keep` bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn truncate(&mut self, keep: u64) -> durable::Result<()> {
        self.journal.truncate(keep)
    }

    fn write(&mut self, event: &[u8]) -> durable::Result<()> {
        self.journal.append(&record::frame(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: f64 = 1_700_000_000.5;

    fn write_steps(file: &mut EventFile, steps: std::ops::RangeInclusive<u64>) {
        for step in steps {
            file.scalar(step, START + step as f64, "loss", 1.0 / step as f64).unwrap();
            file.text(step, START + step as f64, "sample", &format!("*{step}*")).unwrap();
        }
    }

    #[test]
    fn the_newest_event_file_is_found_by_its_name() {
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
    fn a_run_that_is_rolled_back_writes_the_same_file_as_an_uninterrupted_one() {
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
        let synced = file.synced_len().unwrap();
        write_steps(&mut file, 2..=2);
        file.truncate(synced).unwrap();
        write_steps(&mut file, 2..=3);
        drop(file);
        let bytes = |directory: &Path| fs::read(EventFile::find(directory).unwrap().unwrap());
        assert_eq!(bytes(&parts).unwrap(), bytes(&whole).unwrap());

        let path = EventFile::find(&parts).unwrap().unwrap();
        let mut file = EventFile::reopen(&path, synced).unwrap();
        write_steps(&mut file, 2..=3);
        assert_eq!(bytes(&parts).unwrap(), bytes(&whole).unwrap());
    }
}
