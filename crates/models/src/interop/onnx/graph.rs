//! Builds an ONNX graph node by node; values are called by their names.

use super::messages::{DataType, Dim, Value, attribute, node, tensor, value_info};
use crate::interop::array::Array;
use crate::interop::protobuf::Message;

/// A graph to which nodes are added, in the order of their computation.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
}

impl Graph {
    /// Adds weights as 32-bit floats. Returns the name.
    pub fn weights(&mut self, name: &str, array: &Array) -> String {
        let bytes: Vec<u8> = array.values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
        self.constants.push(tensor(name, DataType::Float, &array.shape, &bytes));
        name.into()
    }

    /// Adds a vector of integers. Returns the name.
    pub fn integers(&mut self, name: &str, values: &[usize]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|&value| (value as i64).to_le_bytes()).collect();
        self.constants.push(tensor(name, DataType::Int64, &[values.len()], &bytes));
        name.into()
    }

    /// Adds an input of the graph. Returns the name.
    pub fn input(&mut self, name: &str, data_type: DataType, shape: &[Dim], meaning: &str) -> String {
        self.inputs.push(value_info(name, data_type, shape, meaning));
        name.into()
    }

    /// Makes the value `name` an output of the graph, of floats.
    pub fn output(&mut self, name: &str, shape: &[Dim], meaning: &str) {
        self.outputs.push(value_info(name, DataType::Float, shape, meaning));
    }

    /// Adds an operator with one output and no attributes. Returns the output's name, which is that of the node, too.
    pub fn node(&mut self, op_type: &str, inputs: &[&str], output: &str) -> String {
        self.node_with(op_type, inputs, &[output], &[])
    }

    /// Adds an operator, which is called like its first output. Returns that name.
    pub fn node_with(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Value)],
    ) -> String {
        let attributes: Vec<Message> = attributes.iter().map(|(name, value)| attribute(name, value)).collect();
        self.nodes.push(node(op_type, outputs[0], inputs, outputs, &attributes));
        outputs[0].into()
    }

    /// x W + b. Returns the output's name.
    pub fn dense(&mut self, input: &str, kernel: &str, bias: &str, output: &str) -> String {
        let product = self.node("MatMul", &[input, kernel], &format!("{output}/product"));
        self.node("Add", &[&product, bias], output)
    }

    /// The values from `from` to before `to` of dimension `axis`. Returns the output's name.
    pub fn slice(&mut self, input: &str, axis: usize, [from, to]: [usize; 2], output: &str) -> String {
        let bounds = [("from", from), ("to", to), ("axis", axis)];
        let [from, to, axis] = bounds.map(|(key, value)| self.integers(&format!("{output}/{key}"), &[value]));
        self.node("Slice", &[input, &from, &to, &axis], output)
    }

    /// The dimensions in another order. Returns the output's name.
    pub fn transpose(&mut self, input: &str, order: &[usize], output: &str) -> String {
        self.node_with("Transpose", &[input], &[output], &[("perm", Value::Ints(order))])
    }

    /// ln softmax of the last of three dimensions. Returns the output's name.
    pub fn log_softmax(&mut self, input: &str, output: &str) -> String {
        self.node_with("LogSoftmax", &[input], &[output], &[("axis", Value::Int(2))])
    }

    /// The message `GraphProto`.
    pub fn into_message(self, name: &str) -> Message {
        let Self { nodes, constants, inputs, outputs } = self;
        Message::default().each(1, nodes).bytes(2, name).each(5, constants).each(11, inputs).each(12, outputs)
    }
}
