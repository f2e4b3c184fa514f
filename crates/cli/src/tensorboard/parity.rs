//! Compares what TensorBoard itself reads from our files with what was written.
//!
//! `xtask/parity/event_files.py` opens the committed files with TensorBoard and writes the committed JSON.
//! `WRITE_FIXTURE=1 cargo test -p pastiche-cli tensorboard::parity` writes the files again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;

const START: f64 = 1_700_000_000.25;
/// Step, tag, value. A step may be 0, and a diverged loss may be infinite or NaN.
const SCALARS: &[(u64, &str, f64)] = &[
    (0, "train/loss", 6.25),
    (50, "train/loss", 0.1),
    (50, "epoch/learning rate", 0.001),
    (100, "train/loss", f64::NAN),
    (3_000_000_000, "train/loss", f64::INFINITY),
    (3_000_000_000, "망설임", -0.0),
];
/// Step, tag, Markdown.
const TEXTS: &[(u64, &str, &str)] = &[
    (50, "sample/temperature 0.5", "> The fox, *who* was hungry,\n> saw the **grapes**."),
    (50, "sample/temperature 1", ""),
    (100, "sample/temperature 0.5", "여우는 포도를 보았다 🦊 \"신\" <b>\\</b>"),
];
const VECTORS: &[(&str, &[f32])] = &[
    ("fox", &[0.1, -2.5, 1e-20]),
    (" ", &[0.0, 3.0, 16_777_216.0]),
    ("\n", &[1.0, 0.5, 0.25]),
    ("여우🦊", &[-1.0, -0.5, -0.25]),
    ("7", &[1.5, 2.5, 3.5]),
];
const TENSOR: &str = "embedding";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// One second per step.
fn wall_time(step: u64) -> f64 {
    START + step as f64
}

/// Writes scalars and texts alternately, as a run does.
fn write(directory: &Path) -> crate::error::Result<()> {
    fs::create_dir_all(directory).unwrap();
    let mut file = EventFile::create(directory, START, 1)?;
    let mut steps: Vec<u64> = SCALARS.iter().map(|scalar| scalar.0).collect();
    steps.dedup();
    for step in steps {
        for &(_, tag, value) in SCALARS.iter().filter(|scalar| scalar.0 == step) {
            file.scalar(step, wall_time(step), tag, value)?;
        }
        for &(_, tag, text) in TEXTS.iter().filter(|text| text.0 == step) {
            file.text(step, wall_time(step), tag, text)?;
        }
    }
    write_projector(directory, TENSOR, VECTORS.iter().copied())
}

fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_string();
    let mut files: Vec<_> = entries.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// A number as JSON; JSON has no infinities and no NaN.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string().to_lowercase()) }
}

#[test]
fn the_files_are_byte_for_byte_the_committed_ones() {
    let committed = fixtures().join("tensorboard");
    if std::env::var_os("WRITE_FIXTURE").is_some() {
        if committed.exists() {
            fs::remove_dir_all(&committed).unwrap();
        }
        write(&committed).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).unwrap();
    let (written, committed) = (files(folder.path()), files(&committed));
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> { files.iter().map(|file| file.0.clone()).collect() };
    assert_eq!(names(&written), names(&committed));
    for (written, committed) in written.iter().zip(&committed) {
        assert!(written == committed, "{} has other bytes", written.0);
    }
}

#[test]
fn tensorboard_reads_what_was_written() {
    let read = fs::read_to_string(fixtures().join("tensorboard.json")).unwrap();
    let read: Value = serde_json::from_str(&read).unwrap();

    assert_eq!(read["file_version"], 2.0);
    // The official library encodes the events that it has read to the same bytes.
    assert_eq!(read["canonical"], true);
    let scalars = SCALARS.iter().map(|&(step, tag, value)| {
        // TensorBoard stores 32-bit floats.
        let value = number(f64::from(value as f32));
        json!({"tag": tag, "step": step, "wall_time": wall_time(step), "value": value})
    });
    assert_same(&read["scalars"], scalars.collect());
    let texts = TEXTS
        .iter()
        .map(|&(step, tag, text)| json!({"tag": tag, "step": step, "wall_time": wall_time(step), "text": text}));
    assert_same(&read["texts"], texts.collect());

    let projector = &read["projector"];
    assert_eq!(
        projector["config"]["embeddings"],
        json!([{
            "tensorName": TENSOR,
            "tensorShape": [VECTORS.len(), VECTORS[0].1.len()],
            "tensorPath": "embedding.tsv",
            "metadataPath": "metadata.tsv",
        }])
    );
    assert_eq!(projector["names"], json!(["fox", "\\u{20}", "\\n", "여우🦊", "7"]));
    let vectors: Vec<_> = VECTORS.iter().map(|row| row.1).collect();
    assert_eq!(projector["vectors"], json!(vectors));
}

/// Compares two lists of events in any order; TensorBoard orders the tags in its own way.
fn assert_same(read: &Value, mut written: Vec<Value>) {
    let mut read = read.as_array().unwrap().clone();
    let key = |event: &Value| (event["tag"].to_string(), event["step"].as_u64());
    read.sort_by_key(key);
    written.sort_by_key(key);
    assert_eq!(read, written);
}
