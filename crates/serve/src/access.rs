//! Who may send requests: programs on this machine, and pages of this server, but not the pages of other sites. A page
//! elsewhere can make a browser send requests to this machine; the names of host and origin, which it cannot choose, say so.
//!
//! The files of the page need no token, because a browser cannot send one when it opens an address; and a link elsewhere may
//! lead to it, because it is no answer that the other site can read.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::app::App;
use crate::page_routes::is_of_page;

/// From where a browser sends a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Headers of every answer: a page may load only what this server has, and no other site may show or read it.
const HEADERS: [(&str, &str); 5] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];
/// What the page may load and do: its own files and requests to this server; no code or style within markup, no markup from
/// text.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Who may send requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// What every request must send as `Authorization: Bearer TOKEN`, if anything.
    pub token: Option<String>,
    /// The names under which the server may be asked for, beside `localhost` and addresses.
    pub hosts: Vec<String>,
}

/// Answers requests that are allowed, and counts all.
pub(crate) async fn check_access(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    app.metrics.requests.add(1);
    let mut response = match app.access.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    app.metrics.rejected.add(u64::from(!response.status().is_success()));
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Answers about texts are not kept; the files of the page say otherwise.
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Access {
    fn check(&self, request: &Request) -> Result<(), ApiError> {
        let headers = request.headers();
        if is_of_page(request.uri().path()) {
            return if opens_page(request) { self.check_host(headers) } else { self.check_page(headers) };
        }
        self.check_page(headers)?;
        self.check_token(headers)
    }

    /// Whether the server is asked for by a name that is its own.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = header(headers, HOST).unwrap_or_default();
        if self.is_known(host) {
            return Ok(());
        }
        Err(forbidden(format!(
            "the host is `{}`; expected localhost, an address or a name that the server was started with",
            host.escape_debug()
        )))
    }

    /// Whether the request comes from a program or a page of this server.
    fn check_page(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        self.check_host(headers)?;
        let host = header(headers, HOST).unwrap_or_default();
        if let Some(origin) = header(headers, ORIGIN).filter(|origin| origin.strip_prefix("http://") != Some(host)) {
            return Err(forbidden(format!(
                "the request comes from a page of `{}`; expected one of this server, or a program",
                origin.escape_debug()
            )));
        }
        let site = header(headers, SEC_FETCH_SITE).unwrap_or("none");
        if !["none", "same-origin"].contains(&site) {
            return Err(forbidden("the request comes from a page of another site; expected one of this server".into()));
        }
        Ok(())
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match &self.token {
            Some(token) if !is_token(header(headers, AUTHORIZATION).unwrap_or_default(), token) => Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "the token is missing or wrong: send the server's as `Authorization: Bearer TOKEN` (clients call it API key)",
            )),
            _ => Ok(()),
        }
    }

    /// Whether a page elsewhere cannot have chosen this host: only a name can be made to lead to another machine.
    fn is_known(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => host,
        };
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.is_ok() || name == "localhost" || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Whether the browser opens the page itself, in a window of its own.
fn opens_page(request: &Request) -> bool {
    let is = |name, value| header(request.headers(), HeaderName::from_static(name)) == Some(value);
    request.method() == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// A header, empty if it is no text.
fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn forbidden(message: String) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, message)
}

/// Compares all bytes, so that the time does not say how many are right.
fn is_token(authorization: &str, token: &str) -> bool {
    let Some(given) = authorization.strip_prefix("Bearer ").map(str::as_bytes) else { return false };
    let differences = given.iter().zip(token.as_bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == token.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_path(access: &Access, path: &str, headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let mut request = Request::new(axum::body::Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        let headers = headers.iter();
        let headers = headers.map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        request.headers_mut().extend(headers);
        access.check(&request).err().map(|error| error.status.as_u16())
    }

    fn check(access: &Access, headers: &[(&'static str, &'static str)]) -> Option<u16> {
        check_path(access, "/api/next", headers)
    }

    #[test]
    fn other_hosts_and_pages_of_other_sites_are_rejected() {
        let access = Access { token: None, hosts: vec!["studio.local".into()] };
        for host in ["127.0.0.1:8080", "localhost", "localhost:1", "[::1]:8080", "[::1]", "10.1.2.3", "Studio.local:80"]
        {
            assert_eq!(check(&access, &[("host", host)]), None, "{host}");
        }
        for host in ["", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"] {
            assert_eq!(check(&access, &[("host", host)]), Some(403), "{host}");
        }
        let host = ("host", "localhost:8080");
        assert_eq!(
            check(&access, &[host, ("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")]),
            None
        );
        for origin in ["null", "http://localhost:3000", "https://localhost:8080", "http://evil.example", ""] {
            assert_eq!(check(&access, &[host, ("origin", origin)]), Some(403), "{origin}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert_eq!(check(&access, &[host, ("sec-fetch-site", site)]), Some(403), "{site}");
        }
    }

    #[test]
    fn the_page_needs_no_token_and_other_sites_may_lead_to_it() {
        let access = Access { token: Some("secret".into()), hosts: Vec::new() };
        let host = ("host", "localhost:8080");
        for path in ["/", "/assets/app.js", "/assets/none"] {
            assert_eq!(check_path(&access, path, &[host]), None, "{path}");
            assert_eq!(check_path(&access, path, &[("host", "evil.example")]), Some(403), "{path}");
            let other_site = ("sec-fetch-site", "cross-site");
            assert_eq!(check_path(&access, path, &[host, other_site]), Some(403), "{path}");
            let opened = [host, other_site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
            assert_eq!(check_path(&access, path, &opened), None, "{path}");
            let framed = [host, other_site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
            assert_eq!(check_path(&access, path, &framed), Some(403), "{path}");
        }
        for path in ["/api/next", "/v1/models", "/api", "/assets"] {
            assert_eq!(check_path(&access, path, &[host]), Some(401), "{path}");
        }
    }

    #[test]
    fn a_token_is_compared_as_a_whole() {
        let access = Access { token: Some("secret".into()), hosts: Vec::new() };
        let host = ("host", "10.0.0.1");
        assert_eq!(check(&access, &[host, ("authorization", "Bearer secret")]), None);
        for wrong in ["Bearer secre", "Bearer secret1", "Bearer ", "secret", "Basic secret"] {
            assert_eq!(check(&access, &[host, ("authorization", wrong)]), Some(401), "{wrong}");
        }
        assert_eq!(check(&access, &[host]), Some(401));
        assert!(!is_token("", ""));
    }
}
