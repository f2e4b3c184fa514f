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
        Self::new(requested(), available_parallelism().map_or(1, usize::from))
    }

    /// The same for one of `processes` that compute on this machine, each of which gets a share of its processors, unless
    /// a number is asked for.
    pub fn from_env_of_one_of(processes: usize) -> Self {
        let count = Self::from_env();
        let is_asked = requested().is_some_and(|threads| threads > 0);
        if is_asked {
            count
        } else {
            Self { threads: share(count.processors, online_processors(), processes), ..count }
        }
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

/// The number of threads that the environment asks for, as Rayon reads it: 0 stands for the default, and the second name is
/// an old one.
fn requested() -> Option<usize> {
    let variable = |name| std::env::var(name).ok()?.parse().ok();
    variable("RAYON_NUM_THREADS").or_else(|| variable("RAYON_RS_NUM_CPUS"))
}

/// The threads of one of `processes`. `usable` are the processors that it may use: a launcher may have given it a part of the
/// `online` ones, which it shares with none or some of the others.
fn share(usable: usize, online: Option<usize>, processes: usize) -> usize {
    usable.min(online.unwrap_or(usable) / processes.max(1)).max(1)
}

/// The processors of this machine, also those that others use; `None` if the system does not say.
fn online_processors() -> Option<usize> {
    count_listed(&std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?)
}

/// The length of a list as in `0-3,8`.
fn count_listed(list: &str) -> Option<usize> {
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?).map(|distance| distance + 1)
    };
    list.trim().split(',').map(count).sum()
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
        assert_eq!(share(16, Some(16), 4), 4);
        // Bound to one processor of its own, and to a socket with another process.
        assert_eq!((share(1, Some(16), 4), share(8, Some(16), 4)), (1, 4));
        assert_eq!((share(2, Some(2), 8), share(6, None, 2)), (1, 3));
        assert_eq!((count_listed("0-3,8\n"), count_listed("0"), count_listed("")), (Some(5), Some(1), None));
        assert_eq!(ThreadCount::new(Some(3), 2).pool_builder().build().unwrap().current_num_threads(), 3);
    }
}
