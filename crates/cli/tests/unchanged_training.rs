//! Training gives the same weights, bit for bit, as before: hashes of `weights.bpk` of small runs, per vector
//! width of the CPU. A deliberate change of arithmetic replaces them and is stated in CHANGELOG.md.

mod common;

use common::TestDir;
use serde_json::Value;

/// One hash for each vector width that was measured, in the order of [`WIDTHS`].
struct Case {
    name: &'static str,
    backend: &'static str,
    weights_sha256: [&'static str; 2],
}

const WIDTHS: [&str; 2] = ["avx512", "avx2"];

const CASES: [Case; 6] = [
    Case {
        name: "words",
        backend: "flex",
        weights_sha256: [
            "f215693060c7127419dd2eb3e8b83e970ae0c530cf108412bb930b035baec937",
            "609b010b45bc28e266e034262f1b46dd499a860599ae791b93bc501d8be1d836",
        ],
    },
    Case {
        name: "characters",
        backend: "flex",
        weights_sha256: [
            "b9cbb1662a653bba7ba58fc55e27a9e20616e7fe9bcdc0cab2a897a1a5634561",
            "3e5661a9cc27b180be32e77c9a49052516e851350016a8cdb7635d0d7c68a857",
        ],
    },
    Case {
        name: "questions",
        backend: "flex",
        weights_sha256: [
            "62d463ecb0c94d21ef3a91b1249fe4cf4e58533dbdc47b9848c8aea550227ad4",
            "d38c078077597da4faf0a335a8bc044cd80f2590c6a3bc27f6ee660d1c4694bd",
        ],
    },
    Case {
        name: "words",
        backend: "ndarray",
        weights_sha256: [
            "8f1a0ad61b1fa9d8584ea26dad31a0e8190890eed061cdb86560e827216d6dad",
            "cea64883c15cca1acf4646bae385325ec82bb95894a67f921f1593dd1490a8b2",
        ],
    },
    Case {
        name: "characters",
        backend: "ndarray",
        weights_sha256: [
            "b0fa31394d445011446d0bce75b6a4a72c5b3211059dc008bad41333b3091e57",
            "0dca10f173681da56bc1e8249388605a57d0f92a1346ef07192fd96297bb448e",
        ],
    },
    Case {
        name: "questions",
        backend: "ndarray",
        weights_sha256: [
            "4ba51a5e01491097ad1c2c48402a89860341799aae6d20db0cb6908059a437a2",
            "b89a2ff00b6694c5b31e135c8a3de8e7ef5365e48bc95b8d0dffd36e66ba9271",
        ],
    },
];

/// Windows: a stack of every cell.
const WORDS: &[&str] = &[
    "clean.preset=keras-lowercase",
    "seed=3",
    "train.batch_size=16",
    "model.embedding_dim=24",
    "model.layers=[{cell=\"lstm\",units=40},{cell=\"gru\",units=24},{cell=\"rnn\",units=17},\
     {cell=\"gru\",units=16,reset_after=false}]",
    "model.layer_dropout=0.1",
    "windows.context_len=12",
    "windows.stride=2",
];

/// Truncated BPTT with most options.
const CHARACTERS: &[&str] = &[
    "clean.preset=verbatim",
    "tokens.kind=characters",
    "tokens.capitals=shift",
    "seed=4",
    "train.mode=tbptt",
    "train.bptt_len=20",
    "train.batch_size=8",
    "model.embedding_dim=12",
    "model.projection=12",
    "model.tie_weights=true",
    "model.layers=[{cell=\"gru\",units=32,layer_norm=true,recurrent_dropout=0.1}]",
    "model.embedding_dropout=0.05",
    "model.locked_dropout=true",
    "train.ema_decay=0.9",
    "train.optimizer.kind=adam",
    "train.clip.global_norm=1.0",
    "train.schedule={kind=\"cosine\",warm_up_steps=5}",
];

/// Questions about the built-in fables. The batch is small so that no sum has more than 512 terms: longer sums are
/// split by the size of the CPU's caches.
const QUESTIONS: &str = r#"
task = "questions"
seed = 5
data = { dataset = "fables-qa", valid_fraction = 0.2 }
vocabulary = { min_count = 12, decoder_vocab = 60 }
sentences = { max_sentence_len = 30 }
[model]
embedding_dim = 16
features = 2
encoder = [{ cell = "gru", units = 6, bidirectional = true }]
extractor = [{ cell = "gru", units = 6, bidirectional = true }]
decoder = [{ cell = "gru", units = 8 }]
readout = 16
max_answer_len = 8
[train]
epochs = 1
batch_size = 16
ema_decay = 0.9
optimizer = { kind = "adam" }
"#;

/// The position in [`WIDTHS`] of what this CPU's kernels use. The hashes were computed on Linux: the mathematical
/// functions of other systems may round differently.
fn width() -> Option<usize> {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        use std::arch::is_x86_feature_detected as has;
        let avx512 = has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
        if avx512 {
            return Some(0);
        }
        if has!("avx2") && has!("fma") {
            return Some(1);
        }
    }
    None
}

fn weights_sha256(case: &Case) -> String {
    let dir = TestDir::new();
    let tiny = dir.path().join("datasets/tiny");
    std::fs::create_dir_all(&tiny).unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/old_runs/datasets/tiny/");
    for file in ["dataset.toml", "tiny.txt"] {
        std::fs::copy(format!("{fixtures}{file}"), tiny.join(file)).unwrap();
    }
    let train = ["train", "--backend", case.backend, "--out", "run"];
    let settings = match case.name {
        "words" => WORDS,
        "characters" => CHARACTERS,
        _ => &[],
    };
    let settings = settings.iter().flat_map(|setting| ["--set", *setting]);
    let common = ["text.dataset=tiny", "train.epochs=2", "samples.every_steps=0"];
    let common = common.iter().flat_map(|setting| ["--set", *setting]);
    let args: Vec<&str> = if case.name == "questions" {
        dir.file("questions.toml", QUESTIONS);
        train.into_iter().chain(["--config", "questions.toml"]).collect()
    } else {
        train.into_iter().chain(settings).chain(common).collect()
    };
    dir.run_ok(&args);
    let manifest = std::fs::read_to_string(dir.path().join("run/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["files"]["weights.bpk"].as_str().unwrap().to_owned()
}

#[test]
fn training_gives_the_same_weights_as_before() {
    let Some(width) = width() else {
        common::skipped("no hashes of trained weights are listed for this kind of CPU");
        return;
    };
    for case in &CASES {
        let expected = case.weights_sha256[width];
        assert_eq!(weights_sha256(case), expected, "{} on {}, {}", case.name, case.backend, WIDTHS[width]);
    }
}
