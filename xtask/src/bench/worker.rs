//! A program under test: one process that waits at its stdin and answers in JSON, a line a request.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Map, Value, json};

use crate::cargo::not_started;

/// A program that has said who it is.
pub struct Worker {
    /// What it said
    pub hello: Hello,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    log: PathBuf,
}

/// How a program presents itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// As in `PyTorch`
    pub name: String,
    /// Its own version
    pub version: String,
    /// How many threads it computes with
    pub threads: u64,
    /// Whatever else it told, as in library: oneDNN
    pub further: Vec<(String, String)>,
}

/// What came of a request.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The program does not do this work
    Unsupported,
    /// It did, and measured these
    Done(Map<String, Value>),
}

impl Worker {
    /// Starts the program and waits until it has said who it is; what else it says goes to `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, String> {
        let errors = File::create(log)
            .map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
        let requests = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let hello =
            Hello { name: String::new(), version: String::new(), threads: 0, further: vec![] };
        let mut worker = Self { hello, child, requests, answers, log: log.into() };
        let program = command.get_program().display();
        worker.hello = worker
            .line()
            .and_then(|line| hello_of(&line))
            .map_err(|error| format!("{program} did not say who it is: {error}"))?;
        Ok(worker)
    }

    /// Lets the program do this many steps of a work.
    pub fn ask(&mut self, work: &str, steps: u64) -> Result<Answer, String> {
        let answer = self.request(&json!({ "work": work, "steps": steps }));
        let answer = answer.and_then(|line| answer_of(&line));
        answer.map_err(|error| format!("{}, {work}: {error}", self.hello.name))
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets the program free what it has built for a work.
    pub fn forget(&mut self, work: &str) -> Result<(), String> {
        let answer = self.request(&json!({ "forget": work }));
        let answer = answer.and_then(|line| answer_of(&line));
        answer.map(drop).map_err(|error| format!("{}, {work}: {error}", self.hello.name))
    }

    fn request(&mut self, request: &Value) -> Result<String, String> {
        // A program that is gone is noticed at its missing answer, with its last words.
        let _ = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        self.line()
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err(self.last_words()),
            Ok(_) => Ok(line),
            Err(error) => Err(format!("its answer cannot be read: {error}")),
        }
    }

    fn last_words(&mut self) -> String {
        let ended = match self.child.wait() {
            Ok(status) => format!("it ended with {status}"),
            Err(error) => format!("it was lost: {error}"),
        };
        match last_line(&self.log) {
            Some(words) => format!("{ended}; its last words: {words}"),
            None => ended,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It holds nothing that is worth an orderly end; one that is gone already is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last line with something on it.
pub fn last_line(log: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_string)
}

fn object(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(format!("expected a JSON object in a line, found `{}`", line.trim_end())),
    }
}

fn hello_of(line: &str) -> Result<Hello, String> {
    let mut map = object(line)?;
    let mut text = |key: &str| match map.shift_remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("`{key}` is missing in `{}`", line.trim_end())),
    };
    let (name, version) = (text("name")?, text("version")?);
    let threads = map.shift_remove("threads").and_then(|threads| threads.as_u64());
    let threads =
        threads.ok_or_else(|| format!("`threads` is missing in `{}`", line.trim_end()))?;
    let further = map.into_iter().map(|(key, value)| match value {
        Value::String(text) => (key, text),
        other => (key, other.to_string()),
    });
    Ok(Hello { name, version, threads, further: further.collect() })
}

fn answer_of(line: &str) -> Result<Answer, String> {
    let map = object(line)?;
    if let Some(error) = map.get("error") {
        return Err(error.as_str().map_or_else(|| error.to_string(), str::to_string));
    }
    Ok(match map.get("unsupported") {
        Some(Value::Bool(true)) => Answer::Unsupported,
        _ => Answer::Done(map),
    })
}

/// A worker of a few lines of shell: a step takes half a second, by its own word.
#[cfg(all(test, unix))]
pub fn fake(name: &str, folder: &Path) -> Worker {
    let script = format!(
        r#"printf '{{"name":"{name}","version":"1.5","threads":2,"library":"sh","width":8}}\n'
while read -r line; do case "$line" in
*forget*) echo '{{}}';;
*gemm*) echo '{{"seconds_per_step":0.5,"gflops":4}}';;
*prepare*) echo '{{"megabytes_per_second":80}}';;
*write*) echo '{{"unsupported":true}}';;
*fail*) echo '{{"error":"out of fingers"}}';;
*die*) echo 'I am tired' >&2; exit 3;;
*) echo '{{"seconds_per_step":0.5}}';;
esac; done"#
    );
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    Worker::start(command, &folder.join(format!("{name}.log"))).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_read_with_all_it_tells() {
        let line = r#"{"name":"P","library":"oneDNN","version":"2","threads":2,"bits":32}"#;
        let hello = hello_of(line).unwrap();
        assert_eq!((hello.name.as_str(), hello.version.as_str(), hello.threads), ("P", "2", 2));
        let further = [("library".into(), "oneDNN".into()), ("bits".into(), "32".into())];
        assert_eq!(hello.further, further);
        let error = hello_of(r#"{"name":"P","version":"2"}"#).unwrap_err();
        assert!(error.contains("`threads`"), "{error}");
    }

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(answer_of(r#"{"unsupported": true}"#), Ok(Answer::Unsupported));
        assert_eq!(answer_of(r#"{"error": "no memory"}"#), Err("no memory".into()));
        let Ok(Answer::Done(map)) = answer_of("{\"seconds_per_step\": 0.5}\n") else {
            panic!("a time was not read as one");
        };
        assert_eq!(map["seconds_per_step"], 0.5);
        let error = answer_of("Hello!\n").unwrap_err();
        assert!(error.contains("JSON") && error.contains("`Hello!`"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_worker_answers_request_after_request() {
        let folder = tempfile::tempdir().unwrap();
        let mut worker = fake("Fake", folder.path());
        assert_eq!(worker.hello.version, "1.5");
        assert!(matches!(worker.ask("train", 3), Ok(Answer::Done(_))));
        assert_eq!(worker.ask("write", 3), Ok(Answer::Unsupported));
        assert_eq!(worker.ask("fail", 1), Err("Fake, fail: out of fingers".into()));
        assert_eq!(worker.forget("train"), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn a_worker_that_dies_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let mut worker = fake("Fake", folder.path());
        let error = worker.ask("die", 1).unwrap_err();
        assert!(error.contains("exit status: 3") && error.ends_with("I am tired"), "{error}");
        assert!(worker.ask("train", 1).is_err());
    }
}
