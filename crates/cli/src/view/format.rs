//! Numbers, durations and untrusted text formatted for display on one line.

pub use text_prep::{counted, short_number, thousands};

/// Shown for a number that is not finite or not known yet.
pub const NO_VALUE: &str = "–";

/// `75 s`, `3 min 20 s`, `5 h 10 min` or `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    // Negative, not finite, or more than about three years: not a meaningful duration.
    if !(0.0..1e8).contains(&seconds) {
        return NO_VALUE.into();
    }
    let seconds = seconds.round() as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..=172_799 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A number with this many decimals. What rounds to zero has no sign: `0.000`, not `-0.000`.
pub fn decimals(number: f64, places: usize) -> String {
    let text = format!("{number:.places$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|digit| matches!(digit, b'0' | b'.')) => digits.into(),
        _ => text,
    }
}

/// A loss in nats/token: `4.213`.
pub fn nats(loss: f64) -> String {
    match loss.abs() {
        size if !size.is_finite() => NO_VALUE.into(),
        size if size < 1_000.0 => decimals(loss, 3),
        _ => format!("{loss:.1e}"),
    }
}

/// A learning rate: `0.002`, or `3.1e-6` for very small or large values.
pub fn rate(rate: f64) -> String {
    if !rate.is_finite() {
        return NO_VALUE.into();
    }
    if rate != 0.0 && !(1e-4..1e3).contains(&rate.abs()) {
        return format!("{rate:.1e}");
    }
    let text = decimals(rate, 6);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() { "0".into() } else { text.into() }
}

/// `done / all` clamped to 0..=1; 0 if `all` is 0.
pub fn fraction(done: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { (done as f64 / all as f64).min(1.0) }
}

/// `text` with visible control characters; a tab becomes a space, line breaks stay.
pub fn sanitize(text: &str) -> String {
    args::visible(text).replace('\t', " ")
}

/// A name, such as that of a label, for a cell of a table: on one line with visible control characters, and shortened.
pub fn short_name(name: &str) -> String {
    const LIMIT: usize = 40;
    let mut shown = name.chars().take(LIMIT).collect::<String>();
    if name.chars().count() > LIMIT {
        shown.pop();
        shown.push('…');
    }
    args::visible(&shown).replace('\n', "\\n").replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_table_is_one_short_line() {
        assert_eq!(short_name("Poe"), "Poe");
        assert_eq!(short_name("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(short_name(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(short_name(&"é".repeat(3_000)), "é".repeat(39) + "…");
    }

    #[test]
    fn numbers_are_formatted_at_every_magnitude() {
        let times = [0.4, 119.0, 200.0, 18_600.0, 273_600.0, f64::INFINITY, f64::NAN, -1.0];
        let expected = ["0 s", "119 s", "3 min 20 s", "5 h 10 min", "3 d 4 h", NO_VALUE, NO_VALUE, NO_VALUE];
        assert_eq!(times.map(duration), expected);
        let rates = [0.0, 0.002, 3.14e-6, 1.0, 10.0, f64::NAN].map(rate);
        assert_eq!(rates, ["0", "0.002", "3.1e-6", "1", "10", NO_VALUE]);
        assert_eq!([13.5, 0.5, 30.0].map(rate), ["13.5", "0.5", "30"]);
        assert_eq!([4.2131, 1e9, f64::NAN].map(nats), ["4.213", "1.0e9", NO_VALUE]);
        assert_eq!([-0.0004, -0.0, -0.0006].map(|number| decimals(number, 3)), ["0.000", "0.000", "-0.001"]);
        assert_eq!([-1e-9, -0.0].map(nats), ["0.000", "0.000"]);
        assert_eq!([fraction(1, 4), fraction(9, 4), fraction(0, 0)], [0.25, 1.0, 0.0]);
    }

    #[test]
    fn text_cannot_control_the_terminal() {
        let shown = sanitize("가\u{1b}[2J\t나\r\n\u{202e}다\u{7}");
        assert_eq!(shown, "가\\u{1b}[2J 나\\r\n\\u{202e}다\\u{7}");
    }
}
