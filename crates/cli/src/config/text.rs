//! `[text]`: which text a run is about, and how it is read.

use std::ops::Not;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use text_prep::{ControlCharacters, Excerpt, FoundControlCharacters, SourceOptions};
use trainer::Checkpoints;

use super::paths::absolute_input;
use super::{Paths, absolute};
use crate::corpus::Corpus;
use crate::error::{Result, bail};
use crate::input::{self, KeptInput, is_read_once};

/// The copy of a piped text in the directory of its run.
const KEPT_TEXT: &str = "text.txt";

/// `[text]`: a known corpus or files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Text {
    /// A folder under `datasets/`.
    pub dataset: Option<String>,
    /// The edition of that corpus, counted from 1; the latest if it is not given. Every run saves it; a run that lacks it is
    /// older than the second editions.
    pub edition: Option<usize>,
    /// Files, folders and patterns.
    pub path: Option<Paths>,
    /// Only in the configuration of a run: its text was piped, and is the copy in the run's directory.
    #[serde(skip_serializing_if = "Not::not")]
    pub copy: bool,
    /// Separate files for validation.
    pub valid: Option<Paths>,
    /// Separate files for a test.
    pub test: Option<Paths>,
    /// The column with the texts, in tables.
    pub column: Option<String>,
    /// The column with the labels of documents, or `folder`.
    pub label: Option<String>,
    /// The encoding of the files, if it is not UTF-8.
    pub encoding: Option<String>,
    /// The part of each file to use.
    pub excerpt: Option<Excerpt>,
    /// Remove Project Gutenberg's header and licence from each file.
    pub strip_gutenberg: bool,
    /// What to do with control characters. Every run saves it since version 0.3.
    pub control_characters: Option<ControlCharacters>,
    /// The directory of the run that this was saved in; `None` in a configuration for a new run.
    #[serde(skip)]
    pub run: Option<PathBuf>,
    /// The path is that of another run's copy, of which a new run keeps a copy of its own.
    #[serde(skip)]
    pub is_copied: bool,
    /// The contents of the training text, if it can be read only once and was read already. Clones share them.
    #[serde(skip)]
    pub kept: Option<Arc<KeptInput>>,
}

impl Text {
    /// The same text, as it was saved in the directory of this run.
    pub fn saved_in(self, run: &Path) -> Self {
        // Earlier versions had only the first edition of a corpus and did not save its number.
        let edition = self.edition.or(self.dataset.is_some().then_some(1));
        Self { edition, run: Some(run.into()), ..self }
    }

    /// The same text for another run than the one that it was saved in, read in the same way. Of a copy, the other run
    /// keeps a copy, too.
    ///
    /// # Errors
    /// If the path of the file cannot be saved.
    pub fn for_another_run(self) -> Result<Self> {
        let paths = self.paths();
        let path = if paths.is_empty() { None } else { Some(Paths::from(paths).absolute()?) };
        let [valid, test] = self.separate_files()?;
        Ok(Self { path, valid, test, copy: false, is_copied: self.copy, ..self })
    }

    /// The edition of the known corpus, unless the text is in files.
    ///
    /// # Errors
    /// If the corpus is unknown.
    pub fn corpus_edition(&self) -> Result<Option<usize>> {
        match (&self.dataset, self.edition) {
            (Some(name), None) => Ok(Some(Corpus::find(name)?.latest_edition())),
            (_, edition) => Ok(edition),
        }
    }

    /// The training files, unless they are a known corpus.
    pub fn paths(&self) -> Vec<PathBuf> {
        match (&self.path, self.copy) {
            (Some(paths), false) => paths.iter().map(PathBuf::from).collect(),
            (_, copy) => input_file(self.run.as_deref(), copy.then_some(KEPT_TEXT), None).into_iter().collect(),
        }
    }

    /// All files, also those for validation and a test.
    pub fn all_paths(&self) -> Vec<PathBuf> {
        let separate = [&self.valid, &self.test].into_iter().flatten().flat_map(Paths::iter).map(PathBuf::from);
        self.paths().into_iter().chain(separate).collect()
    }

    /// The name of the training files in messages.
    pub fn name(&self) -> String {
        match &self.paths()[..] {
            [path] => input::name(path),
            _ => "the text".into(),
        }
    }

