//! Files for the embedding projector: one vector and one name per token, and the configuration that links them.
//!
//! Source: `tensorboard/plugins/projector/projector_config.proto`, and for the tables the plugin's parsers in
//! `projector_plugin.py` and `data-provider.ts`.

use std::fmt::Write as _;
use std::path::Path;

use durable::StagedFile;

use crate::error::{Result, bail};

const VECTORS: &str = "embedding.tsv";
const NAMES: &str = "metadata.tsv";
/// The file name that the plugin looks for.
const CONFIG: &str = "projector_config.pbtxt";

/// Writes `embedding.tsv`, `metadata.tsv` and `projector_config.pbtxt` into `directory`, in which
/// TensorBoard shows the rows as the tensor `tensor`.
///
/// # Errors
/// If there are no rows, a vector is empty or not as long as the first, or a file cannot be written. After an
/// invalid row or a full disk the old files are unchanged.
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
            bail!("the vector of {name:?} has {found} values, expected {expected}");
        }
        for (at, value) in vector.iter().enumerate() {
            let tab = if at == 0 { "" } else { "\t" };
            write!(vectors, "{tab}{value}").expect("writing to a string cannot fail");
        }
        vectors.push('\n');
        names.push_str(&escaped(name));
        names.push('\n');
    }
    match size {
        None => bail!("no vectors to write"),
        Some(0) => bail!("the vectors are empty"),
        Some(_) => {}
    }
    // All files are written before any is renamed into place; the configuration that refers to the others is last.
    let mut staged = Vec::new();
    for (name, text) in [(VECTORS, &vectors), (NAMES, &names), (CONFIG, &config(tensor))] {
        staged.push(StagedFile::write(directory.join(name), text.as_bytes())?);
    }
    Ok(staged.into_iter().try_for_each(StagedFile::rename)?)
}

/// A `ProjectorConfig` in the Protocol Buffers text format.
fn config(tensor: &str) -> String {
    let mut quoted = String::new();
    for c in tensor.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // An octal escape always ends after three digits.
            c if c.is_ascii_control() => quoted.push_str(&format!("\\{:03o}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    format!(
        "embeddings {{\n  tensor_name: \"{quoted}\"\n  tensor_path: \"{VECTORS}\"\n  \
         metadata_path: \"{NAMES}\"\n}}\n"
    )
}

/// A name as one table cell: control characters and backslashes are escaped. The plugin skips blank lines, which
/// would shift all later names: a blank name is escaped completely, an empty one becomes two quotation marks.
fn escaped(name: &str) -> String {
    if name.is_empty() {
        return "\"\"".into();
    }
    // JavaScript trims the byte-order mark too.
    let blank = name.chars().all(|c| c.is_whitespace() || c == '\u{feff}');
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            c if c.is_control() || c == '\\' => escaped.extend(c.escape_default()),
            c if blank => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_name_becomes_one_line_and_one_cell() {
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
            assert_eq!(escaped(name), expected, "{name:?}");
        }
    }

    #[test]
    fn values_are_written_with_full_precision() {
        let folder = tempfile::tempdir().unwrap();
        let vector = [0.1, -0.0, f32::MIN_POSITIVE, f32::MAX, 1e-45, 16_777_216.0];
        write_projector(folder.path(), "embedding", [("a", &vector[..])]).unwrap();
        let text = fs::read_to_string(folder.path().join(VECTORS)).unwrap();
        let read = text.trim_end().split('\t').map(|value| value.parse::<f32>().unwrap());
        assert!(read.map(f32::to_bits).eq(vector.map(f32::to_bits)), "{text}");
    }

    #[test]
    fn invalid_rows_are_rejected_and_leave_the_old_files() {
        let folder = tempfile::tempdir().unwrap();
        let good: (&str, &[f32]) = ("a", &[1.0, 2.0]);
        write_projector(folder.path(), "embedding", [good]).unwrap();
        let rejected = |rows: &[(&'static str, &'static [f32])]| {
            let error = write_projector(folder.path(), "other", rows.iter().copied());
            error.unwrap_err().to_string()
        };
        assert_eq!(rejected(&[]), "no vectors to write");
        assert_eq!(rejected(&[("a", &[])]), "the vectors are empty");
        let uneven = rejected(&[("a", &[1.0, 2.0]), ("b\n", &[1.0])]);
        assert_eq!(uneven, "the vector of \"b\\n\" has 1 values, expected 2");
        let written = fs::read_to_string(folder.path().join(VECTORS)).unwrap();
        assert_eq!(written, "1\t2\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn the_config_quotes_the_tensor_name() {
        let config = config("a \"b\"\\\n1여");
        assert!(config.contains("tensor_name: \"a \\\"b\\\"\\\\\\0121여\"\n"), "{config}");
    }
}
