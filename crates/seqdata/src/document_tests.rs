//! Tests of datasets of documents: layout, split, labels, held-out inputs, hashes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use text_prep::{Cleaner, Document, DocumentSource, FoundControlCharacters, OovPolicy, SourceOptions};

use crate::dataset::TextDataset;
use crate::dataset_builder::TextDatasetBuilder;
use crate::dataset_config::{DatasetConfig, VocabSource};
use crate::dataset_input::DatasetInput;
use crate::documents::DocumentLengths;
use crate::error::Error;
use crate::split::Part;
use crate::vocab_builder::NewTokens;

pub type Labelled<'a> = (&'a str, Option<&'a str>);

pub fn words<'a>(documents: &'a [Labelled<'a>]) -> TextDatasetBuilder<'a> {
    TextDataset::from_documents(documents).words().split(0.25, 0.0)
}

fn unlabelled<'a>(texts: &[&'a str]) -> Vec<Labelled<'a>> {
    texts.iter().map(|&text| (text, None)).collect()
}

/// The documents of `part` as tokens, with their labels.
fn documents(dataset: &TextDataset, part: Part) -> Vec<(String, u32)> {
    let index = dataset.documents.as_ref().unwrap();
    let token = |at| dataset.tokenizer.vocabulary.token(dataset.ids.get(at)).unwrap();
    let tokens = |document| index.tokens(document).map(token).collect::<Vec<_>>().join(" ");
    index.of(part).map(|document| (tokens(document), index.label(document))).collect()
}

pub const TEN: [Labelled; 10] = [
    ("a b", Some("y")),
    ("c", None),
    ("a b", Some("x")),
    ("d e f", Some("x")),
    ("g h", None),
    (" ", Some("z")),
    ("i", Some("y")),
    ("j k", Some("y")),
    ("l m n", Some("x")),
    ("a b", None),
];

#[test]
fn each_part_begins_and_ends_with_a_document_token() {
    let dataset = words(&TEN).split(0.25, 0.2).vocab_source(VocabSource::WholeText).build().unwrap();
    let (index, split) = (dataset.documents.as_ref().unwrap(), &dataset.split);
    let b = dataset.tokenizer.vocabulary.document_id().unwrap();
    assert_eq!(dataset.ids.len(), dataset.stats.tokens + index.len() + 3);
    for part in Part::ALL {
        let ids = dataset.ids.slice(split.range(part));
        let of_part = index.of(part);
        assert!(!of_part.is_empty(), "{part:?}");
        assert_eq!((ids[0], ids[ids.len() - 1]), (b, b));
        assert_eq!(ids.iter().filter(|&&id| id == b).count(), of_part.len() + 1);
        let mut expected = vec![b];
        of_part.for_each(|at| expected.extend(dataset.ids.slice(index.tokens(at)).into_iter().chain([b])));
        assert_eq!(ids, expected);
    }
    assert_eq!(dataset.tokenizer.vocabulary.count(b), 9);
    assert_eq!((index.len(), index.empty, index.duplicates, index.also_held_out), (9, 1, 2, 0));
    assert_eq!(index.lengths(0..9), Some(DocumentLengths { min: 1, median: 2, mean: 2.0, p99: 3, max: 3 }));
    assert_eq!(index.lengths(0..0), None);
}

#[test]
fn equal_documents_stay_on_one_side_and_every_document_is_in_one_part() {
    let dataset = words(&TEN).vocab_source(VocabSource::WholeText).split(0.3, 0.3).build().unwrap();
    let parts = Part::ALL.map(|part| documents(&dataset, part));
    let texts = parts.each_ref().map(|part| part.iter().map(|(text, _)| text).collect::<BTreeSet<_>>());
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        assert!(texts[one].is_disjoint(&texts[other]));
    }
    let mut all: Vec<&str> = parts.iter().flatten().map(|(text, _)| text.as_str()).collect();
    all.sort_unstable();
    assert_eq!(all, ["a b", "a b", "a b", "c", "d e f", "g h", "i", "j k", "l m n"]);
}

