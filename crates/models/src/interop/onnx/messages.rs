//! The messages of ONNX's `onnx.proto` that a language model needs, with its field numbers:
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

use crate::interop::protobuf::Message;

/// The type of a tensor's values.
#[derive(Clone, Copy)]
pub(super) enum DataType {
    Float = 1,
    Int64 = 7,
}

/// The size of a dimension of an input or output.
#[derive(Clone, Copy)]
pub(super) enum Dim {
    Fixed(usize),
    /// Chosen by each call.
    Free(&'static str),
}

/// The value of an attribute.
pub(super) enum Value<'a> {
    Float(f64),
    Int(usize),
    Ints(&'a [usize]),
    Strings(&'a [&'a str]),
}

/// `AttributeProto`: a named option of an operator.
pub(super) fn attribute(name: &str, value: &Value) -> Message {
    let message = Message::default().bytes(1, name);
    let (message, kind) = match value {
        Value::Float(value) => (message.float(2, *value as f32), 1),
        Value::Int(value) => (message.varint(3, *value as u64), 2),
        Value::Ints(values) => (values.iter().fold(message, |message, &value| message.varint(8, value as u64)), 7),
        Value::Strings(values) => (message.each(9, *values), 8),
    };
    message.varint(20, kind)
}

/// `NodeProto`: an operator. The name of an absent optional input is empty.
pub(super) fn node(op_type: &str, name: &str, inputs: &[&str], outputs: &[&str], attributes: &[Message]) -> Message {
    Message::default().each(1, inputs).each(2, outputs).bytes(3, name).bytes(4, op_type).each(5, attributes)
}

/// `TensorProto`, with its values in little-endian order, row by row.
pub(super) fn tensor(name: &str, data_type: DataType, shape: &[usize], bytes: &[u8]) -> Message {
    let message = shape.iter().fold(Message::default(), |message, &size| message.varint(1, size as u64));
    message.varint(2, data_type as u64).bytes(8, name).bytes(9, bytes)
}

/// `ValueInfoProto`: the name, type and meaning of an input or output.
pub(super) fn value_info(name: &str, data_type: DataType, shape: &[Dim], meaning: &str) -> Message {
    let dim = |dim: &Dim| match *dim {
        Dim::Fixed(size) => Message::default().varint(1, size as u64),
        Dim::Free(name) => Message::default().bytes(2, name),
    };
    let shape = Message::default().each(1, shape.iter().map(dim));
    let tensor_type = Message::default().varint(1, data_type as u64).bytes(2, shape);
    Message::default().bytes(1, name).bytes(2, Message::default().bytes(1, tensor_type)).bytes(3, meaning)
}

/// `ModelProto` with ONNX's own operators.
pub(super) fn model(version: &str, description: &str, graph: Message, metadata: &[(&str, String)]) -> Message {
    let entries = metadata.iter().map(|(key, value)| Message::default().bytes(1, key).bytes(2, value));
    Message::default()
        .varint(1, IR_VERSION)
        .bytes(2, "pastiche")
        .bytes(3, version)
        .bytes(6, description)
        .bytes(7, graph)
        .bytes(8, Message::default().varint(2, OPSET))
        .each(14, entries)
}

/// The version of the operators; `LayerNormalization` is one since 17.
const OPSET: u64 = 17;
/// The version of the file format that came with [`OPSET`].
const IR_VERSION: u64 = 8;
