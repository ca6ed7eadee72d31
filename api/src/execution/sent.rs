use metrics::Histogram;
use tokio::time::Instant;

use super::Answer;

/// An answer as text, ready to be sent to any number of clients.
#[derive(Debug)]
pub(crate) struct Sent {
    text: String,
    /// The errors alone, where the request was not executed.
    refusal: Option<String>,
    cursor: Option<String>,
    due: Option<Due>,
}

/// Since when an update could have been sent, and what is told of how long it took.
#[derive(Debug)]
struct Due {
    at: Instant,
    latency: Histogram,
}

impl Sent {
    pub(crate) fn answer(answer: &Answer) -> Self {
        // Texts and numbers only, so there is nothing that could not be written.
        let refusal = answer.is_refusal().then(|| serde_json::to_string(answer.errors()).unwrap_or_default());
        let text = String::from_utf8(answer.json()).unwrap_or_default();
        Self { text, refusal, cursor: None, due: None }
    }

    pub(super) fn update(answer: &Answer, cursor: &str) -> Self {
        Self { cursor: Some(cursor.to_owned()), ..Self::answer(answer) }
    }

    /// One that tells of a commit that could have been told since `at`.
    pub(super) fn due(self, at: Instant, latency: &Histogram) -> Self {
        Self { due: Some(Due { at, latency: latency.clone() }), ..self }
    }

    /// To be told when it is handed to a client's connection.
    pub(crate) fn is_on_its_way(&self) {
        if let Some(due) = &self.due {
            due.latency.record(due.at.elapsed());
        }
    }

    /// JSON without line breaks.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The errors as a JSON array, where the request was not executed.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// To go on from here, where it is an update.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}
