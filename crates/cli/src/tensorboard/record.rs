//! TFRecord framing of byte strings in a file.
//!
//! A record is `length: u64, checksum of length: u32, bytes, checksum of bytes: u32`, little endian; the
//! checksums are masked CRC-32C. Source: `tsl/lib/io/record_writer.h` and `tsl/lib/hash/crc32c.h`.

/// One record that contains `bytes`.
pub(super) fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), bytes, &checksum(bytes)].concat()
}

/// The masked CRC-32C; masked because the CRC of data that contains CRCs is weak.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
