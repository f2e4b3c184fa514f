//! How reliable confidences are: their precision at several coverages, and the share of good questions by confidence.

use serde::Serialize;

/// The questions with the highest confidence, up to a fraction of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoverageRow {
    /// The percentage of the answers that are asked about.
    pub coverage: f64,
    /// The number of questions.
    pub questions: usize,
    /// The lowest confidence of these.
    pub min_confidence: f64,
    /// The percentage of them that are good.
    pub precision: f64,
}

/// The questions whose confidence is in a range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReliabilityRow {
    /// The lowest and the highest confidence of the range; the highest is included only if it is 1.
    pub range: [f64; 2],
    /// The number of questions.
    pub questions: usize,
    /// The mean of their confidences, in percent.
    pub confidence: f64,
    /// The percentage of them that are good.
    pub good: f64,
}

/// The coverages of [`precision_at_coverage`], in percent.
const COVERAGES: [f64; 6] = [5.0, 10.0, 20.0, 30.0, 50.0, 100.0];
/// The number of ranges of [`reliability`].
const RANGES: usize = 5;

fn sorted(questions: &[(f64, bool)]) -> Vec<(f64, bool)> {
    let mut sorted = questions.to_vec();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    sorted
}

fn percent_good(questions: &[(f64, bool)]) -> f64 {
    100.0 * questions.iter().filter(|(_, is_good)| *is_good).count() as f64 / questions.len() as f64
}

/// The precision of the questions with the highest confidence. Each question has its confidence and whether it is good.
/// Coverages of less than one question are left out.
pub fn precision_at_coverage(questions: &[(f64, bool)]) -> Vec<CoverageRow> {
    let sorted = sorted(questions);
    let row = |coverage: f64| {
        let count = (coverage / 100.0 * sorted.len() as f64).round() as usize;
        let kept = &sorted[..count];
        let (min_confidence, _) = kept.last()?;
        Some(CoverageRow { coverage, questions: count, min_confidence: *min_confidence, precision: percent_good(kept) })
    };
    COVERAGES.into_iter().filter_map(row).collect()
}

/// The share of good questions by confidence, in ranges of equal size; ranges without questions are left out.
pub fn reliability(questions: &[(f64, bool)]) -> Vec<ReliabilityRow> {
    let range_of = |confidence: f64| ((confidence * RANGES as f64) as usize).min(RANGES - 1);
    let row = |range: usize| {
        let inside: Vec<(f64, bool)> = questions.iter().copied().filter(|(p, _)| range_of(*p) == range).collect();
        let sum: f64 = inside.iter().map(|(confidence, _)| confidence).sum();
        (!inside.is_empty()).then(|| ReliabilityRow {
            range: [range, range + 1].map(|bound| bound as f64 / RANGES as f64),
            questions: inside.len(),
            confidence: 100.0 * sum / inside.len() as f64,
            good: percent_good(&inside),
        })
    };
    (0..RANGES).filter_map(row).collect()
}

/// The lowest confidence from which on at least `precision`, from 0 to 1, of the questions are good, if these are at least
/// `min_questions`.
pub fn threshold_for(questions: &[(f64, bool)], precision: f64, min_questions: usize) -> Option<f64> {
    let sorted = sorted(questions);
    let mut good = 0;
    let mut found = None;
    for (at, (confidence, is_good)) in sorted.iter().enumerate() {
        good += usize::from(*is_good);
        // Questions of equal confidence are kept or left out together.
        let is_last_of_equal = sorted.get(at + 1).is_none_or(|next| next.0 < *confidence);
        if is_last_of_equal && at + 1 >= min_questions && good as f64 >= precision * (at + 1) as f64 {
            found = Some(*confidence);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten questions: good ones at 0.95, 0.85, 0.75, 0.45 and bad ones elsewhere.
    fn questions() -> Vec<(f64, bool)> {
        (0..10).map(|n| (f64::from(n) / 10.0 + 0.05, [9, 8, 7, 4].contains(&n))).collect()
    }

    #[test]
    fn precision_falls_with_coverage() {
        let rows = precision_at_coverage(&questions());
        let found: Vec<(f64, usize)> = rows.iter().map(|row| (row.coverage, row.questions)).collect();
        assert_eq!(found, [(5.0, 1), (10.0, 1), (20.0, 2), (30.0, 3), (50.0, 5), (100.0, 10)]);
        let precision: Vec<f64> = rows.iter().map(|row| row.precision).collect();
        assert_eq!(precision, [100.0, 100.0, 100.0, 100.0, 60.0, 40.0]);
        assert_eq!(rows[4].min_confidence, questions()[5].0);
        assert_eq!(precision_at_coverage(&[]), []);
    }

    #[test]
    fn reliability_has_every_question_once() {
        let rows = reliability(&questions());
        assert_eq!(rows.len(), 5);
        assert_eq!(rows.iter().map(|row| row.questions).sum::<usize>(), 10);
        assert!((rows[4].confidence - 90.0).abs() < 1e-9 && rows[4].good == 100.0 && rows[2].good == 50.0, "{rows:?}");
        assert_eq!(reliability(&[(1.0, true)])[0].range, [0.8, 1.0]);
    }

    #[test]
    fn a_threshold_has_the_precision_and_enough_questions() {
        assert_eq!(threshold_for(&questions(), 0.9, 1), Some(questions()[7].0));
        assert_eq!(threshold_for(&questions(), 0.6, 1), Some(questions()[4].0));
        assert_eq!(threshold_for(&questions(), 0.9, 4), None);
        let equal = [(0.5, true), (0.5, false), (0.5, false)];
        assert_eq!(threshold_for(&equal, 0.5, 1), None);
    }
}
