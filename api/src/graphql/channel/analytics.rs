use async_graphql::{Context, Enum, ID, Object};
use service::{
    channel_api,
    domain::{Channel, Event, EventStatus},
    metrics,
};

use crate::{
    error::Fault,
    graphql::{
        context::loaders,
        freshness::Freshness,
        global_id::GlobalId,
        leaf::Row,
        scalar::{DateTime, Decimal},
    },
    json,
};

/// What a list of channels is counted as in the cost of an operation: events have a handful.
pub(crate) const CHANNELS: usize = 10;

/// The kind of a distribution channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::domain::ChannelType")]
pub(crate) enum ChannelType {
    /// Television.
    Tv,
    /// Social media.
    Sns,
    /// Call campaigns.
    Voice,
}

#[derive(Clone, Debug)]
pub(crate) struct ChannelAnalytics {
    channel: Channel,
    /// Of the whole event.
    total_participants: i32,
    status: EventStatus,
}

impl ChannelAnalytics {
    /// A channel of this event.
    pub(crate) const fn new(channel: Channel, event: &Event) -> Self {
        Self { channel, total_participants: event.total_participants, status: event.status }
    }
}

/// All but its freshness.
impl Row for ChannelAnalytics {
    const AT_HAND: &'static [&'static str] = &[
        "id",
        "eventId",
        "channelName",
        "channelType",
        "impressions",
        "views",
        "clicks",
        "participants",
        "conversions",
        "distributionCost",
        "likes",
        "comments",
        "shares",
        "totalCalls",
        "completedCalls",
        "averageDuration",
        "clickThroughRate",
        "viewRate",
        "engagementRate",
        "conversionRate",
        "participationRate",
        "callCompletionRate",
        "costPerView",
        "costPerClick",
        "costPerParticipant",
        "costPerConversion",
        "cpm",
        "participantShare",
        "createdAt",
        "updatedAt",
    ];

    /// What is stored.
    fn writer(field: &str) -> Option<fn(&Self, &mut Vec<u8>)> {
        Some(match field {
            "eventId" => |of, out| json::write_plain(of.channel.event_id.as_str(), out),
            "channelName" => |of, out| json::write_plain(of.channel.channel_name.as_str(), out),
            "channelType" => |of, out| json::write_plain(of.channel.channel_type.as_str(), out),
            "impressions" => |of, out| json::write_plain(of.channel.impressions, out),
            "views" => |of, out| json::write_plain(of.channel.views, out),
            "clicks" => |of, out| json::write_plain(of.channel.clicks, out),
            "participants" => |of, out| json::write_plain(of.channel.participants, out),
            "conversions" => |of, out| json::write_plain(of.channel.conversions, out),
            "distributionCost" => |of, out| Decimal::rounded(of.channel.distribution_cost).write(out),
            "likes" => |of, out| json::write_plain(of.channel.likes, out),
            "comments" => |of, out| json::write_plain(of.channel.comments, out),
            "shares" => |of, out| json::write_plain(of.channel.shares, out),
            "totalCalls" => |of, out| json::write_plain(of.channel.total_calls, out),
            "completedCalls" => |of, out| json::write_plain(of.channel.completed_calls, out),
            "averageDuration" => |of, out| json::write_plain(of.channel.average_duration, out),
            "createdAt" => |of, out| DateTime(of.channel.created_at).write(out),
            "updatedAt" => |of, out| DateTime(of.channel.updated_at).write(out),
            _ => return None,
        })
    }
}

