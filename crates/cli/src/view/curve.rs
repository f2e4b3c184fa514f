//! A loss curve that is downsampled as it grows, so that its memory stays bounded in a run of any length.

/// The maximum number of points in a curve; an even number.
const MAX_POINTS: usize = 2_000;
/// Larger losses are clamped to this value, in nats/token, so that their sums stay finite.
const MAX_LOSS: f64 = 1e12;

/// Points (global step, nats/token) in increasing order of steps.
///
/// When the buffer is full, each pair of neighbours is replaced by its mean, and from then on a point covers
/// twice as many steps.
#[derive(Clone, Debug)]
pub struct Curve {
    points: Vec<(f64, f64)>,
    /// The number of losses averaged in one point.
    losses_per_point: u64,
    /// Losses of the next point: their count and their sum in nats/token.
    pending: (u64, f64),
}

impl Default for Curve {
    fn default() -> Self {
        Self { points: Vec::new(), losses_per_point: 1, pending: (0, 0.0) }
    }
}

impl Curve {
    /// Adds the loss of global step `step`, in nats/token. Values that are not finite are ignored. A step that is
    /// not larger than the last one means that the run was rolled back: points from that step on are removed.
    pub fn push(&mut self, step: u64, nats: f64) {
        let step = step as f64;
        if !nats.is_finite() {
            return;
        }
        if self.points.last().is_some_and(|last| last.0 >= step) {
            self.points.retain(|point| point.0 < step);
            self.pending = (0, 0.0);
        }
        self.pending = (self.pending.0 + 1, self.pending.1 + nats.clamp(-MAX_LOSS, MAX_LOSS));
        if self.pending.0 < self.losses_per_point {
            return;
        }
        self.points.push((step, self.pending.1 / self.pending.0 as f64));
        self.pending = (0, 0.0);
        if self.points.len() >= MAX_POINTS {
            self.points = average_chunks(&self.points, 2);
            self.losses_per_point *= 2;
        }
    }

    /// The points (global step, nats/token) in increasing order of steps, all finite.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The recent loss in nats/token: the mean of the newest 1 % of the points (at least one point).
    pub fn recent(&self) -> Option<f64> {
        let count = self.points.len().div_ceil(100);
        let newest = &self.points[self.points.len() - count..];
        (!newest.is_empty()).then(|| mean(newest))
    }

    /// The curve averaged down to at most about `columns` points, so that noisy losses are drawn as a line.
    pub fn downsampled(&self, columns: usize) -> Vec<(f64, f64)> {
        average_chunks(&self.points, self.points.len().div_ceil(columns.max(1)).max(1))
    }
}

/// The means of chunks of `size` points, each at the last step of its chunk, so that the curve ends at the
/// current step.
fn average_chunks(points: &[(f64, f64)], size: usize) -> Vec<(f64, f64)> {
    points.chunks(size).map(|chunk| (chunk[chunk.len() - 1].0, mean(chunk))).collect()
}

/// The mean loss of `points`.
fn mean(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_stays_bounded_and_keeps_its_mean_and_last_step() {
        let mut curve = Curve::default();
        let steps = 1 << 20;
        for step in 1..=steps {
            curve.push(step, step as f64);
        }
        let points = curve.points();
        assert!((MAX_POINTS / 2..MAX_POINTS).contains(&points.len()), "{}", points.len());
        assert_eq!(points.last().unwrap().0, steps as f64);
        assert!((mean(points) - (steps + 1) as f64 / 2.0).abs() < 1e-6);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
    }

    #[test]
    fn a_rollback_removes_later_points() {
        let mut curve = Curve::default();
        for step in 1..=10 {
            curve.push(step, 1.0);
        }
        curve.push(4, 7.0);
        assert_eq!(curve.points(), [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 7.0)]);
    }

    #[test]
    fn values_that_are_not_finite_are_ignored() {
        let mut curve = Curve::default();
        for nats in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            curve.push(1, nats);
        }
        assert_eq!((curve.points().len(), curve.recent()), (0, None));
        assert!(curve.downsampled(0).is_empty());
    }

    #[test]
    fn a_downsampled_curve_has_at_most_one_point_per_column() {
        let mut curve = Curve::default();
        for step in 0..1_000 {
            curve.push(step, 1.0 + (step % 2) as f64);
        }
        let downsampled = curve.downsampled(100);
        assert_eq!(downsampled.len(), 100);
        assert!(downsampled.iter().all(|point| point.1 == 1.5));
        assert_eq!(curve.recent(), Some(1.5));
    }
}
