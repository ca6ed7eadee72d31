//! GraphQL over server-sent events, "distinct connections": one operation per request, for where WebSockets do not pass.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{
    Stream, StreamExt,
    future::{self, BoxFuture, OptionFuture},
    stream,
};
use tokio_util::sync::CancellationToken;

use super::{
    body::{read, refusal},
    graphql::{params, unauthenticated},
    negotiation::{MediaType, is_json},
};
use crate::{
    auth::Identity,
    error::{ErrorCode, Fault},
    execution::{Params, Sent},
    gateway::{Gateway, Shared},
    telemetry::Held,
};

/// A comment now and then keeps what lies between from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn get(State(gateway): State<Gateway>, uri: Uri, headers: HeaderMap) -> Response {
    let identity = match begin(&gateway.0, &headers) {
        Ok(identity) => identity,
        Err(refused) => return refused,
    };
    let limit = gateway.0.executor.limits().bytes;
    if uri.query().unwrap_or_default().len() as u64 > limit {
        let message = format!("The query string is longer than {limit} bytes, which is the limit. Use POST.");
        return refusal(
            StatusCode::URI_TOO_LONG,
            MediaType::Json,
            Fault::new(ErrorCode::QueryTooComplex, message),
        );
    }
    match params(&uri) {
        Ok(params) => follow(&gateway.0, &headers, &identity, params, true).await,
        Err(fault) => refusal(StatusCode::BAD_REQUEST, MediaType::Json, fault),
    }
}

pub(super) async fn post(State(gateway): State<Gateway>, headers: HeaderMap, body: Body) -> Response {
    let identity = match begin(&gateway.0, &headers) {
        Ok(identity) => identity,
        Err(refused) => return refused,
    };
    if !is_json(&headers) {
        let message = "Send the request as `content-type: application/json`, in UTF-8.";
        let fault = Fault::new(ErrorCode::BadUserInput, message);
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, MediaType::Json, fault);
    }
    let bytes = match read(&headers, body, gateway.0.executor.limits().bytes, MediaType::Json).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let params = serde_json::from_slice(&bytes)
        .map_err(|error| Fault::new(ErrorCode::BadUserInput, format!("The body is no JSON: {error}.")))
        .and_then(Params::from_json);
    match params {
        Ok(params) => follow(&gateway.0, &headers, &identity, params, false).await,
        Err(fault) => refusal(StatusCode::BAD_REQUEST, MediaType::Json, fault),
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the answer is made once per refused request and passed on as it is"
)]
fn begin(shared: &Shared, headers: &HeaderMap) -> Result<Identity, Response> {
    let accepts = |value: &str| {
        value.contains("text/event-stream") || value.contains("text/*") || value.contains("*/*")
    };
    let accept: Vec<_> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if !accept.is_empty() && !accept.iter().any(|value| accepts(value)) {
        let text = "Answers come as text/event-stream; accept it, or use /graphql.\n";
        return Err((StatusCode::NOT_ACCEPTABLE, text).into_response());
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    shared.authenticator.identify(authorization).map_err(|fault| unauthenticated(MediaType::Json, fault))
}

/// Follows an operation until it ends, the token does, the process stops, or the client leaves.
async fn follow(
    shared: &Shared,
    headers: &HeaderMap,
    identity: &Identity,
    params: Params,
    by_get: bool,
) -> Response {
    let prepared = match shared.executor.read(params).await {
        Ok(parsed) if by_get && parsed.kind() == OperationType::Mutation => {
            let fault = Fault::new(ErrorCode::BadUserInput, "Mutations are not executed over GET: use POST.");
            return refusal(StatusCode::METHOD_NOT_ALLOWED, MediaType::Json, fault);
        }
        Ok(parsed) => shared.executor.check(parsed, identity),
        Err(refused) => Err(refused),
    };
    let answers = match prepared {
        Ok(prepared) => {
            // A browser sends it by itself when it connects again.
            let resume =
                headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
            shared.executor.stream(prepared, identity, resume.map(str::to_owned)).left_stream()
        }
        Err(refused) => stream::once(future::ready(Arc::new(Sent::answer(&refused)))).right_stream(),
    };
    let counted = Held::new("pulsegate_event_streams");
    let now = shared.authenticator.now();
    let lifetime = identity.expires_at.map(|instant| (instant - now).to_std().unwrap_or_default());
    let revoked = shared.authenticator.revoked(identity);
    let events = answers
        .map(move |sent| {
            let _ = &counted;
            sent.is_on_its_way();
            event(&sent)
        })
        .chain(stream::once(future::ready(complete())))
        .take_until(ending(shared.stop.clone(), lifetime, revoked))
        .map(Ok::<_, Infallible>);
    sse(events)
}

async fn ending(
    stop: CancellationToken,
    lifetime: Option<Duration>,
    revoked: Option<BoxFuture<'static, ()>>,
) {
    let expired = lifetime.map(tokio::time::sleep);
    tokio::select! {
        () = stop.cancelled() => {}
        Some(()) = OptionFuture::from(expired) => {}
        Some(()) = OptionFuture::from(revoked) => {}
    }
}

fn event(sent: &Sent) -> Event {
    // Written without line breaks, so that it is one line of the event.
    let event = Event::default().event("next").data(sent.text());
    match sent.cursor() {
        Some(cursor) => event.id(cursor),
        None => event,
    }
}

/// Browsers leave events without data out, and the library leaves empty data out.
fn complete() -> Event {
    Event::default().event("complete").data("null")
}

fn sse(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies that collect an answer before they pass it on would stop the stream.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    response
}
