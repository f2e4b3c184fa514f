//! `serve`: the text of a request is that of `generate`, and Ctrl-C ends the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::TestDir;

/// Ends the program if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_address_that_cannot_be_used_is_reported_with_the_option() {
    let dir = TestDir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    dir.expect_error(&["serve", "--model", "base", "--port", &port], &[&port, "in use", "`--port 8081`"]);
    dir.expect_error(&["serve", "--model", "base", "--host", "0.0.0.0"], &["0.0.0.0", "`--token SECRET`"]);
    dir.expect_error(&["serve", "--model", "base", "--token", ""], &["the token is empty", "`PASTICHE_TOKEN`"]);
    dir.expect_error(&["serve", "--model", "none", "--port", "0"], &["none"]);
}

#[cfg(unix)]
#[test]
fn a_served_text_is_the_one_that_generate_writes() {
    let dir = TestDir::new();
    let args = ["serve", "--model", "none", "--model", "base", "--port", "0"];
    let mut server = Running(dir.command(&args).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(server.0.stderr.take().unwrap());
    let (mut printed, address) = (String::new(), "serving base at http://");
    while !printed.contains(address) {
        assert!(stderr.read_line(&mut printed).unwrap() > 0, "{printed}");
    }
    assert!(printed.contains("warning: none is not served"), "{printed}");
    let host = printed.split(address).nth(1).unwrap().split(';').next().unwrap();
    let ask = |path: &str, body: &str| {
        let length = body.len();
        let mut stream = TcpStream::connect(host).unwrap();
        let headers =
            format!("host: {host}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}");
        write!(stream, "POST {path} HTTP/1.1\r\n{headers}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let answer = ask("/v1/completions", r#"{"prompt": "It was", "max_tokens": 12, "seed": 7}"#);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let written = ["generate", "--model", "base", "--prompt", "It was", "--max-tokens", "12", "--seed", "7", "--json"];
    assert_eq!(answer["choices"][0]["text"], dir.json(&written)["samples"][0]["text"]);
    // Questions are those of `ask`, byte for byte; without a question model those by rules.
    let passage = "Maria Lopez founded the first hospital in Bristol in 1842. It was small, and it had two nurses.";
    dir.file("passage.txt", passage);
    for format in ["jsonl", "csv", "anki"] {
        let body = serde_json::json!({ "text": passage, "per_sentence": 3, "format": format }).to_string();
        let args = ["ask", "--no-network", "--text", "passage.txt", "--per-sentence", "3", "--format", format];
        let asked = dir.run_ok(&args).stdout;
        assert!(asked.contains("Maria Lopez") && ask("/api/questions", &body) == asked, "{asked}");
    }
    let stopped = Command::new("kill").args(["-INT", &server.0.id().to_string()]).status().unwrap();
    assert!(stopped.success() && server.0.wait().unwrap().success());
}
