//! Where the time of a computation goes: a counter for each kind of work, of all threads together.
//!
//! Compiled in with the feature `profile`; without it a section is empty and costs nothing. A thread is in one section or
//! in none, and its time is added to that section alone: an inner section interrupts the outer one.

#[cfg(feature = "profile")]
mod counted;
#[cfg(not(feature = "profile"))]
mod uncounted;

use std::time::Duration;

#[cfg(feature = "profile")]
pub use counted::{Section, measure, section};
#[cfg(not(feature = "profile"))]
pub use uncounted::{Section, measure, section};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Products of matrices that are packed already.
    MatrixProduct,
    /// Copies: packing of matrices for products, zeros, inputs and outputs.
    Copying,
    /// Activations, softmax, their gradients, sums of rows, and dropout.
    ElementWise,
    /// Vectors by id, and the gradients of a table.
    GatherScatter,
    /// Updates of the weights, clipping, and the moving average of the weights.
    Optimizer,
    /// Draws of tokens.
    Sampling,
    /// Everything else on the measuring thread, such as Burn's own operations and the graph of gradients.
    Other,
    /// Threads without work.
    Waiting,
}

/// The number of parts.
pub const PARTS: usize = Part::ALL.len();

impl Part {
    /// All parts, each at its own index.
    pub const ALL: [Self; 8] = [
        Self::MatrixProduct,
        Self::Copying,
        Self::ElementWise,
        Self::GatherScatter,
        Self::Optimizer,
        Self::Sampling,
        Self::Other,
        Self::Waiting,
    ];

    /// The name, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::MatrixProduct => "matrix product",
            Self::Copying => "copying",
            Self::ElementWise => "element-wise",
            Self::GatherScatter => "gather and scatter",
            Self::Optimizer => "optimizer",
            Self::Sampling => "sampling",
            Self::Other => "other",
            Self::Waiting => "waiting",
        }
    }
}

/// The time of each part, of all threads together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    times: [Duration; PARTS],
}

impl Profile {
    /// From the counted time of each part, in the order of [`Part::ALL`]. The threads were without work in all time of
    /// `threads` threads during `elapsed` that was not counted for another part.
    pub fn new(counted: [Duration; PARTS], elapsed: Duration, threads: usize) -> Self {
        let mut times = counted;
        times[Part::Waiting as usize] = Duration::ZERO;
        let busy: Duration = times.iter().sum();
        times[Part::Waiting as usize] = elapsed.saturating_mul(threads as u32).saturating_sub(busy);
        Self { times }
    }

    /// The parts with their times.
    pub fn times(&self) -> impl Iterator<Item = (Part, Duration)> + '_ {
        Part::ALL.into_iter().zip(self.times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_indices_and_names_of_their_own() {
        for (at, part) in Part::ALL.into_iter().enumerate() {
            assert_eq!(part as usize, at);
            assert_eq!(Part::ALL.iter().filter(|other| other.name() == part.name()).count(), 1, "{part:?}");
        }
    }

    #[test]
    fn the_times_add_up_to_those_of_all_threads() {
        let mut counted = [Duration::ZERO; PARTS];
        counted[Part::MatrixProduct as usize] = Duration::from_millis(900);
        counted[Part::ElementWise as usize] = Duration::from_millis(300);
        counted[Part::Other as usize] = Duration::from_millis(200);
        // A thread that waits for a loop counts it; one that sleeps does not.
        counted[Part::Waiting as usize] = Duration::from_millis(50);
        let profile = Profile::new(counted, Duration::from_secs(1), 2);
        let time = |part: Part| profile.times().find(|(other, _)| *other == part).map(|(_, time)| time);
        assert_eq!(time(Part::MatrixProduct), Some(Duration::from_millis(900)));
        assert_eq!(time(Part::Waiting), Some(Duration::from_millis(600)));
        assert_eq!(profile.times().map(|(_, time)| time).sum::<Duration>(), Duration::from_secs(2));
    }

    #[test]
    fn clocks_that_disagree_leave_no_negative_time() {
        let mut counted = [Duration::ZERO; PARTS];
        counted[Part::Optimizer as usize] = Duration::from_nanos(1001);
        let profile = Profile::new(counted, Duration::from_nanos(1000), 1);
        assert_eq!(profile.times().map(|(_, time)| time).sum::<Duration>(), Duration::from_nanos(1001));
    }

    #[test]
    fn what_is_measured_returns_its_result() {
        let (result, profile) = measure(1, || {
            let section = section(Part::ElementWise);
            section.end();
            7
        });
        assert_eq!(result, 7);
        assert_eq!(profile.is_some(), cfg!(feature = "profile"));
    }
}
