//! Who may send requests: programs on this machine, and pages of this server, but not the pages of other sites. A page
//! elsewhere can make a browser send requests to this machine; the names of host and origin, which it cannot choose, say so.
//!
//! The files of the page need no token, because a browser cannot send one when it opens an address; and a link elsewhere may
//! lead to the page, because the other site cannot read it.

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
use crate::shortened::shortened;

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
    let target = request.uri().authority().map(|authority| authority.as_str());
    let checked = if is_of_page(request.uri().path()) {
        app.access.check_page(&request)
    } else {
        app.access.check(request.headers(), target)
    };
    let mut response = match checked {
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
    /// Checks the headers of a request, and the host of its target if that has one.
    fn check(&self, headers: &HeaderMap, target: Option<&str>) -> Result<(), ApiError> {
        self.check_host(headers, target)?;
        check_origin(headers)?;
        self.check_token(headers)
    }

    /// Checks a request for a file of the page.
    fn check_page(&self, request: &Request) -> Result<(), ApiError> {
        self.check_host(request.headers(), request.uri().authority().map(|authority| authority.as_str()))?;
        if opens_page(request) { Ok(()) } else { check_origin(request.headers()) }
    }

    fn check_host(&self, headers: &HeaderMap, target: Option<&str>) -> Result<(), ApiError> {
        let host = single(headers, &HOST)?.unwrap_or_default();
        for host in std::iter::once(host).chain(target) {
            if !self.is_known(host) {
                return Err(forbidden(format!(
                    "the host is `{}`; expected localhost, an address or a name that the server was started with",
                    shortened(host).escape_debug()
                )));
            }
        }
        Ok(())
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match &self.token {
            Some(token) if !is_token(single(headers, &AUTHORIZATION)?.unwrap_or_default(), token) => {
                Err(ApiError::new(
                    StatusCode::UNAUTHORIZED,
                    "the token is missing or wrong: send the server's as `Authorization: Bearer TOKEN` (clients call it API key)",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether a page elsewhere cannot have chosen this host: only a name can be made to lead to another machine.
    fn is_known(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                if port.parse::<u16>().is_err() {
                    return false;
                }
                name
            }
            _ => host,
        };
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let mut names = std::iter::once("localhost").chain(self.hosts.iter().map(String::as_str));
        address.is_ok() || names.any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Whether a client can ask for the server under this name: it has no scheme, port or path, and clients send names in ASCII.
pub(crate) fn is_host_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.parse::<IpAddr>().is_ok() || (!name.is_empty() && name.bytes().all(is_part))
}

/// Checks that a request comes from a program or a page of this server.
fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let host = single(headers, &HOST)?.unwrap_or_default();
    let is_own = |origin: &str| origin.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host));
    if let Some(origin) = single(headers, &ORIGIN)?.filter(|origin| !is_own(origin)) {
        return Err(forbidden(format!(
            "the request comes from a page of `{}`; expected one of this server, or a program",
            shortened(origin).escape_debug()
        )));
    }
    let site = single(headers, &HeaderName::from_static("sec-fetch-site"))?.unwrap_or("none");
    if !["none", "same-origin"].contains(&site) {
        return Err(forbidden("the request comes from a page of another site; expected one of this server".into()));
    }
    Ok(())
}

/// Whether the browser opens a page, in a window of its own.
fn opens_page(request: &Request) -> bool {
    let is = |name, value| single(request.headers(), &HeaderName::from_static(name)) == Ok(Some(value));
    request.method() == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// A header that is given at most once. Which of several counts would depend on who reads them.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str().unwrap_or_default());
    if values.next().is_some() { Err(ApiError::repeated_header(name.as_str())) } else { Ok(value) }
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

    fn check(access: &Access, headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let headers = headers.iter();
        let headers = headers.map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        access.check(&headers.collect(), None).err().map(|error| error.status.as_u16())
    }

    #[test]
    fn a_header_that_is_given_twice_is_rejected() {
        let access = Access { token: Some("secret".into()), hosts: Vec::new() };
        let twice = |name: HeaderName, values: [&'static str; 2]| {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
            headers.remove(&name);
            for value in values {
                headers.append(&name, HeaderValue::from_static(value));
            }
            access.check(&headers, None).err().map(|error| error.status.as_u16())
        };
        assert_eq!(twice(HOST, ["localhost", "localhost"]), Some(400));
        assert_eq!(twice(HOST, ["localhost", "evil.example"]), Some(400));
        assert_eq!(twice(ORIGIN, ["http://localhost", "http://evil.example"]), Some(400));
        assert_eq!(twice(HeaderName::from_static("sec-fetch-site"), ["none", "cross-site"]), Some(400));
        assert_eq!(twice(AUTHORIZATION, ["Bearer secret", "Bearer other"]), Some(400));
        // A target with a host of its own, as it is sent to a proxy.
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        let access = Access::default();
        assert!(access.check(&headers, Some("LOCALHOST:1")).is_ok());
        assert!(access.check(&headers, Some("evil.example")).is_err_and(|error| error.status == 403));
    }

    #[test]
    fn other_hosts_and_pages_of_other_sites_are_rejected() {
        let access = Access { token: None, hosts: vec!["studio.local".into()] };
        for host in ["127.0.0.1:8080", "localhost", "localhost:1", "[::1]:8080", "[::1]", "10.1.2.3", "Studio.local:80"]
        {
            assert_eq!(check(&access, &[("host", host)]), None, "{host}");
        }
        for host in ["LOCALHOST:8080", "LocalHost", "STUDIO.LOCAL", "[::FFFF:127.0.0.1]:80"] {
            assert_eq!(check(&access, &[("host", host)]), None, "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:x"]
        {
            assert_eq!(check(&access, &[("host", host)]), Some(403), "{host}");
        }
        let host = ("host", "localhost:8080");
        assert_eq!(
            check(&access, &[host, ("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")]),
            None
        );
        let upper = [("host", "LocalHost:8080"), ("origin", "http://localhost:8080")];
        assert_eq!(check(&access, &upper), None);
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
        let check = |headers: &[(&'static str, &'static str)]| {
            let mut request = Request::new(axum::body::Body::empty());
            let headers = headers.iter();
            request
                .headers_mut()
                .extend(headers.map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))));
            access.check_page(&request).err().map(|error| error.status.as_u16())
        };
        let (host, other_site) = (("host", "localhost:8080"), ("sec-fetch-site", "cross-site"));
        assert_eq!(check(&[host]), None);
        assert_eq!(check(&[("host", "evil.example")]), Some(403));
        assert_eq!(check(&[host, other_site]), Some(403));
        let navigation = ("sec-fetch-mode", "navigate");
        let (window, frame) = (("sec-fetch-dest", "document"), ("sec-fetch-dest", "iframe"));
        assert_eq!(check(&[host, other_site, navigation, window]), None);
        assert_eq!(check(&[("host", "evil.example"), other_site, navigation, window]), Some(403));
        assert_eq!(check(&[host, other_site, navigation, frame]), Some(403));
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
