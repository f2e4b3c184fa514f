//! TensorFlow's `Event` messages, those few that we write: the version, a number, a text.
//!
//! Numbers of fields as in `tensorflow/core/util/event.proto`, and in `summary.proto`,
//! `tensor.proto` and `types.proto` under `tensorflow/core/framework/`.

use super::protobuf::Message;

/// The version of the format, in the first event of a file.
pub(super) const VERSION: &str = "brain.Event:2";
/// Numbers of fields.
pub(super) mod field {
    pub(in super::super) const EVENT_WALL_TIME: u32 = 1;
    pub(in super::super) const EVENT_STEP: u32 = 2;
    pub(in super::super) const EVENT_FILE_VERSION: u32 = 3;
    pub(in super::super) const EVENT_SUMMARY: u32 = 5;
    pub(in super::super) const SUMMARY_VALUE: u32 = 1;
    pub(in super::super) const VALUE_TAG: u32 = 1;
    pub(in super::super) const VALUE_SIMPLE: u32 = 2;
    pub(in super::super) const VALUE_TENSOR: u32 = 8;
    pub(in super::super) const VALUE_METADATA: u32 = 9;
    pub(in super::super) const METADATA_PLUGIN_DATA: u32 = 1;
    pub(in super::super) const PLUGIN_DATA_NAME: u32 = 1;
    pub(in super::super) const TENSOR_TYPE: u32 = 1;
    pub(in super::super) const TENSOR_SHAPE: u32 = 2;
    pub(in super::super) const TENSOR_STRING: u32 = 8;
}
use field::*;

/// `DataType.DT_STRING`.
const STRING: u64 = 7;

/// The first event of a file.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    event(0, wall_time).bytes(EVENT_FILE_VERSION, VERSION).finish()
}

/// A number: a `simple_value`, which old and new readers know.
pub(super) fn scalar(step: u64, wall_time: f64, tag: &str, value: f32) -> Vec<u8> {
    summary(step, wall_time, named(tag).float(VALUE_SIMPLE, value))
}

/// A text: a tensor of strings without an axis, for the plugin `text`.
pub(super) fn text(step: u64, wall_time: f64, tag: &str, markdown: &str) -> Vec<u8> {
    let tensor = Message::default()
        .varint(TENSOR_TYPE, STRING)
        .bytes(TENSOR_SHAPE, "")
        .bytes(TENSOR_STRING, markdown);
    let plugin = Message::default().bytes(PLUGIN_DATA_NAME, "text");
    let metadata = Message::default().bytes(METADATA_PLUGIN_DATA, plugin);
    summary(step, wall_time, named(tag).bytes(VALUE_TENSOR, tensor).bytes(VALUE_METADATA, metadata))
}

fn event(step: u64, wall_time: f64) -> Message {
    let event = Message::default().double(EVENT_WALL_TIME, wall_time);
    if step == 0 { event } else { event.varint(EVENT_STEP, step) }
}

fn summary(step: u64, wall_time: f64, value: Message) -> Vec<u8> {
    let summary = Message::default().bytes(SUMMARY_VALUE, value);
    event(step, wall_time).bytes(EVENT_SUMMARY, summary).finish()
}

fn named(tag: &str) -> Message {
    Message::default().bytes(VALUE_TAG, tag)
}
