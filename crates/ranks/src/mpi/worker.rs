//! The thread that calls MPI: exchanges of messages with a deadline, and the calls of [`Ranks`](crate::Ranks) made of them.
//!
//! All waits are loops over `test`. MPI's own waits use a whole processor, end with no deadline and cannot be aborted.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use mpi::Threading;
use mpi::environment::Universe;
use mpi::request::{Request, Scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Equivalence, Source};

use super::shared::Shared;
use crate::EXIT_RESTART;
use crate::deadline::Deadline;
use crate::error::{RanksError, Result};
use crate::launched::Launched;
use crate::tree::sum_in_place;

/// Work for the thread of MPI.
pub(super) type Work = Box<dyn FnOnce(&mut Worker) -> Flow + Send>;

/// Whether the thread goes on.
pub(super) enum Flow {
    Continue,
    Finish,
}

/// The most values of one exchange. The deadline is that of an exchange, so even a slow network must send it within seconds; and
/// a buffer of this size is needed beside the values.
const MAX_VALUES: usize = 1 << 22;
/// The most bytes of one message, for the same reason.
const MAX_BYTES: usize = 1 << 24;
/// Bytes of a host's name that are exchanged.
const NAME: usize = 256;

/// How often the thread looks for a request to abort while it has no work.
const POLL: Duration = Duration::from_millis(50);
/// How often a busy rank says that it still runs, at most.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A wait yields the processor this often, then sleeps a little between looks, and longer when it has taken a while.
const YIELDS: u32 = 200;
const SLEEP: Duration = Duration::from_micros(20);
const SHORT_SLEEPS: u32 = 2000;
const LONG_SLEEP: Duration = Duration::from_micros(500);
/// The unit of the time by which ranks report a missing one after another, so that most need not.
const LATER: Duration = Duration::from_secs(1);

/// The kinds of messages.
mod tag {
    pub const HOST: i32 = 1;
    pub const LENGTH: i32 = 2;
    pub const PIECE: i32 = 3;
    pub const SUM: i32 = 4;
    pub const BROADCAST: i32 = 5;
    pub const GATHER: i32 = 6;
    pub const BARRIER: i32 = 7;
    pub const BUSY: i32 = 8;
}

/// A rank as the thread of MPI sees it.
pub(super) struct Worker {
    world: SimpleCommunicator,
    rank: usize,
    count: usize,
    hosts: Vec<String>,
    deadline: Deadline,
    shared: Arc<Shared>,
    /// The pieces of all ranks that this one adds.
    pieces: Vec<f32>,
    has_summed: bool,
    last_heartbeat: Instant,
}

impl Worker {
    /// Starts MPI, which ends when the universe is dropped.
    pub fn start(launched: Launched, deadline: Deadline, shared: Arc<Shared>) -> Result<(Self, Universe)> {
        // Only this thread calls MPI, so it is the main thread in the sense of MPI.
        let started = mpi::initialize_with_threading(Threading::Funneled);
        let (universe, threading) =
            started.ok_or_else(|| RanksError::NotStarted("it runs already in this process".into()))?;
        if threading < Threading::Funneled {
            return Err(RanksError::NotStarted("its library was built without support for threads".into()));
        }
        let world = universe.world();
        let count = number(world.size());
        if count != launched.count {
            let library = mpi::environment::library_version().unwrap_or_default();
            return Err(RanksError::OtherMpi {
                launcher: launched.launcher.name(),
                count: launched.count,
                found: count,
                library: library.split([',', '\n', '\0']).next().unwrap_or_default().trim().into(),
            });
        }
        let rank = number(world.rank());
        let host = mpi::environment::processor_name().unwrap_or_default();
        shared.set_name(format!("rank {rank} of {count} on host {host}"));
        let mut worker = Self {
            world,
            rank,
            count,
            hosts: Vec::new(),
            deadline,
            shared,
            pieces: Vec::new(),
            has_summed: false,
            last_heartbeat: Instant::now(),
        };
        worker.hosts = worker.all_hosts(host.trim_end_matches('\0'));
        Ok((worker, universe))
    }

    pub fn rank(&self) -> usize {
        self.rank
    }

    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Works until [`Flow::Finish`].
    pub fn serve(mut self, calls: &Receiver<Work>) {
        loop {
            match calls.recv_timeout(POLL) {
                Ok(work) => match work(&mut self) {
                    Flow::Continue => {}
                    Flow::Finish => return,
                },
                Err(RecvTimeoutError::Timeout) => {
                    self.abort_if_requested();
                    self.send_heartbeat();
                }
                Err(RecvTimeoutError::Disconnected) => self.abort(1, "it ended before the others"),
            }
        }
    }

