//! A data loader whose order is a function of the seed and the number of the pass over the data only.
//!
//! Burn's own loader shuffles with one generator for the whole run, so a resumed run would have another
//! order. Here any epoch can be started from its number. An epoch is a pass over the data, or a number of batches that
//! is independent of it: then it continues where the previous epoch ended.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

use crate::items::{Items, WithStep};
use crate::lm_items::LmItems;
use crate::random::Random;
use crate::shard::Shard;
use crate::streams::Streams;
use crate::windows::Windows;

/// Batches per pool of items that is sorted by length: few enough that a pass stays well shuffled.
const BATCHES_PER_POOL: usize = 32;

/// The position at which a loader starts its next iteration; shared by all its copies.
#[derive(Clone, Debug)]
pub struct EpochCursor(Arc<Mutex<(usize, usize)>>);

impl EpochCursor {
    /// Makes the next `iter` start in `epoch`, counted from 1, after its first `done` batches.
    ///
    /// # Panics
    /// If `epoch` is zero.
    pub fn set(&self, epoch: usize, done: usize) {
        assert!(epoch > 0, "epochs are counted from 1");
        *self.0.lock().expect("the lock is never poisoned") = (epoch, done);
    }

    fn get(&self) -> (usize, usize) {
        *self.0.lock().expect("the lock is never poisoned")
    }
}

/// The order of the items within a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// By index.
    Sequential,
    /// Shuffled differently in each pass, with this seed.
    Shuffled(u64),
}

/// Serves batches on a device. The last batch of a pass may be short.
#[derive(Clone, Debug)]
pub struct Loader<I = LmItems> {
    items: I,
    /// Items per batch.
    batch_size: usize,
    order: Order,
    /// Batches per epoch; 0 for a pass.
    steps_per_epoch: u64,
    cursor: EpochCursor,
    device: Device,
    /// The items that this loader serves, see [`DataLoader::slice`].
    range: Range<usize>,
}

impl Loader {
    /// A loader of all `windows`.
    ///
    /// # Panics
    /// If `batch_size` is zero.
    pub fn windows(windows: Windows, batch_size: usize, order: Order, device: Device) -> Self {
        Self::new(LmItems::Windows(windows), batch_size, order, device)
    }

    /// A loader of `streams`, one chunk per batch.
    pub fn streams(streams: Streams, device: Device) -> Self {
        Self::new(LmItems::Streams(streams), 1, Order::Sequential, device)
    }
}

impl<I: Items> Loader<I> {
    /// A loader of all `items`.
    ///
    /// # Panics
    /// If `batch_size` is zero.
    pub fn new(items: I, batch_size: usize, order: Order, device: Device) -> Self {
        assert!(batch_size > 0, "a batch has at least one item");
        let range = 0..items.count();
        let cursor = EpochCursor(Arc::new(Mutex::new((1, 0))));
        Self { items, batch_size, order, steps_per_epoch: 0, cursor, device, range }
    }

    /// Ends an epoch after this number of batches. The next one continues in the data where it ended, and a pass may end
    /// within an epoch. 0, the default: an epoch is a pass.
    #[must_use]
    pub fn steps_per_epoch(self, steps_per_epoch: u64) -> Self {
        Self { steps_per_epoch, ..self }
    }

    /// The handle that sets the epoch.
    pub fn cursor(&self) -> EpochCursor {
        self.cursor.clone()
    }

    /// Batches per pass.
    pub fn batches(&self) -> usize {
        self.range.len().div_ceil(self.batch_size)
    }

    /// The batches of pass 1, 2, … without end; none if there are no items.
    pub fn endless(self) -> impl Iterator<Item = I::Batch> {
        let mut pass = self.pass(1);
        self.endless_steps().map(move |step| self.batch(&mut pass, step))
    }

    /// The steps of all passes; none if there are no items.
    pub(crate) fn endless_steps(&self) -> Range<u64> {
        if self.range.is_empty() { 0..0 } else { 0..u64::MAX }
    }

    /// The same on another device.
    pub(crate) fn on_device(&self, device: &Device) -> Self {
        Self { device: device.clone(), ..self.clone() }
    }

    /// Of these items only.
    pub(crate) fn of_range(&self, range: Range<usize>) -> Self {
        Self { range: self.range.start + range.start..self.range.start + range.end, ..self.clone() }
    }

    /// The pass with this number, counted from 1.
    pub(crate) fn pass(&self, number: usize) -> Pass<I> {
        Pass { number, items: self.items.for_pass(number), order: self.order(number) }
    }

    /// The number of the pass with step `step` of the run, and the index of its batch in that pass.
    fn position(&self, step: u64) -> (usize, usize) {
        let batches = self.batches().max(1) as u64;
        ((step / batches) as usize + 1, (step % batches) as usize)
    }

    /// The batch of step `step` of the run. `pass` becomes the pass that it belongs to.
    fn batch(&self, pass: &mut Pass<I>, step: u64) -> I::Batch {
        let (index, items) = self.batch_items(pass, step);
        pass.items.batch(items, &self.device).with_step(index, step)
    }

