//! The graph of a language model.
//!
//! ONNX's recurrent operators have time first, transposed weights `[1, G·H, D]` and both biases in one vector `[1, 2·G·H]`:
//! <https://onnx.ai/onnx/operators/onnx__LSTM.html>, `onnx__GRU.html`, `onnx__RNN.html`.

use kernels::reference::NORM_EPSILON;

use super::graph::Graph;
use super::messages::{DataType, Dim, Value};
use crate::cell::{Activation, Cell, CellKind};
use crate::error::{Error, Result};
use crate::interop::array::{Array, array};
use crate::language_model::LanguageModel;
use crate::norm::LayerNorm;
use crate::output_layer::OutputLayer;
use crate::stack::Stack;
use crate::token_cluster::TokenCluster;

const BATCH: Dim = Dim::Free("batch");
const TIME: Dim = Dim::Free("time");

/// The order of the gates of an LSTM there, i o f c, by their numbers here.
const LSTM_ORDER: [usize; 4] = [0, 3, 1, 2];

/// Rejects a stack that ONNX's recurrent operators cannot compute token by token.
pub(super) fn check(stack: &Stack) -> Result<()> {
    for (index, layer) in stack.layers.iter().enumerate() {
        let (key, found, expected) = match layer.cell.kind() {
            CellKind::ExtendedLstm(options) if options.cell_norm => {
                ("cell_norm", "true".into(), "false: the LSTM of ONNX does not have it")
            }
            CellKind::ExtendedLstm(options) => {
                ("mogrifier_rounds", options.mogrifier_rounds.to_string(), "0: the LSTM of ONNX does not have it")
            }
            _ if layer.backward.is_some() => {
                ("bidirectional", "true".into(), "false: a layer that reads backward cannot write a text")
            }
            _ => continue,
        };
        return Err(Error::out_of_range(format!("model.layers[{index}].{key}"), found, expected));
    }
    Ok(())
}

/// The graph from `ids` and states to `logits` and states.
pub(super) fn graph(model: &LanguageModel) -> Result<Graph> {
    let mut graph = Graph::default();
    let ids = graph.input("ids", DataType::Int64, &[BATCH, TIME], "token ids");
    let table = graph.weights("embedding", &array(&model.embedding.weight)?);
    let mut vectors = graph.node("Gather", &[&table, &ids], "vectors");
    if let Some(labels) = &model.label_embedding {
        let shape = [BATCH, Dim::Fixed(1)];
        let numbers = graph.input("labels", DataType::Int64, &shape, "the number of each text's label; 0 is no label");
        let table = graph.weights("label_embedding", &array(&labels.weight)?);
        let of_labels = graph.node("Gather", &[&table, &numbers], "label_vectors");
        vectors = graph.node("Add", &[&vectors, &of_labels], "labelled_vectors");
    }
    let keep = model.document_id.map(|document| kept_state(&mut graph, &ids, document));
    let mut values = graph.transpose(&vectors, &[1, 0, 2], "inputs");
    for (index, layer) in model.stack.layers.iter().enumerate() {
        values = recurrent_layer(&mut graph, index, &layer.cell, &values, keep.as_deref())?;
        if let Some(norm) = &layer.norm {
            values = layer_norm(&mut graph, index, norm, &values)?;
        }
    }
    let hidden = graph.transpose(&values, &[1, 0, 2], "hidden");
    output_layer(&mut graph, &model.output, &hidden, &table)?;
    let shape = [BATCH, TIME, Dim::Fixed(model.vocab_size())];
    let what = "logits of the next token after each id; those of an adaptive softmax are log-probabilities";
    graph.output("logits", &shape, what);
    for (index, layer) in model.stack.layers.iter().enumerate() {
        for name in state_names(&layer.cell) {
            let shape = [Dim::Fixed(1), BATCH, Dim::Fixed(layer.cell.units())];
            graph.output(&format!("{name}{index}_out"), &shape, "the state after the last id");
        }
    }
    Ok(graph)
}

/// `h` and, in an LSTM, `c`.
fn state_names(cell: &Cell) -> impl Iterator<Item = &'static str> {
    let has_cell_state = matches!(cell, Cell::Lstm(_));
    std::iter::once("h").chain(has_cell_state.then_some("c"))
}

/// 0 for each row whose first id is the document token, else 1: `[1, batch, 1]`.
fn kept_state(graph: &mut Graph, ids: &str, document: u32) -> String {
    let first = graph.slice(ids, 1, [0, 1], "first_ids");
    let document = graph.integers("document_id", &[document as usize]);
    let is_document = graph.node("Equal", &[&first, &document], "begins_document");
    let [zero, one] = [("reset", 0.0), ("keep", 1.0)]
        .map(|(name, value)| graph.weights(&format!("kept_state/{name}"), &Array::vector(vec![value])));
    let keep = graph.node("Where", &[&is_document, &zero, &one], "kept_state/rows");
    let axis = graph.integers("kept_state/axis", &[0]);
    graph.node("Unsqueeze", &[&keep, &axis], "kept_state")
}

