//! Layer normalisation of one row.

use crate::reference::NORM_EPSILON;

/// Replaces each x by `(x − μ) / √(σ² + ε)`, with the mean μ and the variance σ² of the row: the equation of
/// [`normalize`](crate::reference::normalize).
pub fn normalize_row(row: &mut [f32]) {
    let count = row.len() as f32;
    let mean = row.iter().sum::<f32>() / count;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
    let root = (variance + NORM_EPSILON as f32).sqrt();
    row.iter_mut().for_each(|x| *x = (*x - mean) / root);
}
