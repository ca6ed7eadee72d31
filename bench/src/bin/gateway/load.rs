//! Requests over kept-alive connections, one after the other on each.
//!
//! HTTP/1.1 by hand, as little of it as the answers need: on a small machine whatever the client takes is taken from
//! the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The requests of one kind, each whole.
pub(crate) type Requests = Arc<[Vec<u8>]>;

/// What a stretch of load came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// Microseconds of each request, sorted.
    latencies: Vec<u32>,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds that `percent` of the requests did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let place = self.latencies.len().saturating_sub(1) * percent / 100;
        self.latencies.get(place).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

/// A POST of GraphQL.
pub(crate) fn request(document: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let mut request = format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/graphql-response+json\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request.push_str(&body);
    request.into_bytes()
}

/// Puts load on for a while, or until every request was sent once where `time` is `None`.
pub(crate) async fn run(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    time: Option<Duration>,
) -> anyhow::Result<Load> {
    ensure!(!requests.is_empty() && connections > 0, "there is nothing to send");
    let mut clients = JoinSet::new();
    let begun = Instant::now();
    for number in 0..connections {
        let requests = Arc::clone(requests);
        clients.spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut latencies = Vec::new();
            let mut chance = StdRng::seed_from_u64(number as u64);
            let mut place = number;
            let mut sent = Instant::now();
            while time.map_or(place < requests.len(), |time| sent - begun < time) {
                // In an order of its own: clients that go through the same one catch up with whoever waits.
                let chosen = if time.is_some() { chance.random_range(0..requests.len()) } else { place };
                client.ask(&requests[chosen]).await?;
                let now = Instant::now();
                latencies.push(u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX));
                (sent, place) = (now, place + connections);
            }
            anyhow::Ok(latencies)
        });
    }
    let mut load = Load::default();
    while let Some(ended) = clients.join_next().await {
        load.latencies.extend(ended??);
    }
    load.elapsed = begun.elapsed();
    load.requests = load.latencies.len() as u64;
    load.latencies.sort_unstable();
    Ok(load)
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(1 << 16) })
    }

    /// The body of the answer, which must be a whole one.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        let (status, body) = self.exchange(request).await?;
        let text = || String::from_utf8_lossy(body);
        ensure!(status == 200 && body.starts_with(b"{\"data\""), "{status} {}", text());
        ensure!(!body.ends_with(b"]}"), "it has errors: {}", text());
        Ok(body)
    }

    /// Status and body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let (head, length) = loop {
            let read = self.stream.read_buf(&mut self.received).await?;
            ensure!(read > 0, "the connection was closed");
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break (end + 4, content_length(&self.received[..end])?);
            }
        };
        while self.received.len() < head + length {
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the connection was closed");
        }
        let status = self.received.get(9..12).and_then(|digits| str::from_utf8(digits).ok());
        Ok((status.context("no status")?.parse()?, &self.received[head..head + length]))
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = str::from_utf8(head)?;
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value.trim())
    });
    Ok(value.with_context(|| format!("no content-length: {head}"))?.parse()?)
}
