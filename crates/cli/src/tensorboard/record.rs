//! TFRecord, the frame of bytes in a file: knows lengths and checksums, not what they enclose.
//!
//! A record is `length: u64, checksum of length: u32, bytes, checksum of bytes: u32`, in little
//! endian, the checksums CRC-32C and masked. Source: `tsl/lib/io/record_writer.h` and
//! `tsl/lib/hash/crc32c.h`.

pub(super) const HEAD: usize = 12;
pub(super) const TAIL: usize = 4;

/// One record.
pub(super) fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(HEAD + bytes.len() + TAIL);
    record.extend(length);
    record.extend(checksum(&length));
    record.extend(bytes);
    record.extend(checksum(bytes));
    record
}

/// The masked CRC-32C. Masked, because the checksum of bytes that hold checksums is a weak one.
pub(super) fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::wire::records as read;
    use super::*;

    fn file(records: &[&[u8]]) -> Vec<u8> {
        records.iter().flat_map(|record| frame(record)).collect()
    }

    #[test]
    fn records_are_read_as_they_were_framed() {
        assert_eq!(read(b"").unwrap(), [b""; 0]);
        let long = vec![7; 70_000];
        let records: [&[u8]; 4] = [b"", b"a", &long, "여우".as_bytes()];
        assert_eq!(read(&file(&records)).unwrap(), records);
    }

    #[test]
    fn a_record_cut_short_is_left_out_wherever_it_is_cut() {
        let records: [&[u8]; 2] = [b"first", b"second"];
        let (file, first) = (file(&records), frame(records[0]).len());
        for length in first..file.len() {
            assert_eq!(read(&file[..length]).unwrap(), records[..1], "{length} bytes");
            // The length of the file was written, the data was not.
            let mut zeroed = file[..length].to_vec();
            zeroed.resize(file.len() + 1, 0);
            assert_eq!(read(&zeroed).unwrap(), records[..1], "{length} bytes and zeros");
        }
    }

    #[test]
    fn a_damaged_record_is_refused_if_more_follows() {
        let records: [&[u8]; 2] = [b"first", b"second"];
        let file = file(&records);
        for at in 0..frame(records[0]).len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            let error = read(&damaged).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("at byte 0 "), "{error}");
        }
    }
}
