//! Tests of the streams, windows and batches of documents.

use std::collections::{BTreeMap, BTreeSet};

use burn::data::dataloader::DataLoader;
use burn::tensor::{Device, Int, Tensor};
use proptest::prelude::*;

use crate::dataset::TextDataset;
use crate::dataset_config::VocabSource;
use crate::dataset_input::DatasetInput;
use crate::document_tests::{Labelled, TEN, words};
use crate::loader::Loader;
use crate::sequence::LABEL_DROPOUT;
use crate::split::Part;

#[test]
fn in_streams_every_token_of_the_validation_documents_is_a_target() {
    let dataset = words(&TEN).vocab_source(VocabSource::WholeText).build().unwrap();
    let stream = dataset.valid_stream();
    let targets: Vec<u32> =
        (0..stream.chunks()).flat_map(|at| stream.chunk(at).targets().collect::<Vec<_>>()).collect();
    let valid = dataset.ids.slice(dataset.split.valid.clone());
    assert_eq!(targets, valid[1..]);
    assert_eq!(stream.chunk(0).inputs().next(), dataset.tokenizer.vocabulary.document_id());
    // There is no window of 20 tokens, which training on windows needs.
    assert!(dataset.check_windows().unwrap_err().to_string().contains("windows.context_len"));
    let short = words(&TEN).context_len(2).build().unwrap();
    short.check_windows().unwrap();
    assert_eq!(short.valid_windows().len(), short.split.valid.len() - 2);
}

#[test]
fn each_evaluation_stream_reads_the_document_of_its_first_target_from_the_start() {
    let dataset = many();
    let valid = dataset.sequence(Part::Valid);
    assert_eq!(valid.longest_document(), Some(7));
    let streams = dataset.valid_streams(0).unwrap();
    assert_eq!((streams.count(), streams.warm_up(), streams.is_exact()), (valid.len() / 77, 7, true));
    assert!(streams.count() > 1);
    let b = dataset.tokenizer.vocabulary.document_id().unwrap();
    let chunk = streams.chunk(1);
    let inputs: Vec<u32> = chunk.inputs().collect();
    assert!(inputs.chunks(chunk.input_len()).all(|row| row[..=7].contains(&b)));
    // With longer documents, they begin anywhere.
    let long = "a b ".repeat(1_500);
    let texts: Vec<Labelled> = [long.as_str(), "a b", "b"].map(|text| (text, None)).into();
    let valid = DatasetInput::documents(&texts[..1]);
    let dataset = words(&texts).split(0.0, 0.0).valid(valid).build().unwrap();
    let streams = dataset.valid_streams(2).unwrap();
    assert_eq!((streams.warm_up(), streams.is_exact()), (256, false));
    assert!(dataset.valid_streams(1).unwrap().is_exact() && dataset.valid_stream().is_exact());
}

fn values(tensor: Tensor<2, Int>) -> Vec<i64> {
    tensor.try_into_vec_as().unwrap()
}

/// 300 documents of 1 to 7 tokens, whose first token is their own; two of three have a label.
fn many() -> TextDataset {
    let texts: Vec<String> = (0..300).map(|n| format!("w{n} {}", "x ".repeat(n % 7))).collect();
    let label = |n: usize| [None, Some("odd"), Some("even")][n % 3];
    let documents: Vec<Labelled> = texts.iter().enumerate().map(|(n, text)| (text.as_str(), label(n))).collect();
    words(&documents).vocab_source(VocabSource::WholeText).build().unwrap()
}

#[test]
fn batches_have_the_labels_of_their_documents_and_a_tenth_is_left_out_in_training() {
    let dataset = many();
    let (index, b) = (dataset.documents.as_ref().unwrap(), dataset.tokenizer.vocabulary.document_id().unwrap());
    let label_of: BTreeMap<u32, u32> =
        (0..index.len()).map(|at| (dataset.ids.get(index.tokens(at).start), index.label(at))).collect();
    let streams = dataset.train_streams(4, 9).unwrap().for_training(3);
    let loader = Loader::streams(streams, Device::flex());
    let mut without = BTreeSet::new();
    let mut shown = 0;
    for epoch in [1, 2] {
        loader.cursor().set(epoch, 0);
        let batches: Vec<_> = loader.iter().map(Result::unwrap).collect();
        // All chunks of each row in turn.
        let mut rows = vec![Vec::new(); 4];
        for batch in batches {
            let [_, length] = batch.inputs.dims();
            let pairs: Vec<_> = values(batch.inputs).into_iter().zip(values(batch.labels.unwrap())).collect();
            rows.iter_mut().zip(pairs.chunks(length)).for_each(|(row, pairs)| row.extend(pairs.to_vec()));
        }
        for row in rows {
            let starts: Vec<usize> = (0..row.len()).filter(|&at| row[at].0 == i64::from(b)).collect();
            for bounds in starts.windows(2) {
                let document = &row[bounds[0]..bounds[1]];
                let (first, label) = (document[1].0 as u32, document[1].1);
                assert!(document.iter().all(|&(_, other)| other == label), "{document:?}");
                let own = i64::from(label_of[&first]);
                assert!(label == own || label == 0);
                shown += usize::from(own > 0);
                if label != own {
                    without.insert((epoch, first));
                }
            }
        }
    }
    let fraction = without.len() as f64 / shown as f64;
    assert!((fraction - LABEL_DROPOUT).abs() < 0.05, "{fraction}");
    let of_epoch = |epoch| without.iter().filter(move |found| found.0 == epoch).map(|found| found.1);
    assert!(!of_epoch(1).eq(of_epoch(2)));
    // Validation leaves out none.
    let stream = dataset.valid_stream();
    let chunk = stream.chunk(0);
    let inputs: Vec<u32> = chunk.inputs().collect();
    let labels: Vec<u32> = chunk.labels().unwrap().collect();
    for at in (0..inputs.len() - 1).filter(|&at| inputs[at] == b) {
        assert_eq!((labels[at], labels[at + 1]), (label_of[&inputs[at + 1]], label_of[&inputs[at + 1]]));
    }
}

