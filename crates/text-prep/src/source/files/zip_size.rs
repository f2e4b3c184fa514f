//! How much a zip archive unpacks to. The sizes that it states may be false, and the library that reads books has no limit,
//! so the entries are unpacked once without being kept.

use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;

/// The most bytes of a book in EPUB, and the most that all its entries may unpack to together.
pub const MAX_BOOK_LEN: u64 = 1 << 30;

/// The signatures of an archive's parts.
const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// Checks that the entries of a zip archive unpack to at most `limit` bytes together.
///
/// # Errors
/// Says what was found: too much, or a damaged archive.
pub(super) fn check(archive: &[u8], limit: u64) -> Result<(), String> {
    let at = end_of_directory(archive).ok_or("ends early, or has no directory")?;
    let (count, size, start) = (u16_at(archive, at + 10), u32_at(archive, at + 12), u32_at(archive, at + 16));
    let ((count, size), start) = count.zip(size).zip(start).ok_or("ends early")?;
    // The library would read another directory then.
    if count == u16::MAX || size == u32::MAX || start == u32::MAX {
        return Err("is a zip64 archive, which is not supported".into());
    }
    let (end, damaged) = (at, "has a damaged directory");
    if u64::from(start) + u64::from(size) != end as u64 {
        return Err(damaged.into());
    }
    let (mut at, mut total) = (start as usize, 0);
    for _ in 0..count {
        let entry = entry(archive, at).ok_or(damaged)?;
        total +=
            unpacked_len(entry.data, entry.method, limit - total).map_err(|error| format!("is damaged ({error})"))?;
        if total > limit {
            return Err(format!("unpacks to more than {} MiB, the limit", limit >> 20));
        }
        at = entry.next;
    }
    if at == end { Ok(()) } else { Err(damaged.into()) }
}

/// An entry of the directory.
struct Entry<'a> {
    method: u16,
    data: &'a [u8],
    /// Offset of the next entry in the directory.
    next: usize,
}

/// The entry of the directory at this offset.
fn entry(archive: &[u8], at: usize) -> Option<Entry<'_>> {
    if u32_at(archive, at)? != ENTRY {
        return None;
    }
    let (method, packed, local) = (u16_at(archive, at + 10)?, u32_at(archive, at + 20)?, u32_at(archive, at + 42)?);
    let (packed, local) = (packed as usize, local as usize);
    let lengths = [28, 30, 32].map(|field| u16_at(archive, at + field).map_or(0, usize::from));
    // The header before the data has lengths of its own.
    let names = usize::from(u16_at(archive, local + 26)?) + usize::from(u16_at(archive, local + 28)?);
    let data = archive.get(local + 30 + names..)?.get(..packed)?;
    Some(Entry { method, data, next: at + 46 + lengths.iter().sum::<usize>() })
}

/// The length of an entry's data when unpacked, counted up to one byte above `limit`.
fn unpacked_len(data: &[u8], method: u16, limit: u64) -> io::Result<u64> {
    match method {
        0 => Ok(data.len() as u64),
        8 => io::copy(&mut DeflateDecoder::new(data).take(limit + 1), &mut io::sink()),
        _ => Err(io::Error::other(format!("an entry is compressed by method {method}"))),
    }
}

/// The offset of the last complete end record, which a comment of at most 64 KiB may follow.
fn end_of_directory(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(22)?;
    let is_complete = |at| u16_at(archive, at + 20).is_some_and(|comment| at + usize::from(comment) <= last);
    (last.saturating_sub(0xffff)..=last).rev().find(|&at| u32_at(archive, at) == Some(END) && is_complete(at))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}
