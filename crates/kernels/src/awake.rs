//! Threads that stay awake between the loops they share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for work in vain: whoever waits for a pipe or a person needs it no sooner.
const PATIENCE: Duration = Duration::from_millis(5);

/// Computes `work` while all threads of Rayon's pool stay awake, if they are to (`on`): for work that a graphics
/// card does they would only be in the way.
///
/// A training step is a score of shared loops, each a fraction of a millisecond; a thread that falls asleep
/// between two of them is woken too late for the next, above all on a virtual machine, where an idle processor
/// is handed back. Here the others look for work all the time until `work` is done or they found none for some
/// milliseconds. To be called from a thread
/// of the pool; from any other it only computes.
pub fn awake<R: Send>(on: bool, work: impl FnOnce() -> R + Send) -> R {
    let Some(own) = rayon::current_thread_index().filter(|_| on) else { return work() };
    let done = AtomicBool::new(false);
    // Whatever happens in `work`, the others must stop waiting for it.
    struct Finally<'a>(&'a AtomicBool);
    impl Drop for Finally<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    rayon::scope(|scope| {
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|_| {
                // The calling thread may get here itself while it waits for a loop's end.
                let mut found = Instant::now();
                while rayon::current_thread_index() != Some(own)
                    && !done.load(Ordering::Acquire)
                    && found.elapsed() < PATIENCE
                {
                    match rayon::yield_now() {
                        Some(rayon::Yield::Executed) => found = Instant::now(),
                        _ => std::hint::spin_loop(),
                    }
                }
            });
        }
        let _finally = Finally(&done);
        work()
    })
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_is_done_once_with_loops_inside_and_outside_the_pool() {
        let sum = || awake(true, || (0..1_000u64).into_par_iter().map(|at| at * at).sum::<u64>());
        assert_eq!(sum(), 332_833_500);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| (0..20).map(|_| sum()).sum::<u64>()), 20 * 332_833_500);
        }
    }

    #[test]
    fn a_panic_inside_ends_the_waiting_too() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| awake(true, || panic!("on purpose")));
        }));
        assert!(caught.is_err());
    }
}
