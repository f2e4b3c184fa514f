//! No tracked source or document uses a phrase for which the field has a standard term.

use std::path::Path;

use super::report::{Problem, Report};
use super::sources;

/// Phrases in lower case, and what to write instead.
const PHRASES: [(&str, &str); 36] = [
    ("the way back", "backward pass"),
    ("the way forward", "forward pass"),
    ("gone on with", "resumed"),
    ("goes on from", "resumes from"),
    ("go on with", "resume, continue"),
    ("foretold", "estimated"),
    ("foretell", "estimate"),
    ("by heart", "memorised, overfit"),
    ("doorplate", "module doc"),
    ("score card", "evaluation report"),
    ("nats a token", "nats/token"),
    ("bits a byte", "bits per byte"),
    ("tokens a second", "tokens per second"),
    ("the seed's", "the Keras baseline's"),
    ("plain network", "vanilla RNN"),
    ("guessing blindly", "uniform baseline"),
    ("speaks samples", "prints samples"),
    ("still hears", "gradient reach"),
    ("to the letter", "exact match, exactly"),
    ("refused in words", "rejected with an error message"),
    ("front door", "entry point"),
    ("blueprint", "config"),
    ("hands on", "outputs, passes"),
    ("handed on", "passed"),
    ("the house", "the workspace, the project"),
    ("numbers in a token", "embedding dimension"),
    ("numbers a token", "embedding dimension"),
    ("numbers in a word", "embedding dimension"),
    ("numbers a word", "embedding dimension"),
    ("rules that learned nothing", "heuristic baselines"),
    ("naive twin", "reference implementation"),
    ("what becomes of", "name the result"),
    ("such as it was", "unchanged"),
    ("whoever", "name the caller or reader"),
    ("the steps back", "lag"),
    ("graphics processor", "GPU"),
];
/// Files in which the phrases are data or history.
const EXCLUDED: [&str; 4] =
    ["datasets/", "benchmarks/record/", "crates/cli/tests/fixtures/", "xtask/src/tidy/phrases.rs"];
/// Only its newest version is checked: older entries stay as they were published.
const CHANGELOG: &str = "CHANGELOG.md";

/// Reads every tracked Rust, Markdown, TOML and Python file.
pub fn check(root: &Path) -> Result<Report, String> {
    let Some(sources) = sources::tracked_files(root) else {
        return Ok(Report::skipped_without_git());
    };
    let checked = sources.iter().filter(|source| is_checked(&source.path));
    let mut report = Report::default();
    let mut count = 0;
    for source in checked {
        count += 1;
        let text = if source.path == CHANGELOG { newest(&source.text) } else { &source.text };
        report.problems.extend(problems(&source.path, text));
    }
    report.inspected = format!("{count} files, {} phrases", PHRASES.len());
    Ok(report)
}

fn is_checked(path: &str) -> bool {
    [".rs", ".md", ".toml", ".py"].iter().any(|extension| path.ends_with(extension))
        && !EXCLUDED.iter().any(|excluded| path.starts_with(excluded))
}

/// The changelog up to the section of the second version.
fn newest(changelog: &str) -> &str {
    let second = changelog.match_indices("\n## ").nth(1);
    second.map_or(changelog, |(end, _)| &changelog[..end])
}

fn problems(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (phrase, term) in PHRASES.iter().filter(|(phrase, _)| contains_words(&line, phrase)) {
            let message = format!("`{phrase}`: use the standard term instead ({term})");
            problems.push(Problem::at(path, Some(index + 1), message));
        }
    }
    problems
}

/// Whether the phrase occurs as whole words; its last word may have a plural ending.
fn contains_words(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| {
        let rest = &line[at + phrase.len()..];
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        !line[..at].ends_with(char::is_alphanumeric) && !rest.starts_with(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_reported_with_its_line_and_the_standard_term() {
        let text = "//! Fine.\n/// Gradients of the Way Back.\n";
        let found = problems("a.rs", text);
        assert_eq!(found[0].to_string(), "a.rs:2: `the way back`: use the standard term instead (backward pass)");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn only_whole_words_count_but_plurals_do() {
        assert!(problems("a.md", "the household; the houses'").len() == 1);
        assert!(problems("a.md", "the household, loathe house").is_empty());
        assert_eq!(problems("a.md", "two blueprints, plain networks").len(), 2);
    }

    #[test]
    fn sources_and_documents_are_checked_but_not_data_and_records() {
        for path in ["README.md", "crates/a/src/lib.rs", "configs/lstm.toml", "xtask/parity/a.py"] {
            assert!(is_checked(path), "{path}");
        }
        for path in ["datasets/README.md", "benchmarks/record/a.md", EXCLUDED[2], "a.csv", "a.json"] {
            assert!(!is_checked(path), "{path}");
        }
    }

    #[test]
    fn only_the_newest_version_of_the_changelog_is_checked() {
        assert_eq!(newest("# Changelog\n\n## 2\nnew\n\n## 1\nold\n"), "# Changelog\n\n## 2\nnew\n");
        assert_eq!(newest("# Changelog\n\n## 1\n"), "# Changelog\n\n## 1\n");
    }

    #[test]
    fn phrases_are_lower_case_and_unique() {
        for (at, (phrase, term)) in PHRASES.iter().enumerate() {
            assert_eq!(*phrase, phrase.to_lowercase());
            assert!(!term.is_empty() && !PHRASES[..at].iter().any(|(other, _)| other == phrase));
        }
    }
}
