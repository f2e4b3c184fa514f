//! What a check returns: its problems and what it inspected.

/// The result of a check.
#[derive(Debug, Default)]
pub struct Report {
    /// Empty if the check passes
    pub problems: Vec<Problem>,
    /// What was inspected, as in `42 files`
    pub inspected: String,
}

impl Report {
    /// The report of a check that needs a git checkout and has none.
    pub fn skipped_without_git() -> Self {
        Self { inspected: "skipped: not a git checkout".into(), ..Self::default() }
    }
}

/// One problem.
#[derive(Debug, PartialEq)]
pub struct Problem {
    /// A path under the root, or the name of a package
    pub location: String,
    /// The line in it, from one
    pub line: Option<usize>,
    /// What was found and what was expected
    pub message: String,
}

impl Problem {
    /// A problem at a location and perhaps a line.
    pub fn at(location: impl Into<String>, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { location: location.into(), line, message: message.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.location, self.message),
            None => write!(out, "{}: {}", self.location, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_that_an_editor_can_follow() {
        let problem = Problem::at("crates/a/src/lib.rs", Some(3), "no module doc");
        assert_eq!(problem.to_string(), "crates/a/src/lib.rs:3: no module doc");
        assert_eq!(Problem::at("docs", None, "missing").to_string(), "docs: missing");
    }
}
