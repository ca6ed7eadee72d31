//! GraphQL over HTTP.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// A client of one gateway.
#[derive(Clone, Debug)]
pub struct GraphQl {
    http: Client,
    url: String,
}

impl GraphQl {
    /// For the gateway at `base`, e.g. `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let http = Client::builder().timeout(ANSWERS_WITHIN).build()?;
        Ok(Self { http, url: format!("{base}/graphql") })
    }

    /// The `data` of an operation that must succeed.
    ///
    /// # Errors
    /// The gateway doesn't answer, or the answer has errors.
    pub async fn data(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let (status, mut answer) = self.answer(document, variables).await?;
        if status != StatusCode::OK || answer.get("errors").is_some() {
            bail!("{status} {answer}");
        }
        answer.get_mut("data").map(Value::take).context("an answer without errors has no data")
    }

    /// The status and the whole answer of an operation.
    ///
    /// # Errors
    /// The gateway doesn't answer, or not in JSON.
    pub async fn answer(&self, document: &str, variables: Value) -> anyhow::Result<(StatusCode, Value)> {
        let body = json!({ "query": document, "variables": variables });
        let response = self.http.post(&self.url).json(&body).send().await?;
        let status = response.status();
        let text = response.text().await?;
        let answer = serde_json::from_str(&text).with_context(|| format!("{status}, no JSON: {text}"))?;
        Ok((status, answer))
    }
}
