//! Ranks as threads of one process, for tests of what several ranks compute and of how they lose one.

use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Ranks;
use crate::error::{RanksError, Result};
use crate::tree::Tree;

/// One rank of a job whose ranks are threads. A handle that is dropped before [`Ranks::finish`] is a lost rank: the calls
/// of the others end with an error. So is one that calls nothing within the deadline.
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    job: Arc<Job>,
}

/// What the thread of a rank that called [`Ranks::abort`] unwinds with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// The exit code that the job would have had.
    pub code: i32,
    /// The reason that was given.
    pub reason: String,
}

#[derive(Debug)]
struct Job {
    count: usize,
    limit: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What the ranks passed to the current call.
    passed: Vec<Option<Passed>>,
    /// The number of calls that all ranks have made.
    completed: u64,
    /// What all ranks passed to the last of them.
    all: Arc<Vec<Passed>>,
    busy: Vec<bool>,
    finished: Vec<bool>,
    lost: Option<(usize, String)>,
}

/// What a rank passes to a call.
#[derive(Debug)]
enum Passed {
    Values(Vec<f32>),
    Bytes(Vec<u8>),
    Gathered(Vec<u8>),
    Finish,
}

impl State {
    /// An error if a rank is lost.
    fn check_complete(&self) -> Result<()> {
        match &self.lost {
            Some((rank, reason)) => Err(RanksError::Lost { rank: *rank, reason: reason.clone() }),
            None => Ok(()),
        }
    }
}

impl Passed {
    fn call(&self) -> &'static str {
        match self {
            Self::Values(_) => "sum",
            Self::Bytes(_) => "broadcast",
            Self::Gathered(_) => "gather",
            Self::Finish => "finish",
        }
    }
}

impl Threads {
    /// The ranks of a job, each for one thread. A call waits `limit` for the others, longer while one of them is busy.
    pub fn new(count: usize, limit: Duration) -> Vec<Self> {
        let state = State {
            passed: (0..count).map(|_| None).collect(),
            busy: vec![false; count],
            finished: vec![false; count],
            ..State::default()
        };
        let job = Arc::new(Job { count, limit, state: Mutex::new(state), changed: Condvar::new() });
        (0..count).map(|rank| Self { rank, job: job.clone() }).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.job.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, reason: &str) {
        let mut state = self.state();
        state.lost.get_or_insert((self.rank, reason.into()));
        self.job.changed.notify_all();
    }

    /// What all ranks pass to this call, in their order.
    fn exchange(&self, passed: Passed) -> Result<Arc<Vec<Passed>>> {
        let mut state = self.state();
        let call = state.completed;
        state.check_complete()?;
        state.passed[self.rank] = Some(passed);
        if state.passed.iter().all(Option::is_some) {
            state.all = Arc::new(state.passed.iter_mut().filter_map(Option::take).collect());
            state.completed += 1;
            self.job.changed.notify_all();
            return Ok(state.all.clone());
        }
        let mut since = Instant::now();
        while state.completed == call {
            state.check_complete()?;
            if state.busy.contains(&true) {
                since = Instant::now();
            }
            let Some(rest) = self.job.limit.checked_sub(since.elapsed()) else {
                let missing = (0..self.job.count).filter(|&rank| state.passed[rank].is_none());
                let error = RanksError::TimedOut { ranks: missing.collect(), limit: self.job.limit };
                drop(state);
                self.lose(&error.to_string());
                return Err(error);
            };
            let wait = self.job.changed.wait_timeout(state, rest);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state.all.clone())
    }

    fn other_call(&self, rank: usize, found: &Passed, expected: &str) -> RanksError {
        RanksError::Lost { rank, reason: format!("it calls {}, but rank {} calls {expected}", found.call(), self.rank) }
    }
}

