//! `/api/runs`: the runs that can be watched. `/api/runs/{name}/events`: the metrics of a run as server-sent events, as
//! training writes them.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path as FilePath, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use durable::Lock;
use durable::read::Accept;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api_error::ApiError;
use crate::app::App;
use crate::path_name::PathName;
use crate::shortened::shortened;

/// The file of a run with a line for each event.
const METRICS: &str = "metrics.jsonl";
/// The file of a run with samples of its model.
const SAMPLES: &str = "samples.md";
/// The record of a run, which says whether it is complete.
const RECORD: &str = "run.json";
/// The data of an event that has none: browsers leave out events with empty data.
const NO_DATA: &str = "{}";
/// How often the file is looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// The bytes that are read at once; a line is shorter.
const READ_AT_ONCE: u64 = 64 << 10;

/// The names of the runs with metrics, and whether each is being trained or complete; the one whose metrics are newest first.
pub(crate) async fn runs(State(app): State<Arc<App>>) -> Json<Value> {
    let folder = app.runs.as_ref().and_then(|runs| std::fs::read_dir(runs).ok());
    let folders = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    let written = |run: PathBuf| {
        let metrics = run.join(METRICS);
        Accept::File.check(&metrics).ok()?;
        Some((metrics.metadata().and_then(|data| data.modified()).ok(), run))
    };
    let mut runs: Vec<_> = folders.filter_map(written).collect();
    runs.sort_by(|one, other| other.cmp(one));
    let listed = |(_, run): &(_, PathBuf)| {
        let name = run.file_name()?.to_str()?;
        Some(json!({
            "name": name, "is_training": Lock::holder(run).is_some(), "is_complete": is_complete(run),
        }))
    };
    Json(json!({ "runs": runs.iter().filter_map(listed).collect::<Vec<_>>() }))
}

/// Whether training and all reports of a run are complete, and no process trains it again.
fn is_complete(run: &FilePath) -> bool {
    /// What the record of a run says about its end.
    #[derive(Deserialize)]
    struct Record {
        /// The number of updates at the end, 0 before; runs of early versions do not have it.
        reported_steps: Option<u64>,
    }
    let record = durable::read::small_text(&run.join(RECORD)).ok();
    let record: Option<Record> = record.and_then(|text| serde_json::from_str(&text).ok());
    record.is_some_and(|record| record.reported_steps != Some(0)) && Lock::holder(run).is_none()
}

/// The lines of the run's metrics. The number of an event is the [`Position`] after its line: a client that sends it as
/// `Last-Event-ID` gets what comes after. Where training was resumed from a checkpoint, the last lines are replaced by others:
/// an event `truncated` says that all lines before it are void, and the file is sent from its beginning. An event `end`
/// comes last if the run is complete, and an event `stopped` if the server stops. An event `samples` has the text of new samples.
pub(crate) async fn run_events(
    State(app): State<Arc<App>>,
    PathName(name): PathName,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let unknown = || {
        let name = shortened(&name);
        let message = format!("there is no run `{}` with metrics: expected the name of a run", name.escape_debug());
        ApiError::new(StatusCode::NOT_FOUND, message)
    };
    let is_name = !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && name != "." && name != "..";
    let run = app.runs.as_ref().filter(|_| is_name).map(|runs| runs.join(&name)).ok_or_else(unknown)?;
    Accept::File.check(&run.join(METRICS)).map_err(|_| unknown())?;
    let last = match headers.get("last-event-id") {
        None => Position::default(),
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
            let message = "`Last-Event-ID` is not of this server; expected that of the last event, or none";
            ApiError::new(StatusCode::BAD_REQUEST, message)
        })?,
    };
    let lines = Lines { run, sent: last, unsent: Vec::new(), has_ended: false, stop: app.stop.clone() };
    let lines = stream::unfold(lines, |mut lines| async move {
        let event = lines.next().await?;
        Some((Ok::<_, Infallible>(event), lines))
    });
    Ok(Sse::new(lines).keep_alive(KeepAlive::default()).into_response())
}

/// The end of a line in the file of metrics, and how much was sent of the samples: written as `LENGTH-HASH-SAMPLES`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    /// The length of the file up to there, in bytes.
    length: u64,
    /// The hash of the line, which tells whether the file still has it; 0 at the beginning of the file.
    line: u64,
    /// The bytes of the samples that were sent.
    samples: u64,
}

impl Position {
    /// The end of a line that follows this position.
    fn after(self, line: &[u8]) -> Self {
        Self { length: self.length + line.len() as u64, line: hash(line), ..self }
    }

