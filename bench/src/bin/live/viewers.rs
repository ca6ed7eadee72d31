//! Thousands who look at the same chart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::{SinkExt as _, StreamExt as _, stream};
use serde_json::json;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Connecting at once.
const AT_ONCE: usize = 64;
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// What arrived.
pub(crate) struct Arrivals {
    /// Revision and moment, for each viewer.
    pub(crate) times: Vec<Vec<(i64, Instant)>>,
    /// The texts that one of them got.
    pub(crate) frames: Vec<String>,
}

/// Of one viewer: revisions with their moments, and texts.
type Watched = (Vec<(i64, Instant)>, Vec<String>);

/// Open connections.
pub(crate) struct Viewers {
    tasks: JoinSet<Watched>,
    over: watch::Sender<bool>,
}

/// The revision that a frame tells of.
pub(crate) fn revision(frame: &str) -> Option<i64> {
    let (_, rest) = frame.split_once(r#""revision":"#)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

impl Viewers {
    /// Connects them all, and waits until each has got what it subscribed to once.
    pub(crate) async fn open(base: &str, subscription: &str, count: usize) -> anyhow::Result<Self> {
        let (over, is_over) = watch::channel(false);
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let (url, subscribe) =
            (format!("{}/graphql", base.replacen("http", "ws", 1)), Utf8Bytes::from(subscription));
        let opened: Vec<anyhow::Result<Socket>> = stream::iter(0..count)
            .map(|_| connect(&url, &subscribe, &gate))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut tasks = JoinSet::new();
        for (number, socket) in opened.into_iter().enumerate() {
            tasks.spawn(watch(socket?, number == 0, is_over.clone()));
        }
        Ok(Self { tasks, over })
    }

    /// What they have got.
    pub(crate) async fn close(mut self) -> anyhow::Result<Arrivals> {
        self.over.send_replace(true);
        let mut arrivals = Arrivals { times: Vec::new(), frames: Vec::new() };
        while let Some(watched) = self.tasks.join_next().await {
            let (times, frames) = watched?;
            arrivals.times.push(times);
            arrivals.frames.extend(frames);
        }
        Ok(arrivals)
    }
}

async fn connect(url: &str, subscribe: &Utf8Bytes, gate: &Semaphore) -> anyhow::Result<Socket> {
    let _turn = gate.acquire().await?;
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let begun = async {
        let (mut socket, _) = connect_async_with_config(request, Some(config), true).await?;
        socket.send(Message::text(json!({ "type": "connection_init" }).to_string())).await?;
        let acknowledged = socket.next().await.context("closed")??;
        ensure!(acknowledged.to_text()?.contains("connection_ack"), "{acknowledged}");
        socket.send(Message::Text(subscribe.clone())).await?;
        let first = socket.next().await.context("closed")??;
        ensure!(first.to_text()?.contains(r#""type":"next""#), "{first}");
        Ok(socket)
    };
    tokio::time::timeout(ANSWERS_WITHIN, begun).await.context("no answer")?
}

async fn watch(mut socket: Socket, keeps_frames: bool, mut over: watch::Receiver<bool>) -> Watched {
    let (mut times, mut frames) = (Vec::new(), Vec::new());
    loop {
        let message = tokio::select! {
            message = socket.next() => message,
            _ = over.changed() => return (times, frames),
        };
        let Some(Ok(message)) = message else { return (times, frames) };
        let at = Instant::now();
        if let Message::Text(text) = message
            && let Some(revision) = revision(&text)
        {
            times.push((revision, at));
            if keeps_frames {
                frames.push(text.to_string());
            }
        }
    }
}
