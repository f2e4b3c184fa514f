//! The machine and the date, after which records are named.

use std::process::Command;

/// The properties of a machine that matter for a benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// The name of the CPU
    pub model: String,
    /// The widest vector instructions that the programs use, as in `avx2`; empty except on x86-64
    pub vectors: &'static str,
    /// Whether it has wider ones
    pub is_limited: bool,
    /// The number of hardware threads
    pub cores: usize,
}

impl Machine {
    /// This machine.
    pub fn current() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let model = model().unwrap_or_else(|| std::env::consts::ARCH.into());
        Self { model, vectors: vectors(), is_limited: false, cores }
    }

    /// The same with vectors of at most 256 bits.
    pub fn limited_to_avx2(self) -> Result<Self, String> {
        match self.vectors {
            "avx2" => Ok(self),
            "avx512" => Ok(Self { vectors: "avx2", is_limited: true, ..self }),
            _ => Err(format!("`--avx2` was given, but this machine does not have AVX2: {}", self.model)),
        }
    }

    /// A folder name, as in `epyc-avx2-2-cores`: CPU family, vector instructions and cores; `limited-to-avx2` if the
    /// machine has wider ones.
    pub fn name(&self) -> String {
        // The word before the family is its maker: Intel(R) Xeon(R), AMD EPYC, Apple M2.
        let makers = ["", "amd", "intel", "apple", "genuine"];
        let word = |word: &str| -> String {
            let word = word.split('(').next().unwrap_or_default().to_lowercase();
            word.chars().filter(char::is_ascii_alphanumeric).collect()
        };
        let mut words = self.model.split_whitespace().map(word);
        let family = words.find(|word| !makers.contains(&word.as_str()));
        let family = family.unwrap_or_else(|| "unknown".into());
        let limited = if self.is_limited { "limited-to-" } else { "" };
        let vectors = if self.vectors.is_empty() { "" } else { &format!("-{limited}{}", self.vectors) };
        let cores = if self.cores == 1 { "core" } else { "cores" };
        format!("{family}{vectors}-{}-{cores}", self.cores)
    }
}

/// CPUs of the same name can differ in them, and by as much in speed.
fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    return match () {
        () if std::is_x86_feature_detected!("avx512f") => "avx512",
        () if std::is_x86_feature_detected!("avx2") => "avx2",
        () => "sse2",
    };
    #[cfg(not(target_arch = "x86_64"))]
    ""
}

fn model() -> Option<String> {
    if let Ok(text) = std::fs::read_to_string("/proc/cpuinfo") {
        return model_in(&text);
    }
    output_of("sysctl", &["-n", "machdep.cpu.brand_string"]).filter(|model| !model.is_empty())
}

fn model_in(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// Today in UTC, as in `2026-11-24`; `None` without a `date` command.
pub fn today() -> Option<String> {
    output_of("date", &["-u", "+%F"]).filter(|date| date.len() == 10)
}

/// What a program prints, without white space at both ends; `None` if it cannot be started.
pub fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_after_family_vectors_and_cores() {
        let machine = |model: &str, vectors, cores| Machine { model: model.into(), vectors, is_limited: false, cores };
        let name = |model, vectors, cores| machine(model, vectors, cores).name();
        assert_eq!(name("AMD EPYC", "avx2", 2), "epyc-avx2-2-cores");
        assert_eq!(name("AMD EPYC 9R14 96-Core Processor", "avx512", 8), "epyc-avx512-8-cores");
        assert_eq!(name("Intel(R) Xeon(R) Processor @ 2.80GHz", "", 2), "xeon-2-cores");
        assert_eq!(name("Apple M2", "", 1), "m2-1-core");
        assert_eq!(name("../..", "", 4), "unknown-4-cores");
        let limited = |vectors| machine("Intel(R) Xeon(R)", vectors, 2).limited_to_avx2().map(|machine| machine.name());
        assert_eq!(limited("avx512").unwrap(), "xeon-limited-to-avx2-2-cores");
        assert_eq!(limited("avx2").unwrap(), "xeon-avx2-2-cores");
        assert!(limited("sse2").unwrap_err().contains("does not have AVX2"));
    }

    #[test]
    fn the_model_is_found_in_cpuinfo() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n";
        assert_eq!(model_in(text).as_deref(), Some("AMD EPYC"));
        assert_eq!(model_in("processor: 0\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn today_is_a_date() {
        assert_eq!(today().unwrap().split('-').map(str::len).collect::<Vec<_>>(), [4, 2, 2]);
    }
}
