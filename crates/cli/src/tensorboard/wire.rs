//! Records and fields read back, for tests alone.

use std::io;

use super::protobuf::{FIXED32, FIXED64, LENGTH, VARINT};
use super::record::{HEAD, TAIL, checksum};

/// What the records in a file enclose, without a last one that was cut short: by the end of the
/// file, or by a power cut, which may leave a wrong record and zeros where the data should be.
///
/// # Errors
/// Names the byte at which there is a damaged record, with more behind it.
pub(super) fn records(file: &[u8]) -> io::Result<Vec<&[u8]>> {
    let mut records = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        match first(rest) {
            Ok((record, after)) => {
                records.push(record);
                rest = after;
            }
            Err(after) if after.iter().all(|&byte| byte == 0) => break,
            Err(_) => {
                let at = file.len() - rest.len();
                return Err(damaged(format!(
                    "the record at byte {at} does not have the checksum that it should have"
                )));
            }
        }
    }
    Ok(records)
}

/// The first record and what is behind it, or what is behind a damaged one.
fn first(file: &[u8]) -> Result<(&[u8], &[u8]), &[u8]> {
    let (head, rest) = file.split_at_checked(HEAD).ok_or(&[][..])?;
    let (length, sum) = head.split_at(8);
    if checksum(length) != sum {
        return Err(rest);
    }
    let length = u64::from_le_bytes(length.try_into().expect("8 of 12 bytes"));
    let length = usize::try_from(length).map_err(|_| &[][..])?;
    let (bytes, rest) = rest.split_at_checked(length).ok_or(&[][..])?;
    let (sum, rest) = rest.split_at_checked(TAIL).ok_or(&[][..])?;
    if checksum(bytes) == sum { Ok((bytes, rest)) } else { Err(rest) }
}

/// What a field holds; of fixed ones the bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a message and their numbers, in the order in which they lie there.
///
/// # Errors
/// If these bytes are no message.
pub(super) fn fields(mut bytes: &[u8]) -> io::Result<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = take_varint(&mut bytes)?;
        let value = match key & 7 {
            VARINT => Value::Varint(take_varint(&mut bytes)?),
            FIXED64 => Value::Fixed64(u64::from_le_bytes(take_array(&mut bytes)?)),
            LENGTH => {
                let length = take_varint(&mut bytes)?;
                Value::Bytes(take(&mut bytes, length)?)
            }
            FIXED32 => Value::Fixed32(u32::from_le_bytes(take_array(&mut bytes)?)),
            wire => return Err(damaged(format!("an event holds a field of wire type {wire}"))),
        };
        fields.push((key >> 3, value));
    }
    Ok(fields)
}

fn take_varint(bytes: &mut &[u8]) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take_array(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(damaged("an event holds a number of more than 64 bits".into()))
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> io::Result<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk().ok_or_else(short)?;
    *bytes = rest;
    Ok(*taken)
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> io::Result<&'a [u8]> {
    let length = usize::try_from(length).map_err(|_| short())?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or_else(short)?;
    *bytes = rest;
    Ok(taken)
}

fn short() -> io::Error {
    damaged("an event ends within a field".into())
}

/// The error of a file that holds what it should not.
pub(super) fn damaged(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
