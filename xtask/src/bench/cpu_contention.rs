//! Who else was computing: other programs on the machine, and what a hypervisor gave to others.
//!
//! Threads that wait for each other by spinning, as PyTorch's do, are slowed down far more by company than
//! ours; a busy machine would flatter us.

/// The processor time that was spent until now, in the kernel's ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    busy: u64,
    all: u64,
    ours: u64,
    cores: usize,
}

/// How many cores others may take before a round does not count: less is the system's own housekeeping.
pub const CALM: f64 = 0.1;

impl Moment {
    /// Now, with `processes` as ours; nothing where the kernel does not tell.
    pub fn now(processes: &[u32]) -> Option<Self> {
        let (busy, all, cores) = machine(&std::fs::read_to_string("/proc/stat").ok()?)?;
        let ticks = |id: &u32| process(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?);
        Some(Self { busy, all, ours: processes.iter().filter_map(ticks).sum(), cores })
    }

    /// How many cores others took on the average until `later`.
    pub fn others_until(&self, later: &Self) -> f64 {
        let since = |now: u64, then: u64| now.saturating_sub(then) as f64;
        let others = since(later.busy, self.busy) - since(later.ours, self.ours);
        let all = since(later.all, self.all).max(1.0);
        (others / all * self.cores as f64).max(0.0)
    }
}

/// Busy ticks, all ticks and the cores of the whole machine: `cpu user nice system idle iowait irq softirq steal …`.
fn machine(stat: &str) -> Option<(u64, u64, usize)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // The last two, time of guests, are within the first two.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|t| t.parse().ok()).collect();
    let [user, nice, system, idle, waiting, irq, soft, steal] = ticks[..] else { return None };
    let busy = user + nice + system + irq + soft + steal;
    let core = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    Some((busy, busy + idle + waiting, stat.lines().filter(core).count()))
}

/// Ticks of one process, its threads included; its name may hold anything, even a parenthesis.
fn process(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let stat = "cpu  100 10 20 500 5 1 2 30 7 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
        assert_eq!(machine(stat), Some((163, 668, 1)));
        assert_eq!(machine("cpu  1 2 3\n"), None);
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 9 8 7 6 250 40 3 2 20 0 4 0 99";
        assert_eq!(process(stat), Some(290));
    }

    #[test]
    fn what_is_not_ours_is_others() {
        let before = Moment { busy: 1000, all: 5000, ours: 300, cores: 2 };
        let after = Moment { busy: 1170, all: 5200, ours: 420, cores: 2 };
        assert_eq!(before.others_until(&after), 0.5);
        // Accounts are kept in ticks and may disagree by a few.
        let after = Moment { busy: 1100, ours: 403, ..after };
        assert_eq!(before.others_until(&after), 0.0);
        assert_eq!(before.others_until(&before), 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells() {
        assert!(Moment::now(&[std::process::id()]).is_some());
    }
}
