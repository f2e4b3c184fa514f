//! The name within an address, as in `/api/runs/{name}/events`.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::api_error::ApiError;

/// The decoded name.
pub(crate) struct PathName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let name: Result<Path<String>, _> = Path::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|_| {
            let message =
                "the name in the address is not UTF-8: expected `%` and two digits for each of its bytes in UTF-8";
            ApiError::new(StatusCode::BAD_REQUEST, message)
        })
    }
}
