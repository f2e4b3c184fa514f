//! Tests that old option names, values and commands still work as hidden aliases.

use std::path::Path;

use clap::{CommandFactory, Parser};

use crate::tests::Cli;
use crate::{Command, NewTokens, OovPolicy, StateMode};

fn parse(words: &str) -> Command {
    Cli::try_parse_from(words.split(' ')).map(|cli| cli.command).unwrap_or_else(|error| panic!("{error}"))
}

/// Both command lines must give the same arguments.
fn same(old: &str, new: &str) -> Command {
    let parsed = parse(new);
    assert_eq!(format!("{:?}", parse(old)), format!("{parsed:?}"), "{old}");
    parsed
}

#[test]
fn old_options_of_train() {
    same("pastiche train --plain", "pastiche train --no-tui");
    for (old, new, policy) in [
        ("refuse", "error", NewTokens::Error),
        ("keep", "unk", NewTokens::Unk),
        ("extend", "extend", NewTokens::Extend),
    ] {
        let old = format!("pastiche train --from a --vocabulary {old}");
        let new = format!("pastiche train --init-from a --new-tokens {new}");
        let Command::Train(args) = same(&old, &new) else { panic!("not `train`") };
        assert_eq!(args.init_from.as_deref(), Some(Path::new("a")));
        assert_eq!(args.new_tokens, Some(policy));
    }
}

#[test]
fn old_options_of_generate_and_evaluate() {
    let old = "pastiche generate --tokens 5 --samples 2 --no-repeat 3";
    same(old, "pastiche generate --max-tokens 5 --num-samples 2 --no-repeat-ngram 3");
    for command in ["generate", "evaluate"] {
        for (old, new) in [("carried", "carry"), ("window", "window")] {
            let old = format!("pastiche {command} --context {old}");
            same(&old, &format!("pastiche {command} --state {new}"));
        }
    }
    let Command::Generate(args) = parse("pastiche generate --context carried --unseen skip") else {
        panic!("not `generate`")
    };
    assert_eq!((args.state, args.oov), (Some(StateMode::Carry), OovPolicy::Drop));
    for (old, new) in [("error", "error"), ("skip", "drop"), ("unknown", "unknown")] {
        same(&format!("pastiche generate --unseen {old}"), &format!("pastiche generate --oov {new}"));
    }
}

#[test]
fn probe_is_gradients() {
    same("pastiche probe --back 7", "pastiche gradients --max-lag 7");
}

#[test]
fn fetch_still_has_its_own_option_from() {
    let Command::Fetch(args) = parse("pastiche fetch aesop --from a.txt") else { panic!("not `fetch`") };
    assert_eq!(args.from.as_deref(), Some(Path::new("a.txt")));
}

#[test]
fn old_spellings_are_not_in_the_help() {
    for command in Cli::command().get_subcommands_mut() {
        let help = command.render_long_help().to_string();
        let fetch = command.get_name() == "fetch";
        for old in
            ["--plain", "--tokens", "--samples", "--no-repeat <", "--context", "--vocabulary", "--back ", "--unseen"]
        {
            assert!(!help.contains(old), "{old}: {help}");
        }
        assert!(fetch || !help.contains("--from"), "{help}");
        assert!(!help.contains("carried") && !help.contains("refuse"), "{help}");
    }
    assert!(!Cli::command().render_long_help().to_string().contains("probe"));
}

#[test]
fn tips_name_current_options() {
    for (words, current, old) in [
        ("pastiche train --plai", "--no-tui", "--plain"),
        ("pastiche generate --token 5", "--max-tokens", "'--tokens'"),
        ("pastiche generate --contex carry", "--state", "--context'"),
        ("pastiche prob", "gradients", "probe"),
    ] {
        let error = Cli::try_parse_from(words.split(' ')).err().map(|error| crate::parse::one_line(&error)).unwrap();
        assert!(error.contains(current) && !error.contains(old), "{error}");
    }
}
