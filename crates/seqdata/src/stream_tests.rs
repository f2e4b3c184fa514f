//! Tests of streams over running text.

use std::ops::Range;
use std::sync::Arc;

use crate::sequence::Sequence;
use crate::streams::{Chunk, Streams};

fn ids(range: Range<u32>) -> Sequence {
    Sequence::new(Arc::new((0..range.end).collect()), range.start as usize..range.end as usize)
}

#[test]
fn every_target_occurs_once_and_is_the_next_id() {
    let streams = Streams::over(ids(10..100), 4, 5);
    assert_eq!((streams.stream_len(), streams.chunks(), streams.unused_ids()), (22, 5, 1));
    let mut seen = Vec::new();
    for index in 0..streams.chunks() {
        let chunk = streams.chunk(index);
        let (inputs, targets): (Vec<u32>, Vec<u32>) = (chunk.inputs().collect(), chunk.targets().collect());
        assert_eq!(inputs.len(), 4 * chunk.input_len());
        assert!(inputs.iter().zip(&targets).all(|(input, target)| input + 1 == *target));
        seen.extend(targets);
    }
    seen.sort_unstable();
    assert_eq!(seen, (11..99).collect::<Vec<u32>>());
}

#[test]
fn chunks_of_varying_lengths_have_every_target_once_and_continue() {
    let streams = Streams::over(ids(10..1_000), 3, 20).varying_lengths(7, 4.0);
    let equal = Streams::over(ids(10..1_000), 3, 20);
    assert_eq!((streams.unused_ids(), streams.stream_len()), (equal.unused_ids(), equal.stream_len()));
    let mut all_lengths = Vec::new();
    for pass in 1..4 {
        let of_pass = streams.for_pass(pass);
        assert_eq!(of_pass.chunks(), streams.chunks());
        let mut next = [10, 10 + 329, 10 + 2 * 329];
        for index in 0..of_pass.chunks() {
            let chunk = of_pass.chunk(index);
            let inputs: Vec<u32> = chunk.inputs().collect();
            let targets: Vec<u32> = chunk.targets().collect();
            assert!(inputs.iter().zip(&targets).all(|(input, target)| input + 1 == *target));
            for (row, next) in inputs.chunks(chunk.input_len()).zip(&mut next) {
                assert_eq!(row[0], *next);
                *next += row.len() as u32;
            }
            all_lengths.push(chunk.input_len());
        }
        assert_eq!(next, [10 + 329, 10 + 2 * 329, 10 + 3 * 329]);
    }
    assert_ne!(all_lengths[..streams.chunks()], all_lengths[streams.chunks()..2 * streams.chunks()]);
    let unchanged = equal.clone().varying_lengths(7, 0.0);
    assert_eq!((unchanged.chunks(), unchanged.chunk(0).input_len()), (equal.chunks(), 20));
}

#[test]
fn a_row_continues_where_the_previous_chunk_ended() {
    let streams = Streams::over(ids(0..41), 2, 8);
    let row = |index: usize, stream: usize| -> Vec<u32> {
        let chunk = streams.chunk(index);
        let len = chunk.input_len();
        chunk.inputs().skip(stream * len).take(len).collect()
    };
    assert_eq!(row(0, 1), (20..28).collect::<Vec<_>>());
    assert_eq!(row(1, 1), (28..36).collect::<Vec<_>>());
    assert_eq!(row(2, 1), (36..40).collect::<Vec<_>>());
}

#[test]
fn an_evaluation_stream_has_the_targets_of_windows() {
    let windows = crate::Windows::over(ids(50..400), 7, 1);
    let streams = Streams::evaluation(ids(50..400), 7);
    let expected: Vec<u32> = (0..windows.len()).map(|at| windows.target(at)).collect();
    let chunks = 0..streams.chunks();
    let found: Vec<u32> = chunks.flat_map(|index| streams.chunk(index).targets().collect::<Vec<_>>()).collect();
    assert_eq!(found, expected);
    assert_eq!(streams.chunk(0).inputs().next(), Some(50));
    assert_eq!(streams.unused_ids(), 0);
}

/// All targets of `streams`, in the order of the batches.
fn targets(streams: &Streams) -> Vec<u32> {
    (0..streams.chunks()).flat_map(|index| streams.chunk(index).targets().collect::<Vec<_>>()).collect()
}

