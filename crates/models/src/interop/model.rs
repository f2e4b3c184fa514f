//! Import and export of whole models and stacks in both layouts.

use super::array::{Array, CellArrays, Tensors, array, set};
use super::layout::Layout;
use super::strict_loader::StrictLoader;
use super::{clusters, keras, names, pytorch};
use crate::cell::{Cell, CellKind, CellWeightsMut};
use crate::error::{Error, Result};
use crate::language_model::LanguageModel;
use crate::stack::{Layer, Stack};

/// A model or stack with the weights of a file.
#[derive(Clone, Debug)]
pub struct Imported<M> {
    /// The model or stack.
    pub model: M,
    /// The names and shapes of the biases that the file does not have, as by `bias=False` in PyTorch or
    /// `use_bias=False` in Keras. They are zeros.
    pub zero_biases: Vec<String>,
}

/// `model` with the weights of `tensors`; a layer may have no bias. Shapes are compared before the values of a lazy
/// `model`, such as [`LanguageModelConfig::zeros`](crate::LanguageModelConfig::zeros), take memory.
///
/// # Errors
/// Lists every other tensor that is missing, extra or of another shape; rejects a model that the layout cannot
/// express.
pub fn import(mut model: LanguageModel, layout: Layout, tensors: Tensors) -> Result<Imported<LanguageModel>> {
    clusters::check(&model.output, layout)?;
    let tensors = match layout {
        Layout::Pytorch => tensors,
        Layout::Keras => keras::without_model_name(tensors),
    };
    let mut loader = StrictLoader::new(tensors);
    let table = loader.take(names::embedding(layout), &model.embedding.weight.lazy_shape());
    set(&mut model.embedding.weight, table.clone());
    if let Some(labels) = &mut model.label_embedding {
        let table = loader.take(names::label_embedding(layout), &labels.weight.lazy_shape());
        set(&mut labels.weight, table);
    }
    import_layers(&mut model.stack, layout, &mut loader)?;

    let output = &mut model.output;
    let path = names::LayerPath::output(output);
    if let Some(projection) = &mut output.projection {
        let [inputs, outputs] = projection.kernel.lazy_shape().dims();
        let kernel = take_kernel(&mut loader, layout, names::PROJECTION, [inputs, outputs]);
        set(&mut projection.kernel, kernel);
        set(&mut projection.bias, take_bias(&mut loader, layout, names::PROJECTION, outputs));
    }
    let classes = output.bias.lazy_shape()[0];
    let mut copy = None;
    if let Some(kernel) = &mut output.kernel {
        let array = take_kernel(&mut loader, layout, path, kernel.lazy_shape().dims());
        set(kernel, array);
    } else if loader.contains(&names::kernel(layout, path)) {
        // Some programs write tied weights twice.
        let dim = model.embedding.weight.lazy_shape()[1];
        copy = take_kernel(&mut loader, layout, path, [dim, classes]);
    }
    set(&mut output.bias, take_bias(&mut loader, layout, path, classes));
    clusters::import(output, &mut loader);
    let zero_biases = loader.finish()?;
    if let Some((copy, table)) = copy.zip(table)
        && copy.transposed().values != table.values
    {
        let (copy, table) = (names::kernel(layout, path), names::embedding(layout));
        let wrong = format!("`model.tie_weights` is true, but {copy} and {table} have different values");
        return Err(Error::WeightMismatch { wrong });
    }
    Ok(Imported { model, zero_biases })
}

