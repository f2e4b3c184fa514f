//! The TensorFlow `Event` messages that we write: version, scalar and text.
//!
//! Field numbers are those of `tensorflow/core/util/event.proto`, and of `summary.proto`, `tensor.proto` and
//! `types.proto` under `tensorflow/core/framework/`.

use models::interop::Message;

/// The format version, in the first event of a file.
const VERSION: &str = "brain.Event:2";

const EVENT_WALL_TIME: u32 = 1;
const EVENT_STEP: u32 = 2;
const EVENT_FILE_VERSION: u32 = 3;
const EVENT_SUMMARY: u32 = 5;
const SUMMARY_VALUE: u32 = 1;
const VALUE_TAG: u32 = 1;
const VALUE_SIMPLE: u32 = 2;
const VALUE_TENSOR: u32 = 8;
const VALUE_METADATA: u32 = 9;
const METADATA_PLUGIN_DATA: u32 = 1;
const PLUGIN_DATA_NAME: u32 = 1;
const TENSOR_TYPE: u32 = 1;
const TENSOR_SHAPE: u32 = 2;
const TENSOR_STRING: u32 = 8;

/// `DataType.DT_STRING`.
const STRING: u64 = 7;

/// The first event of a file.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    event(0, wall_time).bytes(EVENT_FILE_VERSION, VERSION).finish()
}

/// A scalar as a `simple_value`, which old and new readers understand.
pub(super) fn scalar(step: u64, wall_time: f64, tag: &str, value: f32) -> Vec<u8> {
    summary(step, wall_time, tagged(tag).float(VALUE_SIMPLE, value))
}

/// A text as a string tensor of rank 0, for the plugin `text`.
pub(super) fn text(step: u64, wall_time: f64, tag: &str, markdown: &str) -> Vec<u8> {
    let tensor = Message::default().varint(TENSOR_TYPE, STRING).bytes(TENSOR_SHAPE, "").bytes(TENSOR_STRING, markdown);
    let metadata = Message::default().bytes(METADATA_PLUGIN_DATA, Message::default().bytes(PLUGIN_DATA_NAME, "text"));
    let value = tagged(tag).bytes(VALUE_TENSOR, tensor).bytes(VALUE_METADATA, metadata);
    summary(step, wall_time, value)
}

fn event(step: u64, wall_time: f64) -> Message {
    let event = Message::default().double(EVENT_WALL_TIME, wall_time);
    if step == 0 { event } else { event.varint(EVENT_STEP, step) }
}

fn summary(step: u64, wall_time: f64, value: Message) -> Vec<u8> {
    event(step, wall_time).bytes(EVENT_SUMMARY, Message::default().bytes(SUMMARY_VALUE, value)).finish()
}

fn tagged(tag: &str) -> Message {
    Message::default().bytes(VALUE_TAG, tag)
}
