//! Opens the text of a configuration: the files for training, validation and test, as running texts or as documents.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use seqdata::{DatasetInput, text_sha256};
use text_prep::source::files::{DocumentCounts, FoundFile};
use text_prep::{FileDocuments, JoinedText, LabelSource, SourceOptions, TextFiles};

use super::{DocumentSettings, Paths, Text, control_characters_warning};
use crate::corpus::Corpus;
use crate::error::{Result, bail};
use crate::fixed_split::FixedSplit;
use crate::input::{KeptInput, is_read_once};

/// The endings of the names of files whose text is longer than the file.
const PACKED: [&str; 4] = ["gz", "zst", "zstd", "epub"];
/// The label that means the folder of a file.
pub const FOLDER: &str = "folder";

/// A part of the text that is open.
#[expect(clippy::large_enum_variant, reason = "there are at most three of them")]
pub enum OpenInput<'a> {
    /// A running text.
    Text(JoinedText<'a>),
    /// Documents.
    Documents(FileDocuments<'a>),
}

/// The text of a run.
pub struct OpenInputs<'a> {
    /// For training, and for what the others are not given.
    pub train: OpenInput<'a>,
    /// Separate files for validation.
    pub valid: Option<OpenInput<'a>>,
    /// Separate files for a test.
    pub test: Option<OpenInput<'a>>,
}

impl Text {
    /// Opens the text; `kept` has the contents of the training files if they were piped.
    ///
    /// # Errors
    /// If a file does not exist, a folder or pattern has none, or keys contradict each other.
    pub fn open<'a>(&self, documents: &DocumentSettings, kept: Option<&'a KeptInput>) -> Result<OpenInputs<'a>> {
        let options = self.source_options();
        let [mut valid, mut test] = [self.valid.clone(), self.test.clone()];
        let train = match (kept, &self.dataset) {
            (Some(kept), _) => TextFiles::default().reader(self.name(), &*kept.bytes).options(options.clone()),
            (None, Some(name)) => {
                let corpus = Corpus::find(name)?;
                if let Some(split) = &corpus.split {
                    self.reject_held_out_beside(name, split)?;
                    [valid, test] = corpus.held_out(name).map(|path| path.as_deref().map(Paths::from));
                }
                corpus.files(name, self.edition, &options)?
            }
            (None, None) => TextFiles::new(self.paths()).options(options.clone()),
        };
        self.reject_shared_files()?;
        // The markers of the excerpt are those of the training files.
        let options = SourceOptions { excerpt: None, ..options };
        let separate = |paths: &Option<Paths>| -> Result<Option<OpenInput<'a>>> {
            let files = paths.as_ref().map(|paths| TextFiles::new(paths.iter()).options(options.clone()));
            files.map(|files| self.open_files(files, documents)).transpose()
        };
        let (valid, test) = (separate(&valid)?, separate(&test)?);
        Ok(OpenInputs { train: self.open_files(train, documents)?, valid, test })
    }

    /// Rejects separate files for the parts that a known corpus has.
    fn reject_held_out_beside(&self, name: &str, split: &FixedSplit) -> Result<()> {
        let given = [("text.valid", &self.valid), ("text.test", &self.test)];
        match given.iter().find(|(_, paths)| paths.is_some()) {
            None => Ok(()),
            Some((key, _)) => bail!(
                "`{key}` is given, but the corpus `{name}` has {} for validation and {} for a test; leave it out, or name all \
                 files, with `text.path` for training",
                split.valid,
                split.test
            ),
        }
    }

    /// Whether there are separate files for validation, of its own or of the known corpus.
    pub fn has_valid_files(&self) -> bool {
        let has_split = |name: &String| Corpus::find(name).is_ok_and(|corpus| corpus.split.is_some());
        self.valid.is_some() || self.dataset.as_ref().is_some_and(has_split)
    }

    /// Rejects a file that is in two of the parts for training, validation and test.
    fn reject_shared_files(&self) -> Result<()> {
        if self.valid.is_none() && self.test.is_none() {
            return Ok(());
        }
        let separate =
            |paths: &Option<Paths>| paths.iter().flat_map(Paths::iter).map(PathBuf::from).collect::<Vec<_>>();
        let parts = [
            ("training", self.paths()),
            ("`text.valid`", separate(&self.valid)),
            ("`text.test`", separate(&self.test)),
        ];
        let mut found: HashMap<PathBuf, &str> = HashMap::new();
        for (part, paths) in parts {
            let paths = paths.into_iter().filter(|path| !is_read_once(path));
            for FoundFile { path, .. } in TextFiles::new(paths).files()? {
                if let Some(other) = path.canonicalize().ok().and_then(|file| found.insert(file, part)) {
                    bail!(
                        "`{}` is in the files for {other} and in those for {part}: expected each text in one of them; leave \
                         it out of the other",
                        path.display()
                    );
                }
            }
        }
        Ok(())
    }

    /// Opens files that are read in the same way as this text.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_files<'a>(&self, mut files: TextFiles<'a>, documents: &DocumentSettings) -> Result<OpenInput<'a>> {
        if let Some(column) = &self.column {
            files = files.column(column);
        }
        let Some(unit) = documents.unit(self)? else { return Ok(OpenInput::Text(files.open_text()?)) };
        files = files.documents(unit).max_document_len(documents.max_len());
        if let Some(label) = &self.label {
            let of_folder = label == FOLDER;
            files = files.label(if of_folder { LabelSource::Folder } else { LabelSource::Column(label.clone()) });
        }
        Ok(OpenInput::Documents(files.open_documents()?))
    }

    /// The number of bytes of the training files, if none of them is compressed.
    pub fn size(&self) -> Option<u64> {
        let files = TextFiles::new(self.paths()).files().ok()?;
        let size = |path: &Path| {
            let is_packed = path.extension().is_some_and(|ending| PACKED.iter().any(|packed| ending == *packed));
            if is_packed { None } else { path.metadata().ok().map(|data| data.len()) }
        };
        files.iter().map(|file| size(&file.path)).sum()
    }

    /// The hash of the text as it is read, as in the record of a run.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn sha256(&self, documents: &DocumentSettings) -> Result<String> {
        let OpenInputs { train, valid, test } = &mut self.open(documents, None)?;
        let [valid, test] = [valid, test].map(|input| input.as_mut().map(OpenInput::input));
        Ok(text_sha256(train.input(), valid, test)?)
    }
}

