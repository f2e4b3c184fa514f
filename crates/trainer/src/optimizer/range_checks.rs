//! Range checks of optimizer hyperparameters.

use crate::error::{Error, Result};

/// Rejects a decay rate outside [0, 1).
pub(super) fn check_decay(key: &'static str, decay: f64) -> Result<()> {
    if (0.0..1.0).contains(&decay) {
        return Ok(());
    }
    Err(Error::out_of_range(key, decay, "0 or more and below 1"))
}

/// Rejects an ε that is 0 in f32, which gives 0 / 0 for a parameter with zero gradient.
pub(super) fn check_epsilon(epsilon: f64) -> Result<()> {
    if epsilon >= f64::from(f32::MIN_POSITIVE) && epsilon.is_finite() {
        return Ok(());
    }
    Err(Error::out_of_range("train.optimizer.epsilon", epsilon, "a finite number of 1.2e-38 or more"))
}
