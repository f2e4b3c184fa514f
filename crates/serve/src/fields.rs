//! The fields of a request: its JSON body, read with limits. Unknown fields are ignored.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::api_error::ApiError;
use crate::app::App;
use crate::shortened::shortened;

/// The longest body, in bytes.
pub(crate) const MAX_BODY: usize = 1 << 20;
/// The bytes of a longer body that are taken before its connection is closed.
const MAX_TAKEN: usize = 16 << 20;

/// The bytes of a body from which on it takes long to encode its texts.
const LONG_BODY: usize = 8 << 10;

/// The fields of a request.
pub(crate) struct Fields {
    values: Map<String, Value>,
    /// The bytes of the body.
    length: usize,
}

impl Fields {
    /// The field `key`, if it is given and not null, as `expected` says.
    ///
    /// # Errors
    /// 400 if its value has another form.
    pub fn get<T: DeserializeOwned>(&self, key: &str, expected: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|_| Self::unexpected(key, value, expected))
    }

    /// The field `key`, if it is given and not null.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Whether it takes long to encode the texts.
    pub fn are_long(&self) -> bool {
        self.length >= LONG_BODY
    }

    /// The error of a field with this value.
    pub fn unexpected(key: &str, value: &Value, expected: &str) -> ApiError {
        ApiError::invalid(key, format!("`{key}` is {}; expected {expected}", shortened(&value.to_string())))
    }

    /// Rejects a field that has an effect elsewhere, unless its value is among those without one.
    ///
    /// # Errors
    /// 400 with the name of the field.
    pub fn reject(&self, key: &str, without_effect: &[Value]) -> Result<(), ApiError> {
        match self.value(key) {
            Some(value) if !without_effect.contains(value) => {
                Err(ApiError::invalid(key, format!("`{key}` is given, which this server cannot honour: leave it out")))
            }
            _ => Ok(()),
        }
    }
}

impl FromRequest<Arc<App>> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("none").split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let message =
                format!("the content type is {}; expected application/json", shortened(media_type).escape_debug());
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        // A sender that waits for the server's consent, or would send very much, is answered at once.
        let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let limit = if request.headers().contains_key(EXPECT) { MAX_BODY } else { MAX_TAKEN };
        if length.is_some_and(|length| length > limit) {
            return Err(ApiError::too_large(MAX_BODY));
        }
        let body = tokio::time::timeout(app.body_limit, read(request.into_body())).await.map_err(|_| {
            let message =
                format!("the whole body did not come within {:?}: send it again, with its length", app.body_limit);
            ApiError::new(StatusCode::REQUEST_TIMEOUT, message)
        })??;
        let values = serde_json::from_slice(&body).map_err(|error| {
            ApiError::new(StatusCode::BAD_REQUEST, format!("the body is no JSON object: {error}; expected one"))
        })?;
        Ok(Self { values, length: body.len() })
    }
}

/// The whole body. One that is too long is taken to its end, so that its sender reads the answer, but only up to a length.
async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::new(StatusCode::BAD_REQUEST, format!("the body ends early: {error}; send it again"))
        })?;
        length += chunk.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&chunk);
        } else if length > MAX_TAKEN {
            break;
        }
    }
    if length > MAX_BODY {
        return Err(ApiError::too_large(MAX_BODY));
    }
    Ok(bytes)
}
