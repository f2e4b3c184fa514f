//! Configurations, tokenizers, questions, word vectors and texts.

use std::fs;
use std::path::Path;

use ::models::word_vectors::WordVectors;
use qa::{QaDataset, QaDatasetConfig};
use seqdata::{DatasetConfig, Random, TextDataset};
use serde::Serialize;
use serde_json::json;
use text_prep::keras::{KerasConfig, KerasTokenizer};
use text_prep::{CharacterOptions, Cleaner, GivenTokens, OovPolicy, PreTokenizer, SourceOptions, Tokenizer};

use super::{Case, accepted, one_in, pick, text};
use crate::config::{Config, LmExperiment, QaExperiment, QuestionsConfig, parse_config};
use crate::embedded;

/// Questions in the format of SQuAD 2.0.
pub const SQUAD: &str = r#"{"version": "v2.0", "data": [
{"title": "Fox", "paragraphs": [{"context": "The fox saw a crow. It ate 3 grapes in May.", "qas": [
{"id": "1", "question": "Who saw a crow?", "answers": [{"text": "The fox", "answer_start": 0}], "is_impossible": false},
{"id": "2", "question": "When?", "answers": [{"text": "May", "answer_start": 39}, {"text": "in May", "answer_start": 36}]}]}]},
{"title": "Frog", "paragraphs": [{"context": "A frog é jumped.\nThe lion slept.", "qas": [
{"id": "3", "question": "Who slept?", "answers": [{"text": "The lion", "answer_start": 17}], "is_impossible": false},
{"id": "4", "question": "Who ran?", "answers": [], "is_impossible": true}]}]}]}"#;

const JSONL: &str = r#"{"context": "A fox ran to a tree.", "question": "Who ran?", "answer": "fox", "start": 2}
{"context": "The crow had cheese.", "question": "What had the crow?", "answer": "cheese", "document": "Crow"}
{"context": "The crow had cheese.", "question": "Who had cheese?", "answer": "The crow", "document": "Crow", "id": "7"}
{"context": "Two frogs fell into a pail.", "question": "Who slept?", "answer": null}
{"context": "Two frogs fell into a pail.", "question": "Where?", "answer": "into a pail", "start": 15}
"#;

const NEWSQA: &str = "story_id,story_text,question,answer_token_ranges\n\
    a,\"A fox , he said , ran .\",Who ran ?,1:2\n\
    b,The crow had cheese .,What had the crow ?,\"2:3,3:4\"\n\
    b,The crow had cheese .,Who ?,\n\
    c,\"Two frogs \"\"fell\"\" in\na pail .\",Where ?,\"5:7\"\n";

const CORPUS: &str = "The Fox and the Crow\n\nA crow sat in a tree, with cheese — \u{201c}hers\u{201d}.\n\n\n\n\n\
    “What a voice!” said the fox; she cawed.\r\nIt fell. 여우는 웃었다! Ça va: naïve cafés, 1,234.50 e\u{301}.\n\n";

pub fn configuration(folder: &Path) -> Case {
    let path = folder.join("text.txt");
    fs::write(&path, CORPUS.repeat(20)).unwrap();
    let mut base: Config = parse_config(embedded::LSTM_CONFIG, "lstm.toml").unwrap();
    base.text = crate::config::Text { path: Some(path.as_path().into()), ..Default::default() };
    let all = toml::to_string(&base).unwrap();
    Box::new(move |random| {
        if let Some(config) = accepted(parse_config::<Config>(&toml(random, &base, &all), "case.toml"))
            && let Some(experiment) = accepted(LmExperiment::new(config, None))
        {
            let _ = accepted(experiment.model.zeros(&kernels::default_device()));
        }
    })
}

pub fn question_configuration(folder: &Path) -> Case {
    let path = folder.join("questions.json");
    fs::write(&path, SQUAD).unwrap();
    let mut base: QuestionsConfig = parse_config(embedded::QA_CONFIG, "qa.toml").unwrap();
    base.vocabulary.min_count = 1;
    let all = toml::to_string(&base).unwrap().replace("dataset = \"fables-qa\"", &format!("path = {path:?}"));
    let base: QuestionsConfig = parse_config(&all, "qa.toml").unwrap();
    Box::new(move |random| {
        if let Some(config) = accepted(parse_config::<QuestionsConfig>(&toml(random, &base, &all), "case.toml"))
            && let Some(experiment) = accepted(QaExperiment::new(config))
        {
            let _ = accepted(<qa::QuestionModel as ::models::Network>::zeros(
                &experiment.model,
                &kernels::default_device(),
            ));
        }
    })
}

/// A mutated TOML text.
fn toml(random: &mut Random, base: &impl Serialize, all: &str) -> String {
    let changed = (!one_in(random, 3)).then(|| {
        let value = text::value_of(random, json!(base));
        toml::to_string(&toml::Table::try_from(without_null(value)).ok()?).ok()
    });
    changed.flatten().unwrap_or_else(|| String::from_utf8_lossy(&text::lines(random, all)).into())
}

/// TOML has no null.
fn without_null(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_null(value)))
            .collect(),
        Value::Array(items) => items.into_iter().filter(|item| !item.is_null()).map(without_null).collect(),
        value => value,
    }
}

