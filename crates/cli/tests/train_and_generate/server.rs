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
    let body = r#"{"prompt": "It was", "max_tokens": 12, "seed": 7}"#;
    let length = body.len();
    let mut stream = TcpStream::connect(host).unwrap();
    let headers =
        format!("host: {host}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}");
    write!(stream, "POST /v1/completions HTTP/1.1\r\n{headers}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let written = ["generate", "--model", "base", "--prompt", "It was", "--max-tokens", "12", "--seed", "7", "--json"];
    assert_eq!(answer["choices"][0]["text"], dir.json(&written)["samples"][0]["text"]);
    let stopped = Command::new("kill").args(["-INT", &server.0.id().to_string()]).status().unwrap();
    assert!(stopped.success() && server.0.wait().unwrap().success());
}
