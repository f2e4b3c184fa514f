//! What is reported at the end of a run: baselines, the evaluation report, charts and question scores.

pub mod baselines;
pub mod chart;
pub mod evaluation_report;
pub mod invented_words_report;
pub mod question_formats;
pub mod question_scores;
pub mod run_charts;
