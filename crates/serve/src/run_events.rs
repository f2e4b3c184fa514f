//! `/api/runs/{name}/events`: the metrics of a run as server-sent events, as training writes them.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use durable::read::Accept;
use futures_util::stream;

use crate::api_error::ApiError;
use crate::app::App;

/// The file of a run with a line for each event.
const METRICS: &str = "metrics.jsonl";
/// How often the file is looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// The bytes that are read at once; a line is shorter.
const READ_AT_ONCE: u64 = 64 << 10;

/// The lines of the run's metrics. The number of an event is the [`Position`] after its line: a client that sends it as
/// `Last-Event-ID` gets what comes after. Where training was resumed from a checkpoint, the last lines are replaced by others:
/// an event `truncated` says that all lines before it are void, and the file is sent from its beginning.
pub(crate) async fn run_events(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let unknown = || {
        let message = format!("there is no run `{}` with metrics: expected the name of a run", name.escape_debug());
        ApiError::new(StatusCode::NOT_FOUND, message)
    };
    let is_name = !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && name != "." && name != "..";
    let path = app.runs.as_ref().filter(|_| is_name).map(|runs| runs.join(&name).join(METRICS)).ok_or_else(unknown)?;
    Accept::File.check(&path).map_err(|_| unknown())?;
    let last = match headers.get("last-event-id") {
        None => Position::default(),
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
            let message = "`Last-Event-ID` is not of this server; expected that of the last event, or none";
            ApiError::new(StatusCode::BAD_REQUEST, message)
        })?,
    };
    let lines = stream::unfold(Lines { path, sent: last, unsent: Vec::new() }, |mut lines| async move {
        let event = lines.next().await?;
        Some((Ok::<_, Infallible>(event), lines))
    });
    Ok(Sse::new(lines).keep_alive(KeepAlive::default()).into_response())
}

/// The end of a line in a file, which is written as `LENGTH-HASH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    /// The length of the file up to there, in bytes.
    length: u64,
    /// The hash of the line, which tells whether the file still has it; 0 at the beginning of the file.
    line: u64,
}

impl Position {
    /// The end of a line that follows this position.
    fn after(self, line: &[u8]) -> Self {
        Self { length: self.length + line.len() as u64, line: hash(line) }
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
        write!(f, "{}-{:x}", self.length, self.line)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (length, line) = text.split_once('-').ok_or(())?;
        let length = length.parse::<u64>().map_err(|_| ())?;
        Ok(Self { length, line: u64::from_str_radix(line, 16).map_err(|_| ())? })
    }
}

/// The lines of a file that grows.
struct Lines {
    path: PathBuf,
    /// The end of the lines that were sent.
    sent: Position,
    /// The next lines with the end of each, the last one first.
    unsent: Vec<(Position, String)>,
}

impl Lines {
    /// The next line, as soon as there is one; `None` if the file can no longer be read.
    async fn next(&mut self) -> Option<Event> {
        while self.unsent.is_empty() {
            let mut file: File = Accept::File.open(&self.path).ok()?;
            if !self.sent.is_in(&mut file).ok()? {
                self.sent = Position::default();
                return Some(Event::default().event("truncated").id(self.sent.to_string()).data(""));
            }
            self.unsent = self.read_lines(&mut file).ok()?;
            if self.unsent.is_empty() {
                tokio::time::sleep(PERIOD).await;
            }
        }
        let (end, line) = self.unsent.pop()?;
        self.sent = end;
        Some(Event::default().id(end.to_string()).data(line))
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
    use std::io::{BufRead, BufReader};
    use std::net::TcpStream;

    use serde_json::Value;

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
        let headers = format!("host: {host}\r\nlast-event-id: 22\r\nconnection: close\r\n\r\n");
        let stream = server.send(format!("GET /api/runs/fox-1/events HTTP/1.1\r\n{headers}").as_bytes());
        assert_eq!(Answer::read(stream).status, 400);
        for name in ["none", "..%2ffox-1", "%2e%2e", "."] {
            assert_eq!(server.ask(&format!("/api/runs/{name}/events"), &Value::Null).status, 404, "{name}");
        }
    }
}
