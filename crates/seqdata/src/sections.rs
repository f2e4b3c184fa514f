//! Which part of the split the provisional ids of the inputs belong to.

use crate::counted_text::CountedText;
use crate::dataset_config::DatasetConfig;
use crate::document_split::split_documents;
use crate::error::Result;
use crate::ids::Ids;
use crate::split::{Part, Split};

/// Sections of the provisional ids, each of one part of the split: the documents, or pieces of a running text.
pub(crate) struct Sections {
    /// Where each starts, and the end of the last.
    starts: Vec<u64>,
    parts: Vec<Part>,
}

impl Sections {
    /// Splits the inputs. `is_given` says of validation and test whether there is a separate input.
    ///
    /// # Errors
    /// If a fraction is out of range, a part of a running text is shorter than a window, or there are too few documents.
    pub fn new(text: &mut CountedText, config: &DatasetConfig, is_given: [bool; 2]) -> Result<Self> {
        let fractions = config.fractions.check(is_given)?;
        let [train_input, valid_input, test_input] = text.input_ends;
        if let Some(documents) = &mut text.documents {
            let mut starts = std::mem::take(&mut documents.starts);
            starts.push(test_input as u64);
            let parts = split_documents(documents, &starts, fractions)?;
            return Ok(Self { starts, parts });
        }
        let mut sections = Self { starts: vec![0], parts: Vec::new() };
        if config.each_file {
            // The first file starts with the text.
            let ends = text.file_starts.iter().skip(1).copied().chain([train_input]);
            let mut start = 0;
            for end in ends {
                sections.push(start, &Split::of_file(end - start, fractions));
                start = end;
            }
        } else {
            sections.push(0, &Split::of_input(train_input, config.context_len, fractions)?);
        }
        for (end, part) in [(valid_input, Part::Valid), (test_input, Part::Test)] {
            sections.starts.push(end as u64);
            sections.parts.push(part);
        }
        Split::of_lengths(Part::ALL.map(|part| sections.len(part))).check_lengths(config.context_len)?;
        Ok(sections)
    }

    /// Adds the parts of an input, or of a file of it, that starts with the id `start`.
    fn push(&mut self, start: usize, split: &Split) {
        for part in Part::ALL {
            self.starts.push((start + split.range(part).end) as u64);
            self.parts.push(part);
        }
    }

    /// The provisional ids of `part`.
    pub fn len(&self, part: Part) -> usize {
        let lengths = self.starts.windows(2).map(|ends| (ends[1] - ends[0]) as usize);
        lengths.zip(&self.parts).filter(|&(_, &other)| other == part).map(|(length, _)| length).sum()
    }

    /// The number of sections with a part for which `wanted` returns true.
    pub fn count(&self, wanted: impl Fn(Part) -> bool) -> usize {
        self.parts.iter().filter(|&&part| wanted(part)).count()
    }

    /// The part of each section.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Calls `each` with the number of the section and the id, for all `ids` of the parts for which `wanted` returns true,
    /// in order.
    pub fn for_each(&self, ids: &Ids, wanted: impl Fn(Part) -> bool, mut each: impl FnMut(usize, u32)) {
        let mut next = 0;
        while let Some(&part) = self.parts.get(next) {
            let first = next;
            next += 1;
            if !wanted(part) {
                continue;
            }
            // Neighbours are read together, because each range of a file is mapped anew.
            next += self.parts[next..].iter().take_while(|&&part| wanted(part)).count();
            let (mut section, mut at, mut end) = (first, self.starts[first], self.starts[first + 1]);
            ids.for_each(at as usize..self.starts[next] as usize, |id| {
                while at == end {
                    section += 1;
                    end = self.starts[section + 1];
                }
                each(section, id);
                at += 1;
            });
        }
    }
}
