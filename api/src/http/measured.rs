use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::telemetry;

/// Counts a request, and makes it a part of the trace that its client says it belongs to. The routes are ours, so the
/// number of series is bounded. The time of a stream is that until it begins.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let since = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "other",
    };
    let span = span(request.headers(), route, method);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    telemetry::responded(since.elapsed(), route, method, status);
    response
}

fn span(headers: &HeaderMap, route: &str, method: &str) -> Span {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let span = tracing::info_span!(
        target: service::trace::TARGET,
        "http",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        user_agent.original = text("user-agent"),
        http.response.status_code = tracing::field::Empty,
    );
    service::trace::follow(&span, text("traceparent"));
    span
}
