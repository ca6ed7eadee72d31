//! Following numbers as they change.

mod event;
mod timeline;
mod turn;
mod user;

use std::{num::NonZeroU32, time::Duration as Interval};

use async_graphql::{Context, Enum, ID, Subscription as Fields};
use service::{live::LiveTimelineSpec, timeline::IsoDuration};

pub(crate) use self::turn::{Followed, Step, Turn, Update};
use self::{
    event::EventUpdate,
    timeline::TimelineUpdate,
    turn::{Subject, Updates, take},
    user::UserUpdate,
};
use super::{
    context::loaders,
    faults,
    scalar::{Duration, TimeZone},
    timeline::{Granularity, TimeRangeInput},
};
use crate::error::Fault;

pub(crate) struct Subscription;

/// What an update is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::live::UpdateKind")]
pub(crate) enum UpdateKind {
    /// Everything: replace what you have.
    Snapshot,
    /// What changed, as absolute values: replace those parts of what you have.
    Delta,
}

/// Slower than anything that is still called live.
const SLOWEST: Interval = Interval::from_secs(3600);

const fn millis(count: u32) -> Duration {
    Duration(IsoDuration::from_millis(match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }))
}

fn interval(argument: Duration) -> Result<Interval, Fault> {
    argument.0.elapsed().filter(|interval| *interval <= SLOWEST).ok_or_else(|| {
        Fault::input(
            "minInterval",
            "is too long; up to one hour is allowed, without days or months, e.g. \"PT0.25S\"",
        )
    })
}

/// Where following begins: each field sends a snapshot first and then what changes.
#[expect(
    clippy::too_many_arguments,
    clippy::unused_async,
    reason = "a field's arguments are its own, and the library's macro wants async functions"
)]
#[Fields]
impl Subscription {
    /// One event's timeline: all buckets of the window first, then after each change those that changed. A bucket that
    /// ends while nothing happens is sent once more, as over. Begins as soon as the event is known.
    async fn timeline_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's id in the service that owns events, 1 to 36 characters.")] event_id: ID,
        #[graphql(desc = "The width of a bucket.", default_with = "Granularity::Minute")]
        granularity: Granularity,
        #[graphql(
            desc = "From when to when; without it, the last 60 buckets up to now, moving on with the time."
        )]
        range: Option<TimeRangeInput>,
        #[graphql(desc = "Whose calendar the buckets follow.", default_with = "TimeZone::UTC")]
        time_zone: TimeZone,
        #[graphql(
            desc = "The cursor of the last update or timeline that you have: goes on from there, on any replica. Ends with RESYNC_REQUIRED where that is no longer possible."
        )]
        after: Option<String>,
        #[graphql(desc = "At most one update in this time, up to one hour.", default_with = "millis(250)")]
        min_interval: Duration,
    ) -> Result<Updates<TimelineUpdate>, Fault> {
        let event = faults::event_id("eventId", &event_id)?;
        let spec = LiveTimelineSpec {
            granularity: granularity.into(),
            zone: time_zone.0,
            range: TimeRangeInput::read(range),
        };
        let subject = Subject::Timeline(event, spec);
        let followed = Followed { subject, after, interval: interval(min_interval)? };
        Ok(take(ctx, followed, |update| match update {
            Update::Timeline(update) => Some(update.into()),
            _ => None,
        }))
    }

    /// One event as a whole: first as it is, then each time that anything in it changes, be it totals, ROI or channels.
    /// Begins as soon as the event is known.
    async fn event_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's id in the service that owns events, 1 to 36 characters.")] event_id: ID,
        #[graphql(
            desc = "The cursor of the last update that you have: sends only what is newer, on any replica. Ends with RESYNC_REQUIRED where that is no longer possible."
        )]
        after: Option<String>,
        #[graphql(desc = "At most one update in this time, up to one hour.", default_with = "millis(250)")]
        min_interval: Duration,
    ) -> Result<Updates<EventUpdate>, Fault> {
        let subject = Subject::Event(faults::event_id("eventId", &event_id)?);
        let followed = Followed { subject, after, interval: interval(min_interval)? };
        Ok(take(ctx, followed, |update| match update {
            Update::Event(update) => Some(update.into()),
            _ => None,
        }))
    }

    /// The overview of one user's events: first as it is, then each time that anything in one of them changes. For a
    /// wall of tiles. Callers without the admin role see only themselves.
    async fn user_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id in the service that owns users, 1 to 36 characters.")] user_id: ID,
        #[graphql(
            desc = "The cursor of the last update that you have: sends only what is newer, on any replica. Ends with RESYNC_REQUIRED where that is no longer possible."
        )]
        after: Option<String>,
        #[graphql(desc = "At most one update in this time, up to one hour.", default_with = "millis(1000)")]
        min_interval: Duration,
    ) -> Result<Updates<UserUpdate>, Fault> {
        let user = faults::user_id("userId", &user_id)?;
        if !loaders(ctx).reader().viewer.may_see(&user) {
            return Err(faults::forbidden());
        }
        let followed = Followed { subject: Subject::User(user), after, interval: interval(min_interval)? };
        Ok(take(ctx, followed, |update| match update {
            Update::User(update) => Some(update.into()),
            _ => None,
        }))
    }
}
