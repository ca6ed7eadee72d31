use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::Commit;
use crate::domain::{ChannelName, ChannelType, EventId, EventStatus, UserId};

/// What another service says has happened. Every value fits its column: whoever makes a fact has checked that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// An event was planned, or its description changed. Boxed, because it is the rarest and by far the largest.
    EventCreated(Box<EventCreated>),
    /// A person registered.
    ParticipantRegistered(ParticipantRegistered),
    /// An event was distributed over channels.
    DistributionCompleted(DistributionCompleted),
}

impl Fact {
    /// The event that it is about.
    #[must_use]
    pub const fn event_id(&self) -> &EventId {
        match self {
            Self::EventCreated(fact) => &fact.event_id,
            Self::ParticipantRegistered(fact) => &fact.event_id,
            Self::DistributionCompleted(fact) => &fact.event_id,
        }
    }

    /// When it happened.
    #[must_use]
    pub const fn occurred_at(&self) -> DateTime<Utc> {
        match self {
            Self::EventCreated(fact) => fact.occurred_at,
            Self::ParticipantRegistered(fact) => fact.occurred_at,
            Self::DistributionCompleted(fact) => fact.occurred_at,
        }
    }
}

/// Describes an event. The newest by (`occurred_at`, message id) wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCreated {
    /// The event.
    pub event_id: EventId,
    /// 1 to 255 characters.
    pub event_title: String,
    /// Its owner.
    pub user_id: UserId,
    /// Won, at least 0, two decimals.
    pub total_investment: Decimal,
    /// Won, two decimals.
    pub expected_revenue: Decimal,
    /// Percent, two decimals.
    pub target_roi: Decimal,
    /// Percent, at least 0, two decimals; where it was not sent it follows from investment and revenue.
    pub estimated_roi: Option<Decimal>,
    /// Percent, two decimals.
    pub sales_growth_rate: Decimal,
    /// Where the event stands.
    pub status: EventStatus,
    /// When this was so, to the microsecond.
    pub occurred_at: DateTime<Utc>,
}

/// One more participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRegistered {
    /// The event.
    pub event_id: EventId,
    /// The channel that they came through, where they came through one.
    pub channel: Option<(ChannelName, ChannelType)>,
    /// When, to the microsecond.
    pub occurred_at: DateTime<Utc>,
}

/// The outcome of a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionCompleted {
    /// The event.
    pub event_id: EventId,
    /// One entry per channel name.
    pub channels: Vec<Distribution>,
    /// When, to the microsecond.
    pub occurred_at: DateTime<Utc>,
}

/// One channel of a distribution. Counters are at least 0; they only raise what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The channel.
    pub channel_name: ChannelName,
    /// Its type.
    pub channel_type: ChannelType,
    /// Won, two decimals.
    pub distribution_cost: Decimal,
    /// Times shown.
    pub impressions: i32,
    /// Times viewed.
    pub views: i32,
    /// Clicks.
    pub clicks: i32,
    /// Conversions.
    pub conversions: i32,
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
}

/// A fact and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Kafka's topic.
    pub topic: Arc<str>,
    /// Kafka's partition.
    pub partition: i32,
    /// Kafka's offset.
    pub offset: i64,
    /// The id that its producer gave it; none where it gave none, then its place is its id.
    pub message_id: Option<String>,
    /// What it says.
    pub fact: Fact,
}

impl Message {
    /// The id as the contract words it: the producer's, else `topic:partition:offset`.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.message_id {
            Some(id) => id.clone(),
            None => format!("{}:{}:{}", self.topic, self.partition, self.offset),
        }
    }
}

/// How far a partition has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Kafka's topic.
    pub topic: Arc<str>,
    /// Kafka's partition.
    pub partition: i32,
    /// The first offset that has not been read.
    pub next_offset: i64,
}

/// A partition's stored position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// How often its topic was made anew or cut: offsets of one generation say nothing of another's.
    pub generation: i32,
    /// The first offset that has not been applied.
    pub next_offset: i64,
}

/// What is applied in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Where each partition stands after this batch, dead-lettered messages included.
    pub positions: Vec<Position>,
    /// In the order of their offsets within each partition.
    pub messages: Vec<Message>,
    /// What the reader takes for stored, for those of the partitions where it has read the one before: the same
    /// generation, and no lesser position. Else something would be left out between what is stored and this batch.
    pub expected: HashMap<(Arc<str>, i32), Place>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Messages that had an effect.
    pub fresh: usize,
    /// Messages whose id was known.
    pub duplicates: usize,
    /// Messages below the stored position: applied by an earlier transaction.
    pub replayed: usize,
    /// One per event that was touched, by this transaction or, for replayed messages, by that earlier one. They are
    /// to be published.
    pub commits: Vec<Commit>,
}
