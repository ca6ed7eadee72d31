use std::{
    future::pending,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture, poll};
use serde_json::{Map, Value};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{
    connection::Connection,
    operations::{Event, MOST, Operations},
    protocol::{ClientMessage, Close, ServerMessage},
};
use crate::{
    auth::Identity,
    error::{ErrorCode, Fault},
    execution::{Answer, Params, Sent},
    gateway::Shared,
    telemetry::{Held, client_stalled},
};

/// How often a client is asked whether it is still there.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// How long a client may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long queries and mutations may go on when the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(4);

/// So many updates may go before what the client says.
const UPDATES_IN_A_ROW: usize = 8;

/// Why the loop ends.
enum End {
    /// The client can't be reached any more, or takes nothing.
    Gone,
    /// The client has said farewell, and the answer is ready to go.
    Left,
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// One socket from the upgrade to its end.
pub(super) struct Session {
    connection: Connection,
    shared: Arc<Shared>,
    /// From the header of the upgrade, for clients that can send one.
    authorization: Option<String>,
    /// Set by `connection_init`.
    identity: Option<Identity>,
    /// When the token ends.
    expiry: Option<Pin<Box<Sleep>>>,
    /// When it is revoked.
    revoked: Option<BoxFuture<'static, ()>>,
    operations: Operations,
    /// Whether anything was heard since the last heartbeat.
    heard: bool,
    /// Updates since the socket was last looked at for long enough to see that there is nothing.
    unread: usize,
    /// Until when queries and mutations may go on, once the process is asked to stop.
    drained_at: Option<Instant>,
    _counted: Held,
}

impl Session {
    pub(super) fn new(connection: Connection, shared: Arc<Shared>, authorization: Option<String>) -> Self {
        Self {
            connection,
            shared,
            authorization,
            identity: None,
            expiry: None,
            revoked: None,
            operations: Operations::default(),
            heard: true,
            unread: 0,
            drained_at: None,
            _counted: Held::new("pulsegate_websockets"),
        }
    }

