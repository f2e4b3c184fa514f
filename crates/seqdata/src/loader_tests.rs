//! Tests of the loader: the order of a pass, epochs, steps, slices and batches of similar length.

use std::sync::Arc;

use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::Device;

use crate::batch::Batch;
use crate::items::{Items, WithStep};
use crate::loader::{Loader, Order};
use crate::sequence::Sequence;
use crate::streams::Streams;
use crate::windows::Windows;

fn loader(order: Order) -> Loader {
    let windows = Windows::over(Sequence::new(Arc::new((0..100).collect()), 0..100), 3, 1);
    Loader::windows(windows, 32, order, Device::flex())
}

fn targets(loader: &dyn DataLoader<Batch>) -> Vec<i64> {
    let read = |batch: Result<Batch, _>| batch.unwrap().targets.try_into_vec_as::<i64>().unwrap();
    loader.iter().flat_map(read).collect()
}

#[test]
fn an_epoch_is_a_function_of_seed_and_number() {
    let loader = loader(Order::Shuffled(5));
    let first = targets(&loader);
    loader.cursor().set(2, 0);
    let second = targets(loader.to_device(&Device::flex()).as_ref());
    assert_ne!(first, second);
    loader.cursor().set(1, 0);
    assert_eq!(first, targets(&loader));
    let mut sorted = second;
    sorted.sort_unstable();
    assert_eq!(sorted, (3..100).collect::<Vec<_>>());
}

#[test]
fn an_epoch_can_start_in_the_middle() {
    let loader = loader(Order::Shuffled(5));
    loader.cursor().set(2, 0);
    let whole = targets(&loader);
    loader.cursor().set(2, 1);
    assert_eq!(targets(&loader), whole[32..]);
    assert_eq!(loader.iter().next().unwrap().unwrap().step, 5);
    let streams = Streams::over(Sequence::new(Arc::new((0..41).collect()), 0..41), 2, 8);
    let streams = Loader::streams(streams, Device::flex());
    streams.cursor().set(1, 2);
    assert!(streams.iter().next().unwrap().unwrap().continues);
}

#[test]
fn the_last_batch_is_short_and_steps_count_over_epochs() {
    let loader = loader(Order::Sequential);
    assert_eq!(loader.batches(), 4);
    loader.cursor().set(2, 0);
    let seen: Vec<(usize, u64)> = loader.iter().map(|batch| batch.unwrap()).map(|b| (b.rows(), b.step)).collect();
    assert_eq!(seen, [(32, 4), (32, 5), (32, 6), (1, 7)]);
}

#[test]
fn endless_batches_are_those_of_consecutive_epochs() {
    let loader = loader(Order::Shuffled(5));
    let mut expected = targets(&loader);
    loader.cursor().set(2, 0);
    expected.extend(targets(&loader));
    let read = |batch: Batch| batch.targets.try_into_vec_as::<i64>().unwrap();
    let steps: Vec<u64> = loader.clone().endless().take(9).map(|batch| batch.step).collect();
    assert_eq!(steps, (0..9).collect::<Vec<_>>());
    assert_eq!(loader.endless().take(8).flat_map(read).collect::<Vec<_>>(), expected);
}

#[test]
fn epochs_of_a_number_of_batches_divide_the_endless_batches() {
    let read = |batch: Batch| (batch.step, batch.targets.try_into_vec_as::<i64>().unwrap());
    let loader = loader(Order::Shuffled(5));
    let endless: Vec<_> = loader.clone().endless().take(18).map(read).collect();
    // Less than a pass, which has 4 batches, a pass, and more than two.
    for (steps, items) in [(3, [96, 65, 65, 65]), (4, [97, 97, 97, 97]), (9, [226, 226, 0, 0])] {
        let loader = loader.clone().steps_per_epoch(steps as u64);
        let epochs = items.iter().take(18 / steps).enumerate();
        for (epoch, items) in epochs {
            for done in 0..=steps {
                loader.cursor().set(epoch + 1, done);
                assert_eq!(loader.num_items(), *items, "{steps} {epoch}");
                let expected = &endless[epoch * steps + done..(epoch + 1) * steps];
                assert_eq!(loader.iter().map(|batch| read(batch.unwrap())).collect::<Vec<_>>(), expected);
                let of_done = endless[epoch * steps..epoch * steps + done].iter().map(|batch| batch.1.len());
                let progress = loader.iter().progress();
                assert_eq!((progress.items_processed, progress.items_total), (of_done.sum::<usize>(), *items));
            }
        }
    }
    let streams = Streams::over(Sequence::new(Arc::new((0..41).collect()), 0..41), 2, 8);
    let streams = Loader::streams(streams, Device::flex()).steps_per_epoch(2);
    streams.cursor().set(2, 0);
    let continues: Vec<bool> = streams.iter().map(|batch| batch.unwrap().continues).collect();
    assert_eq!(continues, [true, false]);
}

#[test]
fn a_slice_serves_its_range() {
    let loader = loader(Order::Sequential);
    let part = loader.slice(10, 20);
    assert_eq!(part.num_items(), 10);
    assert_eq!(targets(part.as_ref()), (13..23).collect::<Vec<_>>());
}

#[test]
fn chunks_come_in_order_and_all_but_the_first_continue() {
    let streams = Streams::over(Sequence::new(Arc::new((0..41).collect()), 0..41), 2, 8);
    let loader = Loader::streams(streams, Device::flex());
    loader.cursor().set(3, 0);
    let seen: Vec<(bool, u64)> = loader.iter().map(|batch| batch.unwrap()).map(|b| (b.continues, b.step)).collect();
    assert_eq!(seen, [(false, 6), (true, 7), (true, 8)]);
    let part = loader.slice(1, 3);
    assert!(!part.iter().next().unwrap().unwrap().continues);
}

/// Items with the lengths 0 to 9.
#[derive(Clone)]
struct Uneven;

struct Numbers(Vec<usize>);

impl WithStep for Numbers {
    fn with_step(self, _index: usize, _step: u64) -> Self {
        self
    }
}

impl Batcher<usize, Numbers> for Uneven {
    fn batch(&self, items: Vec<usize>, _device: &Device) -> Numbers {
        Numbers(items)
    }
}

impl Items for Uneven {
    type Batch = Numbers;

    fn count(&self) -> usize {
        1_003
    }

    fn length(&self, item: usize) -> usize {
        item % 10
    }
}

#[test]
fn items_of_similar_length_share_a_batch_and_none_is_lost() {
    let loader = Loader::new(Uneven, 8, Order::Shuffled(3), Device::flex());
    let batches: Vec<Vec<usize>> = loader.iter().map(|batch| batch.unwrap().0).collect();
    assert_eq!(batches.last().map(Vec::len), Some(3));
    let spread = |batch: &&Vec<usize>| {
        let lengths = batch.iter().map(|item| item % 10);
        lengths.clone().max().unwrap() - lengths.min().unwrap()
    };
    let whole = &batches[..125];
    assert!(whole.iter().filter(|batch| spread(batch) <= 1).count() > 110);
    // The short items do not come first.
    assert!(whole[..20].iter().flatten().any(|item| item % 10 > 7));
    let mut all: Vec<usize> = batches.concat();
    all.sort_unstable();
    assert_eq!(all, (0..1_003).collect::<Vec<_>>());
}
