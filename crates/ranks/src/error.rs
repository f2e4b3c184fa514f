//! What can go wrong between ranks.

use std::time::Duration;

/// [`std::result::Result`] with [`RanksError`].
pub type Result<T> = std::result::Result<T, RanksError>;

/// An error of a collective call or of the start of a job.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// Another rank has ended or was aborted.
    #[error("rank {rank} has ended: {reason}; start the job again, and it continues from its newest checkpoint")]
    Lost {
        /// The rank.
        rank: usize,
        /// Why it has ended.
        reason: String,
    },

    /// Another rank did not arrive in time.
    #[error(
        "{} did not answer within {:.0} s; start the job again, and it continues from its newest checkpoint",
        crate::error::ranks_in_words(ranks),
        limit.as_secs_f64()
    )]
    TimedOut {
        /// The ranks that are missing.
        ranks: Vec<usize>,
        /// How long this rank has waited.
        limit: Duration,
    },

    /// The ranks pass different numbers of values to a sum.
    #[error("rank {rank} has {found} values to add, but this rank has {expected}: do all have the same model?")]
    LengthsDiffer {
        /// The rank.
        rank: usize,
        /// Its number of values.
        found: usize,
        /// This rank's number of values.
        expected: usize,
    },

    /// A launcher has started several processes, but this build has no MPI.
    #[error(
        "{launcher} has started {count} processes, but this program was built without MPI: build it with the cargo feature \
         `mpi`, or start one process"
    )]
    WithoutMpi {
        /// The launcher.
        launcher: &'static str,
        /// The number of processes.
        count: usize,
    },

    /// `srun` has started several processes, but an MPI library cannot find them.
    #[error("srun has started {count} processes, but without an interface for MPI: use `srun --mpi=pmix`")]
    WithoutPmi {
        /// The number of processes.
        count: usize,
    },

    /// A launcher has started several processes, but the MPI library of this build does not see them.
    #[error(
        "{launcher} has started {count} processes, but the MPI that this program was built with sees {found}: it is {library}; \
         use its launcher, or build the program with the MPI of this one"
    )]
    OtherMpi {
        /// The launcher.
        launcher: &'static str,
        /// The number of processes.
        count: usize,
        /// The number that the MPI library says.
        found: usize,
        /// The name and version of the MPI library.
        library: String,
    },

    /// MPI could not be started.
    #[error("MPI cannot be started: {0}")]
    NotStarted(String),

    /// The shards of a batch cannot be divided into equal subtrees.
    #[error(
        "{shards} shards cannot be divided over {ranks} ranks: shards / ranks must be 1, 2, 4, 8, …; possible numbers of \
         ranks: {}",
        crate::tree::possible_counts(*shards)
    )]
    Indivisible {
        /// The number of shards.
        shards: usize,
        /// The number of ranks.
        ranks: usize,
    },
}

/// `rank 3`, or `ranks 3 and 5`.
pub(crate) fn ranks_in_words(ranks: &[usize]) -> String {
    let names: Vec<String> = ranks.iter().map(ToString::to_string).collect();
    match names.split_last() {
        None => "no rank".into(),
        Some((last, [])) => format!("rank {last}"),
        Some((last, rest)) => format!("ranks {} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_ranks_and_what_to_do() {
        let error = RanksError::TimedOut { ranks: vec![1, 2, 5], limit: Duration::from_secs(60) };
        let text = "ranks 1, 2 and 5 did not answer within 60 s; \
                    start the job again, and it continues from its newest checkpoint";
        assert_eq!(error.to_string(), text);
        assert_eq!(ranks_in_words(&[3]), "rank 3");
    }
}
