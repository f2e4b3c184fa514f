//! Documents that are neither in the training text nor written twice.

use std::collections::HashSet;

use models::bundle::DOCUMENT_HASHES;
use seqdata::{DocumentHashes, document_hash};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::generator::Generator;
use crate::prompt::{Prompt, ToPrompt};
use crate::sample_in_progress::Sample;
use crate::samples::Samples;
use crate::sampling::Sampling;

/// How many documents are drawn at most for each that is wanted.
const MAX_DRAWS: u64 = 100;

/// Documents that [`UniqueDocuments`] left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Those of the training text.
    pub in_training_text: usize,
    /// Those that had been written before.
    pub repeated: usize,
}

impl Generator {
    /// The hashes of the documents that the model was trained on, as its directory has them: to recognise documents of the
    /// training text.
    ///
    /// # Errors
    /// [`Error::NotDocuments`] if the model was trained on running text, [`Error::NoDocumentHashes`] if its directory has
    /// no valid hashes.
    pub fn training_documents(&self) -> Result<DocumentHashes> {
        if self.document_id().is_none() {
            return Err(Error::NotDocuments);
        }
        let file = self.bundle().extra_files.get(DOCUMENT_HASHES);
        file.and_then(|bytes| DocumentHashes::from_bytes(bytes)).ok_or(Error::NoDocumentHashes)
    }

    /// `count` documents that begin with `prompt`, in the order of their sample numbers from 0 on, without those that are in
    /// the training text, after its cleaning, or equal to one before. At most a hundred times as many are drawn, so
    /// that there may be fewer.
    ///
    /// # Errors
    /// As [`training_documents`](Self::training_documents) and [`generate`](Self::generate); later errors are items of the
    /// iterator.
    pub fn unique_documents(
        &self,
        prompt: &(impl ToPrompt + ?Sized),
        sampling: &Sampling,
        count: usize,
    ) -> Result<UniqueDocuments<'_>> {
        let prompt = prompt.to_prompt(self)?.into_owned();
        let document = self.document_id();
        let beginning: Vec<u32> = prompt.ids.iter().copied().filter(|&id| Some(id) != document).collect();
        Ok(UniqueDocuments {
            training: self.training_documents()?,
            drawn: self.samples(&prompt, sampling, 0..count as u64)?,
            beginning: self.tokenizer().decode(&beginning),
            written: HashSet::new(),
            missing: count,
            next_number: count as u64,
            end: (count as u64).saturating_mul(MAX_DRAWS),
            left_out: LeftOut::default(),
            sampled_before: 0,
            generator: self,
            prompt,
            sampling: sampling.clone(),
        })
    }
}

/// Documents that are neither in the training text nor equal to one before. Created by
/// [`Generator::unique_documents`]. After an error it ends.
pub struct UniqueDocuments<'a> {
    generator: &'a Generator,
    prompt: Prompt,
    /// The text of the prompt.
    beginning: String,
    sampling: Sampling,
    training: DocumentHashes,
    drawn: Samples<'a>,
    /// The hashes of the documents so far.
    written: HashSet<u64>,
    /// Documents that are still wanted.
    missing: usize,
    /// The number of the next sample that is not in `drawn`, and the limit of these numbers.
    next_number: u64,
    end: u64,
    left_out: LeftOut,
    /// Tokens of the samples before `drawn`.
    sampled_before: usize,
}

impl UniqueDocuments<'_> {
    /// The documents left out so far.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// Tokens sampled so far, also those of documents that are left out.
    pub fn sampled_tokens(&self) -> usize {
        self.sampled_before + self.drawn.sampled_tokens()
    }

    /// How many of the wanted documents have not been written: after the end, those that could not be found.
    pub fn missing(&self) -> usize {
        self.missing
    }

    fn next_document(&mut self) -> Result<Option<Sample>> {
        while self.missing > 0 {
            let Some(sample) = self.drawn.next().transpose()? else {
                // As many as are missing, so that no unused document is generated.
                let numbers = self.next_number..self.end.min(self.next_number.saturating_add(self.missing as u64));
                if numbers.is_empty() {
                    return Ok(None);
                }
                self.next_number = numbers.end;
                self.sampled_before += self.drawn.sampled_tokens();
                self.drawn = self.generator.samples(&self.prompt, &self.sampling, numbers)?;
                continue;
            };
            let document = format!("{}{}", self.beginning, sample.text);
            if self.training.contains(&document) {
                self.left_out.in_training_text += 1;
            } else if !self.written.insert(document_hash(&document)) {
                self.left_out.repeated += 1;
            } else {
                self.missing -= 1;
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }
}

impl Iterator for UniqueDocuments<'_> {
    type Item = Result<Sample>;

    fn next(&mut self) -> Option<Result<Sample>> {
        let document = self.next_document();
        if document.is_err() {
            self.next_number = self.end;
        }
        document.transpose()
    }
}
