//! Throughput of reading, cleaning, splitting and counting text on one core, in bytes per second.
//! The text is the fables dataset, repeated in memory. `cargo bench -p pastiche-text-prep`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use text_prep::{
    CharacterOptions, Cleaner, OovPolicy, PreTokenizer, SourceOptions, SubwordOptions, TextSource, TextStream,
    TokenCounter, Tokenizer, Vocabulary, WordOptions,
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

#[divan::bench(args = ["verbatim"], sample_count = 10, sample_size = 1)]
fn subword_pre_tokens(bencher: Bencher, preset: &str) {
    prepare(bencher, preset, PreTokenizer::Subwords(SubwordOptions::default()));
}

/// Training of a vocabulary of 1,000 subwords on the counts of the fables.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn train_subwords(bencher: Bencher) {
    let counter = count_pre_tokens();
    bencher.bench(|| Vocabulary::train_subwords(counter.iter(), 1_000).len());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn encode_subwords(bencher: Bencher) {
    let text = FABLES.repeat(BYTES / FABLES.len());
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("verbatim").expect("the preset exists"),
        pre_tokenizer: SubwordOptions::default().into(),
        vocabulary: Vocabulary::train_subwords(count_pre_tokens().iter(), 1_000),
        document_separator: None,
        oov: OovPolicy::Unknown,
    };
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut id_sum = 0u64;
        let mut reader = SourceOptions::default().open_reader(text.as_bytes(), "fables").expect("UTF-8");
        tokenizer.encode_stream(&mut reader, |id| id_sum += u64::from(id)).expect("memory can be read");
        id_sum
    });
}

fn count_pre_tokens() -> TokenCounter {
    let mut counter = TokenCounter::new();
    PreTokenizer::from(SubwordOptions::default()).for_each_token(FABLES, |token| {
        counter.add(token);
    });
    counter
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
