//! GraphQL over server-sent events, one operation per connection.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// An operation whose results come as events.
#[derive(Debug)]
pub struct Events {
    response: Response,
    unread: Vec<u8>,
    last_id: Option<String>,
}

impl Events {
    /// Starts an operation at the gateway at `base`, e.g. `http://127.0.0.1:8080`; with the id of the last event that was
    /// seen, as browsers send it when they connect again.
    ///
    /// # Errors
    /// The gateway doesn't answer with events.
    pub async fn open(
        base: &str,
        document: &str,
        variables: &Value,
        last_id: Option<&str>,
    ) -> anyhow::Result<Self> {
        let body = json!({ "query": document, "variables": variables });
        let mut request =
            Client::new().post(format!("{base}/graphql/stream")).header("accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = timeout(ANSWERS_WITHIN, request.json(&body).send())
            .await
            .context("no answer")??
            .error_for_status()?;
        ensure!(response.headers()["content-type"] == "text/event-stream", "{:?}", response.headers());
        Ok(Self { response, unread: Vec::new(), last_id: last_id.map(str::to_owned) })
    }

    /// The id of the last event that had one.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Waits for the next result; `None` where the operation is over.
    ///
    /// # Errors
    /// The connection broke off.
    pub async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        loop {
            let event = self.event().await?;
            let field = |name: &str| {
                let mut lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                lines.next().map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned())
            };
            if let Some(id) = field("id") {
                self.last_id = Some(id);
            }
            match field("event").as_deref() {
                Some("next") => {
                    return Ok(Some(serde_json::from_str(&field("data").context("an event without data")?)?));
                }
                Some("complete") => return Ok(None),
                // A comment that keeps the connection alive.
                _ => {}
            }
        }
    }

    /// Up to the next empty line.
    async fn event(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let rest = self.unread.split_off(end + 2);
                return Ok(String::from_utf8(std::mem::replace(&mut self.unread, rest))?);
            }
            let chunk = self.response.chunk().await?.context("the stream broke off")?;
            self.unread.extend_from_slice(&chunk);
        }
    }
}
