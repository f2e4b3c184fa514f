//! A server with tiny models on a free port, and a client, for the tests of this crate.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;

use burn::tensor::Device;
use eval::TrainingText;
use generate::{Generator, Sampling};
use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
use qa::QaPipeline;
use serde_json::Value;
use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, WordOptions};

use crate::models::Models;
use crate::{Options, Result, ServedModel, ServedQuestionModel, Server, StopHandle};

/// An untrained model of these words.
pub fn generator(words: &[&str], layer: LayerConfig) -> Generator {
    generator_of(words, PreTokenizer::Words(WordOptions::default()), layer)
}

/// An untrained model of these tokens.
pub fn generator_of(tokens: &[&str], pre_tokenizer: PreTokenizer, layer: LayerConfig) -> Generator {
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("verbatim").unwrap(),
        pre_tokenizer,
        vocabulary: Vocabulary::from_counts(tokens.iter().map(|token| (*token, 1)), 1, true),
        document_separator: None,
        oov: OovPolicy::Unknown,
    };
    let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![layer]);
    let model = config.init(1, &Device::flex()).unwrap();
    Generator::new(LmBundle::new(model, tokenizer, LmMetadata::new(config, 3, 0, String::new())))
}

/// The words of the models `one` and `two`; `other` has others.
pub const WORDS: [&str; 8] = ["the", "fox", "crow", "saw", "a", "cheese", ".", "and"];

/// The training text of `one`.
pub const TEXT: &str = "a crow saw a cheese . the fox saw the crow and the cheese .";

/// The training text of `other`, with unknown words.
pub const OTHER_TEXT: &str = "wolf zorp lamb blarg wolf lamb wolf";

/// The model `one`.
pub fn one() -> Generator {
    generator(&WORDS, LayerConfig::lstm(6))
}

/// An untrained model of the same words whose cleaning puts twenty separators before a text.
pub fn with_separators() -> Generator {
    let words = [&WORDS[..], &["|"]].concat();
    let mut bundle = generator(&words, LayerConfig::lstm(6)).bundle().clone();
    bundle.tokenizer.cleaner = Cleaner::preset("lowercase").unwrap();
    bundle.tokenizer.document_separator = Some("|".into());
    Generator::new(bundle)
}

/// The address that continues texts.
pub const COMPLETIONS: &str = "/v1/completions";

/// Models with these names, and questions by rules.
pub fn models_of(generators: Vec<(&str, Generator)>) -> Models {
    let model = |(name, generator): (&str, Generator)| ServedModel {
        name: name.into(),
        generator,
        training_text: Err(String::new()),
        manifest_sha256: String::new(),
    };
    let questions = ServedQuestionModel { name: "rules".into(), pipeline: QaPipeline::by_rules() };
    Models::new(generators.into_iter().map(model).collect(), vec![questions])
}

/// A running server with the models `one`, `two` and `other`.
pub struct TestServer {
    pub address: SocketAddr,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<()>>>,
}

impl TestServer {
    /// A server on a free port with these options.
    pub fn start(options: impl FnOnce(Options) -> Options) -> Self {
        let generators = || {
            vec![
                ("one", one(), Some(TEXT)),
                ("two", generator(&WORDS, LayerConfig::gru(5)), None),
                ("other", generator(&["wolf", "lamb"], LayerConfig::lstm(4)), Some(OTHER_TEXT)),
            ]
        };
        Self::with_models(options, generators)
    }

    /// A server with these models, each with its name and its training text, if that was read.
    pub fn with_models(
        options: impl FnOnce(Options) -> Options,
        generators: impl FnOnce() -> Vec<(&'static str, Generator, Option<&'static str>)> + Send + 'static,
    ) -> Self {
        let loopback = Options::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        let sampling = Sampling::default().max_tokens(8);
        let server = Server::bind(options(Options { sampling, ..loopback })).unwrap();
        let (address, stop) = (server.address().unwrap(), server.stop_handle());
        let thread = std::thread::spawn(move || {
            let model = |(name, generator, text): (&str, Generator, Option<&str>)| {
                let ids = text.map(|text| generator.scored_ids(text).unwrap().1);
                let training_text = ids.map(|ids| TrainingText::new(ids, None));
                let training_text = training_text.ok_or_else(|| "it has changed: restore it".into());
                let manifest_sha256 = format!("hash of {name}");
                ServedModel { name: name.into(), generator, training_text, manifest_sha256 }
            };
            let questions = ServedQuestionModel { name: "rules".into(), pipeline: QaPipeline::by_rules() };
            server.run(generators().into_iter().map(model).collect(), vec![questions])
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// A server that shows the runs in `folder`.
    pub fn with_runs(folder: &Path) -> Self {
        Self::start(|options| Options { runs: Some(folder.into()), ..options })
    }

    /// Ends the server, and returns what its thread returned.
    pub fn stop(&mut self) -> Result<()> {
        self.stop.stop();
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }

    /// A connection with these bytes sent.
    pub fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// A request with a JSON body, or without one if it is null.
    pub fn begin(&self, path: &str, body: &Value) -> TcpStream {
        let host = self.address;
        self.send(&match body {
            Value::Null => format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").into_bytes(),
            body => post(&host.to_string(), path, &[("content-type", "application/json")], body.to_string().as_bytes()),
        })
    }

    /// The answer to a request.
    pub fn ask(&self, path: &str, body: &Value) -> Answer {
        Answer::read(self.begin(path, body))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let ended = self.stop();
        assert!(std::thread::panicking() || ended.is_ok());
    }
}

/// The bytes of a request with a body.
pub fn post(host: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [request.as_bytes(), body].concat()
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    /// Reads the answer to the end of the connection.
    pub fn read(stream: TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let (mut headers, mut body) = (String::new(), Vec::new());
        while !headers.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut headers).unwrap() > 0, "the headers end early: {headers}");
        }
        let headers = headers.to_lowercase();
        reader.read_to_end(&mut body).unwrap();
        if headers.contains("transfer-encoding: chunked") {
            body = dechunked(&body);
        }
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, headers, body: String::from_utf8(body).unwrap() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The message of an error object.
    pub fn error(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The text of the first choice.
    pub fn text(&self) -> String {
        self.json()["choices"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", self.body)).to_owned()
    }

    /// The data of all events.
    pub fn events(&self) -> Vec<&str> {
        self.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }
}

/// The bytes of a body in chunks, without the chunk that may be incomplete at the end.
fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|pair| pair == b"\r\n") {
        let length = std::str::from_utf8(&body[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let rest = &body[end + 2..];
        if length == 0 || rest.len() < length {
            break;
        }
        whole.extend_from_slice(&rest[..length]);
        body = rest.get(length + 2..).unwrap_or_default();
    }
    whole
}