    /// The absolute paths of the files for validation and a test.
    fn separate_files(&self) -> Result<[Option<Paths>; 2]> {
        let absolute = |paths: &Option<Paths>| paths.as_ref().map(Paths::absolute).transpose();
        Ok([absolute(&self.valid)?, absolute(&self.test)?])
    }

    /// Rejects a text that is a copy in the directory of a run, in a configuration for a new run.
    ///
    /// # Errors
    /// Says how to name it.
    pub fn reject_copy(&self) -> Result<()> {
        reject_copies(self.run.as_deref(), &[("text.copy", self.copy, "`--text RUN/text.txt`")])
    }

    /// Rejects what can be read only once, unless it is the only training text.
    ///
    /// # Errors
    /// Names it.
    pub fn reject_other_pipes(&self) -> Result<()> {
        let is_single = self.path.as_ref().and_then(Paths::single).is_some();
        // The training text is the first of all paths.
        reject_pipe_among(self.all_paths().into_iter().skip(usize::from(is_single)), "the only training text")
    }

    /// Reads a training text that can be read only once, so that it can be looked at before the run starts.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn keep_pipe(&mut self) -> Result<()> {
        if let Some(path) = self.path.as_ref().and_then(Paths::single) {
            self.kept = KeptInput::read(path, KEPT_TEXT)?.map(Arc::new);
        }
        Ok(())
    }

    /// The copy of a piped text in the directory of its run, for another directory.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn kept_input(&self) -> Result<Option<KeptInput>> {
        let path = self.paths().into_iter().next().filter(|_| self.copy);
        path.map(|path| Ok(KeptInput { name: KEPT_TEXT, bytes: input::read(&path)? })).transpose()
    }

    /// Prepares the text of a new run: reads it if the run keeps a copy, makes the paths of other files absolute, so that
    /// the run can be resumed from another working directory, and completes what a run saves.
    ///
    /// # Errors
    /// If the text cannot be read, its corpus is unknown, a path cannot be saved, or a file that can be read only once is
    /// one of several.
    pub fn start(&mut self) -> Result<Option<KeptInput>> {
        if self.run.is_none() {
            self.control_characters.get_or_insert_default();
            self.edition = self.corpus_edition()?;
        } else if !self.is_copied {
            return Ok(None);
        }
        self.reject_other_pipes()?;
        [self.valid, self.test] = self.separate_files()?;
        if let Some(kept) = self.kept.take() {
            (self.path, self.copy) = (None, true);
            return Ok(Some(Arc::unwrap_or_clone(kept)));
        }
        let Some(single) = self.path.as_ref().and_then(Paths::single).map(PathBuf::from) else {
            self.path = self.path.as_ref().map(Paths::absolute).transpose()?;
            return Ok(None);
        };
        // It may be a pattern.
        let mut path = Some(if is_read_once(&single) { single } else { absolute_input(&single)? });
        let kept = start_input(&mut path, &mut self.copy, KEPT_TEXT, self.is_copied)?;
        self.path = path.as_deref().map(Paths::from);
        Ok(kept)
    }

    /// How the text is read.
    pub fn source_options(&self) -> SourceOptions {
        SourceOptions {
            encoding: self.encoding.clone(),
            excerpt: self.excerpt.clone(),
            strip_gutenberg: self.strip_gutenberg,
            ..self.control_character_options()
        }
    }

    /// How another text for the same model is read: in `encoding`, or else in that of the model's text.
    pub fn options_for_other_text(&self, encoding: Option<&str>) -> SourceOptions {
        let encoding = encoding.map(String::from).or_else(|| self.encoding.clone());
        SourceOptions { encoding, ..self.control_character_options() }
    }

    /// What happens to control characters and byte order marks, in every text for the same model. Runs of versions before
    /// 0.3 did not save it: they kept all.
    fn control_character_options(&self) -> SourceOptions {
        let is_earlier = self.run.is_some() && self.control_characters.is_none();
        let default = if is_earlier { ControlCharacters::Keep } else { ControlCharacters::default() };
        let control_characters = self.control_characters.unwrap_or(default);
        SourceOptions { control_characters, keep_inner_marks: is_earlier, ..SourceOptions::default() }
    }
}

