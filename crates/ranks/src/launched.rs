//! What the environment says about the job that this process belongs to, and the start of its ranks.
//!
//! A program that is started N times, but knows nothing of the other processes, would train N times into the same run
//! directory. So a launcher that is recognised here must be one that this build can use.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{RanksError, Result};
use crate::{Ranks, Single};

/// What started this process together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// Open MPI's `mpirun`.
    OpenMpi,
    /// `mpiexec` of MPICH and of what derives from it, or `srun` with PMI.
    Mpich,
    /// Slurm's `srun`.
    Srun,
}

impl Launcher {
    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenMpi => "mpirun of Open MPI",
            Self::Mpich => "mpiexec of MPICH",
            Self::Srun => "srun",
        }
    }
}

/// The place of this process in a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// What started it.
    pub launcher: Launcher,
    /// The number of processes.
    pub count: usize,
    /// The number of this one, from 0.
    pub rank: usize,
    /// How many of them run on this computer, at least 1.
    pub count_on_host: usize,
    /// Whether the launcher offers an interface through which an MPI library finds the other processes.
    has_process_manager: bool,
}

impl Launched {
    /// What the environment says, or `None` for a process that is alone. A job of one process is alone, too.
    pub fn from_env() -> Option<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
        let is_set = |name: &str| variable(name).is_some();
        // `mpirun` within a Slurm job starts its own processes by srun, whose variables the ranks inherit: the first match
        // counts. SLURM_NTASKS says nothing: it is set for the whole batch script, too.
        let (launcher, count, rank, on_host) = if let Some(count) = number("OMPI_COMM_WORLD_SIZE") {
            (Launcher::OpenMpi, count, number("OMPI_COMM_WORLD_RANK"), number("OMPI_COMM_WORLD_LOCAL_SIZE"))
        } else if let Some(count) = number("PMI_SIZE") {
            (Launcher::Mpich, count, number("PMI_RANK"), number("MPI_LOCALNRANKS"))
        } else {
            let count = number("SLURM_STEP_NUM_TASKS")?;
            let tasks = variable("SLURM_STEP_TASKS_PER_NODE");
            let on_host = tasks.and_then(|tasks| tasks_of_node(&tasks, number("SLURM_NODEID").unwrap_or(0)));
            (Launcher::Srun, count, number("SLURM_PROCID"), on_host)
        };
        if count < 2 {
            return None;
        }
        let names = ["PMIX_RANK", "PMIX_NAMESPACE", "PMI_RANK", "PMI_FD"];
        Some(Self {
            launcher,
            count,
            rank: rank.unwrap_or(0),
            count_on_host: on_host.unwrap_or(1).clamp(1, count),
            has_process_manager: launcher != Launcher::Srun || names.iter().any(|name| is_set(name)),
        })
    }

    /// Starts the ranks of this job. A wait for other ranks is limited as [`Deadline`](crate::deadline::Deadline) says, with
    /// at least `least`. From then on a panic on any thread ends the job.
    ///
    /// # Errors
    /// If this build has no MPI, or the launcher belongs to another MPI than the one that it is linked with.
    pub fn start(self, least: Duration) -> Result<Arc<dyn Ranks>> {
        let Self { launcher, count, .. } = self;
        if !cfg!(feature = "mpi") {
            return Err(RanksError::WithoutMpi { launcher: launcher.name(), count });
        }
        if !self.has_process_manager {
            return Err(RanksError::WithoutPmi { count });
        }
        start_mpi(self, least)
    }
}

/// The ranks of this process: those of the job that the environment describes, or a single one.
///
/// # Errors
/// As [`Launched::start`].
pub fn start(launched: Option<Launched>, least: Duration) -> Result<Arc<dyn Ranks>> {
    launched.map_or_else(|| Ok(Arc::new(Single) as _), |launched| launched.start(least))
}

#[cfg(feature = "mpi")]
fn start_mpi(launched: Launched, least: Duration) -> Result<Arc<dyn Ranks>> {
    Ok(Arc::new(crate::mpi::Mpi::start(launched, least)?))
}

