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
    http::{self, HeaderMap, Method as Verb, header},
    response::Response,
};
use futures_util::future::{BoxFuture, ready};
use tokio::time::Instant;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use super::{
    WORTH_COMPRESSING,
    access::{Asking, Peer, refuse},
    body::read,
    compression,
    graphql::{answer, answer_one, begin, is_batch},
    headers::secure,
    negotiation::is_json,
    panics::contained,
    router,
};
use crate::{execution::Method, gateway::Gateway, origins::Origins, response_cache::Question, telemetry};

/// What stands in front of the routes. What most requests ask for is answered from here, with the same headers and counted
/// the same: finding a route and passing all that lies before it costs more than an answer that is kept.
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
        if !self.is_plain(&request) {
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
        if kept.is_none() && is_batch(&question.text) {
            // Who asks is found out once.
            parts.extensions.insert(identity);
            return self.route(Request::from_parts(parts, Body::from(question.text))).await;
        }
        let asking = Asking { path: parts.uri.path(), headers: &parts.headers, peer: self.peer };
        if let Some(refused) = refuse(&self.shared.gateway, &asking) {
            return counted(*refused, since);
        }
        let headers = &parts.headers;
        if let Some(kept) = kept {
            return counted(answer(headers, media, &gateway.executor.recall(&kept, &identity)), since);
        }
        // In a box: it is large, and most answers are kept.
        let making = Box::pin(answer_one(gateway, headers, media, &identity, question.text));
        let mut response = contained(gateway, media, making).await;
        if is_left_plain(headers, &response) {
            response = compressed(headers, response).await;
        }
        counted(response, since)
    }

    /// Whether it is GraphQL as most ask for it. Traces and what other origins are told are the routes' business.
    fn is_plain(&self, request: &Request) -> bool {
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

/// Whether it may be worth compressing, and was not when it was made.
fn is_left_plain(request: &HeaderMap, response: &Response) -> bool {
    request.contains_key(header::ACCEPT_ENCODING)
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && response.body().size_hint().lower() > u64::from(WORTH_COMPRESSING)
}

/// The same as the routes do with what they answer.
async fn compressed(headers: &HeaderMap, response: Response) -> Response {
    let mut request = http::Request::new(());
    *request.headers_mut() = headers.clone();
    let mut response = Some(response);
    let answering = service_fn(move |_| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    match compression().layer(answering).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
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