    /// A shard of that batch; `None` if it has no rows.
    pub(crate) fn shard(&self, pass: &mut Pass<I>, step: u64, shard: Shard) -> Option<I::Batch> {
        let (index, items) = self.batch_items(pass, step);
        Some(pass.items.shard(&items, shard, &self.device)?.with_step(index, step))
    }

    /// The index in its pass and the items of the batch of step `step`. `pass` becomes that pass.
    fn batch_items(&self, pass: &mut Pass<I>, step: u64) -> (usize, Vec<usize>) {
        let (number, index) = self.position(step);
        if pass.number != number {
            *pass = self.pass(number);
        }
        let start = index * self.batch_size;
        let end = (start + self.batch_size).min(pass.order.len());
        let items = pass.order[start..end].iter().map(|&item| self.range.start + item as usize);
        (index, items.collect())
    }

    /// The batches of the epoch that the cursor is in, from there on.
    pub(crate) fn epoch(&self) -> Epoch<'_, I> {
        let (epoch, done) = self.cursor.get();
        let steps = self.steps(epoch);
        let next = steps.start + done as u64;
        Epoch { loader: self, pass: self.pass(self.position(next).0), steps, next }
    }

    /// The steps of `epoch`, counted from 0 over all epochs.
    fn steps(&self, epoch: usize) -> Range<u64> {
        let per_epoch = if self.steps_per_epoch > 0 { self.steps_per_epoch } else { self.batches() as u64 };
        let start = (epoch - 1) as u64 * per_epoch;
        start..start + per_epoch
    }

    /// The number of items in the steps `steps`; an item counts in each pass.
    fn items_in(&self, steps: Range<u64>) -> usize {
        let before = |step| {
            let (pass, index) = self.position(step);
            let in_pass = (index * self.batch_size).min(self.range.len());
            (pass - 1).saturating_mul(self.range.len()).saturating_add(in_pass)
        };
        before(steps.end) - before(steps.start)
    }

    /// The item indices of pass `number`, in order.
    fn order(&self, number: usize) -> Vec<u32> {
        let count = self.range.len();
        match self.order {
            Order::Sequential => (0..count as u32).collect(),
            Order::Shuffled(seed) => {
                let mut random = Random::keyed(seed, "shuffle", &[number as u64]);
                let order = random.permutation(count);
                self.group_by_length(order, &mut random)
            }
        }
    }

    /// `order` with items of similar length in the same batch, and the batches shuffled again.
    fn group_by_length(&self, mut order: Vec<u32>, random: &mut Random) -> Vec<u32> {
        let length = |item: u32| self.items.length(self.range.start + item as usize);
        let Some(first) = order.first().map(|&item| length(item)) else { return order };
        if order.iter().all(|&item| length(item) == first) {
            return order;
        }
        for pool in order.chunks_mut(BATCHES_PER_POOL * self.batch_size) {
            pool.sort_by_key(|&item| length(item));
        }
        let batches = order.chunks_exact(self.batch_size);
        // The short batch stays last.
        let rest = batches.remainder();
        let batches: Vec<&[u32]> = batches.collect();
        let shuffled = random.permutation(batches.len()).into_iter();
        let batches = shuffled.flat_map(|batch| batches[batch as usize]);
        batches.chain(rest).copied().collect()
    }
}

impl<I: Items> DataLoader<I::Batch> for Loader<I> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<I::Batch> + 'a> {
        Box::new(self.epoch())
    }

    fn num_items(&self) -> usize {
        self.items_in(self.steps(self.cursor.get().0))
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<I::Batch>> {
        Arc::new(self.on_device(device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<I::Batch>> {
        Arc::new(self.of_range(start..end))
    }
}

/// The items of a pass over the data, and their order.
pub(crate) struct Pass<I> {
    /// Counted from 1.
    number: usize,
    items: I,
    order: Vec<u32>,
}

/// The batches of an epoch.
pub(crate) struct Epoch<'a, I> {
    loader: &'a Loader<I>,
    /// The pass that was reached.
    pub(crate) pass: Pass<I>,
    /// The steps of the epoch, counted over all epochs.
    steps: Range<u64>,
    /// The next of them.
    next: u64,
}

impl<I> Epoch<'_, I> {
    /// Advances by one step, whose number is returned; `None` at the end.
    pub(crate) fn next_step(&mut self) -> Option<u64> {
        let step = (self.next < self.steps.end).then_some(self.next)?;
        self.next += 1;
        Some(step)
    }
}

impl<I: Items> Iterator for Epoch<'_, I> {
    type Item = Result<I::Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.next_step()?;
        Some(Ok(self.loader.batch(&mut self.pass, step)))
    }
}

impl<I: Items> DataLoaderIterator<I::Batch> for Epoch<'_, I> {
    fn progress(&self) -> Progress {
        let Range { start, end } = self.steps;
        Progress::new(self.loader.items_in(start..self.next), self.loader.items_in(start..end), None)
    }
}