/// All weights of `model`.
///
/// # Errors
/// If the layout cannot express the model, or the device fails to return the weights.
pub fn export(model: &LanguageModel, layout: Layout) -> Result<Tensors> {
    clusters::check(&model.output, layout)?;
    let mut tensors = export_stack(&model.stack, layout)?;
    tensors.insert(names::embedding(layout).into(), array(&model.embedding.weight)?);
    if let Some(labels) = &model.label_embedding {
        tensors.insert(names::label_embedding(layout).into(), array(&labels.weight)?);
    }
    let output = &model.output;
    let arranged = |kernel: Array| match layout {
        Layout::Pytorch => kernel.transposed(),
        Layout::Keras => kernel,
    };
    if let Some(projection) = &output.projection {
        let kernel = arranged(array(&projection.kernel)?);
        tensors.insert(names::kernel(layout, names::PROJECTION), kernel);
        tensors.insert(names::bias(layout, names::PROJECTION), array(&projection.bias)?);
    }
    let path = names::LayerPath::output(output);
    if let Some(kernel) = &output.kernel {
        tensors.insert(names::kernel(layout, path), arranged(array(kernel)?));
    }
    tensors.insert(names::bias(layout, path), array(&output.bias)?);
    clusters::export(output, &mut tensors)?;
    Ok(tensors)
}

/// `stack` with the weights of `tensors`, which must have no others.
///
/// # Errors
/// As [`import`].
pub fn import_stack(mut stack: Stack, layout: Layout, tensors: Tensors) -> Result<Imported<Stack>> {
    let mut loader = StrictLoader::new(tensors);
    import_layers(&mut stack, layout, &mut loader)?;
    Ok(Imported { zero_biases: loader.finish()?, model: stack })
}

