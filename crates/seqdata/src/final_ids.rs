//! Replaces the provisional ids of the inputs with those of the vocabulary, part by part.

use std::collections::HashSet;

use text_prep::{TokenCounter, Vocabulary};

use crate::counted_text::CountedText;
use crate::error::Result;
use crate::ids::Ids;
use crate::ids_writer::IdsWriter;
use crate::sections::Sections;
use crate::split::{Part, Split};

/// The vocabulary's ids of each provisional id.
pub(crate) struct FinalIds {
    ids: Vec<u32>,
    /// Where the ids of each token start, and the end of the last.
    starts: Vec<usize>,
}

impl FinalIds {
    /// Encodes all tokens of `counter`; those that are not in the vocabulary are unknown or dropped.
    pub fn new(counter: &TokenCounter, vocabulary: &Vocabulary) -> Self {
        let (mut ids, mut starts) = (Vec::with_capacity(counter.len()), Vec::with_capacity(counter.len() + 1));
        starts.push(0);
        for (token, _) in counter.iter() {
            if !vocabulary.encode(token, |id| ids.push(id)) {
                ids.extend(vocabulary.unknown_id());
            }
            starts.push(ids.len());
        }
        Self { ids, starts }
    }

    /// The number of tokens of the text, and of distinct ones: of subwords if there are any, else of those that were
    /// counted.
    pub fn count(&self, counter: &TokenCounter, vocabulary: &Vocabulary) -> (usize, usize) {
        if !vocabulary.is_subwords() {
            return (counter.counts().iter().sum::<u64>() as usize, counter.len());
        }
        let of_each =
            (0u32..).zip(counter.counts()).map(|(provisional, &count)| (self.of(provisional), count as usize));
        let tokens = of_each.map(|(ids, count)| ids.len() * count).sum();
        (tokens, self.ids.iter().collect::<HashSet<_>>().len())
    }

    /// The ids of a token: one, several subwords, or none if it is dropped.
    #[inline]
    pub fn of(&self, provisional: u32) -> &[u32] {
        let at = provisional as usize;
        &self.ids[self.starts[at]..self.starts[at + 1]]
    }
}

/// The ids of a dataset.
pub(crate) struct EncodedText {
    pub ids: Ids,
    pub split: Split,
    /// Tokens of each part that are dropped.
    pub dropped: [usize; 3],
    /// Where the ids of each document start; documents without ids are left out.
    pub starts: Vec<u64>,
    /// The section of each document.
    pub sections: Vec<u32>,
    /// The number of documents of each part.
    pub counts: [usize; 3],
    /// The provisional ids of the unknown tokens of each part.
    pub unknown: [Vec<u32>; 3],
}

impl EncodedText {
    /// Encodes the parts one after another. With a document token in the vocabulary, each begins and ends with it, and it
    /// stands between the documents.
    pub fn new(text: &CountedText, sections: &Sections, final_ids: &FinalIds, vocabulary: &Vocabulary) -> Result<Self> {
        let (document_token, unknown_token) = (vocabulary.document_id(), vocabulary.unknown_id());
        let mut ids = IdsWriter::default();
        let (mut lengths, mut dropped, mut counts) = ([0; 3], [0; 3], [0; 3]);
        let (mut starts, mut sections_of) = (Vec::new(), Vec::new());
        let mut unknown = [const { Vec::new() }; 3];
        for (index, part) in Part::ALL.into_iter().enumerate() {
            let (start, first) = (ids.len(), starts.len());
            let mut current = None;
            if sections.count(|other| other == part) == 0 {
                continue;
            }
            sections.for_each(
                &text.provisional_ids,
                |other| other == part,
                |section, provisional| {
                    let tokens = final_ids.of(provisional);
                    dropped[index] += usize::from(tokens.is_empty());
                    if let Some(document) = document_token
                        && !tokens.is_empty()
                        && current != Some(section)
                    {
                        current = Some(section);
                        ids.push(document);
                        starts.push(ids.len() as u64);
                        sections_of.push(section as u32);
                    }
                    if unknown_token.is_some_and(|id| tokens == [id]) {
                        unknown[index].push(provisional);
                    }
                    tokens.iter().for_each(|&id| ids.push(id));
                },
            );
            counts[index] = starts.len() - first;
            if let Some(document) = document_token.filter(|_| counts[index] > 0) {
                ids.push(document);
            }
            ids.check()?;
            lengths[index] = ids.len() - start;
        }
        let (ids, split) = (ids.finish()?, Split::of_lengths(lengths));
        Ok(Self { ids, split, dropped, starts, sections: sections_of, counts, unknown })
    }
}
