//! Input that the kernels reject.

use burn::tensor::{Device, Distribution, Tensor};
use kernels::{
    Activation, CellState, ElmanWeights, Input, LstmWeights, SequenceOptions, elman_sequence, lstm_sequence,
};

#[test]
fn sizes_of_zero_are_rejected() {
    let assert_rejected = |sizes: [usize; 4]| {
        let message = std::panic::catch_unwind(|| {
            let [batch, time, size, units] = sizes;
            let device = Device::flex();
            let zeros = |dims: [usize; 2]| Tensor::<2>::zeros(dims, &device);
            let weights = ElmanWeights {
                kernel: zeros([size, units]),
                recurrent: zeros([units, units]),
                bias: Tensor::zeros([units], &device),
                activation: Activation::Tanh,
            };
            let state = CellState { hidden: zeros([batch, units]), cell: None };
            let input = Tensor::random([batch, time, size], Distribution::Default, &device);
            elman_sequence(Input::Vectors(input), weights, state, &SequenceOptions::default())
        });
        let message = message.err().unwrap_or_else(|| panic!("it was not rejected"));
        let message = message.downcast_ref::<String>().expect("a text message");
        assert!(message.contains("1 or more"), "{message}");
    };
    assert_rejected([0, 2, 2, 2]);
    assert_rejected([2, 0, 2, 2]);
    assert_rejected([2, 2, 0, 2]);
}

#[test]
#[should_panic = "`keep_state` must be [N, T]"]
fn resets_of_another_size_are_rejected() {
    let device = Device::flex();
    let zeros = |dims: [usize; 2]| Tensor::<2>::zeros(dims, &device);
    let weights = ElmanWeights {
        kernel: zeros([2, 3]),
        recurrent: zeros([3, 3]),
        bias: Tensor::zeros([3], &device),
        activation: Activation::Tanh,
    };
    let state = CellState { hidden: zeros([1, 3]), cell: None };
    let options = SequenceOptions { keep_state: Some(zeros([1, 3])), ..SequenceOptions::default() };
    elman_sequence(Input::Vectors(Tensor::zeros([1, 2, 2], &device)), weights, state, &options);
}

#[test]
fn an_id_outside_the_table_is_rejected() {
    let message = std::panic::catch_unwind(|| {
        let device = Device::flex();
        let weights = LstmWeights {
            kernel: Tensor::zeros([2, 8], &device),
            recurrent: Tensor::zeros([2, 8], &device),
            bias: Tensor::zeros([8], &device),
        };
        let zeros = Tensor::<2>::zeros([1, 2], &device);
        let state = CellState { hidden: zeros.clone(), cell: Some(zeros) };
        let (table, ids) = (Tensor::zeros([3, 2], &device), Tensor::from_ints([[3]], &device));
        lstm_sequence(Input::Ids { table, ids }, weights, state, &SequenceOptions::default())
    });
    let message = message.err().unwrap_or_else(|| panic!("it was not rejected"));
    let message = message.downcast_ref::<String>().expect("a text message");
    assert!(message.contains("an id is 3; expected 0 to 2"), "{message}");
}
