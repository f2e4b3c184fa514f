//! Errors of requests, as the error object that clients of OpenAI's API know.

use axum::Json;
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::shortened::shortened;

/// Seconds after which a client may try again when the server is busy.
const RETRY_SECONDS: u16 = 1;

/// Why a request is not answered. The message is one line: what was found, what was expected, what to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    pub message: String,
    /// The field of the request.
    param: Option<String>,
    /// A name for programs.
    code: Option<&'static str>,
}

impl ApiError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None }
    }

    /// 400: a field has a value that cannot be used.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// The error of a text that cannot be written or read: 500 if the model or the device is the reason.
    pub fn of_text(error: &generate::Error) -> Self {
        match error {
            generate::Error::NotFinite | generate::Error::Device(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
            error => Self::invalid("prompt", error.to_string()),
        }
    }

    /// 404: there is no model of this name.
    pub fn unknown_model<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known = known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("there is no model `{}`: expected one of {known}", shortened(name).escape_debug());
        Self { status: StatusCode::NOT_FOUND, code: Some("model_not_found"), ..Self::invalid("model", message) }
    }

    /// 404: nothing can be traced to the training text of a model.
    pub fn no_training_text(name: &str, reason: &str) -> Self {
        let name = shortened(name);
        let message = format!("nothing can be traced to the training text of `{name}`, which was not read: {reason}");
        Self { status: StatusCode::NOT_FOUND, code: Some("no_training_text"), ..Self::invalid("model", message) }
    }

    /// 400: a header that may be given once is given several times.
    pub fn repeated_header(name: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("the header `{name}` is given several times; expected once"))
    }

    /// 413: the body is too long.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the body has more than {limit} bytes: send a shorter text");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 429: too many texts are wanted at once.
    pub fn busy() -> Self {
        let message = "all slots for running and waiting texts are taken: try again in a second";
        Self { code: Some("rate_limit_exceeded"), ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// 503: the server was stopped.
    pub fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server was stopped: start it again")
    }

    /// The error object.
    pub fn body(&self) -> serde_json::Value {
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "permission_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": self.code } })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, RETRY_SECONDS.into());
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // The rest of the body was not read.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
