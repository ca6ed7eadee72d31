use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::gateway::Gateway;

/// Longer than any check takes that is going to succeed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Everything that is needed is there, or what is missing.
pub(super) async fn ready(State(gateway): State<Gateway>) -> Response {
    let mut report = Vec::new();
    let mut ready = match tokio::time::timeout(PATIENCE, gateway.0.readiness.check()).await {
        Ok(parts) => {
            let ready = parts.values().all(Result::is_ok);
            for (part, state) in parts {
                let text = match state {
                    Ok(detail) if detail.is_empty() => "ok".to_owned(),
                    Ok(text) | Err(text) => text,
                };
                report.push((part, text));
            }
            ready
        }
        Err(_elapsed) => {
            report.push(("check", format!("took longer than {} s", PATIENCE.as_secs())));
            false
        }
    };
    if let Some(keys) = gateway.0.settings.auth.key_set() {
        let missing = keys.missing();
        ready &= missing.is_none();
        report.push(("issuer", missing.unwrap_or_else(|| "ok".to_owned())));
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(Report { ready, parts: report })).into_response()
}

pub(super) async fn metrics(State(gateway): State<Gateway>) -> Response {
    match &gateway.0.metrics {
        Some(render) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn sdl(State(gateway): State<Gateway>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], gateway.0.sdl.clone()).into_response()
}

/// The verdict first, then the parts.
struct Report {
    ready: bool,
    parts: Vec<(&'static str, String)>,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ready", &self.ready)?;
        for (part, state) in &self.parts {
            map.serialize_entry(part, state)?;
        }
        map.end()
    }
}
