//! What is reported at the end of a run: advice, baselines, the evaluation report, charts and question scores.

pub mod advice;
pub mod baselines;
pub mod characters;
pub mod chart;
pub mod copied_words;
pub mod counting;
pub mod evaluation_report;
pub mod final_sample;
pub mod held_out;
pub mod invented_words_report;
pub mod mixture_report;
pub mod model_card;
pub mod overlap;
pub mod question_scores;
mod report_in_words;
pub mod run_charts;
pub mod terms;
pub mod test_part;
pub mod too_short;
pub mod training_texts;

use std::path::Path;

use durable::write_atomically;
use serde::Serialize;

use crate::error::Result;

/// Writes a report as `score.md` and `score.json` into `run`.
///
/// # Errors
/// If a file cannot be written.
pub fn write_score(run: &Path, markdown: &str, report: &impl Serialize) -> Result<()> {
    write_atomically(&run.join("score.md"), markdown.as_bytes())?;
    let json = serde_json::to_string_pretty(report).expect("the report is serializable") + "\n";
    Ok(write_atomically(&run.join("score.json"), json.as_bytes())?)
}
