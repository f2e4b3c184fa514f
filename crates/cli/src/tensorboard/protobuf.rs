//! Protocol Buffers as bytes on the wire: fields by number, not what they mean.
//!
//! Written in the order of the field numbers and without default values, as the official
//! libraries do. Source: <https://protobuf.dev/programming-guides/encoding/>.

pub(super) const VARINT: u64 = 0;
pub(super) const FIXED64: u64 = 1;
pub(super) const LENGTH: u64 = 2;
pub(super) const FIXED32: u64 = 5;

/// A message in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn varint(self, field: u32, value: u64) -> Self {
        self.key(field, VARINT).raw_varint(value)
    }

    pub(super) fn double(self, field: u32, value: f64) -> Self {
        self.key(field, FIXED64).raw(&value.to_le_bytes())
    }

    pub(super) fn float(self, field: u32, value: f32) -> Self {
        self.key(field, FIXED32).raw(&value.to_le_bytes())
    }

    /// Bytes, a string, or a message within this one.
    pub(super) fn bytes(self, field: u32, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.key(field, LENGTH).raw_varint(value.len() as u64).raw(value)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn key(self, field: u32, wire: u64) -> Self {
        self.raw_varint(u64::from(field) << 3 | wire)
    }

    /// Seven bits a byte from the lowest; the eighth says that more follow.
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
    use super::super::wire::{Value, fields};
    use super::*;

    #[test]
    fn the_examples_of_the_encoding_guide_come_out() {
        assert_eq!(Message::default().varint(1, 150).finish(), [0x08, 0x96, 0x01]);
        let testing = Message::default().bytes(2, "testing").finish();
        assert_eq!(testing, b"\x12\x07testing");
        let nested = Message::default().bytes(3, Message::default().varint(1, 150));
        assert_eq!(nested.finish(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    #[test]
    fn fields_are_read_as_they_were_written() {
        let message = Message::default()
            .varint(1, u64::MAX)
            .varint(200, 0)
            .double(3, -0.5)
            .float(4, f32::INFINITY)
            .bytes(5, "")
            .finish();
        let expected = [
            (1, Value::Varint(u64::MAX)),
            (200, Value::Varint(0)),
            (3, Value::Fixed64((-0.5f64).to_bits())),
            (4, Value::Fixed32(f32::INFINITY.to_bits())),
            (5, Value::Bytes(b"")),
        ];
        assert_eq!(fields(&message).unwrap(), expected);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let endless = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let broken: [&[u8]; 6] = [
            &[0x08],
            &[0x09, 1, 2, 3],
            &[0x12, 5, b'a'],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x0b],
            &endless,
        ];
        for bytes in broken {
            assert!(fields(bytes).is_err(), "{bytes:?}");
        }
    }
}