#[cfg(not(feature = "mpi"))]
fn start_mpi(launched: Launched, _: Duration) -> Result<Arc<dyn Ranks>> {
    Err(RanksError::WithoutMpi { launcher: launched.launcher.name(), count: launched.count })
}

/// The tasks of a node in Slurm's notation, as in `2(x3),1`: two on each of the first three, one on the fourth.
fn tasks_of_node(tasks: &str, node: usize) -> Option<usize> {
    let nodes = tasks.split(',').map(|part| match part.split_once("(x") {
        Some((tasks, times)) => (tasks, times.trim_end_matches(')').parse().unwrap_or(1)),
        None => (part, 1),
    });
    let mut end: usize = 0;
    for (tasks, times) in nodes {
        end = end.saturating_add(times);
        if node < end {
            return tasks.trim().parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launched(variables: &[(&str, &str)]) -> Option<Launched> {
        Launched::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn launchers_are_recognised_by_their_variables() {
        let open_mpi = [
            ("OMPI_COMM_WORLD_SIZE", "4"),
            ("OMPI_COMM_WORLD_RANK", "3"),
            ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
            // Those of the step that started the daemons of mpirun.
            ("SLURM_STEP_NUM_TASKS", "2"),
        ];
        let job = launched(&open_mpi).unwrap();
        assert_eq!((job.launcher, job.count, job.rank, job.count_on_host), (Launcher::OpenMpi, 4, 3, 2));
        let mpich = launched(&[("PMI_SIZE", "2"), ("PMI_RANK", "1"), ("MPI_LOCALNRANKS", "2")]).unwrap();
        assert_eq!((mpich.launcher, mpich.count, mpich.rank, mpich.count_on_host), (Launcher::Mpich, 2, 1, 2));
        let srun = [("SLURM_STEP_NUM_TASKS", "7"), ("SLURM_PROCID", "6"), ("SLURM_NODEID", "3")];
        let job = launched(&[&srun[..], &[("SLURM_STEP_TASKS_PER_NODE", "2(x3),1"), ("PMIX_RANK", "6")]].concat());
        let job = job.unwrap();
        assert_eq!((job.launcher, job.count, job.rank, job.count_on_host), (Launcher::Srun, 7, 6, 1));
        assert!(job.has_process_manager && !launched(&srun).unwrap().has_process_manager);
    }

    #[test]
    fn one_process_is_alone() {
        assert_eq!(launched(&[]), None);
        assert_eq!(launched(&[("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")]), None);
        assert_eq!(launched(&[("SLURM_STEP_NUM_TASKS", "1")]), None);
        assert_eq!(launched(&[("OMPI_COMM_WORLD_SIZE", "1"), ("SLURM_STEP_NUM_TASKS", "4")]), None);
        assert_eq!(start(None, Duration::ZERO).unwrap().count(), 1);
    }

    #[test]
    fn tasks_of_a_node_are_read_in_the_notation_of_slurm() {
        let nodes: Vec<_> = (0..5).map(|node| tasks_of_node("2(x3),1", node)).collect();
        assert_eq!(nodes, [Some(2), Some(2), Some(2), Some(1), None]);
        assert_eq!(tasks_of_node("", 0), None);
    }

    #[test]
    #[cfg(not(feature = "mpi"))]
    fn a_build_without_mpi_does_not_start_as_one_of_several() {
        let job = launched(&[("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "1")]).unwrap();
        let error = job.start(Duration::ZERO).err().unwrap();
        assert_eq!(error, RanksError::WithoutMpi { launcher: "mpirun of Open MPI", count: 4 });
        assert!(error.to_string().starts_with("mpirun of Open MPI has started 4 processes, but"), "{error}");
    }

    #[test]
    #[cfg(feature = "mpi")]
    fn srun_without_pmi_is_reported() {
        let job = launched(&[("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "0")]).unwrap();
        let error = job.start(Duration::ZERO).err().unwrap();
        assert!(error.to_string().contains("srun --mpi=pmix"), "{error}");
    }
}