#[test]
fn the_split_depends_on_the_content_alone() {
    let texts: Vec<String> = (0..300).map(|number| format!("w{number} w{} x", number % 7)).collect();
    let forward: Vec<Labelled> = texts.iter().map(|text| (text.as_str(), None)).collect();
    let mut backward: Vec<Labelled> = forward.iter().rev().map(|&(text, _)| (text, Some("label"))).collect();
    // A new document moves none of the others from training to validation.
    backward.insert(150, ("a new one", None));
    let held_out = |documents_: &[Labelled]| -> BTreeSet<String> {
        let dataset = words(documents_).vocab_source(VocabSource::WholeText).split(0.1, 0.0).build().unwrap();
        documents(&dataset, Part::Valid).into_iter().map(|(text, _)| text).collect()
    };
    let (one, other) = (held_out(&forward), held_out(&backward));
    assert_eq!(one.len(), 30);
    assert!(one.symmetric_difference(&other).count() <= 1, "{one:?} {other:?}");
}

#[test]
fn labels_are_numbered_by_name_from_one_and_those_of_held_out_documents_alone_are_unknown() {
    let valid = [("b", Some("z")), ("a", Some("x")), ("a", None)];
    let dataset = words(&TEN).valid(DatasetInput::documents(&valid[..])).build().unwrap();
    let index = dataset.documents.as_ref().unwrap();
    assert_eq!(dataset.label_names(), ["x", "y"]);
    assert_eq!((index.unknown_labels, index.also_held_out), ([0, 1, 0], 0));
    let train: Vec<u32> = documents(&dataset, Part::Train).into_iter().map(|(_, label)| label).collect();
    assert_eq!(train, [2, 0, 1, 1, 0, 2, 2, 1, 0]);
    assert_eq!(documents(&dataset, Part::Valid), [("b".into(), 0), ("a".into(), 1), ("a".into(), 0)]);
    assert_eq!(index.label_counts(index.of(Part::Train)), [3, 3, 3]);
    assert_eq!(index.label_counts(index.of(Part::Valid)), [2, 1, 0]);
}

#[test]
fn the_labels_of_a_trained_model_keep_their_numbers() {
    let read = |labels: &[&str]| words(&TEN).labels(labels.iter().copied()).build();
    let dataset = read(&["y", "w", "x"]).unwrap();
    assert_eq!(dataset.label_names(), ["y", "w", "x"]);
    let index = dataset.documents.as_ref().unwrap();
    assert_eq!(index.label_counts(0..index.len()), [3, 3, 0, 3]);
    assert_eq!(
        read(&["y", "w"]).unwrap_err().to_string(),
        "a document has the label `x`, which the model does not have; it has `y`, `w`"
    );
    assert!(read(&[]).unwrap_err().to_string().ends_with("it has no labels"));
    let tokenizer = dataset.tokenizer;
    let read = |new| words(&TEN).tokenizer(&tokenizer, new).labels(["y"]).build().unwrap();
    let unlabelled = read(NewTokens::Unk);
    assert_eq!(
        (unlabelled.label_names(), unlabelled.documents.as_ref().unwrap().unknown_labels.iter().sum::<usize>()),
        (&["y".into()][..], 3)
    );
    assert_eq!(read(NewTokens::Extend).label_names(), ["y", "x"]);
}

#[test]
fn held_out_inputs_replace_the_fractions() {
    let (train, valid, test) = (unlabelled(&["a b", "c", "c"]), unlabelled(&["c", "z"]), unlabelled(&["a"]));
    let input = |documents| DatasetInput::documents(documents);
    let with_valid = || TextDataset::from_documents(&train[..]).words().valid(input(&valid[..]));
    // The fraction for validation has no effect.
    let dataset = with_valid().test(input(&test[..])).split(0.0, 0.9).build().unwrap();
    let expect = |texts: &[&str]| texts.iter().map(|&text| (text.to_owned(), 0)).collect::<Vec<_>>();
    assert_eq!(documents(&dataset, Part::Train), expect(&["a b", "c", "c"]));
    assert_eq!(documents(&dataset, Part::Valid), expect(&["c", "<unknown>"]));
    assert_eq!(documents(&dataset, Part::Test), expect(&["a"]));
    let index = dataset.documents.as_ref().unwrap();
    assert_eq!((index.duplicates, index.also_held_out), (1, 2));
    // Without a test input, the fraction for a test is taken from the training input.
    let dataset = with_valid().split(0.0, 0.5).build().unwrap();
    let counts = Part::ALL.map(|part| dataset.documents.as_ref().unwrap().of(part).len());
    assert_eq!(counts[1], 2);
    assert!(counts[0] > 0 && counts[2] > 0 && counts[0] + counts[2] == 3, "{counts:?}");
}

