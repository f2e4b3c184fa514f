//! The TensorFlow `Event` messages that we write: version, scalar and text.
//!
//! Names and field numbers are those of `tensorflow/core/util/event.proto`, and of `summary.proto`, `tensor.proto` and
//! `types.proto` under `tensorflow/core/framework/`.

use prost::{Message, Oneof};

/// The format version, in the first event of a file.
const VERSION: &str = "brain.Event:2";

/// `DataType.DT_STRING`.
const STRING: i32 = 7;

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(oneof = "Value", tags = "2, 8")]
    value: Option<Value>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<SummaryMetadata>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Value {
    #[prost(float, tag = "2")]
    Simple(f32),
    #[prost(message, tag = "8")]
    Tensor(StringTensor),
}

/// A tensor of rank 0, whose shape has no dimensions.
#[derive(Clone, PartialEq, Message)]
struct StringTensor {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    tensor_shape: Option<TensorShape>,
    #[prost(string, repeated, tag = "8")]
    string_val: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShape {}

#[derive(Clone, PartialEq, Message)]
struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
}

/// The first event of a file.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    Event { wall_time, step: 0, what: Some(What::FileVersion(VERSION.into())) }.encode_to_vec()
}

/// A scalar as a `simple_value`, which old and new readers understand.
pub(super) fn scalar(step: u64, wall_time: f64, tag: &str, value: f32) -> Vec<u8> {
    let value = SummaryValue { tag: tag.into(), value: Some(Value::Simple(value)), metadata: None };
    summary(step, wall_time, value)
}

/// A text as a string tensor of rank 0, for the plugin `text`.
pub(super) fn text(step: u64, wall_time: f64, tag: &str, markdown: &str) -> Vec<u8> {
    let tensor = StringTensor { dtype: STRING, tensor_shape: Some(TensorShape {}), string_val: vec![markdown.into()] };
    let metadata = SummaryMetadata { plugin_data: Some(PluginData { plugin_name: "text".into() }) };
    let value = SummaryValue { tag: tag.into(), value: Some(Value::Tensor(tensor)), metadata: Some(metadata) };
    summary(step, wall_time, value)
}

fn summary(step: u64, wall_time: f64, value: SummaryValue) -> Vec<u8> {
    let summary = Summary { value: vec![value] };
    Event { wall_time, step: step as i64, what: Some(What::Summary(summary)) }.encode_to_vec()
}
