//! Work of requests that may take long: another thread than that of the connections does it, which answers others meanwhile.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::api_error::ApiError;
use crate::app::App;

/// The requests whose long work is done at once, each by a thread of its own.
pub(crate) const AT_ONCE: usize = 2;

/// What `work` returns; it waits for its turn, and is done even if nobody waits for the answer any more.
///
/// # Errors
/// If the server stops, or the work panics.
pub(crate) async fn long_work<R: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, ApiError> {
    let permit = Arc::clone(&app.long_work).acquire_owned().await.map_err(|_| ApiError::stopping())?;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    let failed = |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the text could not be read: try another one");
    done.await.map_err(failed)
}
