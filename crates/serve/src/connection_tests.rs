//! Tests of connections over a real socket: what is rejected, limits, and the end of the server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fields::MAX_BODY;
use crate::test_server::{Answer, COMPLETIONS, TestServer, post};
use crate::{Error, Options, Server};

#[test]
fn malformed_and_foreign_requests_are_rejected() {
    let server = TestServer::start(|options| options);
    let host = server.address.to_string();
    let json_type = ("content-type", "application/json");
    let mut too_large = vec![b' '; MAX_BODY + 1];
    too_large[0] = b'{';
    let requests: [(Vec<u8>, u16); 11] = [
        (post(&host, COMPLETIONS, &[("content-type", "text/plain")], b"{}"), 415),
        (post(&host, COMPLETIONS, &[], b"{}"), 415),
        (post(&host, COMPLETIONS, &[json_type], b"{\"prompt\""), 400),
        (post(&host, COMPLETIONS, &[json_type], b"[]"), 400),
        (post(&host, COMPLETIONS, &[json_type], &too_large), 413),
        (post("evil.example", COMPLETIONS, &[json_type], b"{}"), 403),
        (post(&host, COMPLETIONS, &[json_type, ("origin", "http://evil.example")], b"{}"), 403),
        (post(&host, COMPLETIONS, &[json_type, ("sec-fetch-site", "cross-site")], b"{}"), 403),
        (post(&host, "/v1/embeddings", &[json_type], b"{}"), 404),
        (post(&host, "/health", &[json_type], b"{}"), 405),
        (format!("GET {COMPLETIONS} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").into_bytes(), 405),
    ];
    for (request, status) in requests {
        // The rest of a body that is too large may not be taken any more.
        let mut stream = TcpStream::connect(server.address).unwrap();
        let _ = stream.write_all(&request);
        let answer = Answer::read(stream);
        let name = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        assert_eq!(answer.status, status, "{name}");
        assert!(!answer.error().is_empty() && !answer.error().contains('\n'), "{name}");
        assert!(answer.headers.contains("content-security-policy: default-src 'none'"), "{name}");
        assert!(answer.headers.contains("x-content-type-options: nosniff"), "{name}");
    }
    assert_eq!(server.ask("/health", &Value::Null).json(), json!({ "status": "ok" }));
}

