//! `/` and `/assets/…`: the page with which texts are written.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use page::{Asset, INDEX, asset};

use crate::api_error::ApiError;
use crate::app::App;
use crate::path_name::PathName;
use crate::shortened::shortened;

/// Where the files of the page are.
const ASSETS: &str = "/assets/";

/// The handlers of the page.
pub(crate) fn page_router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async |headers: HeaderMap| answer(&INDEX, &headers)))
        .route("/assets/{name}", get(page_file))
}

/// Whether the address has a file of the page, which is the same for everybody.
pub(crate) fn is_of_page(path: &str) -> bool {
    path == "/" || path.starts_with(ASSETS)
}

async fn page_file(PathName(name): PathName, headers: HeaderMap) -> Result<Response, ApiError> {
    let file = asset(&name).ok_or_else(|| {
        let message = format!("the page has no file `{}`: reload the page", shortened(&name).escape_debug());
        ApiError::new(StatusCode::NOT_FOUND, message)
    })?;
    Ok(answer(file, &headers))
}

/// A file, or that it has not changed. The browser asks each time, because another version of the program has other files.
fn answer(file: &Asset, headers: &HeaderMap) -> Response {
    let etag = file.etag();
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
    let caching = [(ETAG, etag), (CACHE_CONTROL, "no-cache".into())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, file.content_type)], file.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::Options;
    use crate::test_server::{Answer, TestServer};

    #[test]
    fn the_page_and_its_files_are_sent_unless_the_browser_has_them() {
        let server = TestServer::start(|options| Options { token: Some("secret".into()), ..options });
        let page = server.ask("/", &Value::Null);
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<!doctype html>") && page.headers.contains("content-type: text/html"));
        for (name, content_type) in [("style.css", "text/css"), ("server_main.js", "text/javascript")] {
            let path = format!("/assets/{name}");
            let answer = server.ask(&path, &Value::Null);
            assert_eq!(answer.status, 200, "{name}");
            assert_eq!(answer.body.as_bytes(), page::asset(name).unwrap().bytes);
            for header in [content_type, "content-security-policy: default-src 'none'", "cache-control: no-cache"] {
                assert!(answer.headers.contains(header), "{name}: {header}: {}", answer.headers);
            }
            let etag = page::asset(name).unwrap().etag();
            assert!(answer.headers.contains(&format!("etag: {etag}")), "{name}");
            let host = server.address;
            let again = |known: &str| {
                let headers = format!("host: {host}\r\nif-none-match: {known}\r\nconnection: close\r\n\r\n");
                Answer::read(server.send(format!("GET {path} HTTP/1.1\r\n{headers}").as_bytes()))
            };
            let known = again(&format!("\"other\", {etag}"));
            assert_eq!((known.status, known.body.as_str()), (304, ""), "{name}");
            assert_eq!(again("\"other\"").status, 200);
        }
        for name in ["none.js", "..%2fCargo.toml", "index.html"] {
            let answer = server.ask(&format!("/assets/{name}"), &Value::Null);
            assert_eq!((answer.status, answer.error().contains("no file")), (404, true), "{name}");
        }
        let answer = server.ask("/assets/chars%ff", &Value::Null);
        assert_eq!((answer.status, answer.error().contains("not UTF-8")), (400, true));
    }
}
