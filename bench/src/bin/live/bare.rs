//! The least that a server can do: hand each frame to every socket.

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tests::system::ports;
use tests::system::process::Process;
use tests::system::scratch::Scratch;
use tests::wait;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::Sent;
use crate::viewers::revision;

/// Names where it listens.
const ADDRESS: &str = "BENCH_ADDRESS";
const STARTS_WITHIN: Duration = Duration::from_secs(10);

type Frames = broadcast::Sender<Utf8Bytes>;

/// Serves until it is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let (frames, _) = broadcast::channel::<Utf8Bytes>(64);
    let router =
        Router::new().route("/graphql", get(upgrade)).route("/publish", post(publish)).with_state(frames);
    let listener = TcpListener::bind(env::var(ADDRESS)?).await?.tap_io(|stream| {
        // Where that fails, it is slower.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

async fn publish(State(frames): State<Frames>, frame: String) {
    // Without viewers there is nobody to send it to.
    let _ = frames.send(frame.into());
}

async fn upgrade(State(frames): State<Frames>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .protocols(["graphql-transport-ws"])
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .on_upgrade(move |socket| follow(socket, frames.subscribe()))
}

async fn follow(mut socket: WebSocket, mut frames: broadcast::Receiver<Utf8Bytes>) {
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => match frame {
                Ok(frame) => frame,
                Err(_) => return,
            },
            // What clients say first is answered, so that they need not know whom they talk to.
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) if text.contains("connection_init") => {
                    Utf8Bytes::from_static(r#"{"type":"connection_ack"}"#)
                }
                Some(Ok(Message::Text(_))) => Utf8Bytes::from_static(r#"{"type":"next","id":"chart","payload":{}}"#),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
        };
        if socket.send(Message::Text(frame)).await.is_err() {
            return;
        }
    }
}

/// This program once more, as the broadcaster.
pub(crate) struct Broadcaster {
    process: Process,
    base: String,
    _directory: Scratch,
}

impl Broadcaster {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let directory = Scratch::new()?;
        let address = format!("127.0.0.1:{}", ports::free()?);
        let mut command = Command::new(env::current_exe()?);
        command.arg("bare").env(ADDRESS, &address).stdin(Stdio::null());
        let mut process = Process::new("bare broadcaster", command, &directory.path().join("bare.log"))?;
        process.start()?;
        wait::until("the broadcaster to listen", STARTS_WITHIN, async || {
            Ok(tokio::net::TcpStream::connect(&address).await.map(drop).map_err(Into::into))
        })
        .await?;
        Ok(Self { process, base: format!("http://{address}"), _directory: directory })
    }

    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.process.id().context("it does not run")
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends frames, so many in a second.
    pub(crate) async fn send(&self, frames: &[String], rate: u32) -> anyhow::Result<Sent> {
        let http = reqwest::Client::new();
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut sent = Sent::new();
        for frame in frames {
            ticks.tick().await;
            sent.push((revision(frame).context("a frame without revision")?, Instant::now()));
            let answer = http.post(format!("{}/publish", self.base)).body(frame.clone()).send().await?;
            ensure!(answer.status().is_success(), "{}", answer.status());
        }
        Ok(sent)
    }
}
