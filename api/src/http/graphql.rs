use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Query, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use hyper::upgrade::OnUpgrade;
use serde::de::DeserializeOwned;

use super::{
    body::{encoded, json, kept, read, refusal},
    cost::tell,
    negotiation::{MediaType, is_json},
};
use crate::{
    auth::Identity,
    error::{ErrorCode, Fault},
    execution::{Method, Outcome, Params, Rendered},
    gateway::{Gateway, Shared},
    response_cache::{Look, Question},
    ws,
};

/// GraphQL over GET: queries only. Or the begin of a WebSocket, at the same address.
pub(super) async fn get(
    State(gateway): State<Gateway>,
    // In this order: what follows it takes it away.
    taken_over: Option<Extension<OnUpgrade>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match (upgrade, taken_over) {
        (Ok(asked), Some(Extension(taken_over))) => {
            return ws::upgrade(asked, taken_over, &gateway.0, &headers);
        }
        (Err(rejection), _) if headers.contains_key(header::UPGRADE) => return rejection.into_response(),
        _ => {}
    }
    let (media, identity) = match begin(&gateway.0, &headers, None) {
        Ok(begun) => begun,
        Err(refused) => return refused,
    };
    let query = uri.query().unwrap_or_default();
    let limit = gateway.0.executor.limits().bytes;
    if query.len() as u64 > limit {
        let message = format!("The query string is longer than {limit} bytes, which is the limit. Use POST.");
        return refusal(StatusCode::URI_TOO_LONG, media, Fault::new(ErrorCode::QueryTooComplex, message));
    }
    let text = Bytes::copy_from_slice(query.as_bytes());
    let question = Question { viewer: identity.viewer.clone(), by: Method::Reading, text };
    let rendered = match respond(&gateway.0, &identity, question, || params(&uri)).await {
        Ok(rendered) => rendered,
        Err(fault) => return refusal(StatusCode::BAD_REQUEST, media, fault),
    };
    if rendered.outcome == Outcome::Complete {
        let mut response = kept(&headers, media, &rendered.body);
        tell(&rendered.bill, response.headers_mut());
        return response;
    }
    answer(&headers, media, &rendered)
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::new(ErrorCode::BadUserInput, format!("The body is no JSON: {error}.")))
}

/// The answer to one request, kept or made.
///
/// # Errors
/// What is wrong with the request's parameters.
async fn respond(
    shared: &Shared,
    identity: &Identity,
    question: Question,
    params: impl FnOnce() -> Result<Params, Fault>,
) -> Result<Rendered, Fault> {
    let by = question.by;
    match shared.responses.look(question).await {
        Look::Kept(kept) => Ok(shared.executor.recall(&kept, identity)),
        Look::Missing(turn) => {
            let mut turn = Some(turn);
            let give_up = || drop(turn.take());
            let mut rendered = shared.executor.respond(params()?, identity, by, give_up).await;
            if let Some(turn) = turn {
                turn.keep(&mut rendered);
            }
            Ok(rendered)
        }
    }
}

pub(super) fn params(uri: &Uri) -> Result<Params, Fault> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Fault::new(ErrorCode::BadUserInput, "The query string is not form-encoded UTF-8."))?;
    Params::from_pairs(pairs.0)
}

/// GraphQL over POST: one request, or an array of them.
pub(super) async fn post(
    State(gateway): State<Gateway>,
    known: Option<Extension<Identity>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let known = known.map(|Extension(identity)| identity);
    let (media, identity) = match begin(&gateway.0, &headers, known) {
        Ok(begun) => begun,
        Err(refused) => return refused,
    };
    if !is_json(&headers) {
        let message = "Send the request as `content-type: application/json`, in UTF-8.";
        return refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            media,
            Fault::new(ErrorCode::BadUserInput, message),
        );
    }
    let bytes = match read(&headers, body, gateway.0.executor.limits().bytes, media).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    if is_batch(&bytes) {
        return match from_json(&bytes) {
            Ok(requests) => batch(&gateway.0, media, &identity, requests).await,
            Err(fault) => refusal(StatusCode::BAD_REQUEST, media, fault),
        };
    }
    answer_one(&gateway.0, &headers, media, &identity, bytes).await
}

