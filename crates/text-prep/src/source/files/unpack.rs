//! Unpacks files that are compressed by gzip or zstd, which their first bytes show, in blocks and within a limit.

use std::cell::Cell;
use std::error::Error as StdError;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::InputError;
use super::kind::{gzip_or_zstd, reject_other_formats};
use crate::error::{Error, Result};
use crate::source::decode::BLOCK;

/// How many times its compressed size a file may unpack to. Texts are compressed to a third or a tenth, a very repetitive
/// one to a hundredth.
pub const MAX_UNPACKING_RATIO: u64 = 200;
/// Unpacked bytes up to which [`MAX_UNPACKING_RATIO`] does not hold.
pub const UNPACKED_WITHOUT_LIMIT: u64 = 64 << 20;

/// The bytes of a file, unpacked, with a copy of the first ones.
pub(super) struct Unpacked<'a> {
    /// At least [`BLOCK`] bytes, or all.
    pub head: Vec<u8>,
    /// All bytes, from the first one.
    pub bytes: Box<dyn Read + 'a>,
}

impl<'a> Unpacked<'a> {
    /// Recognises the format of `file`, which errors call `name`.
    ///
    /// # Errors
    /// If it cannot be read, or is neither text nor a book, compressed or not.
    pub fn open(name: &str, file: impl Read + 'a) -> Result<Self> {
        Self::open_within(name, file, UNPACKED_WITHOUT_LIMIT)
    }

    /// As [`open`](Self::open), with another value of [`UNPACKED_WITHOUT_LIMIT`].
    pub fn open_within(name: &str, file: impl Read + 'a, from: u64) -> Result<Self> {
        let file = Self::of(name, file)?;
        let Some(format) = gzip_or_zstd(&file.head) else {
            reject_other_formats(name, &file.head)?;
            return Ok(file);
        };
        let packed = Rc::new(Cell::new(0));
        let reader = BufReader::with_capacity(BLOCK, Counted { reader: file.bytes, count: packed.clone() });
        let bytes: Box<dyn Read + 'a> = match format {
            Compression::Gzip => Box::new(MultiGzDecoder::new(reader)),
            Compression::Zstd => Box::new(Zstd { source: reader, decoder: FrameDecoder::new(), is_in_frame: false }),
        };
        let unpacked = Self::of(name, Limited { bytes, name: name.into(), format, packed, unpacked: 0, from })?;
        if gzip_or_zstd(&unpacked.head).is_some() {
            let (what, expected) = ("compressed twice", "a text or a table that is compressed once; unpack it");
            return Err(InputError::NotText { name: name.into(), what, expected }.into());
        }
        reject_other_formats(name, &unpacked.head)?;
        Ok(unpacked)
    }

    fn of(name: &str, mut reader: impl Read + 'a) -> Result<Self> {
        let mut head = Vec::new();
        reader.by_ref().take(BLOCK as u64).read_to_end(&mut head).map_err(|error| Error::reading(name, error))?;
        let bytes = Box::new(Cursor::new(head.clone()).chain(reader));
        Ok(Self { head, bytes })
    }
}

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// A reader whose bytes are counted.
struct Counted<R> {
    reader: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Unpacked bytes, which may not be too many.
struct Limited<R> {
    bytes: R,
    name: String,
    format: Compression,
    /// Compressed bytes that were read.
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    /// Unpacked bytes from which on there is a limit.
    from: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (name, format) = (|| self.name.clone(), self.format.name());
        let read = match self.bytes.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            // The error of reading the compressed file itself.
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(error) => {
                let problem = if ends_early(&error) { "ends early".into() } else { format!("is damaged ({error})") };
                return Err(Error::from(InputError::DamagedArchive { name: name(), format, problem }).into_io());
            }
            Ok(read) => read,
        };
        self.unpacked += read as u64;
        let (ratio, from) = (MAX_UNPACKING_RATIO, self.from);
        if self.unpacked > from && self.unpacked / ratio > self.packed.get() {
            return Err(Error::from(InputError::UnpacksToTooMuch { name: name(), format, ratio, from }).into_io());
        }
        Ok(read)
    }
}

/// Whether an error or one of its sources is the end of the input.
fn ends_early(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == ErrorKind::UnexpectedEof) {
            return true;
        }
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// Unpacks all frames of a zstd file.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Starts the next frame and skips those without data; false at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame {
                self.is_in_frame = self.next_frame()?;
                if !self.is_in_frame {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let (found, computed) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if found.is_some() && found != computed {
                return Err(io::Error::new(ErrorKind::InvalidData, "its checksum does not match"));
            }
            self.is_in_frame = false;
        }
    }
}
