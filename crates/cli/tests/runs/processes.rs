//! Several processes of the program that do not know each other.

use crate::common::TestDir;

#[test]
fn processes_that_do_not_know_each_other_are_rejected_by_the_first() {
    let dir = TestDir::new();
    for (args, expected) in
        [(&["train"][..], "srun has started 4 processes, but"), (&["runs"], "only `train` runs as several")]
    {
        for (rank, lines) in [("0", 1), ("3", 0)] {
            let mut command = dir.command(args);
            command.env("SLURM_STEP_NUM_TASKS", "4").env("SLURM_PROCID", rank);
            let output = command.output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), lines), "{stderr}");
            assert!(lines == 0 || stderr.contains(expected), "{stderr}");
        }
    }
    assert!(!dir.path().join("runs").exists());
    dir.expect_error(&["train", "--ranks", "2"], &["`--ranks` is an option of `cargo xtask train`"]);
}
