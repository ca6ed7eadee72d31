//! GraphQL over WebSocket, subprotocol `graphql-transport-ws`.
//!
//! One task per socket does everything: it reads, polls the operations and writes. So nothing of a socket can outlive
//! it, nothing is sent for an operation once its `complete` was read, and a client that reads slowly slows down nobody
//! but itself.

mod operations;
mod protocol;
mod session;

use std::sync::Arc;

use axum::{
    extract::ws::WebSocketUpgrade,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use self::session::Session;
use crate::gateway::Shared;

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// The default takes 128 KiB of every connection; frames of this protocol are small.
const READ_BUFFER: usize = 4096;
/// A frame is written as soon as it is there.
const WRITE_BUFFER: usize = 0;

/// Takes a socket over.
pub(crate) fn upgrade(upgrade: WebSocketUpgrade, shared: &Arc<Shared>, headers: &HeaderMap) -> Response {
    if !shared.settings.origins.allow(headers) {
        // Browsers let any page open a socket to anywhere, and the answers would be its to read.
        let text = "Pages of another origin may not connect. CORS_ALLOWED_ORIGINS names those that may.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let largest = usize::try_from(shared.executor.limits().bytes).unwrap_or(usize::MAX);
    let shared = Arc::clone(shared);
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_frame_size(largest)
        .max_message_size(largest);
    let is_spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| async move {
        let _waited_for = shared.sockets.token();
        Session::new(socket, shared, authorization).run(is_spoken).await;
    })
}
