//! Four computers on one: network namespaces with a name each, which a bridge connects.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::mpirun;

/// The number of computers.
pub const COUNT: usize = 4;

/// Namespaces that exist as long as this value.
pub struct Hosts {
    /// What the names begin with. An interface has at most 15 characters.
    prefix: String,
    /// The first three numbers of the addresses.
    network: String,
    /// What `mpirun` starts its daemons with, in place of ssh.
    agent: PathBuf,
}

impl Hosts {
    /// Creates them.
    ///
    /// # Errors
    /// If that is not possible here, as in most containers: the reason.
    pub fn create(folder: &Path) -> Result<Self, String> {
        let number = std::process::id();
        let hosts = Self {
            prefix: format!("pm{}", number % 100_000),
            network: format!("10.213.{}", number % 250),
            agent: folder.join("agent"),
        };
        // Whatever fails, what was created before is removed with `hosts`.
        let bridge = hosts.bridge();
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&["link", "set", &bridge, "up"])?;
        for host in 0..COUNT {
            let (name, cable) = (hosts.name(host), hosts.cable(host));
            ip(&["netns", "add", &name])?;
            ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            ip(&["link", "set", &cable, "master", &bridge, "up"])?;
            ip(&["-n", &name, "address", "add", &format!("{}/24", hosts.address(host)), "dev", "eth0"])?;
            ip(&["-n", &name, "link", "set", "eth0", "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
            // A daemon with a message for a computer that has gone waits until the system gives up: otherwise a quarter of an
            // hour.
            ip(&["netns", "exec", &name, "sh", "-c", "echo 3 > /proc/sys/net/ipv4/tcp_retries2"])?;
        }
        // The last number of the address is that of the host.
        let prefix = &hosts.prefix;
        let script = format!(
            "#!/bin/sh\nname={prefix}h${{1##*.}}\nshift\n\
             exec ip netns exec $name unshare --uts sh -c \"hostname $name; $*\"\n"
        );
        std::fs::write(&hosts.agent, script).map_err(|error| format!("the agent cannot be written: {error}"))?;
        Ok(hosts)
    }

    /// The name of a computer, from 0.
    pub fn name(&self, host: usize) -> String {
        format!("{}h{}", self.prefix, host + 1)
    }

    fn bridge(&self) -> String {
        format!("{}b", self.prefix)
    }

    fn cable(&self, host: usize) -> String {
        format!("{}v{}", self.prefix, host + 1)
    }

    /// Its address, by which `mpirun` names it.
    pub fn address(&self, host: usize) -> String {
        format!("{}.{}", self.network, host + 1)
    }

    /// Pulls the cable of a computer, or puts it in again.
    pub fn connect(&self, host: usize, is_connected: bool) -> Result<(), String> {
        ip(&["link", "set", &self.cable(host), if is_connected { "up" } else { "down" }])
    }

    /// `mpirun` on the first computer, for this number of ranks, each on another one while there are enough.
    pub fn mpirun(&self, ranks: usize) -> Command {
        let addresses: Vec<String> = (0..COUNT.min(ranks)).map(|host| self.address(host)).collect();
        let mpirun = mpirun::command(ranks, &addresses);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(0), "unshare", "--uts", "sh", "-c"]);
        command.arg(format!("hostname {}; exec \"$@\"", self.name(0))).arg("sh").arg(mpirun.get_program());
        command.args(mpirun.get_args());
        mpirun.get_envs().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| {
            command.env(name, value);
        });
        let network = format!("{}.0/24", self.network);
        let agent = self.agent_command();
        for (name, value) in [
            ("plm_rsh_agent", agent.as_str()),
            ("btl", "tcp,self"),
            ("btl_tcp_if_include", &network),
            ("oob_tcp_if_include", &network),
            // A few seconds, so that the test is short.
            ("oob_tcp_keepalive_time", "2"),
            ("oob_tcp_keepalive_intvl", "1"),
            ("oob_tcp_keepalive_probes", "3"),
        ] {
            mpirun::set(&mut command, name, value);
        }
        command
    }

    /// Through the shell, because a temporary folder may forbid programs.
    fn agent_command(&self) -> String {
        format!("sh {}", self.agent.display())
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in 0..COUNT {
            // With the namespace goes its end of the cable, and with that the other end.
            let _ = ip(&["netns", "delete", &self.name(host)]);
        }
        let _ = ip(&["link", "delete", &self.bridge()]);
    }
}

/// Runs `ip` of iproute2.
fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("ip cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
