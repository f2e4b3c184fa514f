//! The number of threads to compute with: what Rayon's environment variables ask for, within what the machine can use.
//!
//! Every parallel loop wakes its threads, so thousands of them on a few processors compute nothing but their own
//! scheduling.

use std::thread::available_parallelism;

/// The most threads per processor.
pub const MAX_PER_PROCESSOR: usize = 4;

/// How many threads a pool gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadCount {
    /// The number of threads.
    pub threads: usize,
    /// The number that was asked for, if it is above [`MAX_PER_PROCESSOR`] for each processor.
    pub reduced_from: Option<usize>,
    /// The processors that this process may use.
    pub processors: usize,
}

/// The value of `RAYON_NUM_THREADS`, if it is not a number and so has no effect.
pub fn invalid_setting() -> Option<String> {
    let text = std::env::var_os("RAYON_NUM_THREADS")?.to_string_lossy().into_owned();
    (!text.is_empty() && text.parse::<usize>().is_err()).then_some(text)
}

impl ThreadCount {
    /// What `RAYON_NUM_THREADS` asks for, or the number of processors if it is not set.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok()?.parse().ok();
        // As Rayon reads them: 0 stands for the default, and the second is an old name.
        let requested = variable("RAYON_NUM_THREADS").or_else(|| variable("RAYON_RS_NUM_CPUS"));
        Self::new(requested, available_parallelism().map_or(1, usize::from))
    }

    /// As many threads as requested, but at most [`MAX_PER_PROCESSOR`] for each processor; without a request or with 0
    /// as many as processors.
    pub fn new(requested: Option<usize>, processors: usize) -> Self {
        let requested = requested.filter(|&threads| threads > 0).unwrap_or(processors);
        let threads = requested.min(processors.saturating_mul(MAX_PER_PROCESSOR));
        Self { threads, reduced_from: (threads < requested).then_some(requested), processors }
    }

    /// A pool with this number of threads.
    pub fn pool_builder(&self) -> rayon::ThreadPoolBuilder {
        rayon::ThreadPoolBuilder::new().num_threads(self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_the_machine_can_use_are_reduced() {
        let count = |requested, processors| {
            let ThreadCount { threads, reduced_from, .. } = ThreadCount::new(requested, processors);
            (threads, reduced_from)
        };
        assert_eq!(count(None, 6), (6, None));
        assert_eq!(count(Some(0), 6), (6, None));
        assert_eq!(count(Some(1), 6), (1, None));
        assert_eq!(count(Some(24), 6), (24, None));
        assert_eq!(count(Some(25), 6), (24, Some(25)));
        assert_eq!(count(Some(usize::MAX), 1), (4, Some(usize::MAX)));
        assert_eq!(ThreadCount::new(Some(3), 2).pool_builder().build().unwrap().current_num_threads(), 3);
    }
}
