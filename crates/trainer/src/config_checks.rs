//! Checks of hyperparameters.

use crate::clip::Clip;
use crate::config::{CheckpointPolicy, TrainConfig, TrainMode};
use crate::error::{Error, Result};

impl TrainConfig {
    /// Checks that all settings are in range.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let reject = |key, found: String, expected| Err(Error::out_of_range(key, found, expected));
        let Self { epochs, steps_per_epoch, batch_size, shards, learning_rate, .. } = *self;
        if epochs == 0 {
            return reject("train.epochs", "0".into(), "1 or more");
        }
        if steps_per_epoch.checked_mul(epochs as u64).is_none_or(|steps| steps > i64::MAX as u64) {
            let expected = "at most 2^63 - 1 steps in all `train.epochs` together";
            return reject("train.steps_per_epoch", steps_per_epoch.to_string(), expected);
        }
        if !(1..=65_536).contains(&batch_size) {
            return reject("train.batch_size", batch_size.to_string(), "1 to 65536");
        }
        if !(shards.is_power_of_two() && batch_size.is_multiple_of(shards)) {
            let found = format!("{shards} with `train.batch_size` = {batch_size}");
            return reject("train.shards", found, "1, 2, 4, 8, …, so that `train.batch_size` is a multiple of it");
        }
        if let TrainMode::Tbptt { bptt_len } = self.mode
            && !(1..=65_536).contains(&bptt_len)
        {
            return reject("train.bptt_len", bptt_len.to_string(), "1 to 65536");
        }
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return reject("train.learning_rate", learning_rate.to_string(), "a finite number above 0");
        }
        if !(0.0..1.0).contains(&self.ema_decay) {
            let expected = "0 for no averaging, or a number below 1 such as 0.999";
            return reject("train.ema_decay", self.ema_decay.to_string(), expected);
        }
        if !(self.layer_decay > 0.0 && self.layer_decay <= 1.0) {
            let expected = "1 for the same rate in all layers, or a number above 0 and below 1 such as 0.4";
            return reject("train.layer_decay", self.layer_decay.to_string(), expected);
        }
        if self.averaging_patience > 0 && self.ema_decay > 0.0 {
            let expected = "0 with `train.ema_decay`: there is one average of the weights";
            return reject("train.averaging_patience", self.averaging_patience.to_string(), expected);
        }
        let largest_deviation = match self.mode {
            TrainMode::Tbptt { bptt_len } => bptt_len as f64 / 2.0,
            TrainMode::Windows | TrainMode::Examples => 0.0,
        };
        if !(0.0..=largest_deviation).contains(&self.bptt_deviation) {
            let expected = "0, or with `train.mode = \"tbptt\"` at most half of `train.bptt_len`";
            return reject("train.bptt_deviation", self.bptt_deviation.to_string(), expected);
        }
        let CheckpointPolicy { every_minutes, keep_last, .. } = self.checkpoint_policy;
        if !(every_minutes >= 0.0 && every_minutes.is_finite()) {
            let expected = "0 to disable, or a finite number above 0";
            return reject("checkpoints.every_minutes", every_minutes.to_string(), expected);
        }
        if keep_last == 0 {
            return reject("checkpoints.keep", "0".into(), "1 or more");
        }
        self.schedule.check()?;
        self.clip.map_or(Ok(()), Clip::check)?;
        self.optimizer.check()?;
        self.optimizer.check_with_rate(learning_rate)
    }
}
