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
    if shared.authenticator.is_off() && !is_same_origin(headers) {
        // Browsers let any page open a socket to anywhere; where no token is asked for, only our own pages may.
        let text = "Pages of another origin may not connect while authentication is off.\n";
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
        Session::new(socket, shared, authorization).run(is_spoken).await;
    })
}

/// Clients that are no browsers send no origin.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin =
        origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    origin.is_some() && origin == host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_that_of_the_host() {
        let same = |origin: &str, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            headers.insert(header::HOST, host.parse().unwrap());
            is_same_origin(&headers)
        };
        assert!(is_same_origin(&HeaderMap::new()));
        assert!(same("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(!same("http://127.0.0.1:8081", "127.0.0.1:8080"));
        assert!(!same("https://evil.example", "127.0.0.1:8080"));
        assert!(!same("null", "127.0.0.1:8080"));
    }
}