#[test]
fn held_out_running_text_replaces_the_fractions() {
    let config = || DatasetConfig::words().context_len(2);
    let read = |valid: f64, test: f64| {
        let dataset = TextDataset::from_text("a b c d e f g h i j").config(config().split(valid, test));
        dataset.valid(DatasetInput::whole_text("a b x")).build()
    };
    let dataset = read(0.0, 0.0).unwrap();
    assert_eq!((dataset.split.train.clone(), dataset.split.valid.clone()), (0..10, 10..13));
    assert!(dataset.documents.is_none() && dataset.split.test.is_empty());
    assert_eq!(Some(dataset.ids.get(12)), dataset.tokenizer.vocabulary.unknown_id());
    let text = TextDataset::from_text("a b c d e f g h i j").config(config().split(0.5, 0.0)).build().unwrap();
    assert_ne!(dataset.text_sha256, text.text_sha256);
    let with_test = read(0.9, 0.5).unwrap();
    assert_eq!(with_test.split.train, 0..6);
    assert_eq!((with_test.split.valid.len(), with_test.split.test.len()), (3, 4));
    let dataset = TextDataset::from_text("a b c d e f g h i j").config(config().split(0.5, 0.0));
    let dataset = dataset.test(DatasetInput::whole_text("c d e j")).build().unwrap();
    assert_eq!(dataset.split.test, 10..14);
    let short = TextDataset::from_text("a b c d e").config(config()).valid(DatasetInput::whole_text("a"));
    assert!(short.build().unwrap_err().to_string().starts_with("the valid split has 1 token,"));
}

#[test]
fn a_file_is_read_as_a_held_out_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("valid.txt");
    std::fs::write(&path, "a b\r\na b").unwrap();
    let build = |path| TextDataset::from_text("a b c d").context_len(1).valid(DatasetInput::file(path)).build();
    assert_eq!(build(path.clone()).unwrap().split.valid, 4..8);
    std::fs::write(&path, "a \0 b").unwrap();
    assert!(SourceOptions::default().open(&path).is_ok());
    let missing = build(folder.path().join("none.txt")).unwrap_err().to_string();
    assert!(missing.contains("none.txt"), "{missing}");
}

#[test]
fn what_does_not_fit_together_is_rejected_in_one_line() {
    let message = |builder: TextDatasetBuilder| {
        let message = builder.build().unwrap_err().to_string();
        assert_eq!(message.lines().count(), 1);
        message
    };
    let text = || DatasetInput::whole_text("a b");
    assert_eq!(
        message(words(&TEN).test(text())),
        "the training input is documents, but the test input is running text: read both in the same way"
    );
    let running = "a b c d e ".repeat(20);
    let tokenizer = TextDataset::from_text(&running).context_len(2).build().unwrap().tokenizer;
    assert_eq!(
        message(words(&TEN).tokenizer(&tokenizer, NewTokens::Unk)),
        "the model was trained on running text, but the text is documents: read it in the same way"
    );
    let tokenizer = words(&TEN).build().unwrap().tokenizer;
    assert_eq!(
        message(TextDataset::from_text(&running).tokenizer(&tokenizer, NewTokens::Extend)),
        "the model was trained on documents, but the text is running text: read it in the same way"
    );
    let equal = unlabelled(&["a b", "a  b", "", "c"]);
    assert_eq!(
        message(words(&equal).split(0.1, 0.1)),
        "the text has 2 different documents, but training and the held-out parts need 3: add documents, give separate \
         held-out files, or check how the text is divided into documents"
    );
    assert!(message(words(&[])).starts_with("the text has 0 different documents"));
    assert!(message(words(&equal[..2])).starts_with("the text has 1 different document, but training"));
    let nothing = unlabelled(&[" ", ""]);
    assert_eq!(
        message(words(&TEN).valid(DatasetInput::documents(&nothing[..]))),
        "the validation input has no document with a known token: give another one"
    );
    let names: Vec<String> = (0..65_537).map(|number| number.to_string()).collect();
    let many: Vec<Labelled> = names.iter().map(|name| ("a", Some(name.as_str()))).chain([("b", None)]).collect();
    assert!(
        message(words(&many).valid(DatasetInput::documents(&TEN[..1]))).contains("more than 65536 different labels")
    );
}