/// Whether a body is an array of requests.
pub(super) fn is_batch(text: &Bytes) -> bool {
    text.trim_ascii_start().starts_with(b"[")
}

/// The answer to the one request that is the body of a POST.
pub(super) async fn answer_one(
    shared: &Shared,
    headers: &HeaderMap,
    media: MediaType,
    identity: &Identity,
    text: Bytes,
) -> Response {
    let question = Question { viewer: identity.viewer.clone(), by: Method::Any, text: text.clone() };
    match respond(shared, identity, question, || from_json(&text).and_then(Params::from_json)).await {
        Ok(rendered) => answer(headers, media, &rendered),
        Err(fault) => refusal(StatusCode::BAD_REQUEST, media, fault),
    }
}

/// What both methods begin with: how to answer, and who asks, where that is not `known` yet.
#[expect(
    clippy::result_large_err,
    reason = "the answer is made once per refused request and passed on as it is"
)]
pub(super) fn begin(
    shared: &Shared,
    headers: &HeaderMap,
    known: Option<Identity>,
) -> Result<(MediaType, Identity), Response> {
    let Some(media) = MediaType::accepted(headers) else {
        let text = "Answers are application/graphql-response+json or application/json; accept one of them. \
                    To explore the schema, open /graphiql.\n";
        return Err((StatusCode::NOT_ACCEPTABLE, text).into_response());
    };
    if let Some(identity) = known {
        return Ok((media, identity));
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let identity =
        shared.authenticator.identify(authorization).map_err(|fault| unauthenticated(media, fault))?;
    Ok((media, identity))
}

/// Says which scheme is expected, as RFC 6750 has it.
pub(super) fn unauthenticated(media: MediaType, fault: Fault) -> Response {
    if fault.code == ErrorCode::Unavailable {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, media, fault);
    }
    let mut refused = refusal(StatusCode::UNAUTHORIZED, media, fault);
    refused.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    refused
}

/// Answers in the order of the requests; one that is malformed does not keep the others from being answered.
async fn batch(
    shared: &Shared,
    media: MediaType,
    identity: &Identity,
    requests: Vec<serde_json::Value>,
) -> Response {
    let limit = shared.executor.limits().batch;
    if requests.is_empty() || requests.len() > limit {
        let message = format!("A batch holds 1 to {limit} requests; this one holds {}.", requests.len());
        let code = if requests.is_empty() { ErrorCode::BadUserInput } else { ErrorCode::QueryTooComplex };
        return refusal(StatusCode::BAD_REQUEST, media, Fault::new(code, message));
    }
    let answers = requests.into_iter().map(|request| async {
        match Params::from_json(request) {
            Ok(params) => shared.executor.respond(params, identity, Method::Any, || ()).await,
            Err(fault) => Rendered::refused(fault),
        }
    });
    let answers = join_all(answers).await;
    let parts: Vec<&[u8]> = answers.iter().map(|answer| answer.body.plain().as_ref()).collect();
    let bytes = [b"[", parts.join(&b","[..]).as_slice(), b"]"].concat();
    let mut response = json(StatusCode::OK, media, bytes.into());
    tell(answers.iter().filter_map(|answer| answer.bill.as_ref()), response.headers_mut());
    response
}

pub(super) fn answer(headers: &HeaderMap, media: MediaType, answer: &Rendered) -> Response {
    let status = match (media, answer.outcome) {
        (_, Outcome::Unsafe) => StatusCode::METHOD_NOT_ALLOWED,
        (_, Outcome::Refused(ErrorCode::RateLimited)) => StatusCode::TOO_MANY_REQUESTS,
        (MediaType::GraphqlResponse, Outcome::Refused(_)) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let mut response = encoded(headers, status, media, &answer.body);
    if answer.outcome == Outcome::Unsafe {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    tell(&answer.bill, response.headers_mut());
    response
}
