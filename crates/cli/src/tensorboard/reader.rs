//! Event files read back, for tests alone.

use std::fs;
use std::io;
use std::path::Path;

use super::event::field::*;
use super::wire::{Value, damaged, fields, records};

/// One value of an event; an event of several is several of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The step, 0 if the event names none.
    pub step: u64,
    /// Seconds since 1970.
    pub wall_time: f64,
    /// What it tells.
    pub what: What,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The version of the file.
    Version(String),
    /// A number.
    Scalar {
        /// Of what.
        tag: String,
        /// The number.
        value: f32,
    },
    /// A text.
    Text {
        /// Of what.
        tag: String,
        /// Markdown.
        text: String,
    },
}

/// The events in a file, in order, without a last one that was cut short.
///
/// # Errors
/// If it cannot be read, is damaged, or holds what we do not write.
pub fn read(path: &Path) -> io::Result<Vec<Event>> {
    let bytes = fs::read(path)?;
    let mut events = Vec::new();
    for message in records(&bytes)? {
        let (mut step, mut wall_time, mut told) = (0, 0.0, Vec::new());
        for (number, value) in fields(message)? {
            match (number as u32, value) {
                (EVENT_WALL_TIME, Value::Fixed64(bits)) => wall_time = f64::from_bits(bits),
                (EVENT_STEP, Value::Varint(value)) => step = value,
                (EVENT_FILE_VERSION, Value::Bytes(value)) => {
                    told.push(What::Version(string(value)?));
                }
                (EVENT_SUMMARY, Value::Bytes(summary)) => {
                    for value in all(summary, SUMMARY_VALUE)? {
                        told.push(summary_value(value)?);
                    }
                }
                other => return Err(damaged(format!("an event holds {other:?}"))),
            }
        }
        events.extend(told.into_iter().map(|what| Event { step, wall_time, what }));
    }
    Ok(events)
}

fn summary_value(value: &[u8]) -> io::Result<What> {
    let tag = string(one(value, VALUE_TAG)?)?;
    let simple = fields(value)?.into_iter().find_map(|field| match field {
        (number, Value::Fixed32(bits)) if number == u64::from(VALUE_SIMPLE) => Some(bits),
        _ => None,
    });
    if let Some(bits) = simple {
        return Ok(What::Scalar { tag, value: f32::from_bits(bits) });
    }
    let plugin = one(one(value, VALUE_METADATA)?, METADATA_PLUGIN_DATA)?;
    if one(plugin, PLUGIN_DATA_NAME)? != b"text" {
        return Err(damaged(format!("{tag} is neither a number nor a text")));
    }
    let text = string(one(one(value, VALUE_TENSOR)?, TENSOR_STRING)?)?;
    Ok(What::Text { tag, text })
}

/// All that a field of bytes holds.
fn all(message: &[u8], field: u32) -> io::Result<Vec<&[u8]>> {
    let found = fields(message)?.into_iter().filter_map(|(number, value)| match value {
        Value::Bytes(bytes) if number == u64::from(field) => Some(bytes),
        _ => None,
    });
    Ok(found.collect())
}

/// What a field of bytes holds that is there once.
fn one(message: &[u8], field: u32) -> io::Result<&[u8]> {
    match all(message, field)?[..] {
        [bytes] => Ok(bytes),
        ref found => Err(damaged(format!("field {field} is there {} times", found.len()))),
    }
}

fn string(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.into()).map_err(|error| damaged(error.to_string()))
}