    /// The sum of all ranks' values: each adds one piece of them in the order of the tree, and all get all pieces.
    pub fn sum(&mut self, values: &mut [f32]) -> Result<()> {
        if self.shared.take_was_busy() {
            self.deadline.interrupt();
        }
        self.deadline.sum_begins(Instant::now());
        if !self.has_summed {
            self.check_length(values.len())?;
            self.has_summed = true;
        }
        values.chunks_mut(MAX_VALUES).for_each(|values| self.sum_at_once(values));
        self.deadline.sum_ended(Instant::now());
        Ok(())
    }

    fn sum_at_once(&mut self, values: &mut [f32]) {
        let len = values.len().div_ceil(self.count);
        let bounds = |rank: usize| (rank * len).min(values.len())..((rank + 1) * len).min(values.len());
        let own = bounds(self.rank);
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.resize(own.len() * self.count, 0.0);
        let sends: Vec<_> = self.others().map(|rank| (rank, &values[bounds(rank)])).collect();
        let mut receives: Vec<_> = pieces.chunks_mut(own.len().max(1)).enumerate().collect();
        if self.rank < receives.len() {
            receives.remove(self.rank).1.copy_from_slice(&values[own.clone()]);
        }
        self.exchange(sends, receives, tag::PIECE);

        sum_in_place(&mut pieces, own.len());
        let sum = &pieces[..own.len()];
        values[own].copy_from_slice(sum);
        let sends = self.others().map(|rank| (rank, sum)).collect();
        let receives = values.chunks_mut(len.max(1)).enumerate().filter(|(rank, _)| *rank != self.rank).collect();
        self.exchange(sends, receives, tag::SUM);
        self.pieces = pieces;
    }

    /// Later sums have the length of the first: it is that of the model's weights.
    fn check_length(&mut self, expected: usize) -> Result<()> {
        let lengths = self.exchange_all(&[expected as u64], tag::LENGTH);
        let other = lengths.iter().enumerate().find(|(_, length)| length[0] != expected as u64);
        match other {
            Some((rank, length)) => {
                let found = usize::try_from(length[0]).unwrap_or(usize::MAX);
                Err(RanksError::LengthsDiffer { rank, found, expected })
            }
            None => Ok(()),
        }
    }

    pub fn broadcast(&mut self, bytes: &mut Vec<u8>) {
        self.deadline.interrupt();
        let mut length = [bytes.len() as u64];
        if self.rank == 0 {
            self.exchange(self.others().map(|rank| (rank, &length[..])).collect(), Vec::new(), tag::BROADCAST);
            for part in bytes.chunks(MAX_BYTES) {
                self.exchange(self.others().map(|rank| (rank, part)).collect(), Vec::new(), tag::BROADCAST);
            }
        } else {
            self.exchange(Vec::new(), vec![(0, &mut length[..])], tag::BROADCAST);
            *bytes = self.receive_bytes(0, length[0], tag::BROADCAST);
        }
    }

    pub fn gather(&mut self, bytes: Vec<u8>) -> Option<Vec<Vec<u8>>> {
        self.deadline.interrupt();
        if self.rank > 0 {
            self.exchange(vec![(0, &[bytes.len() as u64][..])], Vec::new(), tag::GATHER);
            bytes.chunks(MAX_BYTES).for_each(|part| self.exchange(vec![(0, part)], Vec::new(), tag::GATHER));
            return None;
        }
        let mut lengths = vec![0; self.count];
        let receives = lengths.chunks_mut(1).enumerate().skip(1).collect();
        self.exchange(Vec::new(), receives, tag::GATHER);
        let mut all = vec![bytes];
        all.extend((1..self.count).map(|rank| self.receive_bytes(rank, lengths[rank], tag::GATHER)));
        Some(all)
    }