/// The performance of one channel of one event. Costs are in won, rates in percent; both exact and rounded half to even
/// to two places here only.
#[Object]
impl ChannelAnalytics {
    /// Opaque; `node(id:)` takes it.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Channel(self.channel.event_id.clone(), self.channel.channel_name.clone()).encode()
    }

    /// The event's id in the service that owns events.
    async fn event_id(&self) -> ID {
        ID(self.channel.event_id.to_string())
    }

    /// The channel's name, unique within the event.
    async fn channel_name(&self) -> &str {
        self.channel.channel_name.as_str()
    }

    /// The kind of the channel.
    async fn channel_type(&self) -> ChannelType {
        self.channel.channel_type.into()
    }

    /// Times shown.
    async fn impressions(&self) -> i32 {
        self.channel.impressions
    }

    /// Times viewed.
    async fn views(&self) -> i32 {
        self.channel.views
    }

    /// Clicks.
    async fn clicks(&self) -> i32 {
        self.channel.clicks
    }

    /// People who registered through this channel.
    async fn participants(&self) -> i32 {
        self.channel.participants
    }

    /// Conversions.
    async fn conversions(&self) -> i32 {
        self.channel.conversions
    }

    /// What distributing the event over this channel costs, won.
    async fn distribution_cost(&self) -> Decimal {
        Decimal::rounded(self.channel.distribution_cost)
    }

    /// Likes; channels of type SNS have them.
    async fn likes(&self) -> i32 {
        self.channel.likes
    }

    /// Comments; channels of type SNS have them.
    async fn comments(&self) -> i32 {
        self.channel.comments
    }

    /// Shares; channels of type SNS have them.
    async fn shares(&self) -> i32 {
        self.channel.shares
    }

    /// Calls made; channels of type VOICE have them.
    async fn total_calls(&self) -> i32 {
        self.channel.total_calls
    }

    /// Calls that were listened to the end, at most totalCalls; channels of type VOICE have them.
    async fn completed_calls(&self) -> i32 {
        self.channel.completed_calls
    }

    /// The average length of a call, seconds; channels of type VOICE have it.
    async fn average_duration(&self) -> i32 {
        self.channel.average_duration
    }

    /// clicks / impressions × 100, percent. Null where impressions is 0.
    async fn click_through_rate(&self) -> Option<Decimal> {
        metrics::click_through_rate(self.channel.clicks, self.channel.impressions).map(Decimal::rounded)
    }

    /// views / impressions × 100, percent. Null where impressions is 0.
    async fn view_rate(&self) -> Option<Decimal> {
        metrics::view_rate(self.channel.views, self.channel.impressions).map(Decimal::rounded)
    }

    /// (likes + comments + shares) / views × 100, percent. Null where views is 0.
    async fn engagement_rate(&self) -> Option<Decimal> {
        let Channel { likes, comments, shares, views, .. } = self.channel;
        metrics::engagement_rate(likes, comments, shares, views).map(Decimal::rounded)
    }

    /// conversions / clicks × 100, percent. Null where clicks is 0.
    async fn conversion_rate(&self) -> Option<Decimal> {
        metrics::conversion_rate(self.channel.conversions, self.channel.clicks).map(Decimal::rounded)
    }

    /// participants / views × 100, percent. Null where views is 0.
    async fn participation_rate(&self) -> Option<Decimal> {
        metrics::participation_rate(self.channel.participants, self.channel.views).map(Decimal::rounded)
    }

    /// completedCalls / totalCalls × 100, percent. Null where totalCalls is 0.
    async fn call_completion_rate(&self) -> Option<Decimal> {
        metrics::call_completion_rate(self.channel.completed_calls, self.channel.total_calls)
            .map(Decimal::rounded)
    }

    /// distributionCost / views, won. Null where views is 0.
    async fn cost_per_view(&self) -> Option<Decimal> {
        metrics::cost_per_view(self.channel.distribution_cost, self.channel.views).map(Decimal::rounded)
    }

    /// distributionCost / clicks, won. Null where clicks is 0.
    async fn cost_per_click(&self) -> Option<Decimal> {
        metrics::cost_per_click(self.channel.distribution_cost, self.channel.clicks).map(Decimal::rounded)
    }

    /// distributionCost / participants, won. Null where participants is 0.
    async fn cost_per_participant(&self) -> Option<Decimal> {
        metrics::cost_per_participant(self.channel.distribution_cost, self.channel.participants)
            .map(Decimal::rounded)
    }

    /// distributionCost / conversions, won. Null where conversions is 0.
    async fn cost_per_conversion(&self) -> Option<Decimal> {
        metrics::cost_per_conversion(self.channel.distribution_cost, self.channel.conversions)
            .map(Decimal::rounded)
    }

    /// distributionCost / impressions × 1000, won: the cost of a thousand impressions. Null where impressions is 0.
    async fn cpm(&self) -> Option<Decimal> {
        metrics::cpm(self.channel.distribution_cost, self.channel.impressions).map(Decimal::rounded)
    }

    /// participants / totalParticipants of the event × 100, percent: the channel's share of the event's participants. A
    /// share, not an attribution. Null where the event has none.
    async fn participant_share(&self) -> Option<Decimal> {
        metrics::participant_share(self.channel.participants, self.total_participants).map(Decimal::rounded)
    }

    /// The earliest moment that touched the channel's statistics.
    async fn created_at(&self) -> DateTime {
        self.channel.created_at.into()
    }

    /// The latest moment that touched the channel's statistics.
    async fn updated_at(&self) -> DateTime {
        self.channel.updated_at.into()
    }

    /// How fresh the channel's numbers are.
    async fn freshness(&self, ctx: &Context<'_>) -> Result<Freshness, Fault> {
        let loaders = loaders(ctx);
        let (breakers, now) = loaders.reader().freshness().await;
        let freshness = channel_api::Freshness::of_channel(&self.channel, self.status, breakers, now);
        Freshness::of(loaders.reader(), freshness)
    }
}