pub fn tokenizer(_: &Path) -> Case {
    let characters = PreTokenizer::from(CharacterOptions { jamo: true, ..CharacterOptions::default() });
    let bases: Vec<String> = [
        DatasetConfig::words(),
        DatasetConfig::words().cleaner(Cleaner::preset("keras-lowercase").unwrap()).document_separator("|"),
        DatasetConfig::characters(),
        DatasetConfig::characters().pre_tokenizer(characters),
        DatasetConfig::subwords().vocab_size(280),
    ]
    .map(|config| {
        let dataset = TextDataset::from_text(CORPUS.repeat(9)).config(config.context_len(3)).build().unwrap();
        dataset.tokenizer.to_json()
    })
    .into();
    let mut keras = KerasTokenizer::new(KerasConfig::default()).unwrap();
    keras.fit_on_texts(&[CORPUS]);
    let keras = keras.to_json();
    Box::new(move |random| {
        if one_in(random, 4) {
            let json = String::from_utf8_lossy(&text::json(random, keras.as_bytes())).into_owned();
            if let Some(tokenizer) = accepted(KerasTokenizer::from_json(&json)) {
                let _ = tokenizer.sequences_to_texts(&tokenizer.texts_to_sequences(&[CORPUS]));
            }
            return;
        }
        let base: &String = pick(random, &bases);
        let json = text::json(random, base.as_bytes());
        if let Some(given) = accepted(GivenTokens::from_json(&String::from_utf8_lossy(&json))) {
            let _ = given.ids_of(&given.vocabulary);
        }
        if let Some(tokenizer) = accepted(Tokenizer::from_json(&String::from_utf8_lossy(&json))) {
            for policy in [OovPolicy::Drop, OovPolicy::Unknown, OovPolicy::Error] {
                if let Some(encoded) = accepted(tokenizer.encode(CORPUS, policy)) {
                    let _ = tokenizer.decode(&encoded.ids);
                }
            }
            let mut ids = Vec::new();
            let _ = accepted(tokenizer.encode_stream(&mut &*CORPUS, |id| ids.push(id)));
            let _ = (tokenizer.vocabulary.to_tsv(), tokenizer.decode(&[0, 1, 2, u32::MAX]));
        }
    })
}

pub fn squad(folder: &Path) -> Case {
    questions(folder, "questions.json", |random| match random.below(3) {
        0 => text::lines(random, SQUAD),
        _ => text::json(random, SQUAD.as_bytes()),
    })
}

pub fn jsonl(folder: &Path) -> Case {
    questions(folder, "questions.jsonl", |random| match random.below(3) {
        0 => text::lines(random, JSONL),
        _ => {
            let mut lines: Vec<Vec<u8>> = JSONL.lines().map(|line| line.into()).collect();
            let at = random.below(lines.len() as u64) as usize;
            lines[at] = text::json(random, &lines[at]);
            lines.join(&b'\n')
        }
    })
}

pub fn newsqa(folder: &Path) -> Case {
    questions(folder, "questions.csv", |random| text::lines(random, NEWSQA))
}

fn questions(folder: &Path, name: &str, mutate: fn(&mut Random) -> Vec<u8>) -> Case {
    let path = folder.join(name);
    Box::new(move |random| {
        fs::write(&path, mutate(random)).unwrap();
        let config = QaDatasetConfig::default().min_count(1 + random.below(2));
        let data = QaDataset::from_file(&path).config(config).valid_fraction(0.5).seed(random.below(3));
        // Invalid items are left out, or an error.
        let _ = accepted(data.strict(random.below(2) == 0).build());
    })
}

pub fn vectors(_: &Path) -> Case {
    const BASES: [&str; 3] = [
        "the 1 -2.5 3e-2\nFox 3 -4 0\nnew york 0.5 6e-1 1\n가 7 8 9\n",
        "3 3\nthe 1 2 3\nfox 3 4 5\ncrow 0 0 0\n",
        "\u{feff}2 3\nthe\t1\t2\t3\nfox\t3\t4\t5\n",
    ];
    Box::new(|random| {
        let base: &&str = pick(random, &BASES);
        let changed = text::lines(random, base);
        let tokens = [(1, "the"), (2, "Fox"), (3, "fox"), (4, "new york"), (5, "가")];
        let _ = accepted(WordVectors::read(&changed[..], Path::new("v.txt"), 3, tokens.into_iter()));
    })
}

pub fn corpus(_: &Path) -> Case {
    let base = CORPUS.repeat(6);
    Box::new(move |random| {
        let changed = text::lines(random, &base);
        let encoding = *pick(
            random,
            &[None, None, Some("windows-1252"), Some("utf-16le"), Some("utf-32"), Some("euc-kr"), Some("gb18030")],
        );
        let mut options = SourceOptions { encoding: encoding.map(String::from), ..SourceOptions::default() };
        if one_in(random, 3) {
            options = options.excerpt("The Fox", "").strip_gutenberg(one_in(random, 2));
        }
        let reader = accepted(options.open_reader(&changed[..], "case.txt"));
        let Some(text) = reader.and_then(|reader| accepted(reader.into_text())) else { return };
        let config = match random.below(4) {
            0 => DatasetConfig::characters(),
            1 => DatasetConfig::characters()
                .pre_tokenizer(CharacterOptions { jamo: true, ..CharacterOptions::default() }),
            2 => DatasetConfig::words().cleaner(Cleaner::preset("keras-lowercase").unwrap()).document_separator("|"),
            _ => DatasetConfig::words(),
        };
        let config = config.context_len(1 + random.below(9) as usize).min_count(1 + random.below(3));
        if let Some(dataset) = accepted(TextDataset::from_text(text).config(config).build()) {
            let ids: Vec<u32> = dataset.ids.iter().take(200).collect();
            let _ = (dataset.tokenizer.decode(&ids), dataset.unigram_nats_per_token());
        }
    })
}
