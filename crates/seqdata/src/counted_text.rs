//! Reads the inputs of a dataset: cleans and tokenizes them, and numbers the tokens by first appearance.

use sha2::{Digest, Sha256};
use text_prep::{DocumentSource, TextSource, TextStream, TokenCounter};

use crate::dataset_config::DatasetConfig;
use crate::dataset_input::{DatasetInput, INPUTS};
use crate::documents::{MAX_LABELS, first_bits};
use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::ids_writer::IdsWriter;
use crate::text_hash::{self, InputHash, InputHasher};

/// The tokenized inputs with provisional ids, numbered by first appearance.
pub(crate) struct CountedText {
    /// The hash of the inputs before cleaning, in hexadecimal: of a single running text, its SHA-256.
    pub text_sha256: String,
    /// Unicode scalar values after cleaning.
    pub characters: usize,
    /// The distinct tokens; a token's number is its provisional id.
    pub counter: TokenCounter,
    /// The provisional ids of all inputs, one after another.
    pub provisional_ids: Ids,
    /// Where the ids of each input end.
    pub input_ends: [usize; INPUTS],
    /// Where the ids of each file of the training input start, if its files are split one by one; empty if it is not in
    /// files.
    pub file_starts: Vec<usize>,
    /// The documents, if the inputs are documents.
    pub documents: Option<CountedDocuments>,
}

/// The documents of the inputs that have tokens, in order.
#[derive(Default)]
pub(crate) struct CountedDocuments {
    /// Where the provisional ids of each document start.
    pub starts: Vec<u64>,
    /// A hash of the tokens of each document.
    pub hashes: Vec<u64>,
    /// The label of each document: its index in `label_names` and 1, or 0.
    pub labels: Vec<u32>,
    /// The names of the labels, in order of first appearance.
    pub label_names: TokenCounter,
    /// Documents without tokens.
    pub empty: usize,
    /// Where the documents of each input end.
    pub input_ends: [usize; INPUTS],
}

impl CountedText {
    /// Reads the inputs for training, validation and test.
    pub fn read(inputs: &mut [Option<DatasetInput<'_>>; INPUTS], config: &DatasetConfig) -> Result<Self> {
        let mut reader = Reader {
            config,
            characters: 0,
            counter: TokenCounter::new(),
            ids: IdsWriter::default(),
            documents: CountedDocuments::default(),
        };
        let (mut hashes, mut input_ends, mut file_starts) = (Vec::new(), [0; INPUTS], Vec::new());
        let mut has_documents = false;
        for (index, input) in inputs.iter_mut().enumerate() {
            match input {
                None => {}
                Some(DatasetInput::Text(source)) => {
                    let (hash, starts) = reader.read_text(source)?;
                    hashes.push((index, hash));
                    if index == 0 {
                        file_starts = starts;
                    }
                }
                Some(DatasetInput::Documents(source)) => {
                    hashes.push((index, reader.read_documents(source)?));
                    has_documents = true;
                }
            }
            input_ends[index] = reader.ids.len();
            reader.documents.input_ends[index] = reader.documents.starts.len();
        }
        let text_sha256 = text_hash::of_inputs(&hashes);
        let Reader { characters, counter, ids, documents, .. } = reader;
        let documents = has_documents.then_some(documents);
        let provisional_ids = ids.finish()?;
        Ok(Self { text_sha256, characters, counter, provisional_ids, input_ends, file_starts, documents })
    }
}

/// What was read so far.
struct Reader<'a> {
    config: &'a DatasetConfig,
    characters: usize,
    counter: TokenCounter,
    ids: IdsWriter,
    documents: CountedDocuments,
}

impl Reader<'_> {
    /// Reads a running text. Returns its hash and, if its files are split one by one, where the ids of each start.
    fn read_text(&mut self, text: &mut dyn TextSource) -> Result<(InputHash, Vec<usize>)> {
        let Self { config, characters, counter, ids, .. } = self;
        let mut hasher = InputHasher::text();
        let mut count = |clean: &str| *characters += clean.chars().count();
        let mut stream = TextStream::new(&config.cleaner, &config.pre_tokenizer);
        let mut file_starts = Vec::new();
        while let Some(chunk) = text.next_chunk()? {
            hasher.push_chunk(chunk);
            if config.each_file {
                let chunk = chunk.to_owned();
                if text.begins_file() {
                    // The last tokens of the file before are still in the stream.
                    let new = TextStream::new(&config.cleaner, &config.pre_tokenizer);
                    std::mem::replace(&mut stream, new).finish(&mut count, |token| ids.push(counter.add(token)));
                    file_starts.push(ids.len());
                }
                stream.push(&chunk, &mut count, |token| ids.push(counter.add(token)));
            } else {
                stream.push(chunk, &mut count, |token| ids.push(counter.add(token)));
            }
            ids.check()?;
        }
        stream.finish(&mut count, |token| ids.push(counter.add(token)));
        Ok((hasher.finish(), file_starts))
    }

    /// Reads documents, each as a text of its own. Returns the hash of their texts and labels.
    fn read_documents(&mut self, source: &mut dyn DocumentSource) -> Result<InputHash> {
        let Self { config, characters, counter, ids, documents } = self;
        let mut hasher = InputHasher::documents();
        while let Some(document) = source.next_document()? {
            hasher.push_document(document);
            let start = ids.len();
            let mut tokens = Sha256::new();
            let mut count = |clean: &str| *characters += clean.chars().count();
            let mut add = |token: &str| {
                tokens.update(token);
                // A byte that no token has.
                tokens.update([0xff]);
                ids.push(counter.add(token));
            };
            let mut stream = TextStream::new(&config.cleaner, &config.pre_tokenizer);
            stream.push(document.text, &mut count, &mut add);
            stream.finish(&mut count, &mut add);
            ids.check()?;
            if ids.len() == start {
                documents.empty += 1;
                continue;
            }
            documents.starts.push(start as u64);
            documents.hashes.push(first_bits(tokens));
            let label = document.label.filter(|label| !label.is_empty());
            documents.labels.push(label.map_or(0, |label| documents.label_names.add(label) + 1));
            if documents.label_names.len() > MAX_LABELS {
                return Err(Error::TooManyLabels { most: MAX_LABELS });
            }
            if documents.starts.len() > u32::MAX as usize {
                return Err(Error::TooManyDocuments);
            }
        }
        Ok(hasher.finish())
    }
}
