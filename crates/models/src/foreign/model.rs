//! Which tensors a model has, in both directions and both layouts.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use super::{Array, Layout, Take, Tensors, keras, names, pytorch};
use crate::cell::Cell;
use crate::dense::Dense;
use crate::error::{Error, Result};
use crate::language_model::LanguageModel;
use crate::norm::LayerNorm;
use crate::stack::{Layer, Stack};

/// The weights of a cell in our own layout.
pub(super) struct CellArrays {
    pub kernel: Array,
    pub recurrent_kernel: Array,
    pub bias: Array,
    pub recurrent_bias: Option<Array>,
}

/// `model` with the weights of `tensors`.
///
/// # Errors
/// Lists every tensor that is missing, extra or of another shape; refuses a model that the layout
/// cannot express.
pub fn import(model: LanguageModel, layout: Layout, tensors: Tensors) -> Result<LanguageModel> {
    let tensors = match layout {
        Layout::Pytorch => tensors,
        Layout::Keras => keras::without_model_name(tensors),
    };
    let mut take = Take::new(tensors);
    let mut model = model;
    let embedding = model.embedding.weight;
    let rows = take.take(names::embedding(layout), &embedding.dims());
    let tied = rows.values.clone();
    model.embedding.weight = set(embedding, rows);
    model.stack = stack(model.stack, layout, &mut take)?;

    let output = &mut model.output;
    let projected = output.projection.is_some();
    output.projection = output.projection.take().map(|projection| {
        let [inputs, outputs] = projection.kernel.dims();
        let (kernel, bias) = dense(&mut take, layout, names::PROJECTION, [inputs, outputs]);
        Dense { kernel: set(projection.kernel, kernel), bias: set(projection.bias, bias) }
    });
    let place = names::Place::output(projected);
    let vocabulary = output.bias.dims()[0];
    let mut second = None;
    output.kernel = match output.kernel.take() {
        Some(kernel) => {
            let array = kernel_of(&mut take, layout, place, kernel.dims());
            Some(set(kernel, array))
        }
        None => {
            // Some programs write tied weights twice.
            let size = model.embedding.weight.dims()[1];
            if take.holds(&names::kernel(layout, place)) {
                second = Some(kernel_of(&mut take, layout, place, [size, vocabulary]));
            }
            None
        }
    };
    let bias = take.take(&names::bias(layout, place), &[vocabulary]);
    output.bias = set(output.bias.clone(), bias);
    take.finish()?;
    match second.is_some_and(|second| second.transposed().values != tied) {
        true => Err(Error::ForeignWeights {
            wrong: format!(
                "`model.tied` is true, but {} holds other numbers than {}",
                names::kernel(layout, place),
                names::embedding(layout)
            ),
        }),
        false => Ok(model),
    }
}

/// All weights of `model`.
///
/// # Errors
/// If the layout cannot express the model, or the device does not give the numbers back.
pub fn export(model: &LanguageModel, layout: Layout) -> Result<Tensors> {
    let mut tensors = export_stack(&model.stack, layout)?;
    tensors.insert(names::embedding(layout).into(), array(&model.embedding.weight)?);
    let output = &model.output;
    let upright = |kernel: Array| match layout {
        Layout::Pytorch => kernel.transposed(),
        Layout::Keras => kernel,
    };
    if let Some(projection) = &output.projection {
        let kernel = upright(array(&projection.kernel)?);
        tensors.insert(names::kernel(layout, names::PROJECTION), kernel);
        tensors.insert(names::bias(layout, names::PROJECTION), array(&projection.bias)?);
    }
    let place = names::Place::output(output.projection.is_some());
    if let Some(kernel) = &output.kernel {
        tensors.insert(names::kernel(layout, place), upright(array(kernel)?));
    }
    tensors.insert(names::bias(layout, place), array(&output.bias)?);
    Ok(tensors)
}

/// `stack` with the weights of `tensors`, which hold nothing else.
///
/// # Errors
/// As [`import`].
pub fn import_stack(blank: Stack, layout: Layout, tensors: Tensors) -> Result<Stack> {
    let mut take = Take::new(tensors);
    let filled = stack(blank, layout, &mut take)?;
    take.finish().map(|()| filled)
}

/// The weights of `stack` alone.
///
/// # Errors
/// As [`export`].
pub fn export_stack(stack: &Stack, layout: Layout) -> Result<Tensors> {
    if layout == Layout::Pytorch {
        pytorch::check(stack)?;
    }
    let mut tensors = Tensors::new();
    let mut layer_names = names::Layers::default();
    for (at, layer) in stack.layers.iter().enumerate() {
        let kind = layer.cell.kind();
        let name = layer_names.next(layer);
        for (backward, cell) in directions(layer) {
            let arrays = arrays(cell)?;
            match layout {
                Layout::Pytorch => {
                    pytorch::export(&mut tensors, (kind, at, backward), arrays);
                }
                Layout::Keras => {
                    let both = layer.backward.is_some().then_some(backward);
                    keras::export(&mut tensors, &keras::path(&name, kind, both), arrays);
                }
            }
        }
        if let Some(norm) = &layer.norm {
            let [gain, bias] = layer_names.norm();
            tensors.insert(gain, array(&norm.gain)?);
            tensors.insert(bias, array(&norm.bias)?);
        }
    }
    Ok(tensors)
}

