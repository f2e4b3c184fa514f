//! The RNN states that are carried from batch to batch: one for each shard in memory, one with all rows in a checkpoint,
//! so that a run can be resumed by another number of processes.

use burn::tensor::Tensor;
use models::serialize::{state_from_bytes, state_to_bytes};
use models::{CellState, State};
use ranks::Ranks;

use crate::error::{Error, Result};

/// `states` as one state with the rows of all, in order; `None` of none.
pub(crate) fn join(states: Vec<State>) -> Option<State> {
    let layers = states.first()?.len();
    if states.len() == 1 {
        return states.into_iter().next();
    }
    let layer = |layer: usize| {
        let cells = || states.iter().map(|state| &state[layer]);
        let hidden = cells().map(|cell| cell.hidden.clone()).collect();
        let memory: Vec<Tensor<2>> = cells().filter_map(|cell| cell.cell.clone()).collect();
        CellState { hidden: Tensor::cat(hidden, 0), cell: (!memory.is_empty()).then(|| Tensor::cat(memory, 0)) }
    };
    Some((0..layers).map(layer).collect())
}

/// `state` cut into `parts` states with neighbouring rows.
pub(crate) fn split(state: State, parts: usize) -> Vec<State> {
    if parts == 1 {
        return vec![state];
    }
    let part = |part: usize| {
        let rows = |tensor: &Tensor<2>| {
            let rows = tensor.dims()[0] / parts;
            tensor.clone().narrow(0, part * rows, rows)
        };
        let cells = state.iter();
        cells.map(|cell| CellState { hidden: rows(&cell.hidden), cell: cell.cell.as_ref().map(rows) }).collect()
    };
    (0..parts).map(part).collect()
}

/// The states of the shards of all `ranks` as one, on rank 0; `None` on the others. `model_state` is a state of the same
/// model, and `rows` the number of all rows.
pub(crate) fn gather(states: Vec<State>, ranks: &dyn Ranks, model_state: &State, rows: usize) -> Result<Option<State>> {
    let own = join(states);
    if ranks.count() == 1 {
        return Ok(own);
    }
    let bytes = own.map(|state| state_to_bytes(&state)).transpose().map_err(Error::Burn)?;
    let Some(all) = ranks.gather(bytes.unwrap_or_default())? else { return Ok(None) };
    let rows = rows / ranks.count();
    let read = |bytes: &Vec<u8>| state_from_bytes(bytes, model_state, rows).map_err(Error::Burn);
    Ok(join(all.iter().map(read).collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_state_is_the_join_of_its_parts() {
        let device = Device::flex();
        let tensor = |first: f32| {
            let values: Vec<f32> = (0..24).map(|at| first + at as f32).collect();
            Tensor::<1>::from_floats(values.as_slice(), &device).reshape([8, 3])
        };
        let state = vec![
            CellState { hidden: tensor(0.0), cell: None },
            CellState { hidden: tensor(100.0), cell: Some(tensor(200.0)) },
        ];
        let values = |state: &State| -> Vec<Vec<f32>> {
            let tensors = state.iter().flat_map(|cell| [Some(&cell.hidden), cell.cell.as_ref()]);
            tensors.flatten().map(|tensor| tensor.clone().try_into_vec_as().unwrap()).collect()
        };
        for parts in [1, 2, 4, 8] {
            let split = split(state.clone(), parts);
            assert_eq!(split.len(), parts);
            assert!(split.iter().all(|part| part[1].hidden.dims() == [8 / parts, 3]));
            assert_eq!(values(&join(split).unwrap()), values(&state));
        }
        assert!(join(Vec::new()).is_none());
    }
}
