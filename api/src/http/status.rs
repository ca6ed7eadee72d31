use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use crate::gateway::Gateway;

/// Longer than any check takes that is going to succeed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Everything that is needed is there, or what is missing.
pub(super) async fn ready(State(gateway): State<Gateway>) -> Response {
    let mut report = Map::new();
    let ready = match tokio::time::timeout(PATIENCE, gateway.0.readiness.check()).await {
        Ok(parts) => {
            let ready = parts.values().all(Result::is_ok);
            report.insert("ready".to_owned(), Value::Bool(ready));
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
            report.insert("ready".to_owned(), Value::Bool(false));
            let text = format!("took longer than {} s", PATIENCE.as_secs());
            report.insert("check".to_owned(), Value::String(text));
            false
        }
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

pub(super) async fn metrics(State(gateway): State<Gateway>) -> Response {
    match &gateway.0.metrics {
        Some(render) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn sdl(State(gateway): State<Gateway>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], gateway.0.sdl.clone()).into_response()
}
