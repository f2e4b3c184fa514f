//! A worker: the process of a measured program. Requests on its stdin and responses on its stdout are JSON
//! objects, one per line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Map, Value, json};

use crate::cargo::not_started;

/// A running program.
pub struct Worker {
    /// Its first line
    pub info: ProgramInfo,
    child: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
    log: PathBuf,
}

/// How a program describes itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgramInfo {
    /// As in `PyTorch`
    pub name: String,
    /// Its version
    pub version: String,
    /// How many threads it uses
    pub threads: u64,
    /// Any other key and value of its description, as in `library`: `oneDNN`
    pub properties: Vec<(String, String)>,
}

/// The response to a request.
#[derive(Debug, PartialEq)]
pub enum Response {
    /// The program does not have this workload
    Unsupported,
    /// The measured values by name
    Values(Map<String, Value>),
}

impl Worker {
    /// Starts the program and waits for its description; its stderr is written to `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, String> {
        let errors = File::create(log).map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
        let requests = child.stdin.take().expect("piped");
        let responses = BufReader::new(child.stdout.take().expect("piped"));
        let info = ProgramInfo::default();
        let mut worker = Self { info, child, requests, responses, log: log.into() };
        let program = command.get_program().display();
        worker.info = worker
            .read_line()
            .and_then(|line| parse_info(&line))
            .map_err(|error| format!("{program} did not describe itself: {error}"))?;
        Ok(worker)
    }

    /// Runs this many steps of a workload.
    pub fn run(&mut self, workload: &str, steps: u64) -> Result<Response, String> {
        self.request(workload, &json!({ "work": workload, "steps": steps }))
    }

    /// Frees what the program has allocated for a workload.
    pub fn free(&mut self, workload: &str) -> Result<(), String> {
        self.request(workload, &json!({ "forget": workload })).map(drop)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn request(&mut self, workload: &str, request: &Value) -> Result<Response, String> {
        // If the program has ended, reading the response fails with its last message.
        let _ = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        let response = self.read_line().and_then(|line| parse_response(&line));
        response.map_err(|error| format!("{}, {workload}: {error}", self.info.name))
    }

    fn read_line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.responses.read_line(&mut line) {
            Ok(0) => Err(self.exit_message()),
            Ok(_) => Ok(line),
            Err(error) => Err(format!("its response cannot be read: {error}")),
        }
    }

    fn exit_message(&mut self) -> String {
        let status = match self.child.wait() {
            Ok(status) => format!("it ended with {status}"),
            Err(error) => format!("cannot wait for it: {error}"),
        };
        match last_line(&self.log) {
            Some(line) => format!("{status}; its last message: {line}"),
            None => status,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A worker has no state to save, and may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last line of a file that is not blank.
pub fn last_line(log: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_string)
}

fn parse_object(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(format!("expected a line with a JSON object, found `{}`", line.trim_end())),
    }
}

fn parse_info(line: &str) -> Result<ProgramInfo, String> {
    let mut map = parse_object(line)?;
    let missing = |key: &str| format!("`{key}` is missing in `{}`", line.trim_end());
    let mut text = |key: &str| match map.shift_remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(missing(key)),
    };
    let (name, version) = (text("name")?, text("version")?);
    let threads = map.shift_remove("threads").and_then(|threads| threads.as_u64());
    let threads = threads.ok_or_else(|| missing("threads"))?;
    let properties = map.into_iter().map(|(key, value)| match value {
        Value::String(text) => (key, text),
        other => (key, other.to_string()),
    });
    Ok(ProgramInfo { name, version, threads, properties: properties.collect() })
}

fn parse_response(line: &str) -> Result<Response, String> {
    let map = parse_object(line)?;
    if let Some(error) = map.get("error") {
        return Err(error.as_str().map_or_else(|| error.to_string(), str::to_string));
    }
    Ok(match map.get("unsupported") {
        Some(Value::Bool(true)) => Response::Unsupported,
        _ => Response::Values(map),
    })
}

/// A worker in a few lines of shell, which reports half a second per step.
#[cfg(all(test, unix))]
pub fn fake(name: &str, folder: &Path) -> Worker {
    let script = format!(
        r#"printf '{{"name":"{name}","version":"1.5","threads":2,"library":"sh","width":8}}\n'
while read -r line; do case "$line" in
*forget*) echo '{{}}';;
*fma*) echo '{{"seconds_per_step":0.5,"gflops":4}}';;
*profiled*) echo '{{"seconds_per_step":0.5,"profile":{{"matrix product":0.6,"other":0.1,"waiting":0.3}}}}';;
*prepare*) echo '{{"megabytes_per_second":80}}';;
*missing*) echo '{{"unsupported":true}}';;
*fail*) echo '{{"error":"out of memory"}}';;
*die*) echo 'killed' >&2; exit 3;;
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
    fn a_description_is_parsed_with_all_its_properties() {
        let line = r#"{"name":"P","library":"oneDNN","version":"2","threads":2,"bits":32}"#;
        let info = parse_info(line).unwrap();
        assert_eq!((info.name.as_str(), info.version.as_str(), info.threads), ("P", "2", 2));
        let properties = [("library".into(), "oneDNN".into()), ("bits".into(), "32".into())];
        assert_eq!(info.properties, properties);
        let error = parse_info(r#"{"name":"P","version":"2"}"#).unwrap_err();
        assert!(error.contains("`threads`"), "{error}");
    }

    #[test]
    fn responses_are_distinguished() {
        assert_eq!(parse_response(r#"{"unsupported": true}"#), Ok(Response::Unsupported));
        assert_eq!(parse_response(r#"{"error": "no memory"}"#), Err("no memory".into()));
        let Ok(Response::Values(map)) = parse_response("{\"seconds_per_step\": 0.5}\n") else {
            panic!("a time was not parsed as a value");
        };
        assert_eq!(map["seconds_per_step"], 0.5);
        let error = parse_response("Hello!\n").unwrap_err();
        assert!(error.contains("JSON") && error.contains("`Hello!`"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_worker_answers_one_request_after_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut worker = fake("Fake", folder.path());
        assert_eq!(worker.info.version, "1.5");
        assert!(matches!(worker.run("train", 3), Ok(Response::Values(_))));
        assert_eq!(worker.run("missing", 3), Ok(Response::Unsupported));
        assert_eq!(worker.run("fail", 1), Err("Fake, fail: out of memory".into()));
        assert_eq!(worker.free("train"), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn the_last_message_of_an_ended_worker_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let mut worker = fake("Fake", folder.path());
        let error = worker.run("die", 1).unwrap_err();
        assert!(error.contains("exit status: 3") && error.ends_with("killed"), "{error}");
        assert!(worker.run("train", 1).is_err());
    }
}
