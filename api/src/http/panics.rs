use std::panic::AssertUnwindSafe;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;

use super::{body::refusal, headers::secure, negotiation::MediaType};
use crate::gateway::{Gateway, Shared};

/// A defect in a handler ends its request with an answer, and nothing else. Every answer is made safe for browsers.
pub(super) async fn contain(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let media = MediaType::accepted(request.headers()).unwrap_or(MediaType::Json);
    let mut response = contained(&gateway.0, media, next.run(request)).await;
    secure(response.headers_mut());
    response
}

/// What a handler answers, or that it has a defect.
pub(super) async fn contained(
    shared: &Shared,
    media: MediaType,
    handling: impl Future<Output = Response>,
) -> Response {
    match AssertUnwindSafe(handling).catch_unwind().await {
        Ok(response) => response,
        // The panic itself was written to the log by the hook that sees all of them.
        Err(_panic) => {
            let fault = shared.executor.reporter().defect("a handler panicked");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, media, fault)
        }
    }
}