/// Rejects a pipe among several texts; alone it could be given as `alone`.
///
/// # Errors
/// Names the pipe.
pub fn reject_pipe_among(paths: impl IntoIterator<Item = PathBuf>, alone: &str) -> Result<()> {
    match paths.into_iter().find(|path| is_read_once(path)) {
        None => Ok(()),
        Some(pipe) => bail!(
            "{} can be read only once: of several inputs expected files; save it in a file and name that, or give it as \
             {alone}",
            input::name(&pipe)
        ),
    }
}

/// The path of an input: of the copy in the directory `run` of its run or of a checkpoint of it, or else `path`.
pub(super) fn input_file(run: Option<&Path>, copy: Option<&str>, path: Option<&Path>) -> Option<PathBuf> {
    match (copy, run) {
        (None, _) => path.map(PathBuf::from),
        (Some(copy), None) => Some(copy.into()),
        (Some(copy), Some(directory)) => {
            let run = Checkpoints::run_of(directory);
            Some(run.as_deref().unwrap_or(directory).join(copy))
        }
    }
}

/// Rejects inputs that are copies in the directory of a run, in a configuration for a new run. Each is given by its key,
/// its value, and how to name the copy.
pub(super) fn reject_copies(run: Option<&Path>, inputs: &[(&str, bool, &str)]) -> Result<()> {
    match inputs.iter().find(|(_, is_copy, _)| *is_copy && run.is_none()) {
        None => Ok(()),
        Some((key, _, options)) => {
            bail!("`{key}` is given: this text is the copy in the directory of a run: give it with {options}")
        }
    }
}

/// Prepares an input of a new run, see [`Text::start`]; `name` is that of the copy if there is one: if the input can be
/// read only once, or is the copy of another run.
pub(super) fn start_input(
    path: &mut Option<PathBuf>,
    is_copy: &mut bool,
    name: &'static str,
    is_copied: bool,
) -> Result<Option<KeptInput>> {
    let Some(given) = path else { return Ok(None) };
    let kept =
        if is_copied { Some(KeptInput { name, bytes: input::read(given)? }) } else { KeptInput::read(given, name)? };
    *is_copy = kept.is_some();
    if kept.is_some() {
        *path = None;
    } else {
        *given = absolute(given)?;
    }
    Ok(kept)
}

