use std::{future::pending, sync::Arc, time::Duration};

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::{
    operations::{Event, MOST, Operations},
    protocol::{ClientMessage, Close, ServerMessage},
};
use crate::{
    auth::Identity,
    error::{ErrorCode, Fault},
    execution::{Answer, Params},
    gateway::Shared,
    telemetry::Held,
};

/// A client that takes no frame for so long is cut off, so that what is meant for it does not pile up.
const STALLED: Duration = Duration::from_secs(20);
/// How often a client is asked whether it is still there.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// How long a client may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the loop ends.
enum End {
    /// The client has left, or is to be left alone.
    Gone,
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// One socket from the upgrade to its end.
pub(super) struct Session {
    socket: WebSocket,
    shared: Arc<Shared>,
    /// From the header of the upgrade, for clients that can send one.
    authorization: Option<String>,
    /// Set by `connection_init`.
    identity: Option<Identity>,
    /// When the token ends.
    expiry: Option<Instant>,
    operations: Operations,
    /// Whether anything was heard since the last heartbeat.
    heard: bool,
    _counted: Held,
}

impl Session {
    pub(super) fn new(socket: WebSocket, shared: Arc<Shared>, authorization: Option<String>) -> Self {
        Self {
            socket,
            shared,
            authorization,
            identity: None,
            expiry: None,
            operations: Operations::default(),
            heard: true,
            _counted: Held::new("pulsegate_websockets"),
        }
    }

    pub(super) async fn run(mut self, speaks_our_protocol: bool) {
        let end =
            if speaks_our_protocol { self.serve().await } else { Close::SubprotocolNotAcceptable.into() };
        // Whatever is under way stops now, and not only when the client has said farewell.
        self.operations = Operations::default();
        if let End::Close(close) = end {
            tracing::debug!(?close, "closing a WebSocket");
            let farewell = async {
                if self.socket.send(close.frame()).await.is_ok() {
                    while let Some(Ok(_)) = self.socket.recv().await {}
                }
            };
            let _ = timeout(FAREWELL, farewell).await;
        }
    }

    async fn serve(&mut self) -> End {
        let stop = self.shared.stop.clone();
        let init_deadline = Instant::now() + self.shared.settings.ws_init_timeout;
        let mut heartbeat = heartbeat();
        loop {
            let turn = tokio::select! {
                () = stop.cancelled() => Err(Close::Restart.into()),
                () = sleep_until(init_deadline), if self.identity.is_none() => Err(Close::InitialisationTimeout.into()),
                () = at(self.expiry) => Err(Close::Forbidden("The token has expired").into()),
                _ = heartbeat.tick() => self.beat().await,
                frame = self.socket.recv() => match frame {
                    Some(Ok(frame)) => self.receive(frame).await,
                    // Too large, or no WebSocket at all.
                    Some(Err(_)) => Err(Close::BadRequest("Invalid or too large frame").into()),
                    None => Err(End::Gone),
                },
                Some((id, event)) = self.operations.next(), if !self.operations.is_empty() => self.emit(&id, event).await,
            };
            if let Err(end) = turn {
                return end;
            }
        }
    }

    async fn send(&mut self, message: ServerMessage<'_>) -> Result<(), End> {
        self.write(message.frame()).await
    }

    async fn write(&mut self, frame: Message) -> Result<(), End> {
        match timeout(STALLED, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.identity.is_none() {
            return Ok(());
        }
        if !std::mem::take(&mut self.heard) {
            return Err(End::Gone);
        }
        // A ping of WebSocket itself, which every client's library answers, and none shows to its user.
        self.write(Message::Ping(Bytes::new())).await
    }

    async fn receive(&mut self, frame: Message) -> Result<(), End> {
        self.heard = true;
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => {
                return Err(Close::BadRequest("Binary frames are not part of the protocol").into());
            }
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        let Ok(message) = serde_json::from_str(&text) else {
            return Err(Close::BadRequest("Invalid message received").into());
        };
        match message {
            ClientMessage::ConnectionInit { payload } => self.init(payload.as_ref()).await,
            ClientMessage::Subscribe { id, payload } => self.subscribe(&id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
            ClientMessage::Ping { payload } => self.send(ServerMessage::Pong { payload }).await,
            ClientMessage::Pong { .. } => Ok(()),
        }
    }

    async fn init(&mut self, payload: Option<&Map<String, Value>>) -> Result<(), End> {
        if self.identity.is_some() {
            return Err(Close::TooManyInitialisations.into());
        }
        let sent =
            payload.and_then(|payload| payload.get("authorization").or_else(|| payload.get("Authorization")));
        let authorization = sent.and_then(Value::as_str).or(self.authorization.as_deref());
        let authenticator = &self.shared.authenticator;
        authenticator.look_for_key(authorization).await;
        let Ok(identity) = authenticator.identify(authorization) else {
            return Err(Close::Forbidden("Forbidden: no valid token").into());
        };
        self.expiry = identity
            .expires_at
            .map(|instant| Instant::now() + (instant - authenticator.now()).to_std().unwrap_or_default());
        self.identity = Some(identity);
        self.send(ServerMessage::ConnectionAck).await
    }

    async fn subscribe(&mut self, id: &str, payload: Value) -> Result<(), End> {
        let Some(identity) = &self.identity else { return Err(Close::Unauthorized.into()) };
        if id.is_empty() {
            return Err(Close::BadRequest("An operation needs an id").into());
        }
        if self.operations.contains(id) {
            return Err(Close::SubscriberExists.into());
        }
        let Ok(params) = Params::from_json(payload) else {
            return Err(Close::BadRequest("Invalid payload of subscribe").into());
        };
        if self.operations.is_full() {
            let message =
                format!("A connection runs up to {MOST} operations at once: complete one, or open another.");
            let refused = Answer::refused(Fault::new(ErrorCode::RateLimited, message));
            return self.send(ServerMessage::Error { id, payload: refused.errors() }).await;
        }
        match self.shared.executor.prepare(params, identity).await {
            Ok(prepared) => {
                self.operations.start(id, self.shared.executor.stream(prepared, identity, None));
                Ok(())
            }
            Err(refused) => self.send(ServerMessage::Error { id, payload: refused.errors() }).await,
        }
    }

    async fn emit(&mut self, id: &str, event: Event) -> Result<(), End> {
        match event {
            Event::Answer(refused) if refused.is_refusal() => {
                // `error` ends an operation as `complete` does.
                self.operations.stop(id);
                self.send(ServerMessage::Error { id, payload: refused.errors() }).await
            }
            Event::Answer(answer) => self.send(ServerMessage::Next { id, payload: &answer }).await,
            Event::Done => {
                self.operations.stop(id);
                self.send(ServerMessage::Complete { id }).await
            }
        }
    }
}

fn heartbeat() -> Interval {
    let mut interval = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// At that instant, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