#[test]
fn a_host_is_given_once_in_any_case() {
    let server = TestServer::start(|options| options);
    let ask = |hosts: &str| {
        Answer::read(server.send(format!("GET /health HTTP/1.1\r\n{hosts}connection: close\r\n\r\n").as_bytes())).status
    };
    let port = server.address.port();
    assert_eq!(ask(&format!("Host: LOCALHOST:{port}\r\n")), 200);
    assert_eq!(ask(&format!("host: localhost:{port}\r\nhost: localhost:{port}\r\n")), 400);
    assert_eq!(ask(&format!("host: localhost:{port}\r\nhost: evil.example\r\n")), 400);
    assert_eq!(ask(""), 403);
    let target =
        format!("GET http://evil.example/health HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    assert_eq!(Answer::read(server.send(target.as_bytes())).status, 403);
}

#[test]
fn a_length_that_is_not_that_of_the_body_is_rejected() {
    let server = TestServer::start(|options| Options { body_limit: Duration::from_millis(200), ..options });
    let host = server.address;
    let ask = |headers: &str, body: &str, half_close: bool| {
        let headers = format!("host: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}\r\n");
        let stream = server.send(format!("POST {COMPLETIONS} HTTP/1.1\r\n{headers}{body}").as_bytes());
        if half_close {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = String::new();
        let _ = { stream }.read_to_string(&mut answer);
        answer.split(' ').nth(1).unwrap_or_default().parse::<u16>().unwrap_or_default()
    };
    let body = "{\"max_tokens\":1}";
    assert_eq!(ask("content-length: 16\r\n", body, false), 200);
    // More is announced than comes: the connection ends, or nothing more comes for a while.
    assert_eq!(ask("content-length: 99\r\n", body, true), 400);
    assert_eq!(ask("content-length: 99\r\n", body, false), 408);
    assert_eq!(ask("content-length: 5\r\n", body, false), 400);
    assert_eq!(ask("content-length: -1\r\n", body, false), 400);
    assert_eq!(ask("content-length: 16\r\ncontent-length: 17\r\n", body, false), 400);
    // Rejected before it is sent.
    assert_eq!(ask("content-length: 99999999999\r\n", "", false), 413);
    assert_eq!(ask(&format!("expect: 100-continue\r\ncontent-length: {}\r\n", MAX_BODY + 1), "", false), 413);
    assert_eq!(ask("", "", false), 400);
}

#[test]
fn a_token_is_asked_for() {
    let server = TestServer::start(|options| Options { token: Some("secret".into()), ..options });
    assert_eq!(server.ask("/v1/models", &Value::Null).status, 401);
    let host = server.address;
    let request =
        format!("GET /v1/models HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer secret\r\nconnection: close\r\n\r\n");
    assert_eq!(Answer::read(server.send(request.as_bytes())).status, 200);
}

#[test]
fn a_busy_server_says_when_to_try_again_and_readers_that_go_away_make_room() {
    let server = TestServer::start(|options| options);
    // Nobody reads these, so they keep running or wait.
    let long = json!({ "prompt": "the", "max_tokens": 4096, "n": 64, "stream": true, "logprobs": 20 });
    let is_accepted = |stream: &mut TcpStream| {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        status == *b"HTTP/1.1 200"
    };
    let mut readers = Vec::new();
    for _ in 0..2 {
        let mut reader = server.begin(COMPLETIONS, &long);
        assert!(is_accepted(&mut reader));
        readers.push(reader);
    }
    let busy = server.ask(COMPLETIONS, &json!({ "prompt": "the" }));
    assert_eq!(busy.status, 429, "{}", busy.body);
    assert!(busy.headers.contains("retry-after: 1") && busy.json()["error"]["type"] == "rate_limit_error");
    assert_eq!(server.ask("/health", &Value::Null).status, 200);
    // Texts that wait leave their slots while others still run.
    readers.truncate(1);
    while !is_accepted(&mut server.begin(COMPLETIONS, &json!({ "prompt": "the", "stream": true }))) {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(readers);
    while server.ask(COMPLETIONS, &json!({ "prompt": "the" })).status == 429 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let metrics = server.ask("/metrics", &Value::Null).body;
    assert!(metrics.contains("# TYPE pastiche_requests_total counter\npastiche_requests_total "), "{metrics}");
    assert!(metrics.contains("\npastiche_texts_waiting 0\n"), "{metrics}");
    assert!(metrics.contains("# TYPE pastiche_texts_running gauge\n"), "{metrics}");
}

#[test]
fn half_sent_headers_are_given_up() {
    let server = TestServer::start(|options| Options { header_limit: Duration::from_millis(100), ..options });
    let mut streams: Vec<TcpStream> =
        (0..50).map(|_| server.send(b"POST /v1/completions HTTP/1.1\r\nhost: 127")).collect();
    assert_eq!(server.ask("/health", &Value::Null).status, 200);
    for stream in &mut streams {
        // Closed, with or without an answer.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    }
}

#[test]
fn a_stop_ends_open_streams() {
    let mut server = TestServer::start(|options| options);
    let mut stream =
        server.begin(COMPLETIONS, &json!({ "prompt": "the", "max_tokens": 4096, "n": 60, "stream": true }));
    stream.read_exact(&mut [0; 8]).unwrap();
    let reader = std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        rest
    });
    server.stop().unwrap();
    let rest = reader.join().unwrap();
    let rest = String::from_utf8_lossy(&rest);
    let last = rest.lines().rfind(|line| line.starts_with("data: ")).unwrap();
    let last: Value = serde_json::from_str(&last["data: ".len()..]).unwrap();
    assert!(last["error"]["message"].as_str().unwrap().contains("the server was stopped"), "{last}");
    assert!(rest.ends_with("0\r\n\r\n") && !rest.contains("[DONE]"));
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn an_address_that_cannot_be_used_is_an_error() {
    let server = TestServer::start(|options| options);
    let in_use = Server::bind(Options::new(server.address)).err().unwrap();
    assert!(matches!(in_use, Error::PortInUse { .. }), "{in_use}");
    let port = server.address.port().to_string();
    assert!(in_use.to_string().contains(&port) && in_use.to_string().contains("choose another port"), "{in_use}");
    let everywhere = Options::new(SocketAddr::from(([0, 0, 0, 0], 0)));
    assert!(matches!(Server::bind(everywhere.clone()).err(), Some(Error::NoToken { .. })));
    for address in [everywhere.address, SocketAddr::from(([127, 0, 0, 1], 0))] {
        for token in ["", " "] {
            let empty = Server::bind(Options { token: Some(token.into()), ..Options::new(address) }).err();
            assert!(matches!(empty, Some(Error::EmptyToken)), "{address}");
        }
        for token in ["a b", " secret", "secret\n", "schlüssel"] {
            let invalid = Server::bind(Options { token: Some(token.into()), ..Options::new(address) }).err().unwrap();
            let message = invalid.to_string();
            assert!(matches!(invalid, Error::InvalidToken) && !message.contains(token), "{message}");
        }
    }
    let named = |name: &str| Options {
        hosts: vec!["ok.local".into(), name.into()],
        ..Options::new(SocketAddr::from(([127, 0, 0, 1], 0)))
    };
    for name in ["http://x", "studio.local:8080", "x/", "", "a b", "müller.local"] {
        let invalid = Server::bind(named(name)).err().unwrap();
        assert!(matches!(&invalid, Error::InvalidHost { name: found } if found == name), "{invalid}");
        assert!(invalid.to_string().starts_with(&format!("`{name}` is no host name: expected")), "{invalid}");
    }
    for name in ["studio.local", "my_pc-2", "10.0.0.5", "::1"] {
        assert!(Server::bind(named(name)).is_ok(), "{name}");
    }
    assert!(Server::bind(Options { token: Some("secret".into()), ..everywhere }).is_ok());
}