fn stack(stack: Stack, layout: Layout, take: &mut Take) -> Result<Stack> {
    if layout == Layout::Pytorch {
        pytorch::check(&stack)?;
    }
    let mut layer_names = names::Layers::default();
    let mut layers = Vec::with_capacity(stack.layers.len());
    for (at, layer) in stack.layers.into_iter().enumerate() {
        let kind = layer.cell.kind();
        let name = layer_names.next(&layer);
        let both = layer.backward.is_some();
        let mut fill = |cell: Cell, backward: bool| {
            let [inputs, columns] = cell.kernel().dims();
            let sizes = [inputs, cell.units(), columns / cell.units()];
            let arrays = match layout {
                Layout::Pytorch => pytorch::import(take, (kind, at, backward), sizes),
                Layout::Keras => {
                    let path = keras::path(&name, kind, both.then_some(backward));
                    keras::import(take, &path, kind, sizes)
                }
            };
            filled(cell, arrays)
        };
        let cell = fill(layer.cell, false);
        let backward = layer.backward.map(|cell| fill(cell, true));
        let norm = layer.norm.map(|norm| {
            let [gain, bias] = layer_names.norm();
            let units = norm.gain.dims();
            let (gain, bias) = (take.take(&gain, &units), take.take(&bias, &units));
            LayerNorm { gain: set(norm.gain, gain), bias: set(norm.bias, bias) }
        });
        layers.push(Layer { cell, backward, norm, ..layer });
    }
    Ok(Stack { layers, ..stack })
}

fn directions(layer: &Layer) -> impl Iterator<Item = (bool, &Cell)> {
    std::iter::once((false, &layer.cell)).chain(layer.backward.iter().map(|cell| (true, cell)))
}

fn arrays(cell: &Cell) -> Result<CellArrays> {
    let (bias, recurrent_bias) = match cell {
        Cell::Elman(cell) => (&cell.bias, None),
        Cell::Lstm(cell) => (&cell.bias, None),
        Cell::Gru(cell) => (&cell.bias, cell.recurrent_bias.as_ref()),
    };
    Ok(CellArrays {
        kernel: array(cell.kernel())?,
        recurrent_kernel: array(cell.recurrent_kernel())?,
        bias: array(bias)?,
        recurrent_bias: recurrent_bias.map(array).transpose()?,
    })
}

fn filled(cell: Cell, arrays: CellArrays) -> Cell {
    let CellArrays { kernel, recurrent_kernel, bias, recurrent_bias } = arrays;
    macro_rules! fill {
        ($cell:ident) => {{
            $cell.kernel = set($cell.kernel, kernel);
            $cell.recurrent_kernel = set($cell.recurrent_kernel, recurrent_kernel);
            $cell.bias = set($cell.bias, bias);
        }};
    }
    match cell {
        Cell::Elman(mut cell) => {
            fill!(cell);
            Cell::Elman(cell)
        }
        Cell::Lstm(mut cell) => {
            fill!(cell);
            Cell::Lstm(cell)
        }
        Cell::Gru(mut cell) => {
            fill!(cell);
            cell.recurrent_bias = cell.recurrent_bias.zip(recurrent_bias).map(|(p, a)| set(p, a));
            Cell::Gru(cell)
        }
    }
}

/// The kernel `[inputs, outputs]` of a dense layer.
fn kernel_of(take: &mut Take, layout: Layout, place: names::Place, dims: [usize; 2]) -> Array {
    let [inputs, outputs] = dims;
    let name = names::kernel(layout, place);
    match layout {
        Layout::Pytorch => take.take(&name, &[outputs, inputs]).transposed(),
        Layout::Keras => take.take(&name, &[inputs, outputs]),
    }
}

fn dense(
    take: &mut Take,
    layout: Layout,
    place: names::Place,
    [inputs, outputs]: [usize; 2],
) -> (Array, Array) {
    let kernel = kernel_of(take, layout, place, [inputs, outputs]);
    (kernel, take.take(&names::bias(layout, place), &[outputs]))
}

fn array<const D: usize>(parameter: &Param<Tensor<D>>) -> Result<Array> {
    let tensor = parameter.val();
    Ok(Array { shape: tensor.dims().into(), values: tensor.try_into_vec_as()? })
}

