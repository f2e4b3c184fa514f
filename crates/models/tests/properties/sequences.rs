//! Properties of sequences that hold for every cell.

use burn::tensor::{Tensor, s};
use models::{CellState, ForwardOptions, LayerConfig, State, Steps};

use super::{BATCH, SETTINGS, TIME, all_stacks, run, run_as, stacks};

/// The state of one row.
fn of_row(state: &State, row: usize) -> State {
    let pick = |tensor: &Tensor<2>| tensor.clone().slice(s![row..row + 1, ..]);
    let cell = |cell: &CellState| CellState { hidden: pick(&cell.hidden), cell: cell.cell.as_ref().map(pick) };
    state.iter().map(cell).collect()
}

#[test]
fn a_sequence_in_chunks_equals_the_sequence_at_once() {
    for setting in SETTINGS {
        for (name, layers) in stacks() {
            let stack = setting.stack(&layers);
            let inputs = setting.inputs(BATCH, TIME);
            let state = setting.state(&stack, BATCH);
            let (whole, end) = run(&stack, inputs.clone(), state.clone());
            for cut in [1, 2, TIME - 1] {
                let (first, state) = run(&stack, inputs[..cut].to_vec(), state.clone());
                let (second, after) = run(&stack, inputs[cut..].to_vec(), state);
                for (found, expected) in first.iter().chain(&second).zip(&whole) {
                    setting.assert_close(found, expected, &name);
                }
                setting.assert_states(&after, &end, &name);
            }
        }
    }
}

#[test]
fn the_last_step_alone_equals_the_last_of_all_steps() {
    for setting in SETTINGS {
        for (name, layers) in all_stacks() {
            let stack = setting.stack(&layers);
            let inputs = setting.inputs(BATCH, TIME);
            let (all, end) = run(&stack, inputs.clone(), stack.init_state(BATCH));
            let options = ForwardOptions { steps: Steps::Last, ..ForwardOptions::default() };
            let (last, state) = run_as(&stack, inputs, stack.init_state(BATCH), &options);
            assert_eq!(last.len(), 1, "{name}");
            setting.assert_close(&last[0], &all[TIME - 1], &name);
            setting.assert_states(&state, &end, &name);
        }
    }
}

#[test]
fn outputs_do_not_depend_on_later_inputs() {
    for setting in SETTINGS {
        for (name, layers) in stacks() {
            let stack = setting.stack(&layers);
            let inputs = setting.inputs(BATCH, TIME);
            let mut other = inputs.clone();
            other[TIME - 2] = other[TIME - 2].clone() * -3.0;
            let (before, _) = run(&stack, inputs, stack.init_state(BATCH));
            let (after, _) = run(&stack, other, stack.init_state(BATCH));
            for t in 0..TIME - 2 {
                setting.assert_close(&after[t], &before[t], &name);
            }
            let moved = (after[TIME - 2].clone() - before[TIME - 2].clone()).abs().max();
            assert!(moved.try_into_scalar::<f64>().unwrap() > 1e-3, "{name} ignores its input");
        }
    }
}

#[test]
fn a_row_has_the_same_result_alone_and_in_a_batch() {
    for setting in SETTINGS {
        for (name, layers) in all_stacks() {
            let stack = setting.stack(&layers);
            let inputs = setting.inputs(BATCH, TIME);
            let (all, end) = run(&stack, inputs.clone(), stack.init_state(BATCH));
            for row in 0..BATCH {
                let pick = |tensor: &Tensor<2>| tensor.clone().slice(s![row..row + 1, ..]);
                let (single, state) = run(&stack, inputs.iter().map(pick).collect(), stack.init_state(1));
                for (found, expected) in single.iter().zip(&all) {
                    setting.assert_close(found, &pick(expected), &name);
                }
                setting.assert_states(&state, &of_row(&end, row), &name);
            }
        }
    }
}

