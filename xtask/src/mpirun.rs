//! How `mpirun` is started.

use std::process::Command;

/// Settings of `mpirun`, with which its daemons notice within half a minute that a computer has gone. By default they take
/// nine minutes.
const SETTINGS: [(&str, &str); 3] =
    [("oob_tcp_keepalive_time", "10"), ("oob_tcp_keepalive_intvl", "5"), ("oob_tcp_keepalive_probes", "3")];

/// Variables of our own that all processes get, wherever they run.
const FORWARDED: [&str; 5] =
    ["PASTICHE_BACKEND", "PASTICHE_DATASETS", "PASTICHE_RANK_TIMEOUT", "PASTICHE_SIMD", "RAYON_NUM_THREADS"];

/// `mpirun` for this number of processes on these hosts, still without the program.
pub fn command(ranks: usize, hosts: &[String]) -> Command {
    let mut command = Command::new("mpirun");
    SETTINGS.iter().for_each(|(name, value)| set(&mut command, name, value));
    // The user of a container is root, and a launcher that root runs is meant to start the program as root.
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.env("PRTE_ALLOW_RUN_AS_ROOT", "1").env("PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    // Otherwise two processes would have one processor each, however many there are.
    command.args(["-n", &ranks.to_string(), "--bind-to", "none", "--oversubscribe"]);
    if !hosts.is_empty() {
        command.arg("--host").arg(with_slots(ranks, hosts));
    }
    for name in FORWARDED.iter().filter(|name| std::env::var_os(name).is_some()) {
        command.args(["-x", name]);
    }
    command
}

/// Sets a parameter of the launcher.
pub fn set(command: &mut Command, name: &str, value: &str) {
    // The daemons of Open MPI 5 are those of PRRTE.
    command.env(format!("OMPI_MCA_{name}"), value).env(format!("PRTE_MCA_{name}"), value);
}

/// Sends a signal such as `TERM` to a process. A process that has ended is no error.
pub fn signal(process: u32, name: &str) {
    // The shell's own `kill`, which every system has.
    let _ = Command::new("sh").args(["-c", &format!("kill -{name} {process} 2>/dev/null")]).status();
}

/// The hosts with the number of processes on each, the same on all or one less on the last ones. Where one host has a number,
/// it stays.
fn with_slots(ranks: usize, hosts: &[String]) -> String {
    let (each, more) = (ranks / hosts.len(), ranks % hosts.len());
    let slots = |(index, host): (usize, &String)| {
        if host.contains(':') { host.clone() } else { format!("{host}:{}", (each + usize::from(index < more)).max(1)) }
    };
    hosts.iter().enumerate().map(slots).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn processes_are_divided_over_the_hosts_and_not_bound_to_processors() {
        let hosts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(with_slots(4, &hosts(&["a", "b"])), "a:2,b:2");
        assert_eq!(with_slots(5, &hosts(&["a", "b"])), "a:3,b:2");
        assert_eq!(with_slots(4, &hosts(&["a:1", "b:3"])), "a:1,b:3");
        let command = command(2, &[]);
        let words = words(&command);
        assert_eq!(words[..5], ["-n", "2", "--bind-to", "none", "--oversubscribe"]);
        assert!(!words.contains(&"--host".into()));
        assert!(command.get_envs().any(|(name, _)| name == "OMPI_MCA_oob_tcp_keepalive_time"));
    }
}
