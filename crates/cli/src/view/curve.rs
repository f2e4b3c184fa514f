//! A curve of losses whose memory stays bounded however long the run: knows steps and nats, not
//! what they are of.

/// The most points that a curve keeps; an even number.
const MOST: usize = 2_000;
/// The largest loss that is kept, in nats a token: sums of it stay finite.
const LARGEST: f64 = 1e12;

/// Points (global step, nats a token) from left to right.
///
/// When the store is full, every two neighbours become their mean, and from then on a point stands
/// for twice as many steps.
#[derive(Clone, Debug)]
pub struct Curve {
    points: Vec<(f64, f64)>,
    /// How many losses a point is the mean of.
    every: u64,
    /// The losses of the point to come: how many, and their sum in nats.
    waiting: (u64, f64),
}

impl Default for Curve {
    fn default() -> Self {
        Self { points: Vec::new(), every: 1, waiting: (0, 0.0) }
    }
}

impl Curve {
    /// Adds the loss of global step `step`, in nats a token. One that is no finite number is left
    /// out. A step that was passed already means that the run went back: what lies behind it goes.
    pub fn push(&mut self, step: u64, nats: f64) {
        let step = step as f64;
        if !nats.is_finite() {
            return;
        }
        if self.points.last().is_some_and(|last| last.0 >= step) {
            self.points.retain(|point| point.0 < step);
            self.waiting = (0, 0.0);
        }
        self.waiting = (self.waiting.0 + 1, self.waiting.1 + nats.clamp(-LARGEST, LARGEST));
        if self.waiting.0 < self.every {
            return;
        }
        self.points.push((step, self.waiting.1 / self.waiting.0 as f64));
        self.waiting = (0, 0.0);
        if self.points.len() >= MOST {
            self.points = merged(&self.points, 2);
            self.every *= 2;
        }
    }

    /// What is kept, from left to right: (global step, nats a token), all of it finite.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The loss of late, in nats a token: the mean of the newest hundredth of the curve, at least
    /// of one point.
    pub fn recent(&self) -> Option<f64> {
        let newest = self.points.len().div_ceil(100);
        let newest = &self.points[self.points.len() - newest..];
        (!newest.is_empty()).then(|| mean(newest))
    }

    /// The curve in at most about `columns` points, each the mean of those around it: a line that
    /// can be followed where the raw losses would be a band.
    pub fn thinned(&self, columns: usize) -> Vec<(f64, f64)> {
        merged(&self.points, self.points.len().div_ceil(columns.max(1)).max(1))
    }
}

/// The means of every `size` points. A mean stands at its last step: the curve ends where the run
/// is.
fn merged(points: &[(f64, f64)], size: usize) -> Vec<(f64, f64)> {
    points.chunks(size).map(|some| (some[some.len() - 1].0, mean(some))).collect()
}

/// The mean height of points.
fn mean(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_days_stays_small_and_keeps_its_mean_and_its_end() {
        let mut curve = Curve::default();
        let steps = 1 << 20;
        for step in 1..=steps {
            curve.push(step, step as f64);
        }
        let points = curve.points();
        assert!((MOST / 2..MOST).contains(&points.len()), "{}", points.len());
        assert_eq!(points.last().unwrap().0, steps as f64);
        assert!((mean(points) - (steps + 1) as f64 / 2.0).abs() < 1e-6);
        assert!(points.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
    }

    #[test]
    fn going_back_drops_what_lies_behind() {
        let mut curve = Curve::default();
        for step in 1..=10 {
            curve.push(step, 1.0);
        }
        curve.push(4, 7.0);
        assert_eq!(curve.points(), [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 7.0)]);
    }

    #[test]
    fn numbers_that_are_none_are_left_out() {
        let mut curve = Curve::default();
        for nats in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            curve.push(1, nats);
        }
        assert_eq!((curve.points().len(), curve.recent()), (0, None));
        assert!(curve.thinned(0).is_empty());
    }

    #[test]
    fn a_thinned_curve_has_no_more_points_than_columns() {
        let mut curve = Curve::default();
        for step in 0..1_000 {
            curve.push(step, 1.0 + (step % 2) as f64);
        }
        let thinned = curve.thinned(100);
        assert_eq!(thinned.len(), 100);
        assert!(thinned.iter().all(|point| point.1 == 1.5));
        assert_eq!(curve.recent(), Some(1.5));
    }
}
