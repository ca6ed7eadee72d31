//! The three messages as they go over the wire.

use consumer::Topics;
use serde::Serialize;

/// A message for one of the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(super) key: String,
    pub(super) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Body {
    EventCreated(EventCreated),
    ParticipantRegistered(ParticipantRegistered),
    DistributionCompleted(DistributionCompleted),
}

impl Message {
    /// The topic that it belongs to.
    pub(super) fn topic<'a>(&self, topics: &'a Topics) -> &'a str {
        match self.body {
            Body::EventCreated(_) => &topics.event_created,
            Body::ParticipantRegistered(_) => &topics.participant_registered,
            Body::DistributionCompleted(_) => &topics.distribution_completed,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventCreated {
    pub(super) message_id: String,
    pub(super) occurred_at: String,
    pub(super) event_id: String,
    pub(super) event_title: String,
    pub(super) user_id: String,
    pub(super) total_investment: String,
    pub(super) expected_revenue: String,
    pub(super) target_roi: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) estimated_roi: Option<String>,
    pub(super) sales_growth_rate: String,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParticipantRegistered {
    pub(super) message_id: String,
    pub(super) occurred_at: String,
    pub(super) event_id: String,
    pub(super) participant_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel_type: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DistributionCompleted {
    pub(super) message_id: String,
    pub(super) occurred_at: String,
    pub(super) event_id: String,
    pub(super) channels: Vec<Channel>,
}

/// A metric that its channel doesn't have is left out.
#[expect(clippy::struct_field_names, reason = "the fields are called so on the wire")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Channel {
    pub(super) channel_name: &'static str,
    pub(super) channel_type: &'static str,
    pub(super) distribution_cost: String,
    pub(super) impressions: i64,
    pub(super) views: i64,
    pub(super) clicks: i64,
    pub(super) conversions: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) likes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comments: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shares: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_calls: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completed_calls: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) average_duration: Option<i64>,
}

/// Hundredths as a decimal: -150 → `-1.50`.
pub(super) fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let absolute = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", absolute / 100, absolute % 100)
}