/// The weights of `stack` alone.
///
/// # Errors
/// As [`export`].
pub fn export_stack(stack: &Stack, layout: Layout) -> Result<Tensors> {
    check(stack, layout)?;
    let mut tensors = Tensors::new();
    let mut layer_names = names::KerasNames::default();
    for (index, layer) in stack.layers.iter().enumerate() {
        let kind = layer.cell.kind();
        let name = layer_names.next(layer);
        for (backward, cell) in directions(layer) {
            let arrays = cell_arrays(cell)?;
            match layout {
                Layout::Pytorch => {
                    pytorch::export(&mut tensors, (kind, index, backward), arrays);
                }
                Layout::Keras => {
                    let direction = layer.backward.is_some().then_some(backward);
                    keras::export(&mut tensors, &keras::path(&name, kind, direction), arrays);
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

fn import_layers(stack: &mut Stack, layout: Layout, loader: &mut StrictLoader) -> Result<()> {
    check(stack, layout)?;
    let mut layer_names = names::KerasNames::default();
    for (index, layer) in stack.layers.iter_mut().enumerate() {
        let kind = layer.cell.kind();
        let name = layer_names.next(layer);
        let bidirectional = layer.backward.is_some();
        let mut fill = |cell: &mut Cell, backward: bool| {
            let [inputs, columns] = cell.kernel().lazy_shape().dims();
            let sizes = [inputs, cell.units(), columns / cell.units()];
            let arrays = match layout {
                Layout::Pytorch => pytorch::import(loader, (kind, index, backward), sizes),
                Layout::Keras => {
                    let path = keras::path(&name, kind, bidirectional.then_some(backward));
                    keras::import(loader, &path, kind, sizes)
                }
            };
            if let Some(arrays) = arrays {
                set_cell(cell, arrays);
            }
        };
        fill(&mut layer.cell, false);
        if let Some(cell) = &mut layer.backward {
            fill(cell, true);
        }
        if let Some(norm) = &mut layer.norm {
            let [gain, bias] = layer_names.norm();
            let units = norm.gain.lazy_shape();
            set(&mut norm.gain, loader.take(&gain, &units));
            set(&mut norm.bias, loader.take_bias(&bias, &units, &bias));
        }
    }
    Ok(())
}

/// Rejects a stack that the layout cannot express.
fn check(stack: &Stack, layout: Layout) -> Result<()> {
    for (index, layer) in stack.layers.iter().enumerate() {
        let CellKind::ExtendedLstm(options) = layer.cell.kind() else { continue };
        let (key, found, plain) = if options.cell_norm {
            ("cell_norm", "true".into(), "false")
        } else {
            ("mogrifier_rounds", options.mogrifier_rounds.to_string(), "0")
        };
        let expected = format!("{plain}: the LSTM of PyTorch and that of Keras have no such option");
        return Err(Error::out_of_range(format!("model.layers[{index}].{key}"), found, expected));
    }
    match layout {
        Layout::Pytorch => pytorch::check(stack),
        Layout::Keras => Ok(()),
    }
}

fn directions(layer: &Layer) -> impl Iterator<Item = (bool, &Cell)> {
    std::iter::once((false, &layer.cell)).chain(layer.backward.iter().map(|cell| (true, cell)))
}

fn cell_arrays(cell: &Cell) -> Result<CellArrays> {
    Ok(CellArrays {
        kernel: array(cell.kernel())?,
        recurrent_kernel: array(cell.recurrent_kernel())?,
        bias: array(cell.bias())?,
        recurrent_bias: cell.recurrent_bias().map(array).transpose()?,
    })
}

fn set_cell(cell: &mut Cell, arrays: CellArrays) {
    let CellWeightsMut { kernel, recurrent_kernel, bias, recurrent_bias, .. } = cell.weights_mut();
    set(kernel, Some(arrays.kernel));
    set(recurrent_kernel, Some(arrays.recurrent_kernel));
    set(bias, Some(arrays.bias));
    if let Some(parameter) = recurrent_bias {
        set(parameter, arrays.recurrent_bias);
    }
}

/// The kernel `[inputs, outputs]` of a dense layer.
fn take_kernel(
    loader: &mut StrictLoader,
    layout: Layout,
    path: names::LayerPath,
    [inputs, outputs]: [usize; 2],
) -> Option<Array> {
    let name = names::kernel(layout, path);
    match layout {
        Layout::Pytorch => loader.take(&name, &[outputs, inputs]).map(Array::transposed),
        Layout::Keras => loader.take(&name, &[inputs, outputs]),
    }
}

/// The bias of a dense layer.
fn take_bias(loader: &mut StrictLoader, layout: Layout, path: names::LayerPath, outputs: usize) -> Option<Array> {
    let name = names::bias(layout, path);
    loader.take_bias(&name, &[outputs], &name)
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{DType, Device};

    use super::*;
    use crate::adaptive_softmax::AdaptiveSoftmax;
    use crate::cell::Activation;
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    fn config() -> LanguageModelConfig {
        let kinds =
            [CellKind::Elman(Activation::Relu), CellKind::Lstm, CellKind::Gru { reset_after: true }, CellKind::Lstm];
        let mut layers = kinds.map(|kind| LayerConfig::new(kind, 3)).to_vec();
        layers[1].layer_norm = true;
        LanguageModelConfig::new(7, 4, layers)
    }

    #[test]
    fn an_exported_model_is_imported_unchanged() {
        let device = Device::flex();
        let two = vec![LayerConfig::lstm(3); 2];
        let plain = LanguageModelConfig::new(7, 4, two);
        let projected = |config: LanguageModelConfig| config.projection_dim(4);
        let tied = |config| projected(config).tie_weights(true);
        let clusters = AdaptiveSoftmax::default().cutoffs([2, 3]);
        let adaptive = plain.clone().adaptive_softmax(clusters);
        for (layout, config) in [(Layout::Pytorch, plain), (Layout::Keras, config())] {
            let labelled = config.clone().labels(["a", "b"]);
            let with_clusters = [adaptive.clone(), projected(adaptive.clone())];
            let with_clusters = with_clusters.into_iter().filter(|_| layout == Layout::Pytorch);
            let plain = [config.clone(), labelled, projected(config.clone()), tied(config)];
            for config in plain.into_iter().chain(with_clusters) {
                let model = config.init_with_dtype(1, DType::F64, &device).unwrap();
                let tensors = export(&model, layout).unwrap();
                let count: usize = tensors.values().map(|array| array.values.len()).sum();
                // PyTorch's second bias, in two LSTMs.
                let second_biases = if layout == Layout::Pytorch { 2 * 4 * 3 } else { 0 };
                assert_eq!(count, model.num_params() + second_biases, "{:?}", tensors.keys());
                let other = config.init_with_dtype(2, DType::F64, &device).unwrap();
                assert_ne!(export(&other, layout).unwrap(), tensors);
                let back = import(other, layout, tensors.clone()).unwrap();
                assert!(back.zero_biases.is_empty());
                assert_eq!(export(&back.model, layout).unwrap(), tensors);
            }
        }
    }

    #[test]
    fn keras_numbers_layers_by_class() {
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
    fn models_that_a_layout_cannot_express_are_rejected_by_key() {
        let layer = |kind, units| LayerConfig::new(kind, units);
        let lstm = layer(CellKind::Lstm, 3);
        let norm = lstm.clone().layer_norm(true);
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
        let clusters = AdaptiveSoftmax::default().cutoffs([2]);
        let config = LanguageModelConfig::new(7, 4, vec![layer(CellKind::Lstm, 3)]).adaptive_softmax(clusters);
        let model = config.init(1, &Device::flex()).unwrap();
        let error = export(&model, Layout::Keras).unwrap_err().to_string();
        assert!(error.contains("`model.output` is adaptive; expected softmax"), "{error}");
        assert!(import(model, Layout::Keras, Tensors::new()).is_err());
    }

    #[test]
    fn an_lstm_with_options_is_rejected_by_both_layouts() {
        let lstm = LayerConfig::lstm(3);
        for (layer, key) in
            [(lstm.clone().cell_norm(true), "cell_norm"), (lstm.clone().mogrifier_rounds(5), "mogrifier")]
        {
            let model = LanguageModelConfig::new(7, 4, vec![lstm.clone(), layer]).init(1, &Device::flex()).unwrap();
            for layout in [Layout::Pytorch, Layout::Keras] {
                let error = export(&model, layout).unwrap_err().to_string();
                assert!(error.contains(&format!("model.layers[1].{key}")), "{error}");
                let error = import(model.clone(), layout, Tensors::new()).unwrap_err().to_string();
                assert!(error.contains(&format!("model.layers[1].{key}")), "{error}");
            }
        }
    }

    #[test]
    fn weights_without_biases_are_imported_with_zeros() {
        let device = Device::flex();
        let gru = LayerConfig::new(CellKind::Gru { reset_after: true }, 3);
        for (layout, layer) in [Layout::Pytorch, Layout::Keras]
            .map(|layout| [(layout, LayerConfig::lstm(3)), (layout, gru.clone())])
            .concat()
        {
            let config = LanguageModelConfig::new(7, 4, vec![layer; 2]);
            let model = config.init_with_dtype(1, DType::F64, &device).unwrap();
            let all = export(&model, layout).unwrap();
            let mut without = all.clone();
            without.retain(|name, _| !name.contains("bias"));
            let absent = all.len() - without.len();
            let Imported { model, zero_biases } = import(model, layout, without.clone()).unwrap();
            assert_eq!(zero_biases.len(), absent, "{zero_biases:?}");
            for (name, array) in export(&model, layout).unwrap() {
                match without.get(&name) {
                    Some(expected) => assert_eq!(&array, expected),
                    None => assert!(array.values.iter().all(|&value| value == 0.0), "{name}"),
                }
            }
        }
    }

    #[test]
    fn a_second_copy_of_tied_weights_must_be_the_same() {
        let layers = vec![LayerConfig::lstm(4)];
        let config = LanguageModelConfig::new(7, 4, layers).tie_weights(true);
        let model = config.init(1, &Device::flex()).unwrap();
        let mut tensors = export(&model, Layout::Pytorch).unwrap();
        tensors.insert("output.weight".into(), tensors["embedding.weight"].clone());
        import(model.clone(), Layout::Pytorch, tensors.clone()).unwrap();
        tensors.get_mut("output.weight").unwrap().values[0] += 1.0;
        let error = import(model, Layout::Pytorch, tensors).unwrap_err().to_string();
        assert!(error.contains("output.weight"), "{error}");
    }
}
