//! The embedding projector: one vector and one name a token, and the file that joins them.
//!
//! Source: `tensorboard/plugins/projector/projector_config.proto`, and for what the tables may hold
//! the parsers of the plugin, `projector_plugin.py` and `data-provider.ts`.

use std::fmt::Write as _;
use std::path::Path;

use durable::Staged;

use crate::error::{Error, Result};

const VECTORS: &str = "embedding.tsv";
const NAMES: &str = "metadata.tsv";
/// The plugin looks for this name.
const CONFIG: &str = "projector_config.pbtxt";

/// Writes `embedding.tsv`, `metadata.tsv` and `projector_config.pbtxt` into `directory`, in which
/// TensorBoard shows the rows as the tensor `tensor`.
///
/// # Errors
/// If there are no rows, a vector holds no number or is not as long as the first, or the file
/// system refuses. What was there is untouched if a row or a full disk is to blame.
pub fn write_projector<'a>(
    directory: &Path,
    tensor: &str,
    rows: impl IntoIterator<Item = (&'a str, &'a [f32])>,
) -> Result<()> {
    let (mut vectors, mut names) = (String::new(), String::new());
    let mut size = None;
    for (name, vector) in rows {
        let expected = *size.get_or_insert(vector.len());
        if vector.len() != expected {
            let found = vector.len();
            return Err(Error::new(format!(
                "the vector of {name:?} holds {found} numbers, not {expected}"
            )));
        }
        for (at, number) in vector.iter().enumerate() {
            let tab = if at == 0 { "" } else { "\t" };
            write!(vectors, "{tab}{number}").expect("a string takes all");
        }
        vectors.push('\n');
        names.push_str(&shown(name));
        names.push('\n');
    }
    match size {
        None => return Err(Error::new("there are no vectors")),
        Some(0) => return Err(Error::new("the vectors hold no numbers")),
        Some(_) => {}
    }
    // All are written before any is put in its place; the one that joins them comes last.
    let mut staged = Vec::new();
    for (name, text) in [(VECTORS, &vectors), (NAMES, &names), (CONFIG, &config(tensor))] {
        staged.push(Staged::write(directory.join(name), text.as_bytes())?);
    }
    Ok(staged.into_iter().try_for_each(Staged::rename)?)
}

/// A `ProjectorConfig` in the text format of Protocol Buffers.
fn config(tensor: &str) -> String {
    let mut quoted = String::new();
    for c in tensor.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Octal, which ends after three digits whatever follows.
            c if c.is_ascii_control() => quoted.push_str(&format!("\\{:03o}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    format!(
        "embeddings {{\n  tensor_name: \"{quoted}\"\n  tensor_path: \"{VECTORS}\"\n  \
         metadata_path: \"{NAMES}\"\n}}\n"
    )
}

/// A name as one cell of a table: control characters and backslashes escaped. The plugin passes
/// over blank lines, and all later names would move up: a blank name is escaped whole, an empty
/// one is two quotation marks.
fn shown(name: &str) -> String {
    if name.is_empty() {
        return "\"\"".into();
    }
    // JavaScript trims the byte-order mark too.
    let blank = name.chars().all(|c| c.is_whitespace() || c == '\u{feff}');
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            c if c.is_control() || c == '\\' => shown.extend(c.escape_default()),
            c if blank => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_name_fills_one_line_and_one_cell() {
        let names = [
            ("fox", "fox"),
            ("the fox", "the fox"),
            ("여우🦊", "여우🦊"),
            ("a\tb\nc\rd\\", "a\\tb\\nc\\rd\\\\"),
            (" ", "\\u{20}"),
            ("\n \u{feff}", "\\n\\u{20}\\u{feff}"),
            ("\u{3000}", "\\u{3000}"),
            ("\u{85}", "\\u{85}"),
            ("", "\"\""),
        ];
        for (name, expected) in names {
            assert_eq!(shown(name), expected, "{name:?}");
        }
    }

    #[test]
    fn numbers_are_read_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let vector = [0.1, -0.0, f32::MIN_POSITIVE, f32::MAX, 1e-45, 16_777_216.0];
        write_projector(folder.path(), "embedding", [("a", &vector[..])]).unwrap();
        let text = fs::read_to_string(folder.path().join(VECTORS)).unwrap();
        let read = text.trim_end().split('\t').map(|number| number.parse::<f32>().unwrap());
        assert!(read.map(f32::to_bits).eq(vector.map(f32::to_bits)), "{text}");
    }

    #[test]
    fn rows_that_make_no_table_are_refused_and_leave_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let good: (&str, &[f32]) = ("a", &[1.0, 2.0]);
        write_projector(folder.path(), "embedding", [good]).unwrap();
        let refused = |rows: &[(&'static str, &'static [f32])]| {
            let error = write_projector(folder.path(), "other", rows.iter().copied());
            error.unwrap_err().to_string()
        };
        assert_eq!(refused(&[]), "there are no vectors");
        assert_eq!(refused(&[("a", &[])]), "the vectors hold no numbers");
        let uneven = refused(&[("a", &[1.0, 2.0]), ("b\n", &[1.0])]);
        assert_eq!(uneven, "the vector of \"b\\n\" holds 1 numbers, not 2");
        let left = fs::read_to_string(folder.path().join(VECTORS)).unwrap();
        assert_eq!(left, "1\t2\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn the_config_quotes_the_name_of_the_tensor() {
        let config = config("a \"b\"\\\n1여");
        assert!(config.contains("tensor_name: \"a \\\"b\\\"\\\\\\0121여\"\n"), "{config}");
    }
}
