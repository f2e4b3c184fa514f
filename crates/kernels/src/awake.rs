//! Threads that stay awake between the loops they share.

use std::sync::atomic::{AtomicBool, Ordering};

/// Computes `work` while all threads of Rayon's pool stay awake.
///
/// A training step is a score of shared loops, each a fraction of a millisecond; a thread that falls asleep
/// between two of them is woken too late for the next, above all on a virtual machine, where an idle processor
/// is handed back. Here the others look for work all the time until `work` is done. To be called from a thread
/// of the pool; from any other it only computes.
pub fn awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let Some(own) = rayon::current_thread_index() else { return work() };
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
                while rayon::current_thread_index() != Some(own) && !done.load(Ordering::Acquire) {
                    if rayon::yield_now() != Some(rayon::Yield::Executed) {
                        std::hint::spin_loop();
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
        let sum = || awake(|| (0..1_000u64).into_par_iter().map(|at| at * at).sum::<u64>());
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
            pool.install(|| awake(|| panic!("on purpose")));
        }));
        assert!(caught.is_err());
    }
}
