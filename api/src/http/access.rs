//! What is decided about a request before it is looked at: from which page it comes, from which address, with which key.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use super::{body::refusal, cost::whole_seconds_header, negotiation::MediaType};
use crate::{
    error::{ErrorCode, Fault},
    gateway::Gateway,
    origins::Origins,
};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const PREFLIGHT_KEPT: std::time::Duration = std::time::Duration::from_secs(600);

/// The address that a connection comes from. Whoever serves the routes puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Pages of other origins may ask only where they are named. Nobody is known by a cookie, so none is let through.
pub(super) fn cors(origins: &Origins) -> Option<CorsLayer> {
    let allowed = match origins {
        Origins::Own => return None,
        Origins::Any => AllowOrigin::from(Any),
        Origins::These(origins) => AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse().ok())),
    };
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("last-event-id"),
            ])
            .expose_headers([
                HeaderName::from_static("x-cost"),
                HeaderName::from_static("ratelimit"),
                HeaderName::from_static("ratelimit-policy"),
                header::RETRY_AFTER,
            ])
            .max_age(PREFLIGHT_KEPT),
    )
}

/// Lets through what may be looked at. One step for all three questions: each of its own costs every request a copy of
/// all that lies behind it.
pub(super) async fn admit(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let asking = Asking { path: request.uri().path(), headers: request.headers(), peer };
    if let Some(refused) = refuse(&gateway, &asking) {
        return *refused;
    }
    // Where the issuer's keys come and go, that of the token is looked for before anybody reads the token.
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    gateway.0.authenticator.look_for_key(authorization).await;
    next.run(request).await
}

/// What of a request decides whether it is looked at.
pub(super) struct Asking<'a> {
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) peer: Option<Peer>,
}

/// The answer to what is not looked at. It counts as a request of its address.
pub(super) fn refuse(gateway: &Gateway, asking: &Asking<'_>) -> Option<Box<Response>> {
    too_many(gateway, asking).or_else(|| foreign(gateway, asking))
}

/// So many requests of one address, whoever it says it is.
fn too_many(gateway: &Gateway, asking: &Asking<'_>) -> Option<Box<Response>> {
    let probe = matches!(asking.path, "/healthz" | "/readyz" | "/metrics");
    let limit = gateway.0.addresses.as_ref().filter(|_| !probe)?;
    let (value, seconds) = whole_seconds_header(limit.refuse(asking.peer?.0, asking.headers)?);
    let message = format!("Too many requests from this address. Try again in {seconds} s.");
    let fault = Fault::new(ErrorCode::RateLimited, message);
    let mut refused = refusal(StatusCode::TOO_MANY_REQUESTS, media(asking.headers), fault);
    refused.headers_mut().insert(header::RETRY_AFTER, value);
    Some(Box::new(refused))
}

/// Browsers send a GET, and a POST of a form, for any page that likes, and say so in a header that pages can't change.
/// So nothing is executed for a page of another origin that was not named, even though it could not read the answer.
fn foreign(gateway: &Gateway, asking: &Asking<'_>) -> Option<Box<Response>> {
    let headers = asking.headers;
    let site = headers.get(SITE)?;
    let is_foreign = site == "cross-site" || site == "same-site";
    let origins = &gateway.0.settings.origins;
    // A GET of another page need not name it.
    let allowed =
        origins.allow(headers) && (headers.contains_key(header::ORIGIN) || matches!(origins, Origins::Any));
    (is_foreign && is_graphql(asking.path) && !allowed).then(|| {
        let message = "Pages of another origin may not ask here. CORS_ALLOWED_ORIGINS names those that may.";
        let fault = Fault::new(ErrorCode::Forbidden, message);
        Box::new(refusal(StatusCode::FORBIDDEN, media(headers), fault))
    })
}

fn is_graphql(path: &str) -> bool {
    path == "/graphql" || path == "/graphql/stream"
}

fn media(headers: &HeaderMap) -> MediaType {
    MediaType::accepted(headers).unwrap_or(MediaType::Json)
}