    pub(super) async fn run(mut self, speaks_our_protocol: bool) {
        let end =
            if speaks_our_protocol { self.serve().await } else { Close::SubprotocolNotAcceptable.into() };
        // Whatever is under way stops now, and not only when the client has said farewell.
        self.operations = Operations::default();
        let farewell = async {
            match end {
                End::Close(close) => {
                    tracing::debug!(?close, "closing a WebSocket");
                    if self.connection.send(close.frame()).await.is_ok() {
                        while let Some(Ok(_)) = self.connection.receive().await {}
                    }
                }
                End::Left => {
                    let _ = self.connection.flush().await;
                }
                End::Gone => {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    async fn serve(&mut self) -> End {
        let shared = Arc::clone(&self.shared);
        // Made once, and not for every frame.
        let mut stopped = pin!(shared.stop.cancelled());
        let init_timeout = shared.settings.ws_init_timeout;
        let mut init_deadline = Some(Box::pin(sleep_until(Instant::now() + init_timeout)));
        let mut heartbeat = heartbeat();
        loop {
            if self.identity.is_some() {
                init_deadline = None;
            }
            // The socket comes last: most wakes are for an update, and looking at a socket costs most. It has its turn all the
            // same, however many updates there are.
            if self.unread >= UPDATES_IN_A_ROW
                && let Some(frame) = self.connection.receive().now_or_never()
            {
                self.unread = 0;
                if let Err(end) = self.heard_of(frame).await {
                    return end;
                }
            }
            let turn = tokio::select! {
                biased;
                () = &mut stopped, if self.drained_at.is_none() => {
                    self.drain();
                    Ok(())
                }
                () = at(init_deadline.as_mut()) => Err(Close::InitialisationTimeout.into()),
                () = at(self.expiry.as_mut()) => Err(Close::Forbidden("The token has expired").into()),
                () = at(self.revoked.as_mut()) => Err(Close::Forbidden("The token has been revoked").into()),
                () = drained(self.drained_at) => Err(Close::Restart.into()),
                _ = heartbeat.tick() => self.beat().await,
                Some((id, event)) = self.operations.next(), if !self.operations.is_empty() => {
                    self.unread += 1;
                    self.emit(&id, event).await
                }
                frame = self.connection.receive() => {
                    self.unread = 0;
                    self.heard_of(frame).await
                }
            };
            if let Err(end) = turn {
                return end;
            }
            if self.drained_at.is_some() && self.operations.is_empty() {
                return Close::Restart.into();
            }
        }
    }

    async fn heard_of(&mut self, frame: Option<Result<Message, Error>>) -> Result<(), End> {
        match frame {
            // Boxed: clients say little, and what it takes to understand them would be kept for each of them.
            Some(Ok(frame)) => Box::pin(self.receive(frame)).await,
            // Too large, or no WebSocket at all.
            Some(Err(_)) => Err(Close::BadRequest("Invalid or too large frame").into()),
            None => Err(End::Gone),
        }
    }

    /// The process stops: what goes on for ever ends now, and what comes to an end by itself may.
    fn drain(&mut self) {
        self.operations.stop_following();
        self.drained_at = Some(Instant::now() + DRAIN);
    }

    async fn send(&mut self, message: ServerMessage<'_>) -> Result<(), End> {
        let (head, middle, tail) = message.parts();
        taken(self.connection.text(&head, middle, tail), self.shared.settings.ws_send_timeout).await
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.identity.is_none() {
            return Ok(());
        }
        if !std::mem::take(&mut self.heard) {
            return Err(End::Gone);
        }
        // A ping of WebSocket itself, which every client's library answers, and none shows to its user.
        let ping = self.connection.send(Message::Ping(Bytes::new()));
        taken(ping, self.shared.settings.ws_send_timeout).await
    }

    async fn receive(&mut self, frame: Message) -> Result<(), End> {
        self.heard = true;
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => {
                return Err(Close::BadRequest("Binary frames are not part of the protocol").into());
            }
            // The library answers a ping when it is read from next, or when something is sent.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Close(_) => return Err(End::Left),
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
            ClientMessage::Ping { payload } => {
                let payload = self.renew(payload).await?;
                self.send(ServerMessage::Pong { payload }).await
            }
            ClientMessage::Pong { .. } => Ok(()),
        }
    }

    async fn init(&mut self, payload: Option<&Map<String, Value>>) -> Result<(), End> {
        if self.identity.is_some() {
            return Err(Close::TooManyInitialisations.into());
        }
        let sent = payload.and_then(authorization).and_then(Value::as_str);
        let authorization = sent.or(self.authorization.as_deref());
        self.shared.authenticator.look_for_key(authorization).await;
        let Ok(identity) = self.shared.authenticator.identify(authorization) else {
            return Err(Close::Forbidden("Forbidden: no valid token").into());
        };
        self.admit(identity);
        self.send(ServerMessage::ConnectionAck).await
    }

    /// Takes a new token of the same user from a ping, so that following goes on when the former one ends. Gives back what
    /// the pong repeats: the token is not part of it.
    async fn renew(
        &mut self,
        payload: Option<Map<String, Value>>,
    ) -> Result<Option<Map<String, Value>>, End> {
        let (Some(identity), Some(mut payload)) = (&self.identity, payload) else { return Ok(None) };
        // Where tokens are not asked for, none ends.
        if identity.expires_at.is_none() {
            return Ok(Some(payload));
        }
        let Some(sent) = authorization(&payload) else { return Ok(Some(payload)) };
        self.shared.authenticator.look_for_key(sent.as_str()).await;
        match self.shared.authenticator.identify(sent.as_str()) {
            // What runs was let through for this user, with these rights.
            Ok(renewed) if renewed.viewer == identity.viewer => self.admit(renewed),
            Ok(_) => return Err(Close::Forbidden("Forbidden: the new token is another user's").into()),
            Err(_) => return Err(Close::Forbidden("Forbidden: no valid token").into()),
        }
        payload.retain(|name, _| !name.eq_ignore_ascii_case("authorization"));
        Ok((!payload.is_empty()).then_some(payload))
    }

    fn admit(&mut self, identity: Identity) {
        let now = self.shared.authenticator.now();
        self.expiry = identity.expires_at.map(|instant| {
            let lifetime = (instant - now).to_std().unwrap_or_default();
            Box::pin(sleep_until(Instant::now() + lifetime))
        });
        self.revoked = self.shared.authenticator.revoked(&identity);
        self.identity = Some(identity);
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
        if self.drained_at.is_some() {
            // The close frame that follows makes the client ask elsewhere.
            return Ok(());
        }
        let refused = if self.operations.is_full() {
            let message =
                format!("A connection runs up to {MOST} operations at once: complete one, or open another.");
            Answer::refused(Fault::new(ErrorCode::RateLimited, message))
        } else {
            match self.shared.executor.prepare(params, identity).await {
                Ok(prepared) => {
                    let is_finite = prepared.is_finite();
                    let answers = self.shared.executor.stream(prepared, identity, None);
                    self.operations.start(id, is_finite, answers);
                    return Ok(());
                }
                Err(refused) => refused,
            }
        };
        let refused = Sent::answer(&refused);
        self.send(ServerMessage::Error { id, payload: refused.refusal().unwrap_or("[]") }).await
    }

    async fn emit(&mut self, id: &str, event: Event) -> Result<(), End> {
        match event {
            Event::Answer(sent) => {
                if let Some(errors) = sent.refusal() {
                    // `error` ends an operation as `complete` does.
                    self.operations.stop(id);
                    return self.send(ServerMessage::Error { id, payload: errors }).await;
                }
                self.send(ServerMessage::Next { id, payload: sent.text() }).await?;
                sent.is_on_its_way();
                Ok(())
            }
            Event::Done => {
                self.operations.stop(id);
                self.send(ServerMessage::Complete { id }).await
            }
        }
    }
}

/// A client that takes no frame for too long is cut off, so that what is meant for it does not pile up.
async fn taken<E>(sending: impl Future<Output = Result<(), E>>, within: Duration) -> Result<(), End> {
    let mut sending = pin!(sending);
    // Nearly always there is room for it, and no clock has to be set.
    let sent = match poll!(&mut sending) {
        Poll::Ready(sent) => Ok(sent),
        Poll::Pending => timeout(within, sending).await,
    };
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => {
            client_stalled();
            Err(End::Gone)
        }
    }
}

fn authorization(payload: &Map<String, Value>) -> Option<&Value> {
    payload.get("authorization").or_else(|| payload.get("Authorization"))
}

fn heartbeat() -> Interval {
    let mut interval = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Then, or never.
async fn at<F: Future<Output = ()> + ?Sized>(moment: Option<&mut Pin<Box<F>>>) {
    match moment {
        Some(moment) => moment.as_mut().await,
        None => pending().await,
    }
}

async fn drained(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
