//! Numbers in messages.

/// `1853901` as `1,853,901`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things whose noun forms its plural with *s*: `1 step`, `1,200 steps`.
///
/// ```
/// assert_eq!(text_prep::counted(1, "step"), "1 step");
/// assert_eq!(text_prep::counted(1_200, "step"), "1,200 steps");
/// ```
pub fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let counts = [0, 1, 2, 1_001].map(|number| counted(number, "line"));
        assert_eq!(counts, ["0 lines", "1 line", "2 lines", "1,001 lines"]);
    }
}
