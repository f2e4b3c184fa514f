//! Numbers in messages.

/// The most characters of a number that is printed with all its digits: those of the largest `u64`.
const MOST_DIGITS: usize = 20;

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

/// A value as text: a number that has many digits, such as those of 1e30 or 1e-30, in powers of ten.
///
/// ```
/// assert_eq!(text_prep::short_number(0.25), "0.25");
/// assert_eq!(text_prep::short_number(1e30), "1e30");
/// ```
pub fn short_number(value: impl ToString) -> String {
    let text = value.to_string();
    match text.parse::<f64>() {
        Ok(number) if text.len() > MOST_DIGITS => format!("{number:e}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_many_digits_are_printed_in_powers_of_ten() {
        let numbers = [0.0, -1.5, 0.1, 1e15, 1e30, -2.5e-30, f64::MAX, f64::INFINITY, f64::NAN].map(short_number);
        let expected =
            ["0", "-1.5", "0.1", "1000000000000000", "1e30", "-2.5e-30", "1.7976931348623157e308", "inf", "NaN"];
        assert_eq!(numbers, expected);
        assert_eq!(short_number(u64::MAX), "18446744073709551615");
        let text = "a text of more than twenty letters";
        assert_eq!(short_number(text), text);
    }

    #[test]
    fn only_one_is_singular() {
        let counts = [0, 1, 2, 1_001].map(|number| counted(number, "line"));
        assert_eq!(counts, ["0 lines", "1 line", "2 lines", "1,001 lines"]);
    }
}