#[test]
fn padding_changes_nothing() {
    let lengths = [TIME, 2, TIME - 1];
    for setting in SETTINGS {
        for (name, layers) in all_stacks() {
            let stack = setting.stack(&layers);
            let mut inputs = setting.inputs(BATCH, TIME);
            // The values at padding do not matter, not even NaN.
            for (row, length) in lengths.into_iter().enumerate() {
                for input in &mut inputs[length..] {
                    let poison = input.clone().slice(s![row..row + 1, ..]) * f64::NAN;
                    *input = input.clone().slice_assign(s![row..row + 1, ..], poison);
                }
            }
            let state = setting.state(&stack, BATCH);
            let mask = lengths.map(|length| std::array::from_fn::<f64, TIME, _>(|t| f64::from(u8::from(t < length))));
            let mask = Tensor::from_data(mask, (&inputs[0].device(), setting.dtype));
            let options = ForwardOptions { mask: Some(mask), ..ForwardOptions::default() };
            let (all, end) = run_as(&stack, inputs.clone(), state.clone(), &options);
            for (row, length) in lengths.into_iter().enumerate() {
                let pick = |tensor: &Tensor<2>| tensor.clone().slice(s![row..row + 1, ..]);
                let steps = inputs[..length].iter().map(pick).collect();
                let (single, state) = run(&stack, steps, of_row(&state, row));
                for (found, expected) in single.iter().zip(&all) {
                    setting.assert_close(found, &pick(expected), &name);
                }
                setting.assert_states(&state, &of_row(&end, row), &name);
            }
        }
    }
}

#[test]
fn a_reset_starts_a_new_sequence() {
    for setting in SETTINGS {
        for (name, layers) in stacks() {
            let stack = setting.stack(&layers);
            let inputs = setting.inputs(BATCH, TIME);
            let state = setting.state(&stack, BATCH);
            // Row 0 before the third step, row 1 before the first, row 2 never.
            let mut keep = [[1.0; TIME]; BATCH];
            (keep[0][2], keep[1][0]) = (0.0, 0.0);
            let keep_state = Some(Tensor::from_data(keep, (&inputs[0].device(), setting.dtype)));
            let options = ForwardOptions { keep_state, ..ForwardOptions::default() };
            let (all, end) = run_as(&stack, inputs.clone(), state.clone(), &options);
            for (row, cut) in [(0, Some(2)), (1, Some(0)), (2, None)] {
                let pick = |tensor: &Tensor<2>| tensor.clone().slice(s![row..row + 1, ..]);
                let steps = |range: std::ops::Range<usize>| inputs[range].iter().map(pick).collect::<Vec<_>>();
                let before = cut.unwrap_or(TIME);
                let mut expected = Vec::new();
                let mut after = of_row(&state, row);
                if before > 0 {
                    (expected, after) = run(&stack, steps(0..before), after);
                }
                if before < TIME {
                    let (rest, state) = run(&stack, steps(before..TIME), stack.init_state(1));
                    expected.extend(rest);
                    after = state;
                }
                for (found, expected) in all.iter().zip(&expected) {
                    setting.assert_close(&pick(found), expected, &name);
                }
                setting.assert_states(&of_row(&end, row), &after, &name);
            }
        }
    }
}

#[test]
#[should_panic = "a bidirectional layer has no resets"]
fn resets_of_a_bidirectional_layer_are_rejected() {
    let [setting, _] = SETTINGS;
    let stack = setting.stack(&[LayerConfig::lstm(2).bidirectional(true)]);
    let keep_state = Some(setting.keep_state(BATCH, TIME));
    let options = ForwardOptions { keep_state, ..ForwardOptions::default() };
    run_as(&stack, setting.inputs(BATCH, TIME), stack.init_state(BATCH), &options);
}

#[test]
fn states_take_their_dtype_from_the_weights() {
    for setting in SETTINGS {
        for (name, layers) in all_stacks() {
            for cell in setting.stack(&layers).init_state(2) {
                assert_eq!(cell.hidden.dtype(), setting.dtype, "{name}");
                assert!(cell.cell.is_none_or(|memory| memory.dtype() == setting.dtype), "{name}");
            }
        }
    }
}

#[test]
fn a_backward_layer_reads_the_reversed_sequence() {
    for setting in SETTINGS {
        for (name, layers) in all_stacks() {
            let [layer] = layers.as_slice() else { continue };
            if !layer.bidirectional {
                continue;
            }
            let mut stack = setting.stack(&layers);
            let inputs = setting.inputs(BATCH, TIME);
            let (both, _) = run(&stack, inputs.clone(), stack.init_state(BATCH));
            // The backward cell alone, on the sequence from its end.
            let layer = &mut stack.layers[0];
            layer.cell = layer.backward.take().unwrap();
            let reversed = inputs.into_iter().rev().collect();
            let (alone, _) = run(&stack, reversed, stack.init_state(BATCH));
            for (both, alone) in both.iter().zip(alone.iter().rev()) {
                let units = alone.dims()[1];
                let right_to_left = both.clone().slice([0..BATCH, units..2 * units]);
                setting.assert_close(&right_to_left, alone, &name);
            }
        }
    }
}