/// Documents without end, each with a label of its own.
struct Endless {
    label: String,
    read: usize,
}

impl DocumentSource for Endless {
    fn next_document(&mut self) -> text_prep::Result<Option<Document<'_>>> {
        self.read += 1;
        self.label = self.read.to_string();
        Ok(Some(Document { text: "a", label: Some(&self.label) }))
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        None
    }
}

#[test]
fn too_many_labels_are_found_while_the_documents_are_read() {
    let input = DatasetInput::documents(Endless { label: String::new(), read: 0 });
    let error = TextDataset::from_input(input).build().unwrap_err();
    assert!(matches!(error, Error::TooManyLabels { most: 65_536 }), "{error}");
}

#[test]
fn dropped_tokens_may_leave_a_document_out() {
    let train = unlabelled(&["a a", "b", "a b a"]);
    let valid = unlabelled(&["c", "a c"]);
    let dataset = TextDataset::from_documents(&train[..]).words().min_count(3).oov(OovPolicy::Drop);
    let dataset = dataset.valid(DatasetInput::documents(&valid[..])).build().unwrap();
    assert_eq!(documents(&dataset, Part::Train), [("a a".into(), 0), ("a a".into(), 0)]);
    assert_eq!(documents(&dataset, Part::Valid), [("a".into(), 0)]);
    assert_eq!((dataset.train_dropped, dataset.valid_dropped), (2, 2));
    assert_eq!(dataset.documents.as_ref().unwrap().empty, 2);
    assert_eq!(dataset.unknown_fractions(), [2.0 / 6.0, 2.0 / 3.0]);
}

#[test]
fn a_vocabulary_is_extended_or_kept_by_documents_of_a_document_model() {
    let old = words(&TEN).vocab_source(VocabSource::WholeText).build().unwrap().tokenizer;
    let new = unlabelled(&["a z", "b z", "c z"]);
    let read = |policy| words(&new).tokenizer(&old, policy).vocab_source(VocabSource::WholeText).build();
    let extended = read(NewTokens::Extend).unwrap().tokenizer.vocabulary;
    assert_eq!(extended.len(), old.vocabulary.len() + 1);
    assert_eq!(extended.document_id(), old.vocabulary.document_id());
    assert!(read(NewTokens::Error).unwrap_err().to_string().contains("`z`"));
}

#[test]
fn a_vocabulary_of_running_text_that_is_extended_gets_a_document_token() {
    let running = "a b c a b c a b ".repeat(9);
    let old = TextDataset::from_text(&running).context_len(2).build().unwrap().tokenizer;
    assert_eq!(old.vocabulary.document_id(), None);
    let dataset = words(&TEN).tokenizer(&old, NewTokens::Extend).build().unwrap();
    let new = &dataset.tokenizer.vocabulary;
    let document = new.document_id().unwrap();
    assert!(new.count(document) > 0 && dataset.documents.is_some());
    // The other tokens come from the old ones, and the document token from none.
    let origins = new.origins(&old.vocabulary);
    assert!(origins[document as usize].is_empty());
    for id in (0..old.vocabulary.len() as u32).filter(|&id| !old.vocabulary.is_reserved(id)) {
        let moved = new.id(old.vocabulary.token(id).unwrap()).unwrap();
        assert_eq!(origins[moved as usize], [id]);
    }
}

