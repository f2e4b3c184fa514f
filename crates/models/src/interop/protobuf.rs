//! An encoder for Protocol Buffers messages, of ONNX models and TensorBoard events.
//!
//! The caller writes fields in the order of their numbers and leaves out default values, as the official
//! libraries do. Source: <https://protobuf.dev/programming-guides/encoding/>.

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED32: u64 = 5;

/// The encoded fields of a Protocol Buffers message. Fields are added in the order of their numbers, default values left out.
#[derive(Clone, Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// Adds an integer that is not negative.
    pub fn varint(self, field: u32, value: u64) -> Self {
        self.key(field, VARINT).raw_varint(value)
    }

    /// Adds a 64-bit float.
    pub fn double(self, field: u32, value: f64) -> Self {
        self.key(field, FIXED64).raw(&value.to_le_bytes())
    }

    /// Adds a 32-bit float.
    pub fn float(self, field: u32, value: f32) -> Self {
        self.key(field, FIXED32).raw(&value.to_le_bytes())
    }

    /// Adds bytes, a string or a nested message.
    pub fn bytes(self, field: u32, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.key(field, LENGTH_DELIMITED).raw_varint(value.len() as u64).raw(value)
    }

    /// Adds a repeated field.
    pub fn each<T: AsRef<[u8]>>(self, field: u32, values: impl IntoIterator<Item = T>) -> Self {
        values.into_iter().fold(self, |message, value| message.bytes(field, value))
    }

    /// The encoded message.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    fn key(self, field: u32, wire_type: u64) -> Self {
        self.raw_varint(u64::from(field) << 3 | wire_type)
    }

    /// Seven bits per byte, lowest first; the eighth bit is set if more bytes follow.
    fn raw_varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_encoding_guide_are_reproduced() {
        assert_eq!(Message::default().varint(1, 150).finish(), [0x08, 0x96, 0x01]);
        let testing = Message::default().bytes(2, "testing").finish();
        assert_eq!(testing, b"\x12\x07testing");
        let nested = Message::default().bytes(3, Message::default().varint(1, 150));
        assert_eq!(nested.finish(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    #[test]
    fn extreme_values_and_field_numbers_are_encoded() {
        let largest = [&[0x08][..], &[0xff; 9], &[0x01]].concat();
        assert_eq!(Message::default().varint(1, u64::MAX).finish(), largest);
        assert_eq!(Message::default().varint(200, 0).finish(), [0xc0, 0x0c, 0x00]);
        let double = [0x19, 0, 0, 0, 0, 0, 0, 0xe0, 0xbf];
        assert_eq!(Message::default().double(3, -0.5).finish(), double);
        let float = [0x25, 0, 0, 0x80, 0x7f];
        assert_eq!(Message::default().float(4, f32::INFINITY).finish(), float);
        assert_eq!(Message::default().bytes(5, "").finish(), [0x2a, 0x00]);
        let long = Message::default().bytes(5, vec![7; 70_000]).finish();
        assert_eq!((&long[..4], long.len()), (&[0x2a, 0xf0, 0xa2, 0x04][..], 70_004));
    }
}
