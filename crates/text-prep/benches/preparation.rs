//! Throughput of reading, cleaning, splitting and counting text on one core, in bytes per second.
//! The text is the fables dataset, repeated in memory. `cargo bench -p pastiche-text-prep`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use text_prep::{
    CharacterOptions, Cleaner, PreTokenizer, SourceOptions, TextSource, TextStream, TokenCounter, WordOptions,
};

const FABLES: &str = include_str!("../../../datasets/fables/fables.txt");
/// Large enough that most words are already in the table, as in a long text.
const BYTES: usize = 16_000_000;

fn main() {
    divan::main();
}

#[divan::bench(args = ["prose", "keras-lowercase", "lowercase"], sample_count = 10, sample_size = 1)]
fn words(bencher: Bencher, preset: &str) {
    prepare(bencher, preset, PreTokenizer::Words(WordOptions::default()));
}

#[divan::bench(args = ["verbatim"], sample_count = 10, sample_size = 1)]
fn characters(bencher: Bencher, preset: &str) {
    prepare(bencher, preset, PreTokenizer::Characters(CharacterOptions::default()));
}

fn prepare(bencher: Bencher, preset: &str, pre_tokenizer: PreTokenizer) {
    let text = FABLES.repeat(BYTES / FABLES.len());
    let cleaner = Cleaner::preset(preset).expect("the preset exists");
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut reader = SourceOptions::default().open_reader(text.as_bytes(), "fables").expect("UTF-8");
        let mut stream = TextStream::new(&cleaner, &pre_tokenizer);
        let mut counter = TokenCounter::new();
        let mut id_sum = 0u64;
        let mut count = |token: &str| id_sum += u64::from(counter.add(token));
        while let Some(chunk) = reader.next_chunk().expect("memory can be read") {
            stream.push(chunk, |_| (), &mut count);
        }
        stream.finish(|_| (), &mut count);
        black_box((id_sum, counter.len()))
    });
}
