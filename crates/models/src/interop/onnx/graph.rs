//! Builds an ONNX graph node by node; values are called by their names.

use super::messages::{
    AttributeProto, Dimension, GraphProto, NodeProto, Number, Size, TensorProto, TensorShapeProto, TensorType,
    TypeProto, ValueInfoProto, attribute_type, data_type,
};
use crate::interop::array::Array;

/// The size of a dimension of an input or output.
#[derive(Clone, Copy)]
pub(super) enum Dim {
    Fixed(usize),
    /// Chosen by each call.
    Free(&'static str),
}

/// A graph to which nodes are added.
pub(super) struct Graph(GraphProto);

impl Graph {
    pub fn new(name: &str) -> Self {
        Self(GraphProto { name: name.into(), ..GraphProto::default() })
    }

    /// Adds weights as 32-bit floats. Returns the name.
    pub fn weights(&mut self, name: &str, array: &Array) -> String {
        let bytes = array.values.iter().flat_map(|&value| (value as f32).to_le_bytes());
        self.constant(name, &array.shape, data_type::FLOAT, bytes.collect())
    }

    /// Adds a vector of integers. Returns the name.
    pub fn integers(&mut self, name: &str, values: &[usize]) -> String {
        let bytes = values.iter().flat_map(|&value| (value as i64).to_le_bytes());
        self.constant(name, &[values.len()], data_type::INT64, bytes.collect())
    }

    fn constant(&mut self, name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let dims = shape.iter().map(|&size| size as i64).collect();
        self.0.initializer.push(TensorProto { dims, data_type, name: name.into(), raw_data });
        name.into()
    }

    /// Adds an input of the graph. Returns the name.
    pub fn input(&mut self, name: &str, data_type: i32, shape: &[Dim], what: &str) -> String {
        self.0.input.push(value_info(name, data_type, shape, what));
        name.into()
    }

    /// Makes the value `name` an output of the graph, of floats.
    pub fn output(&mut self, name: &str, shape: &[Dim], what: &str) {
        self.0.output.push(value_info(name, data_type::FLOAT, shape, what));
    }

    /// Adds an operator with one output and no attributes. Returns the output's name, which is that of the node, too.
    pub fn node(&mut self, op_type: &str, inputs: &[&str], output: &str) -> String {
        self.node_with(op_type, inputs, &[output], Vec::new());
        output.into()
    }

    /// Adds an operator, which is called like its first output that has a name.
    pub fn node_with(&mut self, op_type: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<AttributeProto>) {
        let names = |names: &[&str]| names.iter().map(|&name| String::from(name)).collect::<Vec<_>>();
        let name = outputs.iter().find(|name| !name.is_empty()).map_or_else(String::new, |&name| name.into());
        let (input, output) = (names(inputs), names(outputs));
        self.0.node.push(NodeProto { input, output, name, op_type: op_type.into(), attribute });
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
        self.node_with("Transpose", &[input], &[output], vec![integers("perm", order)]);
        output.into()
    }

    /// ln softmax of the last of three dimensions. Returns the output's name.
    pub fn log_softmax(&mut self, input: &str, output: &str) -> String {
        self.node_with("LogSoftmax", &[input], &[output], vec![integer("axis", 2)]);
        output.into()
    }

    pub fn into_message(self) -> GraphProto {
        self.0
    }
}

/// An attribute of one integer.
pub(super) fn integer(name: &str, value: usize) -> AttributeProto {
    AttributeProto { number: Some(Number::I(value as i64)), ..attribute(name, attribute_type::INT) }
}

/// An attribute of several integers.
fn integers(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&value| value as i64).collect();
    AttributeProto { ints, ..attribute(name, attribute_type::INTS) }
}

/// An attribute of one float.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { number: Some(Number::F(value as f32)), ..attribute(name, attribute_type::FLOAT) }
}

/// An attribute of several strings.
pub(super) fn strings(name: &str, values: &[&str]) -> AttributeProto {
    let strings = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    AttributeProto { strings, ..attribute(name, attribute_type::STRINGS) }
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind, ..AttributeProto::default() }
}

fn value_info(name: &str, data_type: i32, shape: &[Dim], what: &str) -> ValueInfoProto {
    let size = |dim: &Dim| match *dim {
        Dim::Fixed(size) => Size::Fixed(size as i64),
        Dim::Free(name) => Size::Free(name.into()),
    };
    let dim = shape.iter().map(|dim| Dimension { size: Some(size(dim)) }).collect();
    let tensor_type = TensorType { elem_type: data_type, shape: Some(TensorShapeProto { dim }) };
    let r#type = Some(TypeProto { tensor_type: Some(tensor_type) });
    ValueInfoProto { name: name.into(), r#type, doc_string: what.into() }
}
