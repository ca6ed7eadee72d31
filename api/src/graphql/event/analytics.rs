use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Lookahead, Object};
use rust_decimal::Decimal as Exact;
use service::{
    channel_api,
    metrics::ChannelSums,
    read::{EventEntry, ForecastSpec, With},
};

use super::{SortDirection, forecast::Forecast, funnel::Funnel, roi::Roi};
use crate::{
    error::Fault,
    graphql::{
        channel::{CHANNELS, ChannelAnalytics, ChannelMetric, ChannelType},
        context::loaders,
        faults,
        freshness::Freshness,
        global_id::GlobalId,
        leaf::{Leaf, Row, Table},
        scalar::{DateTime, Decimal, TimeZone},
        timeline::{Comparison, Granularity, TimeRangeInput, Timeline, spec, timeline_cost},
    },
    json,
};

/// Where an event stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::domain::EventStatus")]
pub(crate) enum EventStatus {
    /// Running.
    Active,
    /// Over.
    Ended,
    /// Put away.
    Archived,
}

/// Fields that need all of an event's channels.
const OF_CHANNELS: [&str; 2] = ["channels", "funnel"];
/// Of an event, and of its channels.
const FRESHNESS: &str = "freshness";

/// Fields of ROI that need sums over them.
const OF_SPENDING: [&str; 2] = ["distributionCost", "costPerConversion"];

/// What to read events with, by what is asked for of them in these places together.
pub(crate) fn read_with(asked: &[Lookahead<'_>]) -> With {
    let is_asked = |name| asked.iter().any(|asked| asked.field(name).exists());
    let is_told = |of| asked.iter().any(|asked| asked.field(of).field(FRESHNESS).exists());
    let are_channels = OF_CHANNELS.into_iter().any(is_asked);
    if is_asked(FRESHNESS) || are_channels && ["channels", "channel"].into_iter().any(is_told) {
        With::Freshness
    } else if are_channels {
        With::Channels
    } else {
        With::Nothing
    }
}

/// What a forecast is counted as in the cost of an operation: models are fitted for it.
const FORECAST: usize = 300;

#[derive(Clone, Debug)]
pub(crate) struct EventAnalytics(pub(crate) Arc<EventEntry>);

impl Row for EventAnalytics {
    const AT_HAND: &'static [&'static str] = &[
        "id",
        "eventId",
        "title",
        "userId",
        "status",
        "totalParticipants",
        "totalViews",
        "salesGrowthRate",
        "createdAt",
        "updatedAt",
    ];

    fn has(&self, field: &Lookahead<'_>, name: &str) -> bool {
        let channels_are_here = self.0.channels.is_some();
        match name {
            "channels" | "funnel" => channels_are_here,
            "roi" => channels_are_here || !OF_SPENDING.iter().any(|part| field.field(part).exists()),
            _ => false,
        }
    }

    /// What is stored.
    fn writer(field: &str) -> Option<fn(&Self, &mut Vec<u8>)> {
        Some(match field {
            "eventId" => |of, out| json::write_plain(of.0.event.event_id.as_str(), out),
            "title" => |of, out| json::write_plain(&of.0.event.title, out),
            "userId" => |of, out| json::write_plain(of.0.event.user_id.as_str(), out),
            "status" => |of, out| json::write_plain(of.0.event.status.as_str(), out),
            "totalParticipants" => |of, out| json::write_plain(of.0.event.total_participants, out),
            "totalViews" => |of, out| json::write_plain(of.0.event.total_views, out),
            "salesGrowthRate" => |of, out| Decimal::rounded(of.0.event.sales_growth_rate).write(out),
            "createdAt" => |of, out| DateTime(of.0.event.created_at).write(out),
            "updatedAt" => |of, out| DateTime(of.0.event.updated_at).write(out),
            _ => return None,
        })
    }
}

