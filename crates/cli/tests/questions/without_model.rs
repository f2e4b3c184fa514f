//! `ask --no-network`: questions by rules, without a model.

use serde_json::Value;

use crate::common::TestDir;

#[test]
fn rules_ask_without_a_model() {
    let dir = TestDir::new();
    dir.file("text.txt", "Maria Lopez founded the first hospital in Bristol in 1842.");
    let asked = dir.run_ok(&["ask", "--no-network", "--text", "text.txt"]).stdout;
    let first: Value = serde_json::from_str(asked.lines().next().unwrap()).unwrap();
    assert!(first["found_by"] == "rule" && first["answer_probability"].is_null(), "{first}");
    // A sentence with a word of more than 200 characters is left out, and the others are asked about.
    let long = format!("A{} ran.\nMaria Lopez founded the first hospital in Bristol in 1842.", "a".repeat(19_999));
    dir.file("long.txt", long);
    let output = dir.run_ok(&["ask", "--no-network", "--text", "long.txt"]);
    let message =
        "1 sentence has a word of more than 200 characters, so that it is left out: line 1 (20,000 characters)";
    assert!(output.stderr.contains(message), "{}", output.stderr);
    assert_eq!(output.stdout.lines().count(), asked.lines().count(), "{}", output.stdout);
    // What is not asked about is counted, such as the items of a list.
    dir.file(
        "list.txt",
        "The grey cat slept under the bridge.\n\nTo do:\n- the baker sold a lamp\n- a gull lost a letter\n",
    );
    let stderr = dir.run_ok(&["ask", "--no-network", "--text", "list.txt"]).stderr;
    assert!(stderr.contains("3 of 4 sentences have no question (`--explain` says why)"), "{stderr}");
    assert!(!output.stderr.contains("no question"), "{}", output.stderr);
    dir.file("word.txt", "a".repeat(20_000));
    dir.expect_error(
        &["ask", "--no-network", "--text", "word.txt"],
        &["every sentence of the text has a word of more"],
    );
    let both = ["ask", "--no-network", "--no-rules", "--text", "text.txt"];
    assert_eq!(dir.run(&both).code, Some(2));
    dir.file("text.rtf", r"{\rtf1\ansi The fox saw a crow.}");
    dir.expect_error(
        &["ask", "--no-network", "--text", "text.rtf"],
        &["`text.rtf` is a document in RTF", "save it as plain text"],
    );
}
