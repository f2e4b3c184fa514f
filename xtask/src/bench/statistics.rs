//! A few numbers as one: their median and how far they lie apart.

/// Numbers of several rounds, in short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The one in the middle, or the mean of the two there
    pub median: f64,
    /// The lowest
    pub low: f64,
    /// The highest
    pub high: f64,
}

/// What there is to say of some numbers; nothing of none.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (&low, &high) = (sorted.first()?, sorted.last()?);
    let half = sorted.len() / 2;
    let median = match sorted.len() % 2 {
        0 => (sorted[half - 1] + sorted[half]) / 2.0,
        _ => sorted[half],
    };
    Some(Summary { median, low, high })
}

/// A number with so many digits that count; more than four are never true of a time.
pub fn digits(value: f64, count: i32) -> String {
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    let before = value.abs().log10().floor() as i32 + 1;
    let decimals = (count - before).clamp(0, 12) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        let found = summary(&[3.0, 1.0, 20.0]).unwrap();
        assert_eq!(found, Summary { median: 3.0, low: 1.0, high: 20.0 });
        assert_eq!(summary(&[4.0, 1.0, 2.0, 8.0]).unwrap().median, 3.0);
        assert_eq!(summary(&[5.0]).unwrap(), Summary { median: 5.0, low: 5.0, high: 5.0 });
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn digits_count_from_the_first_that_is_not_zero() {
        let shown = [16.4317, 0.338_043, 1605.3, 12345.6, 1.0, 0.0];
        assert_eq!(shown.map(|n| digits(n, 4)), ["16.43", "0.3380", "1605", "12346", "1.000", "0"]);
        assert_eq!(shown.map(|n| digits(n, 3)), ["16.4", "0.338", "1605", "12346", "1.00", "0"]);
    }
}
