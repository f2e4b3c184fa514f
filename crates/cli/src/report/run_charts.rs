//! Losses along the steps of one run or of several, drawn together; the learning rate of one.

use std::path::Path;

use crate::error::Result;
use crate::observers::metrics_file::Curves;
use crate::report::chart::{self, Corner, Frame, Series};

/// The curves of one run, and what to call them.
pub struct Named<'a> {
    /// The run's name; none where there is only one.
    pub run: Option<&'a str>,
    /// Its curves.
    pub curves: &'a Curves,
}

/// Draws training and validation losses, and losses of simpler models as dots.
///
/// # Errors
/// If there is nothing to draw, or the file system refuses.
pub fn losses(path: &Path, runs: &[Named], baselines: &[(String, f64)]) -> Result<()> {
    let mut series = Vec::new();
    for (colour, Named { run, curves }) in runs.iter().enumerate() {
        let name = |what: &str| run.map_or(what.to_string(), |run| format!("{run}, {what}"));
        // One run has a colour for each of its lines, several have one each.
        let (train, valid) = if runs.len() == 1 { (5, 0) } else { (colour, colour) };
        let smooth = smoothed(&curves.train);
        let dotted = runs.len() > 1;
        series.push(Series { name: name("training"), points: smooth, colour: train, dotted });
        let points = curves.valid.clone();
        series.push(Series { name: name("validation"), points, colour: valid, dotted: false });
    }
    let points = || series.iter().flat_map(|series| &series.points);
    let right = points().map(|point| point.0).fold(0.0, f64::max);
    let losses = || points().map(|point| point.1).filter(|loss| loss.is_finite());
    let low = losses().fold(f64::INFINITY, f64::min);
    let high = losses().fold(0.0, f64::max);
    for (at, (name, loss)) in baselines.iter().enumerate() {
        let points = (0..=60).map(|x| (right * f64::from(x) / 60.0, *loss)).collect();
        let name = format!("{name} {loss:.2}");
        series.push(Series { name, points, colour: 1 + at, dotted: true });
    }
    let all = baselines.iter().map(|(_, loss)| *loss);
    let (low, high) = all.fold((low, high), |(low, high), loss| (low.min(loss), high.max(loss)));
    let margin = 0.05 * (high - low).max(0.1);
    let frame = Frame {
        title: "Loss along the run",
        across: "steps",
        upwards: "nats a token",
        values: ((low - margin).max(0.0), high + margin),
        logarithmic: false,
        legend: Corner::UpperRight,
    };
    series.retain(|series| !series.points.is_empty());
    chart::draw(path, &frame, &series)
}

/// Draws the learning rate, where it changes: false where there is nothing to see.
///
/// # Errors
/// If the file system refuses.
pub fn learning_rate(path: &Path, curves: &Curves) -> Result<bool> {
    let points = curves.learning_rate.clone();
    let high = points.iter().map(|point| point.1).fold(0.0, f64::max);
    if points.iter().all(|point| point.1 == high) {
        return Ok(false);
    }
    let frame = Frame {
        title: "Learning rate along the run",
        across: "steps",
        upwards: "factor of an update",
        values: (0.0, 1.05 * high),
        logarithmic: false,
        legend: Corner::UpperRight,
    };
    let name = "learning rate".to_string();
    chart::draw(path, &frame, &[Series { name, points, colour: 1, dotted: false }])?;
    Ok(true)
}

/// Each point the mean of those around it, over a fiftieth of them in all: a long run has more than a
/// picture can hold.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let half = points.len() / 100;
    let mean = |at: usize| {
        let around = &points[at.saturating_sub(half)..(at + half + 1).min(points.len())];
        around.iter().map(|point| point.1).sum::<f64>() / around.len() as f64
    };
    points.iter().enumerate().map(|(at, point)| (point.0, mean(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_drawn_with_what_it_is_held_against() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loss.svg");
        let curves = Curves {
            train: (0..400).map(|step| (f64::from(step), 9.0 - 0.01 * f64::from(step))).collect(),
            valid: vec![(200.0, 7.5), (400.0, 6.0)],
            learning_rate: Vec::new(),
        };
        let baselines = [("5-gram".to_string(), 4.42)];
        losses(&path, &[Named { run: None, curves: &curves }], &baselines).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for word in ["training", "validation", "5-gram 4.42", "nats a token", "steps"] {
            assert!(svg.contains(word), "{word}");
        }
        let two = ["a", "b"].map(|run| Named { run: Some(run), curves: &curves });
        losses(&path, &two, &[]).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.contains("a, validation") && svg.contains("b, training"));
        let none = Curves::default();
        assert!(losses(&path, &[Named { run: None, curves: &none }], &[]).is_err());
    }

    #[test]
    fn a_learning_rate_is_drawn_where_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learning_rate.svg");
        let curves = |rates: &[f64]| Curves {
            learning_rate: (1..).map(f64::from).zip(rates.iter().copied()).collect(),
            ..Curves::default()
        };
        assert!(!learning_rate(&path, &curves(&[])).unwrap());
        assert!(!learning_rate(&path, &curves(&[0.1, 0.1])).unwrap());
        assert!(!path.exists());
        assert!(learning_rate(&path, &curves(&[0.1, 0.05])).unwrap());
        assert!(std::fs::read_to_string(&path).unwrap().contains("Learning rate"));
    }

    #[test]
    fn smoothing_keeps_a_line_a_line() {
        let line: Vec<(f64, f64)> = (0..500).map(|x| (f64::from(x), 2.0)).collect();
        assert_eq!(smoothed(&line), line);
    }
}
