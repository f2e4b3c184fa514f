//! Charts of runs: losses of one run or of several by step, and the learning rate of one run.

use std::path::Path;

use plotters::prelude::SeriesLabelPosition;

use crate::error::Result;
use crate::observers::metrics_file::Curves;
use crate::report::chart::{self, ChartOptions, Series};
use crate::view::format::decimals;

/// The curves of a run with its name.
pub struct NamedCurves<'a> {
    /// The run's name; not needed for a single run.
    pub run: Option<&'a str>,
    /// Its curves.
    pub curves: &'a Curves,
}

/// Draws training and validation losses, and baselines as dotted lines.
///
/// # Errors
/// If there is nothing to draw, or the file cannot be written.
pub fn losses(path: &Path, runs: &[NamedCurves], baselines: &[(String, f64)]) -> Result<()> {
    let mut series = Vec::new();
    for (colour, NamedCurves { run, curves }) in runs.iter().enumerate() {
        let name = |what: &str| run.map_or(what.to_string(), |run| format!("{run}, {what}"));
        // A single run has one colour per curve; several runs have one colour each.
        let (train, valid) = if runs.len() == 1 { (5, 0) } else { (colour, colour) };
        let points = smoothed(&curves.train);
        let dotted = runs.len() > 1;
        series.push(Series { name: name("training"), points, colour: train, dotted });
        series.push(Series { name: name("validation"), points: curves.valid.clone(), colour: valid, dotted: false });
    }
    let points = || series.iter().flat_map(|series| &series.points);
    let right = points().map(|point| point.0).fold(0.0, f64::max);
    let losses = || points().map(|point| point.1).filter(|loss| loss.is_finite());
    let low = losses().fold(f64::INFINITY, f64::min);
    let high = losses().fold(0.0, f64::max);
    for (at, (name, loss)) in baselines.iter().enumerate() {
        let points = (0..=60).map(|x| (right * f64::from(x) / 60.0, *loss)).collect();
        series.push(Series { name: format!("{name} {}", decimals(*loss, 2)), points, colour: 1 + at, dotted: true });
    }
    let all = baselines.iter().map(|(_, loss)| *loss);
    let (low, high) = all.fold((low, high), |(low, high), loss| (low.min(loss), high.max(loss)));
    let margin = 0.05 * (high - low).max(1.0);
    let longest = runs.iter().map(|run| run.curves.train.len().max(run.curves.valid.len())).max().unwrap_or(0);
    // The points of a short run are on the right.
    let legend =
        if longest <= chart::FEW_POINTS { SeriesLabelPosition::UpperLeft } else { SeriesLabelPosition::UpperRight };
    let options = ChartOptions {
        title: "Loss",
        x_label: "steps",
        y_label: "nats/token",
        y_range: ((low - margin).max(0.0), high + margin),
        log_y: false,
        legend,
    };
    series.retain(|series| !series.points.is_empty());
    chart::draw(path, &options, &series)
}

/// Draws the learning rate unless it is constant; returns whether it was drawn.
///
/// # Errors
/// If the file cannot be written.
pub fn learning_rate(path: &Path, curves: &Curves) -> Result<bool> {
    let points = curves.learning_rate.clone();
    let high = points.iter().map(|point| point.1).fold(0.0, f64::max);
    if points.iter().all(|point| point.1 == high) {
        return Ok(false);
    }
    let options = ChartOptions {
        title: "Learning rate",
        x_label: "steps",
        y_label: "learning rate",
        y_range: (0.0, 1.05 * high),
        log_y: false,
        legend: SeriesLabelPosition::UpperRight,
    };
    chart::draw(path, &options, &[Series { name: "learning rate".to_string(), points, colour: 1, dotted: false }])?;
    Ok(true)
}

/// A moving average over 2 % of the points, because the losses of single steps are noisy.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let half = points.len() / 100;
    let mean = |at: usize| {
        let window = &points[at.saturating_sub(half)..(at + half + 1).min(points.len())];
        window.iter().map(|point| point.1).sum::<f64>() / window.len() as f64
    };
    points.iter().enumerate().map(|(at, point)| (point.0, mean(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_drawn_with_its_baselines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loss.svg");
        let curves = Curves {
            train: (0..400).map(|step| (f64::from(step), 9.0 - 0.01 * f64::from(step))).collect(),
            valid: vec![(200.0, 7.5), (400.0, 6.0)],
            learning_rate: Vec::new(),
        };
        let baselines = [("5-gram".to_string(), 4.42)];
        losses(&path, &[NamedCurves { run: None, curves: &curves }], &baselines).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for word in ["training", "validation", "5-gram 4.42", "nats/token", "steps"] {
            assert!(svg.contains(word), "{word}");
        }
        let two = ["a", "b"].map(|run| NamedCurves { run: Some(run), curves: &curves });
        losses(&path, &two, &[]).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.contains("a, validation") && svg.contains("b, training"));
        // A run of one point, at a loss of 0.
        let short = Curves { train: vec![(3.0, 0.0)], valid: vec![(3.0, 0.0)], learning_rate: Vec::new() };
        losses(&path, &[NamedCurves { run: None, curves: &short }], &[("5-gram".to_string(), -0.0)]).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.contains("5-gram 0.00") && !svg.contains("\n-0"), "{svg}");
        let none = Curves::default();
        assert!(losses(&path, &[NamedCurves { run: None, curves: &none }], &[]).is_err());
    }

    #[test]
    fn only_a_changing_learning_rate_is_drawn() {
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
    fn smoothing_keeps_a_constant_line() {
        let line: Vec<(f64, f64)> = (0..500).map(|x| (f64::from(x), 2.0)).collect();
        assert_eq!(smoothed(&line), line);
    }
}
