use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::negotiation::MediaType;
use crate::{
    error::{ErrorCode, Fault},
    execution::Answer,
};

/// Reads a body that holds at most `limit` bytes; a longer one is refused as soon as that is known.
///
/// # Errors
/// What to answer to a body that is too long or breaks off.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    media: MediaType,
) -> Result<Bytes, Response> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let too_long = || {
        let message =
            format!("The body is longer than {limit} bytes, which is the limit. Ask for less at once.");
        refusal(StatusCode::PAYLOAD_TOO_LARGE, media, Fault::new(ErrorCode::QueryTooComplex, message))
    };
    if announced.is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    // A body without a length that breaks off looks the same from here, and nobody is there to read the answer.
    to_bytes(body, usize::try_from(limit).unwrap_or(usize::MAX)).await.map_err(|_| too_long())
}

/// An answer to something that is no GraphQL request, or none that may be made.
pub(super) fn refusal(status: StatusCode, media: MediaType, fault: Fault) -> Response {
    json(status, media, &Answer::refused(fault))
}

/// Answers are made for one caller at one moment: nobody in between may keep them.
pub(super) fn json(status: StatusCode, media: MediaType, content: &impl Serialize) -> Response {
    // Answers hold text keys and finite numbers only, so there is nothing that could not be written.
    let bytes = serde_json::to_vec(content).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, media.header()),
        (header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store")),
        (header::VARY, axum::http::HeaderValue::from_static("accept")),
    ];
    (status, headers, bytes).into_response()
}
