//! What a process without a gateway says over HTTP.

use std::{sync::Arc, time::Duration};

use api::{Readiness, RenderMetrics};
use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Map, Value};

/// Longer than any check takes that is going to succeed.
const PATIENCE: Duration = Duration::from_secs(5);

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(readiness: Arc<dyn Readiness>, metrics: RenderMetrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || ready(Arc::clone(&readiness))))
        .route(
            "/metrics",
            get(move || {
                let text = metrics();
                async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
            }),
        )
}

async fn ready(readiness: Arc<dyn Readiness>) -> impl IntoResponse {
    let mut report = Map::new();
    let ready = match tokio::time::timeout(PATIENCE, readiness.check()).await {
        Ok(parts) => {
            let ready = parts.values().all(Result::is_ok);
            for (part, state) in parts {
                let text = match state {
                    Ok(detail) if detail.is_empty() => "ok".to_owned(),
                    Ok(text) | Err(text) => text,
                };
                report.insert(part.to_owned(), Value::String(text));
            }
            ready
        }
        Err(_elapsed) => {
            report.insert(
                "check".to_owned(),
                Value::String(format!("took longer than {} s", PATIENCE.as_secs())),
            );
            false
        }
    };
    report.insert("ready".to_owned(), Value::Bool(ready));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report))
}
