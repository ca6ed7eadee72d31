use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    entity_tag::{is_known, tag},
    negotiation::MediaType,
};
use crate::{
    error::{ErrorCode, Fault},
    execution::Rendered,
    response_cache::{Encoding, Finished},
};

/// Requests are small; a client that needs longer for one keeps a connection for nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// As many headers as most answers have.
const HEADERS: usize = 14;

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
    let whole = to_bytes(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match tokio::time::timeout(PATIENCE, whole).await {
        // A body without a length that breaks off looks the same from here, and nobody is there to read the answer.
        Ok(whole) => whole.map_err(|_| too_long()),
        Err(_elapsed) => {
            let message = format!("The body did not arrive within {} s.", PATIENCE.as_secs());
            let fault = Fault::new(ErrorCode::Timeout, message);
            let mut refused = refusal(StatusCode::REQUEST_TIMEOUT, media, fault);
            // What may still come is not waited for.
            refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            Err(refused)
        }
    }
}

/// An answer to something that is no GraphQL request, or none that may be made.
pub(super) fn refusal(status: StatusCode, media: MediaType, fault: Fault) -> Response {
    json(status, media, Rendered::refused(fault).body.plain().clone())
}

/// Answers are made for one caller at one moment: nobody in between may keep them.
pub(super) fn json(status: StatusCode, media: MediaType, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // With those that come later, so that they are not moved again.
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, media.header());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    response
}

/// The same, encoded as the client likes it best.
pub(super) fn encoded(
    request: &HeaderMap,
    status: StatusCode,
    media: MediaType,
    body: &Finished,
) -> Response {
    let encoding = Encoding::accepted(request);
    match encoding.and_then(|encoding| Some((encoding, body.encoded(encoding)?))) {
        None => json(status, media, body.plain().clone()),
        Some((encoding, bytes)) => {
            let mut response = json(status, media, bytes.clone());
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_ENCODING, encoding.header());
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
            response
        }
    }
}

/// The same to a GET, for its caller to keep and to ask whether it still is what it was.
pub(super) fn kept(request: &HeaderMap, media: MediaType, body: &Finished) -> Response {
    let tag = tag(body.hash());
    let mut response = if is_known(request, &tag) {
        json(StatusCode::NOT_MODIFIED, media, Bytes::new())
    } else {
        encoded(request, StatusCode::OK, media, body)
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
