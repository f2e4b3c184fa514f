//! Tests of holding out the end of each file of a running text.

use text_prep::TextFiles;

use crate::dataset::TextDataset;
use crate::dataset_builder::TextDatasetBuilder;
use crate::dataset_config::VocabSource;
use crate::document_tests::{TEN, words};
use crate::split::Part;

fn options(builder: TextDatasetBuilder<'_>, each_file: bool) -> TextDataset {
    let builder = builder.characters().context_len(1).split(0.2, 0.2).vocab_source(VocabSource::WholeText);
    builder.each_file(each_file).build().unwrap()
}

fn of_files(files: &[&str], each_file: bool) -> TextDataset {
    let folder = tempfile::tempdir().unwrap();
    let write = |(number, text): (usize, &&str)| {
        let path = folder.path().join(format!("{number}.txt"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let paths: Vec<_> = files.iter().enumerate().map(write).collect();
    options(TextDataset::from_source(TextFiles::new(paths).open_text().unwrap()), each_file)
}

/// The texts of the parts.
fn parts(dataset: &TextDataset) -> [String; 3] {
    Part::ALL.map(|part| dataset.tokenizer.decode(&dataset.ids.slice(dataset.split.range(part))))
}

#[test]
fn the_end_of_each_file_is_held_out() {
    let files = ["012345678\n", "abcd\n"];
    let each = of_files(&files, true);
    assert_eq!(parts(&each), ["012345abc", "67d", "8\n\n"]);
    let whole = of_files(&files, false);
    assert_eq!(parts(&whole), ["012345678", "\nab", "cd\n"]);
    // It is the same text.
    assert_eq!((each.text_sha256, each.stats), (whole.text_sha256, whole.stats));
}

#[test]
fn an_empty_file_and_a_file_of_one_token_are_no_error() {
    assert_eq!(parts(&of_files(&["012345678\n", "", "e"], true)), ["012345", "67", "8\ne"]);
}

#[test]
fn a_text_that_is_in_no_file_is_split_as_one() {
    assert_eq!(parts(&options(TextDataset::from_text("0123456789"), true)), ["012345", "67", "89"]);
}

#[test]
fn documents_are_split_as_wholes() {
    let error = words(&TEN).each_file(true).build().unwrap_err().to_string();
    assert_eq!(error, "`split.each_file` is true; expected false for documents, which are split as wholes");
}