    /// Whether this is still the end of the line in the file.
    fn is_in(self, file: &mut File) -> io::Result<bool> {
        let length = self.length.min(READ_AT_ONCE);
        file.seek(SeekFrom::Start(self.length - length))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        let last = bytes.split_inclusive(|&byte| byte == b'\n').next_back();
        Ok(bytes.len() as u64 == length && last.map_or(0, hash) == self.line)
    }
}

fn hash(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(line);
    hasher.finish()
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}-{:x}-{}", self.length, self.line, self.samples)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let [length, line, samples] = text.splitn(3, '-').collect::<Vec<_>>().try_into().map_err(|_| ())?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| ());
        let line = u64::from_str_radix(line, 16).map_err(|_| ())?;
        Ok(Self { length: number(length)?, line, samples: number(samples)? })
    }
}

/// The lines of a file that grows.
struct Lines {
    run: PathBuf,
    /// The end of the lines that were sent.
    sent: Position,
    /// The next lines with the end of each, the last one first.
    unsent: Vec<(Position, String)>,
    /// Whether the last event was sent.
    has_ended: bool,
    /// Says when the server stops.
    stop: watch::Receiver<bool>,
}

impl Lines {
    /// The next line, as soon as there is one, or an event about the lines; `None` after the last one, and if the file can no
    /// longer be read.
    async fn next(&mut self) -> Option<Event> {
        while self.unsent.is_empty() {
            if self.has_ended {
                return None;
            }
            // Before the lines are read, so that none is left out.
            let is_complete = is_complete(&self.run);
            let mut file: File = Accept::File.open(&self.run.join(METRICS)).ok()?;
            if !self.sent.is_in(&mut file).ok()? {
                self.sent = Position::default();
                return Some(Event::default().event("truncated").id(self.sent.to_string()).data(NO_DATA));
            }
            self.unsent = self.read_lines(&mut file).ok()?;
            if self.unsent.is_empty()
                && let Some(samples) = self.new_samples()
            {
                return Some(Event::default().event("samples").id(self.sent.to_string()).data(samples.trim_end()));
            }
            if self.unsent.is_empty() && (is_complete || self.wait_for_stop().await) {
                self.has_ended = true;
                let name = if is_complete { "end" } else { "stopped" };
                return Some(Event::default().event(name).id(self.sent.to_string()).data(NO_DATA));
            }
        }
        let (end, line) = self.unsent.pop()?;
        self.sent = Position { samples: self.sent.samples, ..end };
        Some(Event::default().id(end.to_string()).data(line))
    }

