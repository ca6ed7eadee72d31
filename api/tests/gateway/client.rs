use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{Gateway, Readiness, Settings};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::Value;
use service::{Service, clock::SystemClock};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// What is ready and what is not.
pub(crate) struct Parts(pub(crate) BTreeMap<&'static str, Result<String, String>>);

#[async_trait::async_trait]
impl Readiness for Parts {
    async fn check(&self) -> BTreeMap<&'static str, Result<String, String>> {
        self.0.clone()
    }
}

/// A service whose database is not there.
pub(crate) fn service() -> Arc<Service> {
    let settings = service::Settings {
        database_url: "postgres://nobody:secret@127.0.0.1:1/nothing".to_owned(),
        database_read_url: None,
        redis_url: None,
        cache: true,
        pool_size: 1,
        acquire_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(200),
    };
    Service::new(&settings, Arc::new(SystemClock)).unwrap()
}

pub(crate) fn router_with(settings: Settings, parts: Parts, stop: CancellationToken) -> Router {
    let metrics: api::RenderMetrics = Arc::new(|| "pulsegate_up 1\n".to_owned());
    api::router(Gateway::new(service(), settings, Arc::new(parts), Some(metrics), stop))
}

pub(crate) fn router(settings: Settings) -> Router {
    router_with(settings, Parts(BTreeMap::new()), CancellationToken::new())
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) async fn get(path: &str, accept: Option<&str>) -> Reply {
    get_from(&router(Settings::default()), path, accept).await
}

pub(crate) async fn get_from(router: &Router, path: &str, accept: Option<&str>) -> Reply {
    let mut request = Request::get(path);
    if let Some(accept) = accept {
        request = request.header(header::ACCEPT, accept);
    }
    send(router, request.body(Body::empty()).unwrap()).await
}

pub(crate) async fn post(accept: Option<&str>, body: &Value) -> Reply {
    post_to(&router(Settings::default()), accept, body).await
}

pub(crate) async fn post_to(router: &Router, accept: Option<&str>, body: &Value) -> Reply {
    let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    if let Some(accept) = accept {
        request = request.header(header::ACCEPT, accept);
    }
    send(router, request.body(Body::from(body.to_string())).unwrap()).await
}

pub(crate) const RESPONSE_JSON: Option<&str> = Some("application/graphql-response+json");
pub(crate) const JSON: Option<&str> = Some("application/json");
