use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ChannelName, EventId};

/// The kind of a distribution channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChannelType {
    /// Television.
    Tv,
    /// Social media.
    Sns,
    /// Call campaigns.
    Voice,
}

impl ChannelType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tv, Self::Sns, Self::Voice];

    /// The name as stored and as sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tv => "TV",
            Self::Sns => "SNS",
            Self::Voice => "VOICE",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The performance of one channel of one event, a row of `channel_stats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The event.
    pub event_id: EventId,
    /// The channel's name, unique within the event.
    pub channel_name: ChannelName,
    /// Its type.
    pub channel_type: ChannelType,
    /// Times shown.
    pub impressions: i32,
    /// Times viewed.
    pub views: i32,
    /// Clicks.
    pub clicks: i32,
    /// People registered through this channel.
    pub participants: i32,
    /// Conversions.
    pub conversions: i32,
    /// Won.
    pub distribution_cost: Decimal,
    /// SNS.
    pub likes: i32,
    /// SNS.
    pub comments: i32,
    /// SNS.
    pub shares: i32,
    /// VOICE.
    pub total_calls: i32,
    /// VOICE, at most `total_calls`.
    pub completed_calls: i32,
    /// VOICE, seconds.
    pub average_duration: i32,
    /// The earliest instant that touched the row.
    pub created_at: DateTime<Utc>,
    /// The latest instant that touched the row.
    pub updated_at: DateTime<Utc>,
    /// `None` where that was not read.
    pub last_told: Option<LastTold>,
}

/// When a channel's numbers were last told, and by whom: its freshness follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTold {
    /// The time of its newest distribution.
    pub distributed_at: Option<DateTime<Utc>>,
    /// When its external API last told its numbers.
    pub read_at: Option<DateTime<Utc>>,
    /// Until when its numbers are as current as they are meant to be; `None` where the API never answered.
    pub fresh_until: Option<DateTime<Utc>>,
}
