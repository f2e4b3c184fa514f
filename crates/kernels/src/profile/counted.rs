//! Sections that are counted.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{PARTS, Part, Profile};

/// Nanoseconds of each part.
static COUNTERS: [AtomicU64; PARTS] = [const { AtomicU64::new(0) }; PARTS];

thread_local! {
    /// The section that this thread is in, and since when.
    static CURRENT: Cell<Option<(Part, Instant)>> = const { Cell::new(None) };
}

/// A section of the current thread, until it is dropped.
pub struct Section {
    outer: Option<Part>,
}

/// Begins a section of the current thread.
pub fn section(part: Part) -> Section {
    Section { outer: switch(Some(part)) }
}

impl Section {
    /// Ends it.
    pub fn end(self) {}
}

impl Drop for Section {
    fn drop(&mut self) {
        switch(self.outer);
    }
}

/// Adds the time since the last call to the part that the thread was in, and returns that part.
fn switch(part: Option<Part>) -> Option<Part> {
    let now = Instant::now();
    let (before, since) = CURRENT.replace(part.map(|part| (part, now)))?;
    COUNTERS[before as usize].fetch_add(now.duration_since(since).as_nanos() as u64, Ordering::Relaxed);
    Some(before)
}

/// Runs `work` and returns the time of each part, if this is compiled with the feature `profile`. Only one measurement
/// at a time: the counters are those of the process.
pub fn measure<R>(threads: usize, work: impl FnOnce() -> R) -> (R, Option<Profile>) {
    COUNTERS.iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    let start = Instant::now();
    let other = section(Part::Other);
    let result = work();
    other.end();
    let elapsed = start.elapsed();
    let counted = COUNTERS.each_ref().map(|counter| Duration::from_nanos(counter.load(Ordering::Relaxed)));
    (result, Some(Profile::new(counted, elapsed, threads)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current() -> Option<Part> {
        CURRENT.get().map(|(part, _)| part)
    }

    #[test]
    fn the_end_of_a_section_continues_the_outer_one() {
        assert_eq!(current(), None);
        let outer = section(Part::Copying);
        {
            let _inner = section(Part::MatrixProduct);
            assert_eq!(current(), Some(Part::MatrixProduct));
        }
        assert_eq!(current(), Some(Part::Copying));
        outer.end();
        assert_eq!(current(), None);
    }

    #[test]
    fn threads_have_sections_of_their_own() {
        let _section = section(Part::Waiting);
        std::thread::spawn(|| assert_eq!(current(), None)).join().unwrap();
    }
}
