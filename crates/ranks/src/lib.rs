//! The processes that train one model together, called ranks as in MPI, and the sums over them.
//!
//! A batch is divided into shards. The gradients of all shards are added in one binary tree over the numbers of the shards
//! ([`tree`]), and a rank computes neighbouring shards that are a subtree of it. So the sum has the same bits for every
//! number of ranks, on every rank.
//!
//! ```
//! use ranks::{Ranks, Single, Tree, shards_of_rank};
//!
//! # fn main() -> Result<(), ranks::RanksError> {
//! let ranks: &dyn Ranks = &Single;
//! let mut tree = Tree::default();
//! for shard in shards_of_rank(4, ranks.rank(), ranks.count())? {
//!     tree.push(vec![shard as f32, 1.0]);
//! }
//! let mut sum = tree.finish().unwrap_or_default();
//! ranks.sum(&mut sum)?;
//! assert_eq!(sum, [6.0, 4.0]);
//! # Ok(())
//! # }
//! ```

pub mod deadline;
pub mod error;
pub mod launched;
#[cfg(feature = "mpi")]
pub mod mpi;
pub mod single;
pub mod threads;
pub mod tree;

pub use error::{RanksError, Result};
pub use launched::{Launched, start};
pub use single::Single;
pub use threads::Threads;
pub use tree::{Tree, shards_of_rank};

/// What one process of a job can do together with the others.
///
/// [`sum`](Ranks::sum), [`broadcast`](Ranks::broadcast), [`gather`](Ranks::gather) and [`finish`](Ranks::finish) are
/// collective: every rank calls them, in the same order, and each waits for the others. A wait ends with an error or with
/// the end of the job if another rank is lost, or if it does not arrive before the deadline.
pub trait Ranks: Send + Sync {
    /// The number of this process, from 0. Rank 0 alone writes files and prints.
    fn rank(&self) -> usize;

    /// How many processes the job has, at least 1.
    fn count(&self) -> usize;

    /// The name of the computer of a rank, for messages.
    fn host(&self, rank: usize) -> String;

    /// Adds the values of all ranks. In: the sum of this rank's shards, which must be a subtree of the whole, see
    /// [`shards_of_rank`]. Out: the sum of all shards, with the same bits on every rank and for every number of ranks.
    /// All ranks pass the same number of values.
    ///
    /// # Errors
    /// If another rank is lost, or passes another number of values.
    fn sum(&self, values: &mut Vec<f32>) -> Result<()>;

    /// Replaces `bytes` on every rank by those of rank 0.
    ///
    /// # Errors
    /// If another rank is lost.
    fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<()>;

    /// Returns on rank 0 the bytes of all ranks in the order of their numbers, and `None` on the others. The lengths may
    /// differ.
    ///
    /// # Errors
    /// If another rank is lost.
    fn gather(&self, bytes: Vec<u8>) -> Result<Option<Vec<Vec<u8>>>>;

    /// Says whether this rank does something that the others wait for and that may take long: validation, samples, a
    /// checkpoint, reading data. While it does, it tells them regularly that it still runs, which postpones their deadline.
    /// Not collective; see [`while_busy`].
    fn set_busy(&self, busy: bool);

    /// Waits until every rank has called this, so that no process ends while another still works. The last call; a
    /// process that ends without it takes the job with it.
    ///
    /// # Errors
    /// If another rank is lost.
    fn finish(&self) -> Result<()>;

    /// Ends the processes of all ranks. Prints one line on standard error with this rank, its host and `reason`, and exits
    /// with `code`. Any thread may call it, and other ranks need not do anything.
    fn abort(&self, code: i32, reason: &str) -> !;
}

/// The exit code of a job that lost a rank: starting it again from its newest checkpoint helps (`EX_TEMPFAIL`).
pub const EXIT_RESTART: i32 = 75;

/// Runs `work`, for which the other ranks wait, without limiting its time. See [`Ranks::set_busy`].
pub fn while_busy<T>(ranks: &dyn Ranks, work: impl FnOnce() -> T) -> T {
    ranks.set_busy(true);
    let result = work();
    ranks.set_busy(false);
    result
}
