//! CPU time taken by other programs, and by other guests of a virtual machine's host, during a measurement.
//!
//! Threads that wait for each other by spinning, as PyTorch's do, are slowed far more by contention than ours: the
//! comparison on a busy machine would be in our favor.

/// CPU time spent since boot, in kernel ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuTimes {
    busy: u64,
    all: u64,
    ours: u64,
    cores: usize,
}

/// How many cores other programs may use before a round is discarded: the system's own tasks take less.
pub const LIMIT: f64 = 0.1;

impl CpuTimes {
    /// The times now, with `processes` as ours; `None` without `/proc`.
    pub fn now(processes: &[u32]) -> Option<Self> {
        let (busy, all, cores) = of_machine(&std::fs::read_to_string("/proc/stat").ok()?)?;
        let stat = |id: &u32| std::fs::read_to_string(format!("/proc/{id}/stat")).ok();
        let ours = processes.iter().filter_map(|id| of_process(&stat(id)?)).sum();
        Some(Self { busy, all, ours, cores })
    }

    /// How many cores other programs used on average until `later`.
    pub fn others_until(&self, later: &Self) -> f64 {
        let since = |now: u64, then: u64| now.saturating_sub(then) as f64;
        let others = since(later.busy, self.busy) - since(later.ours, self.ours);
        let all = since(later.all, self.all).max(1.0);
        (others / all * self.cores as f64).max(0.0)
    }
}

/// Busy ticks, all ticks and the number of cores: `cpu user nice system idle iowait irq softirq steal …`.
fn of_machine(stat: &str) -> Option<(u64, u64, usize)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // The last two columns, time of guests, are included in the first two.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|t| t.parse().ok()).collect();
    let [user, nice, system, idle, waiting, irq, soft, steal] = ticks[..] else { return None };
    let busy = user + nice + system + irq + soft + steal;
    let is_core = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    Some((busy, busy + idle + waiting, stat.lines().filter(is_core).count()))
}

/// Ticks of one process with its threads. Its name, in parentheses, may contain anything.
fn of_process(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_parsed() {
        let stat = "cpu  100 10 20 500 5 1 2 30 7 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
        assert_eq!(of_machine(stat), Some((163, 668, 1)));
        assert_eq!(of_machine("cpu  1 2 3\n"), None);
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 9 8 7 6 250 40 3 2 20 0 4 0 99";
        assert_eq!(of_process(stat), Some(290));
        #[cfg(target_os = "linux")]
        assert!(CpuTimes::now(&[std::process::id()]).is_some());
    }

    #[test]
    fn busy_time_that_is_not_ours_belongs_to_others() {
        let before = CpuTimes { busy: 1000, all: 5000, ours: 300, cores: 2 };
        let after = CpuTimes { busy: 1170, all: 5200, ours: 420, cores: 2 };
        assert_eq!(before.others_until(&after), 0.5);
        // Times are rounded to ticks and may disagree by a few.
        let after = CpuTimes { busy: 1100, ours: 403, ..after };
        assert_eq!(before.others_until(&after), 0.0);
        assert_eq!(before.others_until(&before), 0.0);
    }
}
