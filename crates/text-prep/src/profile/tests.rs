//! Tests of profiles, and of the documents that they suggest.

use super::{TextProfile, TextProfiler};

fn profile(text: &str) -> TextProfile {
    let mut profiler = TextProfiler::default();
    profiler.push(text);
    profiler.finish()
}