/// The statistics of one promotional event.
#[Object]
impl EventAnalytics {
    /// Opaque; `node(id:)` takes it.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Event(self.0.event.event_id.clone()).encode()
    }

    /// The event's id in the service that owns events.
    async fn event_id(&self) -> ID {
        ID(self.0.event.event_id.to_string())
    }

    /// The event's title.
    async fn title(&self) -> &str {
        &self.0.event.title
    }

    /// The owner's id in the service that owns users.
    async fn user_id(&self) -> ID {
        ID(self.0.event.user_id.to_string())
    }

    /// Where the event stands in its life.
    async fn status(&self) -> EventStatus {
        self.0.event.status.into()
    }

    /// People who registered, through any channel or none.
    async fn total_participants(&self) -> i32 {
        self.0.event.total_participants
    }

    /// The sum of the channels' views.
    async fn total_views(&self) -> i32 {
        self.0.event.total_views
    }

    /// Growth of sales, percent, as the event's owner reported it.
    async fn sales_growth_rate(&self) -> Decimal {
        Decimal::rounded(self.0.event.sales_growth_rate)
    }

    /// When the event was created: the earliest message about its creation.
    async fn created_at(&self) -> DateTime {
        self.0.event.created_at.into()
    }

    /// The latest moment that touched the event's statistics.
    async fn updated_at(&self) -> DateTime {
        self.0.event.updated_at.into()
    }

    /// Return on investment and what belongs to it.
    async fn roi(&self) -> Leaf<Roi> {
        Leaf(Roi::of(self.0.clone()))
    }

    /// The channels that the event is distributed over, those of some types only where `types` is given. Channels
    /// without a value for `orderBy` come last, ties are ordered by name.
    #[graphql(complexity = "1 + CHANNELS * child_complexity")]
    async fn channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only channels of these types.")] types: Option<Vec<ChannelType>>,
        #[graphql(desc = "What the channels are ordered by.", default_with = "ChannelMetric::Participants")]
        order_by: ChannelMetric,
        #[graphql(desc = "Largest first, or smallest first.", default_with = "SortDirection::Desc")]
        direction: SortDirection,
    ) -> Result<Table<ChannelAnalytics>, Fault> {
        let channels = loaders(ctx).channels(&self.0).await?;
        let types: Option<Vec<service::domain::ChannelType>> =
            types.map(|types| types.into_iter().map(Into::into).collect());
        let wanted = channels
            .iter()
            .filter(|channel| types.as_ref().is_none_or(|types| types.contains(&channel.channel_type)));
        let mut ranked: Vec<_> = wanted.map(|channel| (order_by.value(channel), channel)).collect();
        ranked.sort_by(|(left, left_channel), (right, right_channel)| {
            direction
                .order(*left, *right)
                .then_with(|| left_channel.channel_name.cmp(&right_channel.channel_name))
        });
        let event = &self.0.event;
        let channels = ranked.into_iter().map(|(_, channel)| ChannelAnalytics::new(channel.clone(), event));
        Ok(Table(channels.collect()))
    }

    /// The channel of that name; null where the event has none.
    async fn channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The channel's name, 1 to 50 characters.")] channel_name: String,
    ) -> Result<Option<Leaf<ChannelAnalytics>>, Fault> {
        let name = faults::channel_name("channelName", &channel_name)?;
        let channel = loaders(ctx).channel(&self.0, name).await?;
        Ok(channel.map(|channel| Leaf(ChannelAnalytics::new(channel, &self.0.event))))
    }

    /// Impressions, views, clicks, participants and conversions summed over all channels, with what remains from step
    /// to step. Participants who came without a channel are not in it.
    async fn funnel(&self, ctx: &Context<'_>) -> Result<Funnel, Fault> {
        let channels = loaders(ctx).channels(&self.0).await?;
        Ok(Funnel::of(&channels.iter().collect::<ChannelSums>()))
    }

    /// The course of the event over time, in buckets of the time zone's calendar.
    /// ```graphql
    /// query ThisWeek { event(eventId: "evt-0001") { id
    /// timeline(granularity: DAY, range: { last: "P7D" }, timeZone: "Asia/Seoul", compareTo: PREVIOUS_PERIOD) {
    /// points { start participants isPartial compared { participants } } comparison { participantsChange } } } }
    /// ```
    #[graphql(complexity = "timeline_cost(granularity, range.as_ref(), child_complexity)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The width of a bucket.", default_with = "Granularity::Hour")]
        granularity: Granularity,
        #[graphql(
            desc = "From when to when; without it, from the first bucket with something in it to the last."
        )]
        range: Option<TimeRangeInput>,
        #[graphql(desc = "Whose calendar the buckets follow.", default_with = "TimeZone::UTC")]
        time_zone: TimeZone,
        #[graphql(desc = "Whether buckets in which nothing happened are there, with zeros.", default = true)]
        fill_gaps: bool,
        #[graphql(desc = "Another period to put beside.")] compare_to: Option<Comparison>,
    ) -> Result<Leaf<Timeline>, Fault> {
        let spec = spec(granularity, range, time_zone, fill_gaps, compare_to);
        Ok(Leaf(Timeline(loaders(ctx).timeline(&self.0, spec).await?)))
    }

    /// How many people will have registered by `until`, with an interval. Null where there is too little history to
    /// say: fewer than ten whole days, or less than twice as long as lies ahead.
    /// ```graphql
    /// query ByTheEndOfTheYear { event(eventId: "evt-0001") { id
    /// forecast(until: "2099-12-31T15:00:00Z", confidence: "0.9") { participants low high } } }
    /// ```
    #[graphql(complexity = "FORECAST + child_complexity")]
    async fn forecast(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By when; an instant after now.")] until: DateTime,
        #[graphql(
            desc = "How often the true number is to lie within the interval, between 0 and 1.",
            default_with = "Decimal(Exact::new(8, 1))"
        )]
        confidence: Decimal,
    ) -> Result<Option<Forecast>, Fault> {
        if confidence.0 <= Exact::ZERO || confidence.0 >= Exact::ONE {
            let problem = format!("is {}; give a number between 0 and 1, e.g. \"0.8\"", confidence.0);
            return Err(Fault::input("confidence", problem));
        }
        let loaders = loaders(ctx);
        if until.0 <= loaders.reader().follows().clock().now() {
            return Err(Fault::input("until", "is not after now; give an instant that is still to come"));
        }
        let spec = ForecastSpec { until: until.0, confidence: confidence.0 };
        Ok(loaders.forecast(&self.0, spec).await?.map(Into::into))
    }

    /// How fresh the numbers are: as fresh as the least fresh of the event's channels.
    async fn freshness(&self, ctx: &Context<'_>) -> Result<Freshness, Fault> {
        let loaders = loaders(ctx);
        let channels = loaders.channels(&self.0).await?;
        let (breakers, now) = loaders.reader().freshness().await;
        let freshness = channel_api::Freshness::of_event(&self.0.event, &channels, breakers, now);
        Freshness::of(loaders.reader(), freshness)
    }
}