#[test]
fn the_hashes_cover_documents_labels_and_parts() {
    let hashes = |documents: &[Labelled]| {
        let dataset = words(documents).valid(DatasetInput::documents(&documents[..2])).build().unwrap();
        (dataset.text_sha256.clone(), dataset.train_sha256(), dataset.valid_sha256())
    };
    let base = hashes(&TEN);
    assert_eq!(hashes(&TEN), base);
    let changed = |at: usize, document: Labelled<'static>| {
        let mut documents = TEN;
        documents[at] = document;
        hashes(&documents)
    };
    let label = changed(3, ("d e f", Some("y")));
    assert!(label.0 != base.0 && label.1 != base.1 && label.2 == base.2);
    let name = changed(6, ("i", Some("w")));
    assert!(name.0 != base.0 && name.1 != base.1 && name.2 != base.2, "the names of labels have changed");
    let held_out = changed(0, ("a b", None));
    assert!(held_out.0 != base.0 && held_out.2 != base.2);
    // The same characters, divided in another way.
    let divided = |documents: &[Labelled]| TextDataset::from_documents(documents).build().unwrap().text_sha256;
    assert_ne!(divided(&[("ab", None), ("c", None)]), divided(&[("a", None), ("bc", None)]));
    assert_ne!(divided(&[("a", Some("b")), ("c", None)]), divided(&[("a", None), ("b", Some("c"))]));
}

#[test]
fn the_training_documents_are_recognised_after_cleaning() {
    let dataset = words(&TEN).valid(DatasetInput::documents(&TEN[..1])).build().unwrap();
    let training = dataset.training_documents();
    assert_eq!(training.len(), 7);
    assert!(training.contains("d e f") && !training.contains("d e"));
    let running = TextDataset::from_text("a b c ".repeat(20)).context_len(5).build().unwrap();
    assert!(running.training_documents().is_empty());
}

#[test]
fn the_unigram_loss_counts_the_end_of_each_document() {
    let train = unlabelled(&["a", "a", "a a"]);
    let valid = unlabelled(&["a"]);
    let dataset = TextDataset::from_documents(&train[..]).words().valid(DatasetInput::documents(&valid[..]));
    // Seven training targets, four of them `a`; the validation targets are `a` and an end.
    let expected = -((4.0f64 / 7.0).ln() + (3.0f64 / 7.0).ln()) / 2.0;
    let nats = dataset.build().unwrap().unigram_nats_per_token();
    assert!((nats - expected).abs() < 1e-12, "{nats}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_document_is_encoded_as_a_text_of_its_own(texts in prop::collection::vec("[a-c]{0,2}[ .’\n]?[a-cé]?", 2..20)) {
        for config in [DatasetConfig::words(), DatasetConfig::characters()] {
            let config = config.vocab_source(VocabSource::WholeText).split(0.3, 0.2);
            let input: Vec<Labelled> = texts.iter().map(|text| (text.as_str(), None)).collect();
            let Ok(dataset) = TextDataset::from_documents(&input[..]).config(config).build() else { continue };
            let encode = |text: &String| dataset.tokenizer.encode(text, OovPolicy::Error).unwrap().ids;
            let mut expected: Vec<Vec<u32>> = texts.iter().map(encode).filter(|ids| !ids.is_empty()).collect();
            let index = dataset.documents.as_ref().unwrap();
            let mut found: Vec<Vec<u32>> =
                (0..index.len()).map(|document| dataset.ids.slice(index.tokens(document))).collect();
            expected.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn nothing_is_put_before_a_document() {
    let cleaner = Cleaner::preset("keras-lowercase").unwrap();
    let dataset = words(&TEN).cleaner(cleaner.clone()).document_separator("|").vocab_source(VocabSource::WholeText);
    let dataset = dataset.build().unwrap();
    assert_eq!(dataset.documents.as_ref().unwrap().lengths(0..9).unwrap().max, 3);
    // Nor before a prompt.
    assert_eq!(dataset.tokenizer.encode("D e", OovPolicy::Error).unwrap().ids.len(), 2);
    let running = TextDataset::from_text("a b c ".repeat(20)).words().cleaner(cleaner).context_len(5).build().unwrap();
    assert_eq!(running.tokenizer.encode("a", OovPolicy::Error).unwrap().ids.len(), 21);
}