/// `parameter` with other numbers: its id, device and dtype stay.
fn set<const D: usize>(parameter: Param<Tensor<D>>, array: Array) -> Param<Tensor<D>> {
    parameter.map(|tensor| {
        let data = TensorData::new(array.values, tensor.dims());
        Tensor::from_data(data, (&tensor.device(), tensor.dtype()))
    })
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{DType, Device};

    use super::*;
    use crate::cell::{Activation, CellKind};
    use crate::config::LanguageModelConfig;
    use crate::layer::LayerConfig;

    fn config() -> LanguageModelConfig {
        let kinds = [
            CellKind::Elman(Activation::Relu),
            CellKind::Lstm,
            CellKind::Gru { reset_after: true },
            CellKind::Lstm,
        ];
        let mut layers = kinds.map(|kind| LayerConfig::new(kind, 3)).to_vec();
        layers[1].layer_norm = true;
        LanguageModelConfig::new(7, 4, layers)
    }

    #[test]
    fn a_model_comes_back_as_it_was() {
        let device = Device::flex();
        let two = vec![LayerConfig::new(CellKind::Lstm, 3); 2];
        let plain = LanguageModelConfig::new(7, 4, two);
        let projected = |config| LanguageModelConfig { projection: 4, ..config };
        let tied = |config| LanguageModelConfig { tied: true, ..projected(config) };
        for (layout, config) in [(Layout::Pytorch, plain), (Layout::Keras, config())] {
            for config in [config.clone(), projected(config.clone()), tied(config)] {
                let model = config.init_as(1, DType::F64, &device).unwrap();
                let tensors = export(&model, layout).unwrap();
                let count: usize = tensors.values().map(|array| array.values.len()).sum();
                // PyTorch's second bias of two LSTMs.
                let twice = if layout == Layout::Pytorch { 2 * 4 * 3 } else { 0 };
                assert_eq!(count, model.num_params() + twice, "{:?}", tensors.keys());
                let other = config.init_as(2, DType::F64, &device).unwrap();
                assert_ne!(export(&other, layout).unwrap(), tensors);
                let back = import(other, layout, tensors.clone()).unwrap();
                assert_eq!(export(&back, layout).unwrap(), tensors);
            }
        }
    }

    #[test]
    fn keras_numbers_layers_of_a_kind() {
        let model = config().init(1, &Device::flex()).unwrap();
        let names: Vec<String> = export(&model, Layout::Keras).unwrap().into_keys().collect();
        for name in [
            "lstm/lstm_cell/kernel",
            "lstm_1/lstm_cell/bias",
            "gru/gru_cell/recurrent_kernel",
            "simple_rnn/simple_rnn_cell/kernel",
            "layer_normalization/gamma",
            "dense/kernel",
        ] {
            assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
        }
    }

    #[test]
    fn what_a_layout_cannot_say_is_refused_by_key() {
        let layer = |kind, units| LayerConfig::new(kind, units);
        let lstm = layer(CellKind::Lstm, 3);
        let norm = LayerConfig { layer_norm: true, ..lstm.clone() };
        for (layers, key) in [
            (vec![layer(CellKind::Gru { reset_after: false }, 3)], "[0].reset_after"),
            (vec![layer(CellKind::Elman(Activation::Sigmoid), 3)], "[0].activation"),
            (vec![lstm.clone(), layer(CellKind::Gru { reset_after: true }, 3)], "[1].cell"),
            (vec![lstm.clone(), layer(CellKind::Lstm, 4)], "[1].units"),
            (vec![lstm, norm], "[1].layer_norm"),
        ] {
            let config = LanguageModelConfig::new(7, 4, layers);
            let model = config.init(1, &Device::flex()).unwrap();
            let error = export(&model, Layout::Pytorch).unwrap_err().to_string();
            assert!(error.contains(&format!("model.layers{key}")), "{error}");
            assert!(import(model.clone(), Layout::Pytorch, Tensors::new()).is_err());
            export(&model, Layout::Keras).unwrap();
        }
    }

    #[test]
    fn a_second_copy_of_tied_weights_must_be_the_same() {
        let layers = vec![LayerConfig::new(CellKind::Lstm, 4)];
        let config = LanguageModelConfig { tied: true, ..LanguageModelConfig::new(7, 4, layers) };
        let model = config.init(1, &Device::flex()).unwrap();
        let mut tensors = export(&model, Layout::Pytorch).unwrap();
        tensors.insert("output.weight".into(), tensors["embedding.weight"].clone());
        import(model.clone(), Layout::Pytorch, tensors.clone()).unwrap();
        tensors.get_mut("output.weight").unwrap().values[0] += 1.0;
        let error = import(model, Layout::Pytorch, tensors).unwrap_err().to_string();
        assert!(error.contains("output.weight"), "{error}");
    }
}
