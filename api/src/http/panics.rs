use std::panic::AssertUnwindSafe;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;

use super::{body::refusal, headers::secure, negotiation::MediaType};
use crate::gateway::Gateway;

/// A defect in a handler ends its request with an answer, and nothing else. Every answer is made safe for browsers.
pub(super) async fn contain(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let media = MediaType::accepted(request.headers()).unwrap_or(MediaType::Json);
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        // The panic itself was written to the log by the hook that sees all of them.
        Err(_panic) => {
            let fault = gateway.0.executor.reporter().defect("a handler panicked");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, media, fault)
        }
    };
    secure(response.headers_mut());
    response
}