#[test]
fn parallel_streams_have_every_target_of_one_stream_once() {
    for (tokens, context_len, count) in [(5_000, 7, 2), (20_000, 20, 6), (3_000, 300, 8), (40_000, 1, 64)] {
        let one = Streams::evaluation(ids(50..tokens), context_len);
        let streams = Streams::parallel_evaluation(ids(50..tokens), context_len, count).unwrap();
        assert_eq!((streams.count(), streams.unused_ids()), (count, 0));
        let mut found = targets(&streams);
        found.sort_unstable();
        assert_eq!(found, targets(&one));
        assert_eq!((found[0], found.len()), (50 + context_len as u32, tokens as usize - 50 - context_len));
    }
}

#[test]
fn each_parallel_stream_reads_its_warm_up_first_and_then_continues() {
    let streams = Streams::parallel_evaluation(ids(0..9_000), 20, 4).unwrap();
    assert_eq!(streams.warm_up(), 256);
    let mut next = [0; 4];
    for index in 1..streams.chunks() {
        let chunk = streams.chunk(index);
        assert_eq!((chunk.rows(), chunk.continues()), (4, true));
        let inputs: Vec<u32> = chunk.inputs().collect();
        let targets: Vec<u32> = chunk.targets().collect();
        for (row, next) in next.iter_mut().enumerate() {
            let inputs = &inputs[row * chunk.input_len()..][..chunk.input_len()];
            let targets = &targets[row * chunk.target_len()..][..chunk.target_len()];
            // A row is contiguous, and each target follows its input.
            assert!(inputs.windows(2).all(|pair| pair[0] + 1 == pair[1]));
            assert_eq!(targets[0], inputs[chunk.input_len() - chunk.target_len()] + 1);
            assert_eq!(chunk.input_len() - chunk.target_len(), if index == 1 { 256 } else { 0 });
            assert!(index == 1 || inputs[0] == *next, "row {row} of chunk {index}");
            *next = inputs.last().unwrap() + 1;
        }
    }
    // The beginning of the text is read first, as by a single stream, up to the first target of the first stream.
    let chunk = streams.chunk(0);
    assert_eq!((chunk.rows(), chunk.continues(), chunk.inputs().next()), (1, false, Some(0)));
    assert_eq!(chunk.targets().next(), Some(20));
    let first_stream = streams.chunk(1).targets().next().unwrap();
    assert_eq!(chunk.targets().last().unwrap() + 1, first_stream);
}

#[test]
fn the_number_of_streams_follows_from_the_length_of_the_text() {
    let count = |tokens: u32, context_len| Streams::evaluation_count(&ids(0..tokens), context_len);
    assert_eq!([0, 5_042, 20_000, 60_000, 600_000].map(|tokens| count(tokens, 20)), [1, 1, 7, 21, 64]);
    assert_eq!(count(60_000, 2_000), 2);
    for tokens in [6_000, 20_000, 60_000, 600_000, 6_000_000] {
        for context_len in [1, 20, 500] {
            let count = count(tokens, context_len);
            let streams = Streams::parallel_evaluation(ids(0..tokens), context_len, count);
            let streams = streams.unwrap();
            let read: usize = (0..streams.chunks()).map(|index| streams.chunk(index)).map(tokens_in).sum();
            assert!(10 * read <= 11 * tokens as usize, "{read} of {tokens} in {count} streams");
        }
    }
}

fn tokens_in(chunk: Chunk) -> usize {
    chunk.rows() * chunk.input_len()
}

#[test]
fn more_streams_than_the_text_has_room_for_are_rejected() {
    let streams = |count| Streams::parallel_evaluation(ids(0..2_000), 20, count);
    assert_eq!(streams(6).unwrap().count(), 6);
    assert_eq!(
        streams(7).unwrap_err().to_string(),
        "`split.valid_streams` is 7, but the validation split of 2,000 tokens is long enough for at most 6: lower \
         it, or leave it out for an automatic number"
    );
    assert!(Streams::parallel_evaluation(ids(0..100), 20, 2).is_err());
    assert_eq!(Streams::parallel_evaluation(ids(0..100), 20, 1).unwrap().count(), 1);
}

#[test]
fn a_range_that_is_too_short_has_no_chunk() {
    let streams = Streams::over(ids(0..4), 4, 2);
    assert_eq!((streams.chunks(), streams.unused_ids()), (0, 4));
    assert_eq!(Streams::over(ids(0..5), 4, 2).chunks(), 1);
}