/// A warning about the control characters of a text that was read with these options, if it has some.
pub fn control_characters_warning(
    name: &str,
    found: Option<FoundControlCharacters>,
    options: &SourceOptions,
) -> Option<String> {
    // Models of earlier versions know them.
    let found = found.filter(|_| !options.keep_inner_marks)?;
    let is_removed = options.control_characters == ControlCharacters::Remove;
    Some(format!("{name} has {found}; they are {}", if is_removed { "removed" } else { "kept" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_an_earlier_version_keeps_all_characters() {
        let new = Text::default();
        let saved = |text: &Text| text.clone().saved_in(Path::new("runs/a"));
        assert_eq!(new.control_character_options(), SourceOptions::default());
        let earlier = SourceOptions::default().control_characters(ControlCharacters::Keep).keep_inner_marks(true);
        assert_eq!(saved(&new).control_character_options(), earlier);
        // Another run that repeats it is of the earlier version, too.
        assert_eq!(saved(&new).for_another_run().unwrap().control_character_options(), earlier);
        let mut started = Text { path: Some(Path::new("a.txt").into()), ..new };
        assert!(started.start().unwrap().is_none());
        assert_eq!(started.control_characters, Some(ControlCharacters::RejectNul));
        assert_eq!(saved(&started).control_character_options(), SourceOptions::default());
    }

    #[test]
    fn a_run_of_an_earlier_version_keeps_the_first_edition_of_its_corpus() {
        let mut new = Text { dataset: Some("fables".into()), ..Text::default() };
        let saved = new.clone().saved_in(Path::new("runs/a"));
        assert_eq!(saved.edition, Some(1));
        assert_eq!(saved.for_another_run().unwrap().edition, Some(1));
        new.start().unwrap();
        assert_eq!(new.edition, Some(2));
        assert_eq!(new.clone().saved_in(Path::new("runs/a")).edition, Some(2));
        let sha256 = |text: &Text| text.sha256(&crate::config::DocumentSettings::default()).unwrap();
        let first = "75191292a1a2fb756196c7926653ccc1048aba2133389a05b1e70ea3237ab2f5";
        assert_eq!(sha256(&Text { edition: Some(1), ..new.clone() }), first);
        assert_eq!(sha256(&new), sha256(&Text { edition: None, ..new.clone() }));
        assert_ne!(sha256(&new), first);
        // Files have no editions.
        let mut files = Text { path: Some(Path::new("a.txt").into()), ..Text::default() };
        files.start().unwrap();
        assert_eq!((files.edition, files.saved_in(Path::new("runs/a")).edition), (None, None));
    }

    #[test]
    fn the_copy_of_a_piped_text_is_in_the_directory_of_its_run() {
        let kept = Text { copy: true, ..Text::default() };
        assert_eq!(
            kept.reject_copy().unwrap_err().to_string(),
            "`text.copy` is given: this text is the copy in the directory of a run: give it with \
             `--text RUN/text.txt`"
        );
        // A path has one meaning, also with the name of the copy.
        let path = Text { path: Some(Path::new(KEPT_TEXT).into()), ..Text::default() }.saved_in(Path::new("runs/a"));
        assert_eq!(path.paths(), [Path::new(KEPT_TEXT)]);
        let checkpoint = kept.clone().saved_in(Path::new("runs/a/checkpoints/step-00000012"));
        let text = kept.saved_in(Path::new("runs/a"));
        text.reject_copy().unwrap();
        let copy = std::path::absolute("runs/a/text.txt").unwrap();
        assert_eq!(text.paths(), [Path::new("runs/a/text.txt")]);
        assert_eq!(checkpoint.paths(), [copy.as_path()]);
        let again = text.for_another_run().unwrap();
        assert_eq!(again.path, Some(copy.as_path().into()));
        assert_eq!(again.paths(), [copy]);
        assert!(again.is_copied);
    }

    #[test]
    fn another_run_keeps_a_copy_of_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(KEPT_TEXT), "A fox.").unwrap();
        let saved = Text { copy: true, ..Text::default() }.saved_in(folder.path());
        // The run itself needs no other copy.
        assert!(saved.clone().start().unwrap().is_none());
        let mut again = saved.for_another_run().unwrap();
        let kept = again.start().unwrap().unwrap();
        assert_eq!((kept.name, &kept.bytes[..]), (KEPT_TEXT, &b"A fox."[..]));
        assert_eq!((again.path, again.copy), (None, true));
    }

    #[test]
    fn only_the_training_text_may_be_a_pipe_and_only_alone() {
        let paths = |paths: &[&str]| Some(Paths::from(paths.iter().map(PathBuf::from).collect::<Vec<_>>()));
        for (path, valid, is_accepted) in [
            (&["-"][..], "a.txt", true),
            (&["a.txt"], "b.txt", true),
            (&["a.txt", "-"], "b.txt", false),
            (&["a.txt"], "-", false),
            // The same pipe, too.
            (&["-"], "-", false),
        ] {
            let mut text = Text { path: paths(path), valid: paths(&[valid]), ..Text::default() };
            let error = text.reject_other_pipes().err().map(|error| error.to_string());
            assert_eq!(error.is_none(), is_accepted, "{path:?} {valid}");
            if let Some(error) = error {
                assert!(error.starts_with("standard input can be read only once: of several inputs"), "{error}");
                assert_eq!(text.start().unwrap_err().to_string(), error);
            }
        }
    }

    #[test]
    fn a_piped_text_is_in_memory_once() {
        let kept = Arc::new(KeptInput { name: KEPT_TEXT, bytes: b"A fox.".to_vec() });
        let bytes = kept.bytes.as_ptr();
        let mut text = Text { path: Some(Path::new("-").into()), kept: Some(kept), ..Text::default() };
        assert_eq!(text.clone().kept.unwrap().bytes.as_ptr(), bytes);
        assert_eq!(text.start().unwrap().unwrap().bytes.as_ptr(), bytes);
        assert!(text.copy && text.kept.is_none());
    }
}