    fn receive_bytes(&mut self, from: usize, length: u64, tag: i32) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        bytes.chunks_mut(MAX_BYTES).for_each(|part| self.exchange(Vec::new(), vec![(from, part)], tag));
        bytes
    }

    /// Waits until all ranks have called this.
    pub fn barrier(&mut self) {
        self.deadline.interrupt();
        self.exchange_all(&[0u8], tag::BARRIER);
    }

    fn all_hosts(&mut self, own: &str) -> Vec<String> {
        let mut name = own.as_bytes()[..own.len().min(NAME)].to_vec();
        name.resize(NAME, 0);
        let names = self.exchange_all(&name, tag::HOST);
        names.iter().map(|name| String::from_utf8_lossy(name).trim_end_matches('\0').to_owned()).collect()
    }

    /// What all ranks pass, which has the same length on each.
    fn exchange_all<T: Equivalence + Copy>(&mut self, own: &[T], tag: i32) -> Vec<Vec<T>> {
        let mut all = vec![own.to_vec(); self.count];
        let sends = self.others().map(|rank| (rank, own)).collect();
        let receives = all.iter_mut().map(Vec::as_mut_slice).enumerate().filter(|(rank, _)| *rank != self.rank);
        self.exchange(sends, receives.collect(), tag);
        all
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let own = self.rank;
        (0..self.count).filter(move |&rank| rank != own)
    }

    /// Sends and receives messages, each to or from a rank. Empty ones are left out; both sides know the lengths.
    fn exchange<T: Equivalence>(&mut self, sends: Vec<(usize, &[T])>, receives: Vec<(usize, &mut [T])>, tag: i32) {
        mpi::request::scope(|scope| {
            let mut pending = Vec::with_capacity(sends.len() + receives.len());
            for (rank, buffer) in receives.into_iter().filter(|(_, buffer)| !buffer.is_empty()) {
                let from = self.world.process_at_rank(rank as i32);
                pending.push((rank, from.immediate_receive_into_with_tag(scope, buffer, tag)));
            }
            for (rank, buffer) in sends.into_iter().filter(|(_, buffer)| !buffer.is_empty()) {
                let to = self.world.process_at_rank(rank as i32);
                pending.push((rank, to.immediate_send_with_tag(scope, buffer, tag)));
            }
            self.wait(pending);
        });
    }

    /// Waits for all requests, each with its rank. Ends the job if none is complete until the deadline.
    fn wait<'a, T: 'a, S: Scope<'a>>(&mut self, mut pending: Vec<(usize, Request<'a, [T], S>)>) {
        let mut since = Instant::now();
        let mut look: u32 = 0;
        loop {
            let test = |(rank, request): (usize, Request<'a, [T], S>)| Some((rank, request.test().err()?));
            let before = pending.len();
            pending = pending.into_iter().filter_map(test).collect();
            if pending.is_empty() {
                return;
            }
            if pending.len() < before {
                since = Instant::now();
            }
            if look % 32 == 31 {
                self.abort_if_requested();
                if self.receive_heartbeats() {
                    since = Instant::now();
                }
                let mut missing: Vec<usize> = pending.iter().map(|(rank, _)| *rank).collect();
                missing.sort_unstable();
                missing.dedup();
                self.check_deadline(since, missing);
            }
            match look {
                0..YIELDS => std::thread::yield_now(),
                YIELDS..SHORT_SLEEPS => std::thread::sleep(SLEEP),
                SHORT_SLEEPS.. => std::thread::sleep(LONG_SLEEP),
            }
            look = look.checked_add(1).unwrap_or(SHORT_SLEEPS);
        }
    }

    /// Ends the job if this rank has waited too long. A rank that misses few others knows best who is lost: the others may
    /// wait for it themselves.
    fn check_deadline(&self, since: Instant, missing: Vec<usize>) {
        let limit = self.deadline.limit();
        let later = LATER.mul_f64(self.rank as f64 / self.count as f64 + missing.len().clamp(1, 4) as f64 - 1.0);
        if since.elapsed() > limit + later {
            let mut hosts: Vec<&str> =
                missing.iter().filter_map(|&rank| self.hosts.get(rank)).map(String::as_str).collect();
            hosts.dedup();
            let hosts = hosts.join(", ");
            let error = RanksError::TimedOut { ranks: missing, limit };
            self.abort(EXIT_RESTART, &format!("{error} (on {hosts})"));
        }
    }

    fn abort_if_requested(&self) {
        if let Some(abort) = self.shared.take_abort() {
            // All may have the same reason, such as a wrong number of shards: then rank 0 reports it, and ends the others.
            let later = if self.rank == 0 { 0.0 } else { 0.2 + 0.8 * self.rank as f64 / self.count as f64 };
            std::thread::sleep(LATER.mul_f64(later));
            self.abort(abort.code, &abort.reason);
        }
    }

    fn abort(&self, code: i32, reason: &str) -> ! {
        self.shared.print(reason);
        self.world.abort(code)
    }

    /// Tells the others that this rank still runs, if they may wait for it: while it is busy, and until the first sum.
    fn send_heartbeat(&mut self) {
        let interval = HEARTBEAT.min(self.deadline.limit() / 4);
        if (self.has_summed && !self.shared.is_busy()) || self.last_heartbeat.elapsed() < interval {
            return;
        }
        self.last_heartbeat = Instant::now();
        for rank in self.others() {
            // So short a message is buffered, and does not wait for its receiver.
            self.world.process_at_rank(rank as i32).send_with_tag(&[1u8][..], tag::BUSY);
        }
    }

    /// Whether a busy rank has said that it still runs.
    fn receive_heartbeats(&self) -> bool {
        let mut any = false;
        while let Some(status) = self.world.any_process().immediate_probe_with_tag(tag::BUSY) {
            let from = self.world.process_at_rank(status.source_rank());
            from.receive_into_with_tag(&mut [0u8][..], tag::BUSY);
            any = true;
        }
        any
    }
}

/// MPI counts in signed numbers, of which none here is negative.
fn number(count: i32) -> usize {
    usize::try_from(count).unwrap_or(0)
}
