//! The commands about the program itself, and the codes with which it exits.

use std::fs;

use crate::common::TestDir;

#[test]
fn doctor_says_what_the_machine_and_the_build_can_do() {
    let dir = TestDir::new();
    let found = dir.run(&["doctor", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    let problems = value["problems"].as_array().unwrap();
    assert_eq!(found.code, Some(i32::from(!problems.is_empty())), "{}", found.stdout);
    assert_eq!((&value["selected"]["backend"], &value["selected"]["kernels"]), (&"ndarray".into(), &"on".into()));
    assert!(value["backends"].as_array().unwrap().contains(&"flex".into()));
    assert!(value["processors"].as_u64() > Some(0) && value["threads"].as_u64() > Some(0), "{value}");
    assert!(value["vector_bits"].as_u64() >= Some(32), "{value}");
    let table = dir.run(&["doctor"]).stdout;
    for row in ["program ", "processor ", "vectors ", "memory ", "backends ", "selected ", "fastest ", "wrong "] {
        assert!(table.lines().any(|line| line.starts_with(row)), "{row}: {table}");
    }

    // What stops other commands is what it finds.
    dir.file("backend.toml", "backend = \"tpu\"");
    dir.expect_error(&["generate"], &["backend.toml"]);
    let found = dir.run(&["doctor"]);
    assert_eq!((found.code, found.stderr.as_str()), (Some(1), ""));
    assert!(found.stdout.contains("\nwrong      backend.toml names the unknown backend `tpu`"), "{}", found.stdout);
    fs::remove_file(dir.path().join("backend.toml")).unwrap();
    let mut off = dir.command(&["doctor"]);
    let off = crate::common::output(off.env("PASTICHE_KERNELS", "off").env("RAYON_NUM_THREADS", "x").output().unwrap());
    for problem in ["PASTICHE_KERNELS is `off`", "RAYON_NUM_THREADS is `x`"] {
        assert!(off.stdout.contains(problem), "{}", off.stdout);
    }
    assert_eq!(off.code, Some(1));
}

#[test]
fn shells_complete_commands_and_their_options() {
    let dir = TestDir::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = dir.run_ok(&["completions", shell]).stdout;
        for word in ["pastiche", "generate", "interactive", "doctor"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        assert!(!script.split(|c: char| !c.is_alphanumeric()).any(|word| word == "bench"), "{shell}");
        if shell == "bash" && cfg!(unix) {
            let path = dir.file("complete.bash", &script);
            let check = format!(
                "source {}; COMP_WORDS=(pastiche gen); COMP_CWORD=1; _pastiche pastiche gen pastiche; echo \"${{COMPREPLY[*]}}\"",
                path.display()
            );
            let Ok(completed) = std::process::Command::new("bash").args(["-c", &check]).output() else { continue };
            assert_eq!(String::from_utf8_lossy(&completed.stdout).trim(), "generate", "{completed:?}");
        }
    }
    assert_eq!(dir.run(&["completions", "cmd"]).code, Some(2));
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let dir = TestDir::new();
    assert_eq!(dir.run_ok(&["man", "--out", "pages/man1"]).stdout, "pages/man1\n");
    let read = |name: &str| fs::read_to_string(dir.path().join("pages/man1").join(name)).unwrap();
    let main = read("pastiche.1");
    assert!(main.contains(".TH pastiche 1") && main.contains("pastiche\\-train(1)"), "{main}");
    assert!(main.contains("pastiche \\- Trains small recurrent language models") && main.contains("130"), "{main}");
    let page = read("pastiche-generate.1");
    assert!(page.contains("\\-\\-interactive") && page.contains("pastiche generate"), "{page}");
    assert!(page.contains(concat!("\"pastiche ", env!("CARGO_PKG_VERSION"), "\"")), "{page}");
    let names = fs::read_dir(dir.path().join("pages/man1")).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("pastiche") && !name.contains("bench")), "{names:?}");
    // They are replaced.
    dir.run_ok(&["man", "--out", "pages/man1"]);
    dir.file("file", "");
    dir.expect_error(&["man", "--out", "file"], &["file"]);
}

/// 130, after Ctrl-C, is tested with the interruption of runs.
#[test]
fn exit_codes_are_those_of_the_help() {
    let dir = TestDir::new();
    let help = dir.run_ok(&["--help"]).stdout;
    for line in ["  0    success", "  1    an error", "  2    an invalid command line", "  130  training was stopped"] {
        assert!(help.contains(line), "{help}");
    }
    for (args, code) in [
        (&["--version"][..], 0),
        (&["generate", "--help"], 0),
        (&["runs", "none"], 1),
        (&["generate", "--model", "none"], 1),
        (&["generate", "--temperature", "-1", "--model", "base"], 1),
        (&["nothing"], 2),
        (&["generate", "--nothing"], 2),
        (&["train", "--resume", "a", "--config", "b"], 2),
        (&[], 2),
    ] {
        assert_eq!(dir.exact_command(args).output().unwrap().status.code(), Some(code), "{args:?}");
    }
}