#[test]
fn windows_have_labels_too_and_running_text_has_none() {
    let dataset = many();
    let loss = |seed| {
        let windows = dataset.train_windows().for_training(seed).for_pass(1);
        (0..windows.len()).flat_map(|at| windows.labels(at).unwrap().collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let windows = dataset.train_windows();
    let all: Vec<u32> = (0..windows.len()).flat_map(|at| windows.labels(at).unwrap().collect::<Vec<_>>()).collect();
    assert!(loss(1).iter().zip(&all).all(|(&label, &own)| label == own || label == 0));
    assert!(loss(1) != all && loss(1) != loss(2));
    let text = TextDataset::from_text("a b c d e f g h").context_len(2).split(0.5, 0.0).build().unwrap();
    assert!(text.train_windows().labels(0).is_none());
    assert!(text.train_streams(1, 2).unwrap().for_training(1).for_pass(1).chunk(0).labels().is_none());
}

#[test]
fn any_epoch_is_made_from_its_number() {
    let dataset = many();
    let loader = || Loader::streams(dataset.train_streams(3, 8).unwrap().for_training(5), Device::flex());
    let epoch = |loader: &Loader, epoch, done| -> Vec<Vec<i64>> {
        loader.cursor().set(epoch, done);
        loader.iter().map(|batch| values(batch.unwrap().targets)).collect()
    };
    let one = loader();
    let epochs = [1, 2, 3].map(|number| epoch(&one, number, 0));
    assert_ne!(epochs[0], epochs[1]);
    assert_eq!(epoch(&loader(), 3, 0), epochs[2]);
    assert_eq!(epoch(&loader(), 2, 5), epochs[1][5..]);
    let endless: Vec<Vec<i64>> =
        loader().endless().take(2 * loader().batches()).map(|batch| values(batch.targets)).collect();
    assert_eq!(endless, epochs[..2].concat());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_epoch_of_streams_has_every_token_as_a_target_once(
        lengths in prop::collection::vec(1usize..9, 4..90),
        count in 1usize..5,
        bptt_len in 1usize..8,
        epoch in 1usize..4,
    ) {
        let texts: Vec<String> =
            lengths.iter().enumerate().map(|(n, &length)| (0..length).map(|at| format!("w{n}x{at} ")).collect()).collect();
        let input: Vec<Labelled> = texts.iter().map(|text| (text.as_str(), None)).collect();
        let dataset = words(&input).vocab_source(VocabSource::WholeText).build().unwrap();
        let index = dataset.documents.as_ref().unwrap();
        let Ok(streams) = dataset.train_streams(count, bptt_len) else { return Ok(()) };
        let streams = streams.for_training(7).for_pass(epoch);

        // The reference: the documents in the order in which they are found, one after another.
        let sequence = dataset.sequence(Part::Train).for_training(7).for_pass(epoch, true);
        let whole: Vec<u32> = sequence.ids(0..sequence.len()).collect();
        let b = dataset.tokenizer.vocabulary.document_id().unwrap();
        let mut found: Vec<&[u32]> = whole[1..whole.len() - 1].split(|&id| id == b).collect();
        let in_order: Vec<Vec<u32>> = index.of(Part::Train).map(|at| dataset.ids.slice(index.tokens(at))).collect();
        prop_assert_eq!((whole[0], whole[whole.len() - 1], whole.len()), (b, b, dataset.split.train.len()));
        found.sort_unstable();
        let mut expected: Vec<&[u32]> = in_order.iter().map(Vec::as_slice).collect();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
        for start in 0..whole.len() {
            let end = (start + 5).min(whole.len());
            prop_assert_eq!(sequence.ids(start..end).collect::<Vec<_>>(), &whole[start..end]);
            prop_assert_eq!(sequence.id(start), whole[start]);
        }

        let length = (whole.len() - 1) / count;
        prop_assert!(streams.unused_ids() < count);
        let mut rows = vec![(Vec::new(), Vec::new()); count];
        for at in 0..streams.chunks() {
            let chunk = streams.chunk(at);
            let (inputs, targets): (Vec<u32>, Vec<u32>) = (chunk.inputs().collect(), chunk.targets().collect());
            for (row, (all_inputs, all_targets)) in rows.iter_mut().enumerate() {
                let of_row = row * chunk.input_len()..(row + 1) * chunk.input_len();
                all_inputs.extend(inputs[of_row.clone()].to_vec());
                all_targets.extend(targets[of_row].to_vec());
            }
        }
        for (row, (inputs, targets)) in rows.into_iter().enumerate() {
            prop_assert_eq!(inputs, &whole[row * length..][..length]);
            prop_assert_eq!(targets, &whole[row * length + 1..][..length]);
        }
    }
}