impl Ranks for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.job.count
    }

    fn host(&self, rank: usize) -> String {
        format!("thread {rank}")
    }

    fn sum(&self, values: &mut Vec<f32>) -> Result<()> {
        let expected = values.len();
        let all = self.exchange(Passed::Values(std::mem::take(values)))?;
        let mut tree = Tree::default();
        for (rank, passed) in all.iter().enumerate() {
            match passed {
                Passed::Values(part) if part.len() == expected => tree.push(part.clone()),
                Passed::Values(part) => return Err(RanksError::LengthsDiffer { rank, found: part.len(), expected }),
                other => return Err(self.other_call(rank, other, "sum")),
            }
        }
        *values = tree.finish().unwrap_or_default();
        Ok(())
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let own = if self.rank == 0 { std::mem::take(bytes) } else { Vec::new() };
        match &self.exchange(Passed::Bytes(own))?[0] {
            Passed::Bytes(first) => bytes.clone_from(first),
            other => return Err(self.other_call(0, other, "broadcast")),
        }
        Ok(())
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Option<Vec<Vec<u8>>>> {
        let all = self.exchange(Passed::Gathered(bytes))?;
        let part = |(rank, passed): (usize, &Passed)| match passed {
            Passed::Gathered(bytes) => Ok(bytes.clone()),
            other => Err(self.other_call(rank, other, "gather")),
        };
        let all = all.iter().enumerate().map(part).collect::<Result<_>>()?;
        Ok((self.rank == 0).then_some(all))
    }

    fn set_busy(&self, busy: bool) {
        self.state().busy[self.rank] = busy;
        self.job.changed.notify_all();
    }

    fn finish(&self) -> Result<()> {
        self.exchange(Passed::Finish)?;
        self.state().finished[self.rank] = true;
        Ok(())
    }

    /// Loses this rank and unwinds its thread with [`Aborted`].
    fn abort(&self, code: i32, reason: &str) -> ! {
        self.lose(reason);
        resume_unwind(Box::new(Aborted { code, reason: reason.into() }))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if !self.state().finished[self.rank] {
            self.lose("its thread ended before the others");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Runs `work` on `count` ranks and returns their results in order.
    fn run<T: Send>(count: usize, limit: Duration, work: impl Fn(&Threads) -> T + Sync) -> Vec<T> {
        let work = &work;
        thread::scope(|scope| {
            let ranks = Threads::new(count, limit).into_iter();
            let threads: Vec<_> = ranks.map(|ranks| scope.spawn(move || work(&ranks))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn shard(number: usize) -> Vec<f32> {
        (0..9).map(|i| (number as f32 + 0.1) * 7f32.powi((i + number as i32) % 13 - 6)).collect()
    }

    #[test]
    fn every_number_of_ranks_has_the_same_sum() {
        let sum = |ranks: &Threads| {
            let mut tree = Tree::default();
            let shards = crate::shards_of_rank(8, ranks.rank(), ranks.count()).unwrap();
            shards.for_each(|number| tree.push(shard(number)));
            let mut sum = tree.finish().unwrap();
            for _ in 0..3 {
                ranks.sum(&mut sum).unwrap();
            }
            ranks.finish().unwrap();
            sum
        };
        let first = |count| {
            run(count, LIMIT, |ranks| {
                let mut tree = Tree::default();
                let shards = crate::shards_of_rank(8, ranks.rank(), count).unwrap();
                shards.for_each(|number| tree.push(shard(number)));
                let mut sum = tree.finish().unwrap();
                ranks.sum(&mut sum).unwrap();
                ranks.finish().unwrap();
                sum
            })
        };
        let alone = first(1).remove(0);
        for count in [1, 2, 4, 8] {
            assert!(first(count).iter().all(|sum| *sum == alone), "{count} ranks");
            let again = run(count, LIMIT, sum);
            assert!(again.iter().all(|sum| *sum == again[0]), "{count} ranks");
        }
    }

    #[test]
    fn bytes_are_sent_to_all_and_gathered_in_order() {
        let results = run(3, LIMIT, |ranks| {
            let mut bytes = vec![ranks.rank() as u8; 3];
            ranks.broadcast(&mut bytes).unwrap();
            let gathered = ranks.gather(vec![ranks.rank() as u8; ranks.rank()]).unwrap();
            ranks.finish().unwrap();
            (bytes, gathered)
        });
        assert!(results.iter().all(|(bytes, _)| *bytes == [0, 0, 0]));
        assert_eq!(results[0].1, Some(vec![vec![], vec![1], vec![2, 2]]));
        assert!(results[1..].iter().all(|(_, gathered)| gathered.is_none()));
    }

    #[test]
    fn a_lost_rank_ends_the_calls_of_the_others() {
        let results = run(3, LIMIT, |ranks| {
            if ranks.rank() == 2 {
                return Ok(());
            }
            ranks.sum(&mut vec![1.0])
        });
        let lost = Err(RanksError::Lost { rank: 2, reason: "its thread ended before the others".into() });
        assert_eq!(results, [lost.clone(), lost, Ok(())]);
    }

    #[test]
    fn an_abort_ends_all_and_says_why() {
        let results = run(2, LIMIT, |ranks| {
            if ranks.rank() == 1 {
                let abort = std::panic::AssertUnwindSafe(|| -> () { ranks.abort(3, "the disk is full") });
                let aborted = std::panic::catch_unwind(abort).unwrap_err();
                let expected = Aborted { code: 3, reason: "the disk is full".into() };
                assert_eq!(aborted.downcast_ref(), Some(&expected));
                return Ok(());
            }
            ranks.finish()
        });
        let lost = RanksError::Lost { rank: 1, reason: "the disk is full".into() };
        assert_eq!(results, [Err(lost), Ok(())]);
    }

    #[test]
    fn a_silent_rank_is_missed_and_a_busy_one_is_waited_for() {
        let short = Duration::from_millis(20);
        let (is_busy, is_lost) = (Barrier::new(2), Barrier::new(2));
        let results = run(2, short, |ranks| {
            if ranks.rank() == 1 {
                ranks.set_busy(true);
                is_busy.wait();
                thread::sleep(5 * short);
                ranks.broadcast(&mut Vec::new())?;
                ranks.set_busy(false);
                is_lost.wait();
                return ranks.broadcast(&mut Vec::new());
            }
            is_busy.wait();
            ranks.broadcast(&mut Vec::new())?;
            let result = ranks.broadcast(&mut Vec::new());
            is_lost.wait();
            result
        });
        assert_eq!(results[0], Err(RanksError::TimedOut { ranks: vec![1], limit: short }));
        assert!(matches!(&results[1], Err(RanksError::Lost { rank: 0, .. })), "{results:?}");
    }

    #[test]
    fn sums_of_different_lengths_and_different_calls_are_errors() {
        let results = run(2, LIMIT, |ranks| ranks.sum(&mut vec![0.0; 2 + ranks.rank()]));
        assert_eq!(results[0], Err(RanksError::LengthsDiffer { rank: 1, found: 3, expected: 2 }));
        let results = run(2, LIMIT, |ranks| match ranks.rank() {
            0 => ranks.sum(&mut vec![0.0]),
            _ => ranks.broadcast(&mut Vec::new()),
        });
        let text = results[0].as_ref().unwrap_err().to_string();
        assert!(text.starts_with("rank 1 has ended: it calls broadcast, but rank 0 calls sum"), "{text}");
    }
}
