//! Ranks as processes of MPI, by the crate `mpi`.
//!
//! One thread of each process calls MPI, and it does nothing else. So any thread can use [`Mpi`], and that thread notices
//! while it waits that the process wants to abort the job, whatever the other threads do.

mod shared;
mod worker;

use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use shared::Shared;
use worker::{Flow, Work, Worker};

use crate::Ranks;
use crate::deadline::Deadline;
use crate::error::{RanksError, Result};
use crate::launched::Launched;

/// This process as a rank of an MPI job. Dropping it before [`Ranks::finish`] aborts the job.
pub struct Mpi {
    rank: usize,
    hosts: Vec<String>,
    shared: Arc<Shared>,
    work: Mutex<Sender<Work>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Mpi {
    /// Starts MPI and installs a panic hook that aborts the job. Waits for the other ranks, `least` at least.
    ///
    /// # Errors
    /// If the MPI library does not see the processes that `launched` counts, or does not allow threads.
    pub(crate) fn start(launched: Launched, least: Duration) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let (work, calls) = channel();
        let (reply, started) = sync_channel(1);
        let of_thread = shared.clone();
        let run = move || match Worker::start(launched, Deadline::new(least), of_thread) {
            Ok((worker, universe)) => {
                let _ = reply.send(Ok((worker.rank(), worker.hosts().to_vec())));
                worker.serve(&calls);
                // Ends MPI.
                drop(universe);
            }
            Err(error) => drop(reply.send(Err(error))),
        };
        let not_started = |error: std::io::Error| RanksError::NotStarted(error.to_string());
        let thread = std::thread::Builder::new().name("mpi".into()).spawn(run).map_err(not_started)?;
        let ended = |_| RanksError::NotStarted("its thread has ended".into());
        let (rank, hosts) = started.recv().map_err(ended)??;
        shared.abort_on_panic();
        Ok(Self { rank, hosts, shared, work: Mutex::new(work), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` on the thread of MPI and returns its result.
    fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut Worker) -> T + Send + 'static) -> T {
        let (reply, result) = sync_channel(1);
        self.send(Box::new(move |worker| {
            // Its receiver waits.
            let _ = reply.send(work(worker));
            Flow::Continue
        }));
        result.recv().unwrap_or_else(|_| self.abort(1, "the thread of MPI has ended"))
    }

    fn send(&self, work: Work) {
        let sender = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.send(work).is_err() {
            drop(sender);
            self.abort(1, "the thread of MPI has ended");
        }
    }
}

impl Ranks for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.hosts.len()
    }

    fn host(&self, rank: usize) -> String {
        self.hosts.get(rank).cloned().unwrap_or_default()
    }

    fn sum(&self, values: &mut Vec<f32>) -> Result<()> {
        let mut moved = std::mem::take(values);
        *values = self.call(move |worker| worker.sum(&mut moved).map(|()| moved))?;
        Ok(())
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut moved = std::mem::take(bytes);
        *bytes = self.call(move |worker| {
            worker.broadcast(&mut moved);
            moved
        });
        Ok(())
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Option<Vec<Vec<u8>>>> {
        Ok(self.call(move |worker| worker.gather(bytes)))
    }

    fn set_busy(&self, busy: bool) {
        self.shared.set_busy(busy);
    }

    fn finish(&self) -> Result<()> {
        self.send(Box::new(|worker| {
            worker.barrier();
            Flow::Finish
        }));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            return Err(RanksError::NotStarted("its thread has failed while it ended".into()));
        }
        Ok(())
    }

    fn abort(&self, code: i32, reason: &str) -> ! {
        self.shared.abort(code, reason)
    }
}
