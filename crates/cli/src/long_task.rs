//! Shows that a task takes long: nothing at first, then from time to time what is done and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use text_prep::{Document, DocumentSource, FoundControlCharacters, TextSource};

use crate::output::status;
use crate::view::format::duration;

/// A task of less than this time prints nothing.
const FIRST_LINE: Duration = Duration::from_secs(2);
/// The time between two lines.
const NEXT_LINE: Duration = Duration::from_secs(10);

/// A task in progress; it ends when this is dropped.
#[must_use = "the task ends when this is dropped"]
pub struct LongTask {
    done: Fraction,
    /// Dropped at the end of the task.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The part of a task that is done, from 0 to 1; 0 while it is unknown.
#[derive(Clone, Default)]
pub struct Fraction(Arc<AtomicU64>);

impl Fraction {
    /// Sets the part that is done.
    pub fn set(&self, done: f64) {
        self.0.store(done.to_bits(), Ordering::Relaxed);
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl LongTask {
    /// Starts a task; `name` says what is done, as in "reading the text".
    pub fn start(name: &str) -> Self {
        Self::with_intervals(name, [FIRST_LINE, NEXT_LINE], status)
    }

    fn with_intervals(name: &str, [first, next]: [Duration; 2], print: impl Fn(&str) + Send + 'static) -> Self {
        let (end, ended) = channel::<()>();
        let done = Fraction::default();
        let (name, shown, start) = (name.to_string(), done.clone(), Instant::now());
        let thread = std::thread::Builder::new().name("progress".into()).spawn(move || {
            let mut wait = first;
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(wait) {
                print(&line(&name, shown.get(), start.elapsed()));
                wait = next;
            }
        });
        // Without the thread, the task is only silent.
        Self { done, end: Some(end), thread: thread.ok() }
    }

    /// The part that is done, to be set by the task.
    pub fn fraction(&self) -> Fraction {
        self.done.clone()
    }

    /// Sets the part that is done, from 0 to 1.
    pub fn progress(&self) -> impl FnMut(f64) + use<> {
        let done = self.fraction();
        move |fraction| done.set(fraction)
    }

    /// `source`, a text or documents of `size` bytes, if known, whose reading is the task.
    pub fn reading<S>(&self, source: S, size: Option<u64>) -> ProgressReader<S> {
        ProgressReader { source, done: self.fraction(), read: 0, size }
    }
}

impl Drop for LongTask {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // It prints no line after this one.
            let _ = thread.join();
        }
    }
}

fn line(name: &str, done: f64, time: Duration) -> String {
    let time = duration(time.as_secs_f64());
    if done > 0.0 { format!("{name}: {:.0} % after {time}", 100.0 * done.min(1.0)) } else { format!("{name}: {time}") }
}

/// A text that sets the part of it that was read.
pub struct ProgressReader<S> {
    source: S,
    done: Fraction,
    /// Bytes read.
    read: u64,
    /// Bytes of the whole text, if known.
    size: Option<u64>,
}

/// Sets the part that was read after `length` bytes more.
fn count(done: &Fraction, read: &mut u64, size: Option<u64>, length: usize) {
    *read += length as u64;
    if let Some(size) = size.filter(|&size| size > 0) {
        done.set(*read as f64 / size as f64);
    }
}

impl<S: TextSource> TextSource for ProgressReader<S> {
    fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
        let chunk = self.source.next_chunk()?;
        count(&self.done, &mut self.read, self.size, chunk.map_or(0, str::len));
        Ok(chunk)
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.source.control_characters()
    }

    fn begins_file(&self) -> bool {
        self.source.begins_file()
    }
}

impl<S: DocumentSource> DocumentSource for ProgressReader<S> {
    fn next_document(&mut self) -> text_prep::Result<Option<Document<'_>>> {
        let document = self.source.next_document()?;
        count(&self.done, &mut self.read, self.size, document.map_or(0, |document| document.text.len()));
        Ok(document)
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.source.control_characters()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_task_prints_lines_until_it_ends() {
        let (sender, lines) = channel();
        let print = move |line: &str| drop(sender.send(line.to_string()));
        let task = LongTask::with_intervals("reading the text", [Duration::ZERO; 2], print);
        assert!(lines.recv().unwrap().starts_with("reading the text: "));
        let mut source = task.reading("twelve bytes", Some(24));
        assert_eq!(source.next_chunk().unwrap(), Some("twelve bytes"));
        while !lines.recv().unwrap().starts_with("reading the text: 50 % after ") {}
        drop(task);
        // The printing thread has ended.
        while lines.recv().is_ok() {}
    }

    #[test]
    fn a_line_says_what_is_done_and_for_how_long() {
        let time = Duration::from_secs(12);
        assert_eq!(line("counting", 0.0, time), format!("counting: {}", duration(12.0)));
        assert_eq!(line("counting", 0.429, time), format!("counting: 43 % after {}", duration(12.0)));
    }
}
