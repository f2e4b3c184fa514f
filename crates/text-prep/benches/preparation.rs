//! How fast text becomes numbers, in bytes a second: read, cleaned, split and counted on one core.
//! `cargo bench -p text-prep`
//!
//! What it does not know: disks. The text is the fables, over and over.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use text_prep::{Characters, Cleaner, Interner, Source, Splitter, Text, TextStream, Words};

const FABLES: &str = include_str!("../../../datasets/fables/fables.txt");
/// Long enough for all words to be known for most of the time, as in a long text.
const BYTES: usize = 16_000_000;

fn main() {
    divan::main();
}

#[divan::bench(args = ["prose", "book"], sample_count = 10, sample_size = 1)]
fn words(bencher: Bencher, preset: &str) {
    prepare(bencher, preset, Splitter::Words(Words::default()));
}

#[divan::bench(args = ["verbatim"], sample_count = 10, sample_size = 1)]
fn characters(bencher: Bencher, preset: &str) {
    prepare(bencher, preset, Splitter::Characters(Characters::default()));
}

fn prepare(bencher: Bencher, preset: &str, splitter: Splitter) {
    let text = FABLES.repeat(BYTES / FABLES.len());
    let cleaner = Cleaner::preset(preset).expect("a preset that there is");
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut pieces = Source::default().pieces(text.as_bytes(), "fables").expect("UTF-8");
        let mut stream = TextStream::new(&cleaner, &splitter);
        let mut interner = Interner::new();
        let mut numbers = 0u64;
        let mut count = |token: &str| numbers += u64::from(interner.intern(token));
        while let Some(piece) = pieces.next_piece().expect("memory can be read") {
            stream.push(piece, |_| (), &mut count);
        }
        stream.finish(|_| (), &mut count);
        black_box((numbers, interner.len()))
    });
}
