//! The machine and the day, as records are named after.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// A machine, as far as a benchmark is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// The processor, by its own word
    pub model: String,
    /// The widest vectors that it computes with, as in `avx2`; nothing where that goes without saying
    pub vectors: &'static str,
    /// How many threads it runs at once
    pub cores: usize,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let model = model().unwrap_or_else(|| std::env::consts::ARCH.into());
        Self { model, vectors: vectors(), cores }
    }

    /// A folder's name, as in `epyc-avx2-2-cores`: the family of the processor, its vectors and its cores.
    pub fn name(&self) -> String {
        // The maker says less than the family: Intel(R) Xeon(R), AMD EPYC, Apple M2.
        let makers = ["", "amd", "intel", "apple", "genuine"];
        let word = |word: &str| -> String {
            let word = word.split('(').next().unwrap_or_default().to_lowercase();
            word.chars().filter(char::is_ascii_alphanumeric).collect()
        };
        let mut words = self.model.split_whitespace().map(word);
        let family = words.find(|word| !makers.contains(&word.as_str()));
        let family = family.unwrap_or_else(|| "unknown".into());
        let cores = if self.cores == 1 { "core" } else { "cores" };
        let vectors = if self.vectors.is_empty() { "" } else { &format!("-{}", self.vectors) };
        format!("{family}{vectors}-{}-{cores}", self.cores)
    }
}

/// Processors of one name differ in them, and in speed by as much.
fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        let all = [
            ("avx512", std::is_x86_feature_detected!("avx512f")),
            ("avx2", std::is_x86_feature_detected!("avx2")),
            ("sse2", true),
        ];
        all.into_iter().find(|(_, there)| *there).map_or("", |(name, _)| name)
    }
    #[cfg(not(target_arch = "x86_64"))]
    ""
}

fn model() -> Option<String> {
    if let Ok(text) = std::fs::read_to_string("/proc/cpuinfo") {
        return model_in(&text);
    }
    let mut asked = Command::new("sysctl");
    let output = asked.args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_string()).filter(|text| !text.is_empty())
}

fn model_in(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// Today in Greenwich, as in `2026-11-24`.
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// The date of a day after 1 January 1970, counted in years that begin in March: the leap day is then the
/// last of its year.
fn date(days: u64) -> String {
    // Days since 1 March of the year 0.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_after_family_vectors_and_cores() {
        let name =
            |model: &str, vectors, cores| Machine { model: model.into(), vectors, cores }.name();
        assert_eq!(name("AMD EPYC", "avx2", 2), "epyc-avx2-2-cores");
        assert_eq!(name("AMD EPYC 9R14 96-Core Processor", "avx512", 8), "epyc-avx512-8-cores");
        assert_eq!(name("Intel(R) Xeon(R) Processor @ 2.80GHz", "", 2), "xeon-2-cores");
        assert_eq!(name("Apple M2", "", 1), "m2-1-core");
        assert_eq!(name("../..", "", 4), "unknown-4-cores");
    }

    #[test]
    fn the_model_is_found_in_the_kernels_words() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n";
        assert_eq!(model_in(text).as_deref(), Some("AMD EPYC"));
        assert_eq!(model_in("processor: 0\n"), None);
    }

    #[test]
    fn days_become_dates_across_leap_years() {
        let dates = [0, 11_016, 11_017, 20_781, 47_540].map(date);
        let expected = ["1970-01-01", "2000-02-29", "2000-03-01", "2026-11-24", "2100-02-28"];
        assert_eq!(dates, expected);
        assert_eq!(date(47_541), "2100-03-01");
    }
}
