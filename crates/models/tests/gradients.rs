//! The gradients that autodiff gives agree with what the loss does when a weight is moved.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use models::{CellKind, LanguageModel, LanguageModelConfig, LayerConfig, loss::nats_per_token};

fn loss(model: &LanguageModel, device: &Device) -> Tensor<1> {
    let ids = Tensor::<2, Int>::from_ints([[1, 2, 3, 1], [4, 5, 6, 6]], device);
    let targets = Tensor::<1, Int>::from_ints([4, 2], device);
    nats_per_token(model.next(ids, model.start(2), None).0, targets).mean()
}

/// The model with one number of one weight moved.
fn moved(
    model: &LanguageModel,
    weight: impl Fn(&mut LanguageModel) -> &mut Param<Tensor<2>>,
    at: usize,
    by: f32,
) -> LanguageModel {
    let mut model = model.clone();
    let parameter = weight(&mut model);
    *parameter = parameter.clone().map(|tensor| {
        let dims = tensor.dims();
        let mut values: Vec<f32> = tensor.clone().try_into_vec_as().unwrap();
        values[at] += by;
        Tensor::from_data(TensorData::new(values, dims), &tensor.device())
    });
    model
}

#[test]
fn gradients_agree_with_central_differences() {
    let layers = vec![LayerConfig { cell: CellKind::Lstm, units: 5 }; 2];
    let config = LanguageModelConfig { vocabulary: 8, embedding: 3, layers, dropout: 0.0 };
    let device = Device::flex();
    let plain = config.init(2, &device).unwrap();
    let trained = plain.clone().train();
    let gradients = loss(&trained, &device.clone().autodiff()).backward();

    type Weight = fn(&mut LanguageModel) -> &mut Param<Tensor<2>>;
    let weights: [(&str, Weight); 6] = [
        ("embedding", |model| &mut model.embedding.weight),
        ("kernel 0", |model| kernel(model, 0)),
        ("recurrent 0", |model| recurrent(model, 0)),
        ("kernel 1", |model| kernel(model, 1)),
        ("recurrent 1", |model| recurrent(model, 1)),
        ("output", |model| &mut model.output.kernel),
    ];
    for (name, weight) in weights {
        let tensor = weight(&mut trained.clone()).val();
        let gradient: Vec<f64> = tensor.grad(&gradients).unwrap().try_into_vec_as().unwrap();
        let largest = gradient.iter().fold(0f64, |largest, g| largest.max(g.abs()));
        assert!(largest > 1e-4, "{name}: {largest}");
        // A weight in every part of the matrix, and the one with the largest gradient.
        let steepest =
            (0..gradient.len()).max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()));
        let spread = (0..7).map(|part| part * gradient.len() / 7);
        for at in spread.chain(steepest) {
            let step = 0.02f32;
            let value = |by| {
                let moved = moved(&plain, weight, at, by);
                f64::from(loss(&moved, &device).into_scalar::<f32>())
            };
            let difference = (value(step) - value(-step)) / (2.0 * f64::from(step));
            let error = (difference - gradient[at]).abs();
            // f32 keeps about seven digits of a loss of two; the step is 0.02.
            assert!(error < 2e-5 + 2e-3 * largest, "{name}[{at}]: {difference} {}", gradient[at]);
        }
    }
}

fn kernel(model: &mut LanguageModel, layer: usize) -> &mut Param<Tensor<2>> {
    let models::Cell::Lstm(cell) = &mut model.stack.layers[layer];
    &mut cell.kernel
}

fn recurrent(model: &mut LanguageModel, layer: usize) -> &mut Param<Tensor<2>> {
    let models::Cell::Lstm(cell) = &mut model.stack.layers[layer];
    &mut cell.recurrent_kernel
}
