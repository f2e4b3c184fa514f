//! A file of a run that is appended to, and that goes back to where it was when a checkpoint was saved:
//! whoever resumes or retreats writes the rest again.

use std::path::{Path, PathBuf};

use durable::Journal;
use trainer::{Heard, Marks};

/// The file, opened when the run is about to begin and not when it may still be refused.
pub struct Marked {
    name: &'static str,
    path: PathBuf,
    journal: Option<Journal>,
}

impl Marked {
    /// The file `name` in `run`, which is also the name of its mark.
    pub fn new(run: &Path, name: &'static str) -> Self {
        Self { name, path: run.join(name), journal: None }
    }

    /// Opens it at its mark, and says whether it begins there.
    pub fn open(&mut self, marks: &Marks) -> durable::Result<bool> {
        let mark = marks.get(self.name).copied().unwrap_or(0);
        self.journal = Some(Journal::open(&self.path, mark)?);
        Ok(mark == 0)
    }

    /// Appends `text`.
    pub fn append(&mut self, text: &str) -> Heard {
        match &mut self.journal {
            Some(journal) => Ok(journal.append(text.as_bytes())?),
            None => Ok(()),
        }
    }

    /// Makes it durable, and marks where it ends.
    pub fn mark(&mut self, marks: &mut Marks) -> Heard {
        if let Some(journal) = &mut self.journal {
            marks.insert(self.name.into(), journal.mark()?);
        }
        Ok(())
    }

    /// Goes back to its mark.
    pub fn go_back(&mut self, marks: &Marks) -> Heard {
        match &mut self.journal {
            Some(journal) => Ok(journal.cut(marks.get(self.name).copied().unwrap_or(0))?),
            None => Ok(()),
        }
    }
}
