//! Warns of batches so large that an epoch has hardly any step.

use trainer::{TrainConfig, TrainMode};

use crate::view::format::counted;

/// An epoch of so few steps is reported.
const FEW_STEPS: usize = 2;
/// The advice is a batch size that gives at least this many steps.
const ENOUGH_STEPS: usize = 20;

/// The warning about epochs of one or two steps, if they are passes over the training data and have so few. `items` is the
/// number of training windows or examples; with truncated BPTT, that of training tokens.
pub(super) fn warning(train: &TrainConfig, items: usize, steps: usize) -> Option<String> {
    if train.steps_per_epoch > 0 || steps == 0 || steps > FEW_STEPS {
        return None;
    }
    let (batch_size, epochs) = (train.batch_size, train.epochs);
    let per_step = match train.mode {
        TrainMode::Tbptt { bptt_len } => bptt_len,
        TrainMode::Windows | TrainMode::Examples => 1,
    };
    let lower = |items: usize| items.checked_ilog2().map_or(1, |log| 1 << log);
    let better = lower(items / (ENOUGH_STEPS * per_step));
    let fix = match train.mode {
        _ if better < batch_size => format!("lower it, such as with `--set train.batch_size={better}`"),
        TrainMode::Tbptt { bptt_len } if bptt_len > 1 => {
            let better = lower(items / (ENOUGH_STEPS * batch_size)).min(bptt_len - 1);
            format!("use a longer text, or shorter chunks, such as with `--set train.bptt_len={better}`")
        }
        _ => "use a longer text".into(),
    };
    let (steps, epochs) = (counted(steps, "step"), counted(epochs, "epoch"));
    Some(format!(
        "an epoch has only {steps} with `train.batch_size` = {batch_size}, so that {epochs} can hardly \
         train the model: {fix}, or make more with `--set train.epochs=N`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_one_or_two_steps_is_reported_with_a_batch_size_that_has_more() {
        let windows = TrainConfig::default().batch_size(4_096).epochs(3);
        let warning_of = |steps| warning(&windows, 5_000, steps);
        assert_eq!(
            warning_of(2).unwrap(),
            "an epoch has only 2 steps with `train.batch_size` = 4096, so that 3 epochs can hardly train the model: \
             lower it, such as with `--set train.batch_size=128`, or make more with `--set train.epochs=N`"
        );
        assert!(warning_of(1).unwrap().contains("only 1 step with"));
        assert_eq!([3, 40].map(warning_of), [None, None]);
        assert_eq!(warning(&windows.clone().steps_per_epoch(9), 5_000, 2), None);
        let tbptt = TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 50 });
        let warning_of = |batch_size| warning(&tbptt.clone().batch_size(batch_size), 4_000, 1).unwrap();
        assert!(warning_of(64).contains("`--set train.batch_size=4`"), "{}", warning_of(64));
        assert!(warning_of(4).contains("`--set train.bptt_len=32`"), "{}", warning_of(4));
        let one = warning(&TrainConfig::default().batch_size(1), 2, 2).unwrap();
        assert!(one.contains("use a longer text, or make more"), "{one}");
    }
}
