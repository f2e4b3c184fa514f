//! Keeps Rayon's worker threads spinning between short parallel loops.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a worker spins without finding work before it may sleep. Longer waits are for a pipe or a person.
const IDLE_LIMIT: Duration = Duration::from_millis(5);

/// The number of processors: more spinning threads would only take time from those that compute.
static PROCESSORS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Runs `work` while the other threads of Rayon's pool spin instead of sleeping, if `enabled`. Disable it for
/// work on a GPU, where spinning threads only take CPU time.
///
/// A training step consists of about twenty parallel loops, each a fraction of a millisecond. A thread that
/// sleeps between two of them wakes up too late for the next, above all on a virtual machine, where an idle
/// virtual CPU is returned to the host. The workers, at most one per processor, spin until `work` returns or they have
/// found nothing to do for some milliseconds. Must be called from a thread of the pool; elsewhere `work` just runs.
pub fn with_spinning_workers<R: Send>(enabled: bool, work: impl FnOnce() -> R + Send) -> R {
    let Some(own) = rayon::current_thread_index().filter(|_| enabled) else { return work() };
    let done = AtomicBool::new(false);
    // Also when `work` panics, the workers must stop spinning.
    struct SetOnDrop<'a>(&'a AtomicBool);
    impl Drop for SetOnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    rayon::scope(|scope| {
        for _ in 1..rayon::current_num_threads().min(*PROCESSORS) {
            scope.spawn(|_| {
                // The calling thread may run this task itself while it waits for a loop to end.
                let mut last_work = Instant::now();
                while rayon::current_thread_index() != Some(own)
                    && !done.load(Ordering::Acquire)
                    && last_work.elapsed() < IDLE_LIMIT
                {
                    match rayon::yield_now() {
                        Some(rayon::Yield::Executed) => last_work = Instant::now(),
                        _ => std::hint::spin_loop(),
                    }
                }
            });
        }
        let _done = SetOnDrop(&done);
        work()
    })
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_runs_once_inside_and_outside_the_pool() {
        let sum = || with_spinning_workers(true, || (0..1_000u64).into_par_iter().map(|at| at * at).sum::<u64>());
        assert_eq!(sum(), 332_833_500);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| (0..20).map(|_| sum()).sum::<u64>()), 20 * 332_833_500);
        }
    }

    #[test]
    fn a_panic_in_the_work_ends_the_spinning() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| with_spinning_workers(true, || panic!("on purpose")));
        }));
        assert!(caught.is_err());
    }
}
