//! Tests of reading files together.

mod archives;
mod documents;
mod json_lines;
mod paths;
mod tables;

use std::fs;
use std::path::{MAIN_SEPARATOR_STR, PathBuf};

use super::*;
use crate::error::Result;
use crate::source::{DocumentSource, TextSource};

/// A folder with files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, bytes)| folder.write(name, bytes));
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn files(&self, names: &[&str]) -> TextFiles<'static> {
        TextFiles::new(names.iter().map(|name| self.path(name)))
    }

    /// A message without the path of the folder.
    fn message<T>(&self, result: Result<T>) -> String {
        let message = result.err().unwrap().to_string();
        let canonical = self.0.path().canonicalize().unwrap();
        let message = message.replace(canonical.to_str().unwrap(), "").replace(self.0.path().to_str().unwrap(), "");
        let message = message.replace(MAIN_SEPARATOR_STR, "/");
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }
}

fn text(files: TextFiles) -> Result<String> {
    let (mut source, mut text) = (files.open_text()?, String::new());
    while let Some(chunk) = source.next_chunk()? {
        assert!(!chunk.is_empty());
        text.push_str(chunk);
    }
    Ok(text)
}

type Found = Vec<(String, Option<String>)>;

fn documents(files: TextFiles) -> Result<(Found, DocumentCounts)> {
    let (mut source, mut found) = (files.open_documents()?, Vec::new());
    while let Some(document) = source.next_document()? {
        found.push((document.text.to_owned(), document.label.map(str::to_owned)));
    }
    Ok((found, source.counts().clone()))
}

fn texts(files: TextFiles) -> Result<Vec<String>> {
    Ok(documents(files)?.0.into_iter().map(|(text, _)| text).collect())
}
