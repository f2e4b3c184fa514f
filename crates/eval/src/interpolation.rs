//! The linear interpolation of two models: how much each counts, fitted on held-out text by expectation maximization.

/// Iterations of expectation maximization, at most.
const MAX_ITERATIONS: usize = 500;
/// It has converged if no iteration changes a weight by more.
const TOLERANCE: f64 = 1e-7;
/// So many targets with the common weight are added to those of every class, so that a class of few targets is near it.
const PRIOR_TARGETS: f64 = 20.0;
/// No weight is nearer to 0 or 1, whatever the held-out text is.
const LEAST: f64 = 1e-3;

/// The probabilities that two models give a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetProbabilities {
    /// p of the first model.
    pub first: f64,
    /// q of the second model.
    pub second: f64,
    /// The class of its context.
    pub class: usize,
}

impl TargetProbabilities {
    /// λ p + (1 − λ) q.
    pub fn mixture(&self, weight: f64) -> f64 {
        weight * self.first + (1.0 - weight) * self.second
    }

    /// The probability that the target is from the first model: λ p / (λ p + (1 − λ) q).
    fn responsibility(&self, weight: f64) -> f64 {
        weight * self.first / self.mixture(weight)
    }
}

/// The weights λ of the first model in the mixture λ p + (1 − λ) q, one for each of `classes` classes of contexts, with
/// which `targets` are likely (Jelinek and Mercer 1980). Each of q is above 0.
///
/// Expectation maximization (Dempster, Laird and Rubin 1977) of the common weight λ₀ sets it to the mean probability that a
/// target is from the first model, again and again. That of a class has m = 20 more targets from the first model with the
/// probability λ₀, the maximum a posteriori with a beta prior:
///
/// ```text
/// r_i = λ p_i / (λ p_i + (1 − λ) q_i)        λ ← (Σ r_i + m λ₀) / (N + m)
/// ```
///
/// The log-likelihood is a concave function of λ, so that it has no other maximum. Weights are from 0.001 to 0.999; without
/// targets they are a half.
pub fn fit_weights(targets: &[TargetProbabilities], classes: usize) -> Vec<f64> {
    if targets.is_empty() {
        return vec![0.5; classes];
    }
    let common = maximize(targets.iter(), 0.5, 0.0);
    let mut by_class: Vec<Vec<&TargetProbabilities>> = vec![Vec::new(); classes];
    targets.iter().for_each(|target| by_class[target.class].push(target));
    by_class.iter().map(|targets| maximize(targets.iter().copied(), common, PRIOR_TARGETS)).collect()
}

/// The weight by expectation maximization from `start`, with `prior` more targets of this weight.
fn maximize<'a>(
    targets: impl ExactSizeIterator<Item = &'a TargetProbabilities> + Clone,
    start: f64,
    prior: f64,
) -> f64 {
    let number = targets.len() as f64 + prior;
    let mut weight = start;
    for _ in 0..MAX_ITERATIONS {
        let expected: f64 = targets.clone().map(|target| target.responsibility(weight)).sum();
        let next = ((expected + prior * start) / number).clamp(LEAST, 1.0 - LEAST);
        let change = (next - weight).abs();
        weight = next;
        if change < TOLERANCE {
            break;
        }
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(first: f64, second: f64, class: usize) -> TargetProbabilities {
        TargetProbabilities { first, second, class }
    }

    /// −ln of the likelihood, with that of the prior.
    fn nats(targets: &[TargetProbabilities], weight: f64, common: f64, prior: f64) -> f64 {
        let prior = prior * (common * weight.ln() + (1.0 - common) * (1.0 - weight).ln());
        -targets.iter().map(|target| target.mixture(weight).ln()).sum::<f64>() - prior
    }

    /// The best weight of a fine grid.
    fn best(loss: impl Fn(f64) -> f64) -> f64 {
        let weights = (1..1_000).map(|thousandths| f64::from(thousandths) / 1_000.0);
        weights.min_by(|&one, &other| loss(one).total_cmp(&loss(other))).unwrap()
    }

    #[test]
    fn the_weights_are_those_of_a_grid_search() {
        // In class 0 the first model is mostly better, in class 1 the second; class 2 has one target.
        let number = |at: u32, factor: u32| f64::from(at * factor % 97 + 1) / 98.0;
        let targets: Vec<TargetProbabilities> = (0..400)
            .map(|at| match at % 3 {
                1 => target(0.3 * number(at, 31), number(at, 53), 1),
                _ => target(number(at, 41), 0.4 * number(at, 29), 0),
            })
            .chain([target(0.9, 0.1, 2)])
            .collect();
        let weights = fit_weights(&targets, 4);
        let common = best(|weight| nats(&targets, weight, 0.5, 0.0));
        for (class, &weight) in weights.iter().enumerate() {
            let of_class: Vec<_> = targets.iter().copied().filter(|target| target.class == class).collect();
            let expected = best(|weight| nats(&of_class, weight, common, PRIOR_TARGETS));
            assert!((weight - expected).abs() < 2e-3, "class {class}: {weight} instead of {expected}");
        }
        assert!(weights[0] > common && weights[1] < common && weights[2] > common, "{weights:?}");
        // A class without targets has the common weight, with which the text is likelier than with any other.
        assert!((weights[3] - common).abs() < 1e-3, "{weights:?} {common}");
    }

    #[test]
    fn a_model_that_is_always_better_gets_nearly_all_weight() {
        let targets = vec![target(0.9, 0.1, 0); 100];
        assert_eq!(fit_weights(&targets, 1), [0.999]);
        let targets = vec![target(0.0, 0.1, 0); 100];
        assert_eq!(fit_weights(&targets, 1), [0.001]);
        assert_eq!(fit_weights(&[], 2), [0.5, 0.5]);
    }
}