impl<'a> OpenInputs<'a> {
    /// All inputs.
    pub fn all(&self) -> impl Iterator<Item = &OpenInput<'a>> {
        [Some(&self.train), self.valid.as_ref(), self.test.as_ref()].into_iter().flatten()
    }

    /// What was found in the documents of all inputs that were read; `None` of running text.
    pub fn counts(&self) -> Option<DocumentCounts> {
        self.all().filter_map(OpenInput::counts).cloned().reduce(|sum, counts| DocumentCounts {
            documents: sum.documents + counts.documents,
            unlabelled: sum.unlabelled + counts.unlabelled,
            empty: sum.empty + counts.empty,
            split: sum.split + counts.split,
            first_split: sum.first_split.or(counts.first_split),
        })
    }
}

impl<'a> OpenInput<'a> {
    /// The input of a dataset.
    pub fn input(&mut self) -> DatasetInput<'_> {
        match self {
            Self::Text(text) => DatasetInput::text(text),
            Self::Documents(documents) => DatasetInput::documents(documents),
        }
    }

    /// What was found in documents that were read.
    pub fn counts(&self) -> Option<&DocumentCounts> {
        match self {
            Self::Text(_) => None,
            Self::Documents(documents) => Some(documents.counts()),
        }
    }

    /// Warnings about control characters and long documents in what was read with these options.
    /// `advice` says what to do about control characters.
    pub fn warnings(&self, options: &SourceOptions, advice: &str) -> Vec<String> {
        let found = match self {
            Self::Text(text) => text.control_characters_in(),
            Self::Documents(documents) => documents.control_characters_in(),
        };
        let control_characters =
            found.and_then(|(name, found)| control_characters_warning(&name, Some(found), options));
        let counts = self.counts().filter(|counts| counts.split > 0);
        let split = counts.map(|counts| {
            let (count, name) = (counts.split, counts.first_split.as_deref().unwrap_or_default());
            let documents = if count == 1 { "1 document is".into() } else { format!("{count} documents are") };
            format!(
                "{documents} longer than the limit (`--set data.max_document_len=N`), the first in {name}: split at blank lines, \
                 else at line ends, ends of sentences or white space"
            )
        });
        control_characters.map(|warning| warning + advice).into_iter().chain(split).collect()
    }
}
