//! Logistic regression with weighted rows and a prior, by Newton's method.

/// A row: its features, whether its label is positive, and its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// One value for each weight of the regression.
    pub features: Vec<f64>,
    /// The label.
    pub is_positive: bool,
    /// How many rows it counts as.
    pub weight: f64,
}

/// Steps of Newton's method; it converges in fewer than ten from any prior that the tests have.
const MAX_STEPS: usize = 50;
/// The search ends when no weight changes by more.
const TOLERANCE: f64 = 1e-9;

/// 1 / (1 + e^−x).
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The weights `w` that minimize
///
/// ```text
/// Σ weight · −ln p(label) + strength / 2 · Σ (w − prior)²,   p(positive) = sigmoid(w · features)
/// ```
///
/// which is strictly convex for a positive strength, so they are unique.
///
/// # Panics
/// If a row has another number of features than `prior`.
pub fn fit(rows: &[Row], prior: &[f64], strength: f64) -> Vec<f64> {
    let count = prior.len();
    let mut weights = prior.to_vec();
    let mut loss = objective(rows, prior, strength, &weights);
    for _ in 0..MAX_STEPS {
        let mut gradient: Vec<f64> = (0..count).map(|at| strength * (weights[at] - prior[at])).collect();
        let mut hessian = vec![vec![0.0; count]; count];
        (0..count).for_each(|at| hessian[at][at] = strength);
        for Row { features, is_positive, weight } in rows {
            let p = sigmoid(dot(features, &weights));
            let (slope, curvature) = (weight * (p - f64::from(*is_positive)), weight * p * (1.0 - p));
            for (at, feature) in features.iter().enumerate().filter(|(_, feature)| **feature != 0.0) {
                gradient[at] += slope * feature;
                hessian[at].iter_mut().zip(features).for_each(|(sum, other)| *sum += curvature * feature * other);
            }
        }
        let step = solve(hessian, gradient);
        // A full step may overshoot where the probabilities are near 0 or 1.
        let mut length = 1.0;
        let (next, next_loss) = loop {
            let next: Vec<f64> = weights.iter().zip(&step).map(|(weight, step)| weight - length * step).collect();
            let next_loss = objective(rows, prior, strength, &next);
            if next_loss <= loss || length < 1e-6 {
                break (next, next_loss);
            }
            length /= 2.0;
        };
        let change = weights.iter().zip(&next).map(|(before, after)| (before - after).abs()).fold(0.0, f64::max);
        (weights, loss) = (next, next_loss);
        if change < TOLERANCE {
            break;
        }
    }
    weights
}

fn objective(rows: &[Row], prior: &[f64], strength: f64, weights: &[f64]) -> f64 {
    let penalty: f64 = weights.iter().zip(prior).map(|(weight, prior)| (weight - prior).powi(2)).sum();
    let loss = |row: &Row| {
        let x = dot(&row.features, weights);
        let x = if row.is_positive { -x } else { x };
        // ln(1 + e^x) without overflow.
        row.weight * (x.max(0.0) + (-x.abs()).exp().ln_1p())
    };
    rows.iter().map(loss).sum::<f64>() + strength / 2.0 * penalty
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len(), "expected one feature for each weight");
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The solution of `matrix` · x = `right` for a symmetric positive definite matrix, by Gaussian elimination, which needs no
/// pivots for such a matrix.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let count = right.len();
    for column in 0..count {
        let (above, below) = matrix.split_at_mut(column + 1);
        let pivot = &above[column];
        for (row, other) in below.iter_mut().enumerate() {
            let factor = other[column] / pivot[column];
            other.iter_mut().zip(pivot).for_each(|(value, pivot)| *value -= factor * pivot);
            right[column + 1 + row] -= factor * right[column];
        }
    }
    for column in (0..count).rev() {
        let known: f64 = (column + 1..count).map(|at| matrix[column][at] * right[at]).sum();
        right[column] = (right[column] - known) / matrix[column][column];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(features: &[f64], is_positive: bool) -> Row {
        Row { features: features.to_vec(), is_positive, weight: 1.0 }
    }

    #[test]
    fn a_system_of_equations_is_solved() {
        let solution =
            solve(vec![vec![4.0, 2.0, 1.0], vec![2.0, 5.0, 3.0], vec![1.0, 3.0, 6.0]], vec![11.0, 21.0, 25.0]);
        for (found, expected) in solution.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{solution:?}");
        }
    }

    #[test]
    fn without_a_prior_the_mean_probability_is_the_share_of_positive_rows() {
        let rows: Vec<Row> = (0..40).map(|n| row(&[1.0], n < 10)).collect();
        let weights = fit(&rows, &[0.0], 1e-9);
        assert!((sigmoid(weights[0]) - 0.25).abs() < 1e-6, "{weights:?}");
        // The same as counts.
        let rows = [Row { weight: 10.0, ..row(&[1.0], true) }, Row { weight: 30.0, ..row(&[1.0], false) }];
        assert!((fit(&rows, &[0.0], 1e-9)[0] - weights[0]).abs() < 1e-9);
    }

    #[test]
    fn the_gradient_is_zero_at_the_result() {
        let rows: Vec<Row> =
            (0..60).map(|n| row(&[1.0, f64::from(n % 7) - 3.0, f64::from(n % 3)], n % 5 < 2 || n % 7 == 6)).collect();
        let (prior, strength) = ([0.5, -1.0, 2.0], 0.7);
        let weights = fit(&rows, &prior, strength);
        for at in 0..3 {
            let moved = |by: f64| {
                let mut weights = weights.clone();
                weights[at] += by;
                objective(&rows, &prior, strength, &weights)
            };
            let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            assert!(slope.abs() < 1e-5, "{at}: {slope}");
        }
    }

    #[test]
    fn separable_rows_have_finite_weights_and_no_rows_give_the_prior() {
        let rows: Vec<Row> = (0..20).map(|n| row(&[1.0, f64::from(n) - 9.5], n >= 10)).collect();
        let weights = fit(&rows, &[0.0, 0.0], 0.1);
        assert!(weights.iter().all(|weight| weight.is_finite()) && weights[1] > 0.1, "{weights:?}");
        assert_eq!(fit(&[], &[0.3, -4.0], 1.0), [0.3, -4.0]);
    }
}
