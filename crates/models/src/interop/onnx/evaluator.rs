//! A reader and evaluator of ONNX models for tests, written after the documents of the format and of its operators alone: it
//! executes every graph that is exported, with the operators that `rten` does not have.
//!
//! Values are arrays of `f64`, whatever their type in the file: it has 32-bit floats, and small integers.

use std::collections::HashMap;

use super::evaluated_operators::operator;
use crate::interop::array::Array;

/// A model that was read.
pub(super) struct Evaluator {
    nodes: Vec<Node>,
    constants: HashMap<String, Array>,
    /// The names of the inputs, in the order of the file.
    pub inputs: Vec<String>,
    /// The names of the outputs, in the order of the file.
    pub outputs: Vec<String>,
    /// What does not depend on the version of the program: the encoded graph, the operators' version and the metadata.
    pub contents: Vec<Vec<u8>>,
}

/// An operator with the names of its values.
pub(super) struct Node {
    pub op_type: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: HashMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Default)]
pub(super) struct Attribute {
    pub float: f64,
    pub int: i64,
    pub ints: Vec<i64>,
    pub strings: Vec<String>,
}

impl Evaluator {
    /// Reads a `ModelProto`.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        let model = Fields::read(bytes)?;
        let graph_bytes = model.bytes(7).next().ok_or("no graph")?;
        let graph = Fields::read(graph_bytes)?;
        let names =
            |field| graph.bytes(field).map(|bytes| Fields::read(bytes)?.string(1)).collect::<Result<_, String>>();
        let mut constants = HashMap::new();
        for tensor in graph.bytes(5) {
            let (name, array) = constant(&Fields::read(tensor)?)?;
            constants.insert(name, array);
        }
        let nodes = graph.bytes(1).map(|bytes| Node::read(&Fields::read(bytes)?)).collect::<Result<_, _>>()?;
        let mut contents = vec![graph_bytes.to_vec()];
        contents.extend([8, 14].iter().flat_map(|&field| model.bytes(field).map(<[u8]>::to_vec)));
        Ok(Self { nodes, constants, inputs: names(11)?, outputs: names(12)?, contents })
    }

    /// The outputs for `inputs`, which are named; in the order of [`outputs`](Self::outputs).
    pub fn run(&self, inputs: HashMap<String, Array>) -> Vec<Array> {
        let mut values = self.constants.clone();
        values.extend(inputs);
        for node in &self.nodes {
            // The name of an absent input is empty.
            let inputs: Vec<Option<&Array>> = node
                .inputs
                .iter()
                .map(|name| (!name.is_empty()).then(|| values.get(name).unwrap_or_else(|| panic!("no value {name}"))))
                .collect();
            let results = operator(node, &inputs);
            values.extend(node.outputs.iter().cloned().zip(results));
        }
        self.outputs.iter().map(|name| values[name].clone()).collect()
    }
}

impl Node {
    fn read(fields: &Fields) -> Result<Self, String> {
        let attribute = |bytes| -> Result<(String, Attribute), String> {
            let fields = Fields::read(bytes)?;
            let int = fields.numbers(3).next().unwrap_or_default() as i64;
            let float = fields.numbers(2).next().map_or(0.0, |bits| f32::from_bits(bits as u32).into());
            let ints = fields.numbers(8).map(|value| value as i64).collect();
            Ok((fields.string(1)?, Attribute { float, int, ints, strings: fields.strings(9)? }))
        };
        Ok(Self {
            op_type: fields.string(4)?,
            inputs: fields.strings(1)?,
            outputs: fields.strings(2)?,
            attributes: fields.bytes(5).map(attribute).collect::<Result<_, _>>()?,
        })
    }
}

/// The name and the values of a `TensorProto` of 32-bit floats or 64-bit integers.
fn constant(fields: &Fields) -> Result<(String, Array), String> {
    let shape: Vec<usize> = fields.numbers(1).map(|size| size as usize).collect();
    let bytes = fields.bytes(9).next().unwrap_or_default();
    let values: Vec<f64> = match fields.numbers(2).next() {
        Some(1) => bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes).into()).collect(),
        Some(7) => bytes.as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect(),
        other => return Err(format!("a tensor of type {other:?}")),
    };
    let name = fields.string(8)?;
    if values.len() != shape.iter().product::<usize>() {
        return Err(format!("{name} has {} values for the shape {shape:?}", values.len()));
    }
    Ok((name, Array { shape, values }))
}

/// The fields of a message of Protocol Buffers by their numbers, in the order of the file.
struct Fields<'a>(Vec<(u64, Field<'a>)>);

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Fields<'a> {
    fn read(mut bytes: &'a [u8]) -> Result<Self, String> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let field = match key & 7 {
                0 => Field::Number(varint(&mut bytes)?),
                1 => Field::Number(u64::from_le_bytes(taken(&mut bytes, 8)?.try_into().unwrap())),
                2 => {
                    let length = varint(&mut bytes)?;
                    Field::Bytes(taken(&mut bytes, length as usize)?)
                }
                5 => Field::Number(u32::from_le_bytes(taken(&mut bytes, 4)?.try_into().unwrap()).into()),
                other => return Err(format!("wire type {other}")),
            };
            fields.push((key >> 3, field));
        }
        Ok(Self(fields))
    }

    fn numbers(&self, number: u64) -> impl Iterator<Item = u64> {
        self.0.iter().filter_map(move |(key, field)| match field {
            Field::Number(value) if *key == number => Some(*value),
            _ => None,
        })
    }

    fn bytes(&self, number: u64) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter_map(move |(key, field)| match field {
            Field::Bytes(value) if *key == number => Some(*value),
            _ => None,
        })
    }

    fn strings(&self, number: u64) -> Result<Vec<String>, String> {
        self.bytes(number).map(|bytes| String::from_utf8(bytes.into()).map_err(|error| error.to_string())).collect()
    }

    fn string(&self, number: u64) -> Result<String, String> {
        self.strings(number)?.pop().ok_or_else(|| format!("no field {number}"))
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = taken(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes".into())
}

fn taken<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or("the file ends early")?;
    *bytes = rest;
    Ok(taken)
}