    /// The samples that were written since the last call, up to a line end; `None` if there are none.
    fn new_samples(&mut self) -> Option<String> {
        let mut file: File = Accept::File.open(&self.run.join(SAMPLES)).ok()?;
        // A resumed run may have removed the last ones.
        self.sent.samples = self.sent.samples.min(file.metadata().ok()?.len());
        file.seek(SeekFrom::Start(self.sent.samples)).ok()?;
        let mut bytes = Vec::new();
        file.take(READ_AT_ONCE).read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().rposition(|&byte| byte == b'\n')? + 1;
        self.sent.samples += end as u64;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    /// Waits until the file may have more lines. Returns whether the server stops.
    async fn wait_for_stop(&mut self) -> bool {
        let stopped = self.stop.wait_for(|&stop| stop);
        tokio::time::timeout(PERIOD, stopped).await.is_ok()
    }

    /// The complete lines that follow, the last one first.
    fn read_lines(&self, file: &mut File) -> io::Result<Vec<(Position, String)>> {
        file.seek(SeekFrom::Start(self.sent.length))?;
        let mut bytes = Vec::new();
        file.take(READ_AT_ONCE).read_to_end(&mut bytes)?;
        let mut end = self.sent;
        let complete = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let mut lines: Vec<(Position, String)> = complete
            .map(|line| {
                end = end.after(line);
                (end, String::from_utf8_lossy(line).trim_end().to_owned())
            })
            .collect();
        lines.reverse();
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpStream;

    use serde_json::{Value, json};

    use crate::test_server::{Answer, TestServer};

    #[test]
    fn the_metrics_of_a_run_are_sent_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("fox-1");
        std::fs::create_dir(&run).unwrap();
        let file = run.join("metrics.jsonl");
        std::fs::write(&file, "{\"step\":1}\n{\"step\":2}\n{\"st").unwrap();
        let server = TestServer::with_runs(folder.path());
        let host = server.address;
        let begin = |last: &str| {
            let headers = format!("host: {host}\r\n{last}connection: close\r\n\r\n");
            BufReader::new(server.send(format!("GET /api/runs/fox-1/events HTTP/1.1\r\n{headers}").as_bytes()))
        };
        let line = |reader: &mut BufReader<TcpStream>, wanted: &str| {
            let mut line = String::new();
            while !line.contains(wanted) {
                line.clear();
                assert!(reader.read_line(&mut line).unwrap() > 0, "{wanted}");
            }
            line
        };
        let next_data = |reader: &mut BufReader<TcpStream>| line(reader, "data: ")["data: ".len()..].trim().to_owned();
        let mut reader = begin("");
        line(&mut reader, "{\"step\":1}");
        let id = line(&mut reader, "id: 22-");
        line(&mut reader, "{\"step\":2}");
        std::fs::write(&file, "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n").unwrap();
        line(&mut reader, "{\"step\":3}");
        let last = format!("last-event-id: {}\r\n", id.trim_start_matches("id: ").trim());
        assert_eq!(next_data(&mut begin(&last)), "{\"step\":3}");
        // Training was resumed: a line is replaced, and the file is longer than before.
        std::fs::write(&file, "{\"step\":1}\n{\"later\":2}\n{\"later\":3}\n{\"later\":4}\n").unwrap();
        for reader in [&mut reader, &mut begin(&last)] {
            line(reader, "truncated");
            line(reader, "{\"step\":1}");
            line(reader, "{\"later\":2}");
        }
        std::fs::write(&file, "{\"step\":1}\n").unwrap();
        line(&mut reader, "truncated");
        line(&mut reader, "{\"step\":1}");
        std::fs::write(run.join("samples.md"), "# Samples\n\n## Epoch 1\n> The fox\nunfin").unwrap();
        line(&mut reader, "event: samples");
        assert_eq!(next_data(&mut reader), "# Samples");
        line(&mut reader, "> The fox");
        // A run ends once its reports are written; a client that has all lines gets only the end.
        let listed = |is_complete: bool| json!({ "name": "fox-1", "is_training": false, "is_complete": is_complete });
        assert_eq!(server.ask("/api/runs", &Value::Null).json(), json!({ "runs": [listed(false)] }));
        std::fs::write(run.join("run.json"), "{\"reported_steps\":0}").unwrap();
        assert_eq!(server.ask("/api/runs", &Value::Null).json(), json!({ "runs": [listed(false)] }));
        std::fs::write(run.join("run.json"), "{\"reported_steps\":1}").unwrap();
        assert_eq!(server.ask("/api/runs", &Value::Null).json(), json!({ "runs": [listed(true)] }));
        let rest = |reader: &mut BufReader<TcpStream>| {
            let mut rest = String::new();
            reader.read_to_string(&mut rest).unwrap();
            rest
        };
        let end = rest(&mut reader);
        assert!(end.contains("event: end") && !end.contains("step"), "{end}");
        let id = end.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
        let whole = server.ask("/api/runs/fox-1/events", &Value::Null);
        assert_eq!(whole.events(), ["{\"step\":1}", "# Samples", "", "## Epoch 1", "> The fox", "{}"]);
        assert!(whole.body.contains("event: end"), "{}", whole.body);
        // Also after a restart.
        drop(server);
        let server = TestServer::with_runs(folder.path());
        let host = server.address;
        let headers = format!("host: {host}\r\nlast-event-id: {id}\r\nconnection: close\r\n\r\n");
        let stream = server.send(format!("GET /api/runs/fox-1/events HTTP/1.1\r\n{headers}").as_bytes());
        assert_eq!(Answer::read(stream).events(), ["{}"]);
        let headers = format!("host: {host}\r\nlast-event-id: 22\r\nconnection: close\r\n\r\n");
        let stream = server.send(format!("GET /api/runs/fox-1/events HTTP/1.1\r\n{headers}").as_bytes());
        assert_eq!(Answer::read(stream).status, 400);
        let ask = |name: &str| server.ask(&format!("/api/runs/{name}/events"), &Value::Null);
        for name in ["none", "..%2ffox-1", "%2e%2e", "."] {
            assert_eq!(ask(name).status, 404, "{name}");
        }
        assert!(ask(&"x".repeat(5_000)).error().contains(&format!("no run `{}…`", "x".repeat(60))));
        let answer = ask("chars%ff");
        assert!(answer.status == 400 && answer.error().contains("not UTF-8"), "{}", answer.body);
    }

    #[test]
    fn a_stop_ends_the_events_of_a_run_that_may_go_on() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("fox-1")).unwrap();
        std::fs::write(folder.path().join("fox-1/metrics.jsonl"), "{\"step\":1}\n").unwrap();
        let mut server = TestServer::with_runs(folder.path());
        let stream = server.begin("/api/runs/fox-1/events", &Value::Null);
        let mut first = [0; 8];
        stream.peek(&mut first).unwrap();
        server.stop().unwrap();
        let answer = Answer::read(stream);
        assert!(answer.events() == ["{\"step\":1}", "{}"] && answer.body.contains("event: stopped"), "{}", answer.body);
    }
}
