//! `/api/runs/{name}/events`: the metrics of a run as server-sent events, as training writes them.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
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

/// The lines of the run's metrics. The number of an event is the length of the file up to the end of its line: a client that
/// sends it as `Last-Event-ID` gets what comes after. Where training was resumed from a checkpoint, the file becomes shorter:
/// an event `truncated` has its new length as number, and the lines after it are void.
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
        None => 0,
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
            let message = "`Last-Event-ID` is no number; expected that of the last event, or none";
            ApiError::new(StatusCode::BAD_REQUEST, message)
        })?,
    };
    let lines = stream::unfold(Lines { path, read: last, unsent: Vec::new() }, |mut lines| async move {
        let event = lines.next().await?;
        Some((Ok::<_, Infallible>(event), lines))
    });
    Ok(Sse::new(lines).keep_alive(KeepAlive::default()).into_response())
}

/// The lines of a file that grows.
struct Lines {
    path: PathBuf,
    /// The bytes of the lines that were sent.
    read: u64,
    /// The next lines with the length of the file after each, the last one first.
    unsent: Vec<(u64, String)>,
}

impl Lines {
    /// The next line, as soon as there is one; `None` if the file can no longer be read.
    async fn next(&mut self) -> Option<Event> {
        while self.unsent.is_empty() {
            let length = self.path.metadata().ok()?.len();
            if length < self.read {
                self.read = length;
                return Some(Event::default().event("truncated").id(length.to_string()).data(""));
            }
            self.unsent = self.read_lines().ok()?;
            if self.unsent.is_empty() {
                tokio::time::sleep(PERIOD).await;
            }
        }
        let (end, line) = self.unsent.pop()?;
        self.read = end;
        Some(Event::default().id(end.to_string()).data(line))
    }

    /// The complete lines that follow, the last one first.
    fn read_lines(&self) -> io::Result<Vec<(u64, String)>> {
        let mut file: File = Accept::File.open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.take(READ_AT_ONCE).read_to_end(&mut bytes)?;
        let mut end = self.read;
        let complete = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let mut lines: Vec<(u64, String)> = complete
            .map(|line| {
                end += line.len() as u64;
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

    use crate::test_server::TestServer;

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
        let mut reader = begin("");
        line(&mut reader, "{\"step\":1}");
        line(&mut reader, "{\"step\":2}");
        std::fs::write(&file, "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n").unwrap();
        line(&mut reader, "{\"step\":3}");
        let mut later = begin("last-event-id: 22\r\n");
        line(&mut later, "{\"step\":3}");
        std::fs::write(&file, "{\"step\":1}\n").unwrap();
        line(&mut reader, "truncated");
        for name in ["none", "..%2ffox-1", "%2e%2e", "."] {
            assert_eq!(server.ask(&format!("/api/runs/{name}/events"), &Value::Null).status, 404, "{name}");
        }
    }
}
