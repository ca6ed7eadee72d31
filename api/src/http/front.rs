use std::{
    convert::Infallible,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{self, Method as Verb, header},
    response::Response,
};
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tower::{Service, ServiceExt as _};

use super::{
    access::{Asking, Peer, refuse},
    body::read,
    graphql::{answer, begin},
    headers::secure,
    negotiation::is_json,
    router,
};
use crate::{execution::Method, gateway::Gateway, origins::Origins, response_cache::Question, telemetry};

/// What stands in front of the routes. An answer that is kept is given from here, with the same headers and counted the
/// same: finding a route and passing all that lies before it costs more than the answer itself.
#[derive(Clone)]
pub struct Front {
    shared: Arc<Behind>,
    peer: Option<Peer>,
}

struct Behind {
    router: Router,
    gateway: Gateway,
}

impl Front {
    /// Of this gateway.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        let router = router(gateway.clone());
        Self { shared: Arc::new(Behind { router, gateway }), peer: None }
    }

    /// For a connection that comes from there.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Self {
        Self { shared: Arc::clone(&self.shared), peer: Some(Peer(address)) }
    }

    async fn answer(self, request: Request) -> Response {
        if !self.may_be_kept(&request) {
            return self.route(request).await;
        }
        let since = Instant::now();
        let gateway = &self.shared.gateway.0;
        let (mut parts, body) = request.into_parts();
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        gateway.authenticator.look_for_key(authorization).await;
        let Ok((media, identity)) = begin(gateway, &parts.headers, None) else {
            return self.route(Request::from_parts(parts, body)).await;
        };
        let text = match read(&parts.headers, body, gateway.executor.limits().bytes, media).await {
            Ok(text) => text,
            Err(refused) => return counted(refused, since),
        };
        let question = Question { viewer: identity.viewer.clone(), by: Method::Any, text };
        let kept = gateway.responses.kept(&question).filter(|kept| kept.body.is_small());
        let Some(kept) = kept else {
            // Who asks is found out once.
            parts.extensions.insert(identity);
            return self.route(Request::from_parts(parts, Body::from(question.text))).await;
        };
        let asking = Asking { path: parts.uri.path(), headers: &parts.headers, peer: self.peer };
        if let Some(refused) = refuse(&self.shared.gateway, &asking) {
            return counted(*refused, since);
        }
        let rendered = gateway.executor.recall(&kept, &identity);
        counted(answer(&parts.headers, media, &rendered), since)
    }

    /// Whether the answer may be one that is kept. Traces and what other origins are told are the routes' business.
    fn may_be_kept(&self, request: &Request) -> bool {
        request.method() == Verb::POST
            && request.uri().path() == "/graphql"
            && matches!(self.shared.gateway.0.settings.origins, Origins::Own)
            && is_json(request.headers())
            && !telemetry::is_traced()
    }

    async fn route(self, mut request: Request) -> Response {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        match self.shared.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn counted(mut response: Response, since: Instant) -> Response {
    secure(response.headers_mut());
    telemetry::responded_from_front(since.elapsed(), response.status().as_u16());
    response
}

impl<B> Service<http::Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request.map(Body::new)).await) })
    }
}
