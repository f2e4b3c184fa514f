//! The learning rate along a run: a function of the step's number alone, so that a resumed run needs
//! no memory of it. A new schedule is a variant here.

use serde::{Deserialize, Serialize};

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// From all of it at the first step down to nothing after the last, along half a cosine
    /// (Loshchilov and Hutter 2017, equation 5, without restarts).
    Cosine,
}

impl Schedule {
    /// The share of the learning rate at step `step` of `steps`, counted from 0.
    pub fn share(self, step: u64, steps: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                let done = step as f64 / steps.max(1) as f64;
                0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }

    /// Whether the length of the whole run shapes every step of it.
    pub fn depends_on_length(self) -> bool {
        self == Self::Cosine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_falls_from_all_to_nothing() {
        let share = |step| Schedule::Cosine.share(step, 100);
        assert_eq!(share(0), 1.0);
        assert!((share(50) - 0.5).abs() < 1e-12);
        assert!(share(99) > 0.0 && share(99) < 0.001);
        assert!((1..100).all(|step| share(step) < share(step - 1)));
    }

    #[test]
    fn a_constant_stays() {
        assert!((0..5).all(|step| Schedule::Constant.share(step, 5) == 1.0));
    }
}