/// One layer without normalisation, from `[time, batch, D]` to `[time, batch, H]`.
fn recurrent_layer(graph: &mut Graph, index: usize, cell: &Cell, input: &str, keep: Option<&str>) -> Result<String> {
    let units = cell.units();
    let (op_type, order, option) = operator(cell);
    let name = |part: &str| format!("layer{index}/{part}");
    let weights = |matrix: Array| {
        let transposed = matrix.reordered(order).transposed();
        Array { shape: [vec![1], transposed.shape].concat(), values: transposed.values }
    };
    let kernel = graph.weights(&name("W"), &weights(array(cell.kernel())?));
    let recurrent = graph.weights(&name("R"), &weights(array(cell.recurrent_kernel())?));
    let bias = array(cell.bias())?.reordered(order);
    let second = match cell.recurrent_bias() {
        Some(bias) => array(bias)?.reordered(order).values,
        None => vec![0.0; bias.values.len()],
    };
    let biases = [bias.values, second].concat();
    let biases = graph.weights(&name("B"), &Array { shape: vec![1, biases.len()], values: biases });

    let mut inputs = vec![input.to_string(), kernel, recurrent, biases, String::new()];
    let mut outputs = vec![name("steps")];
    for state in state_names(cell) {
        let shape = [Dim::Fixed(1), BATCH, Dim::Fixed(units)];
        let before = graph.input(&format!("{state}{index}_in"), DataType::Float, &shape, "zeros before the first id");
        inputs.push(match keep {
            Some(keep) => graph.node("Mul", &[&before, keep], &name(&format!("{state}_before"))),
            None => before,
        });
        outputs.push(format!("{state}{index}_out"));
    }
    let [inputs, outputs] = [&inputs, &outputs].map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
    let attributes: Vec<_> = [("hidden_size", Value::Int(units))].into_iter().chain(option).collect();
    graph.node_with(op_type, &inputs, &outputs, &attributes);
    // The dimension of directions.
    let axis = graph.integers(&name("axis"), &[1]);
    Ok(graph.node("Squeeze", &[&name("steps"), &axis], &name("outputs")))
}

/// ONNX's operator of a cell, its order of our gates, and its option.
fn operator(cell: &Cell) -> (&'static str, &'static [usize], Option<(&'static str, Value<'static>)>) {
    match cell {
        Cell::Elman(elman) => {
            let activation: &[&str] = match elman.activation {
                Activation::Tanh => &["Tanh"],
                Activation::Sigmoid => &["Sigmoid"],
                Activation::Relu => &["Relu"],
            };
            ("RNN", &[0], Some(("activations", Value::Strings(activation))))
        }
        Cell::Lstm(_) | Cell::ExtendedLstm(_) => ("LSTM", &LSTM_ORDER, None),
        Cell::Gru(gru) => {
            let reset_after = usize::from(gru.recurrent_bias.is_some());
            ("GRU", &[0, 1, 2], Some(("linear_before_reset", Value::Int(reset_after))))
        }
    }
}

fn layer_norm(graph: &mut Graph, index: usize, norm: &LayerNorm, input: &str) -> Result<String> {
    let gain = graph.weights(&format!("layer{index}/gain"), &array(&norm.gain)?);
    let bias = graph.weights(&format!("layer{index}/bias"), &array(&norm.bias)?);
    let output = format!("layer{index}/normalised");
    let attributes = [("axis", Value::Int(2)), ("epsilon", Value::Float(NORM_EPSILON))];
    Ok(graph.node_with("LayerNormalization", &[input, &gain, &bias], &[&output], &attributes))
}

/// From `hidden` to `logits`; `embedding` is the table of tied weights.
fn output_layer(graph: &mut Graph, output: &OutputLayer, hidden: &str, embedding: &str) -> Result<()> {
    let mut input = hidden.to_string();
    if let Some(projection) = &output.projection {
        let kernel = graph.weights("projection/W", &array(&projection.kernel)?);
        let bias = graph.weights("projection/b", &array(&projection.bias)?);
        input = graph.dense(&input, &kernel, &bias, "projected");
    }
    let kernel = match &output.kernel {
        Some(kernel) => graph.weights("output/W", &array(kernel)?),
        None => graph.transpose(embedding, &[1, 0], "output/W"),
    };
    let bias = graph.weights("output/b", &array(&output.bias)?);
    if output.clusters.is_empty() {
        graph.dense(&input, &kernel, &bias, "logits");
        return Ok(());
    }
    let head = graph.dense(&input, &kernel, &bias, "head/logits");
    let head = graph.log_softmax(&head, "head");
    let tokens = output.head_tokens();
    let mut parts = vec![graph.slice(&head, 2, [0, tokens], "head/tokens")];
    for (index, TokenCluster { projection, kernel }) in output.clusters.iter().enumerate() {
        let name = |part: &str| format!("cluster{index}/{part}");
        let projection = graph.weights(&name("P"), &array(projection)?);
        let kernel = graph.weights(&name("W"), &array(kernel)?);
        let projected = graph.node("MatMul", &[&input, &projection], &name("projected"));
        let logits = graph.node("MatMul", &[&projected, &kernel], &name("logits"));
        let within = graph.log_softmax(&logits, &name("within"));
        let of_cluster = graph.slice(&head, 2, [tokens + index, tokens + index + 1], &name("probability"));
        parts.push(graph.node("Add", &[&within, &of_cluster], &name("tokens")));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    graph.node_with("Concat", &parts, &["logits"], &[("axis", Value::Int(2))]);
    Ok(())
}
