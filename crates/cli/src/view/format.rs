//! Numbers and foreign text as a person reads them on one line: knows no run and no terminal.

/// What stands for a number that is none, or not known yet.
pub const NONE: &str = "–";

/// `75 s`, `3 min 20 s`, `5 h 10 min` or `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    // Beyond a few years it is no time that anyone waits for.
    if !(0.0..1e8).contains(&seconds) {
        return NONE.into();
    }
    let seconds = seconds.round() as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..=172_799 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A loss in nats a token: `4.213`.
pub fn nats(loss: f64) -> String {
    match loss.abs() {
        size if !size.is_finite() => NONE.into(),
        size if size < 1_000.0 => format!("{loss:.3}"),
        _ => format!("{loss:.1e}"),
    }
}

/// A learning rate: `0.002`, or `3.1e-6` where zeros would have to be counted.
pub fn rate(rate: f64) -> String {
    if !rate.is_finite() {
        return NONE.into();
    }
    if rate != 0.0 && !(1e-4..1e3).contains(&rate.abs()) {
        return format!("{rate:.1e}");
    }
    let text = format!("{rate:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() { "0".into() } else { text.into() }
}

/// The share `done / all` between 0 and 1; nothing done of nothing is 0.
pub fn share(done: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { (done as f64 / all as f64).min(1.0) }
}

/// A text that cannot steer the terminal: control characters and marks of direction go, a tab
/// becomes a space. Lines stay.
pub fn tame(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
            || c == '\u{FEFF}'
    };
    let calm = text.chars().map(|c| if c == '\t' { ' ' } else { c });
    calm.filter(|&c| c == '\n' || !steers(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_at_every_size() {
        let times = [0.4, 119.0, 200.0, 18_600.0, 273_600.0, f64::INFINITY, f64::NAN, -1.0];
        let read = ["0 s", "119 s", "3 min 20 s", "5 h 10 min", "3 d 4 h", NONE, NONE, NONE];
        assert_eq!(times.map(duration), read);
        let rates = [0.0, 0.002, 3.14e-6, 1.0, 10.0, f64::NAN].map(rate);
        assert_eq!(rates, ["0", "0.002", "3.1e-6", "1", "10", NONE]);
        assert_eq!([4.2131, 1e9, f64::NAN].map(nats), ["4.213", "1.0e9", NONE]);
        assert_eq!([share(1, 4), share(9, 4), share(0, 0)], [0.25, 1.0, 0.0]);
    }

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(tame("가\u{1b}[2J\t나\r\n\u{202e}다\u{7}"), "가[2J 나\n다");
    }
}
