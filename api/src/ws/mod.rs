//! GraphQL over WebSocket, subprotocol `graphql-transport-ws`.
//!
//! One task per socket does everything: it reads, polls the operations and writes. So nothing of a socket can outlive
//! it, nothing is sent for an operation once its `complete` was read, and a client that reads slowly slows down nobody
//! but itself.

mod connection;
mod operations;
mod protocol;
mod session;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::ws::WebSocketUpgrade,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use self::{connection::Connection, session::Session};
use crate::gateway::Shared;

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Takes a socket over. `asked` is what axum has looked through; the connection itself is ours, because axum's own
/// socket keeps a copy of the largest frame that it ever sent.
pub(crate) fn upgrade(
    asked: WebSocketUpgrade,
    taken_over: OnUpgrade,
    shared: &Arc<Shared>,
    headers: &HeaderMap,
) -> Response {
    if !shared.settings.origins.allow(headers) {
        // Browsers let any page open a socket to anywhere, and the answers would be its to read.
        let text = "Pages of another origin may not connect. CORS_ALLOWED_ORIGINS names those that may.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let largest = usize::try_from(shared.executor.limits().bytes).unwrap_or(usize::MAX);
    let asked = asked.protocols([SUBPROTOCOL]);
    let is_spoken = asked.selected_protocol().is_some();
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _waited_for = shared.sockets.token();
        // Who has left in the middle of it is not missed.
        if let Ok(upgraded) = taken_over.await {
            let connection = Connection::new(upgraded, largest).await;
            Session::new(connection, shared, authorization).run(is_spoken).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let told = response.headers_mut();
    told.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    told.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    // Base64, so a header takes it.
    if let Ok(accept) = HeaderValue::try_from(derive_accept_key(key)) {
        told.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if is_spoken {
        told.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}
