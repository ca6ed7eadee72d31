//! GraphQL subscriptions over WebSocket, in the protocol `graphql-transport-ws`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PROTOCOL: &str = "graphql-transport-ws";
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// What the gateway says about an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A result: `data`, and `errors` where there are some.
    Next {
        /// The operation.
        id: String,
        /// The result.
        payload: Value,
    },
    /// The operation was refused.
    Error {
        /// The operation.
        id: String,
        /// The errors.
        payload: Value,
    },
    /// The operation is over.
    Complete {
        /// The operation.
        id: String,
    },
}

/// A connection on which operations can be started.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Connects to the gateway at `base`, e.g. `http://127.0.0.1:8080`, and waits for the acknowledgement.
    ///
    /// # Errors
    /// The gateway doesn't speak the protocol.
    pub async fn connect(base: &str) -> anyhow::Result<Self> {
        Self::connect_with(base, &json!({ "type": "connection_init" })).await
    }

    /// Like [`Self::connect`], with a token.
    ///
    /// # Errors
    /// The gateway doesn't speak the protocol, or doesn't take the token.
    pub async fn connect_as(base: &str, token: &str) -> anyhow::Result<Self> {
        let payload = json!({ "authorization": format!("Bearer {token}") });
        Self::connect_with(base, &json!({ "type": "connection_init", "payload": payload })).await
    }

    async fn connect_with(base: &str, init: &Value) -> anyhow::Result<Self> {
        let url = format!("{}/graphql", base.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(PROTOCOL));
        let (stream, _) =
            timeout(ANSWERS_WITHIN, connect_async(request)).await.context("no connection")??;
        let mut socket = Self { stream };
        socket.send(init).await?;
        let answer = timeout(ANSWERS_WITHIN, socket.receive()).await.context("no acknowledgement")??;
        if answer["type"] != "connection_ack" {
            bail!("instead of an acknowledgement: {answer}");
        }
        Ok(socket)
    }

    /// Starts an operation.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn subscribe(&mut self, id: &str, document: &str, variables: Value) -> anyhow::Result<()> {
        let payload = json!({ "query": document, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await
    }

    /// Ends an operation. Frames that are under way may still come.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn complete(&mut self, id: &str) -> anyhow::Result<()> {
        self.send(&json!({ "id": id, "type": "complete" })).await
    }

    /// Waits for the next frame of any operation, for as long as the gateway has nothing to say.
    ///
    /// # Errors
    /// The connection is closed, or a frame doesn't follow the protocol.
    pub async fn next(&mut self) -> anyhow::Result<Frame> {
        loop {
            let mut frame = self.receive().await?;
            let id = frame["id"].as_str().unwrap_or_default().to_owned();
            let payload = frame["payload"].take();
            return Ok(match frame["type"].as_str() {
                Some("next") => Frame::Next { id, payload },
                Some("error") => Frame::Error { id, payload },
                Some("complete") => Frame::Complete { id },
                Some("pong") => continue,
                Some("ping") => {
                    self.send(&json!({ "type": "pong" })).await?;
                    continue;
                }
                _ => bail!("not a frame of {PROTOCOL}: {frame}"),
            });
        }
    }

    async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::text(frame.to_string())).await?)
    }

    async fn receive(&mut self) -> anyhow::Result<Value> {
        loop {
            match self.stream.next().await.context("the connection ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                // The library answers pings of the transport by itself.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(reason) => bail!("the gateway closed the connection: {reason:?}"),
                other => bail!("not a frame of {PROTOCOL}: {other:?}"),
            }
        }
    }
}
