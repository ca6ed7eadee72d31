use async_graphql::SimpleObject;
use chrono::Utc;
use service::domain::{Bucket, Counters};

use crate::{
    graphql::{
        leaf::{Leaf, Row},
        scalar::{DateTime, Long},
    },
    json,
};

/// One bucket of a timeline: [start, end).
#[derive(Clone, SimpleObject)]
pub(crate) struct TimelinePoint {
    /// The first instant of the bucket.
    start: DateTime,
    /// The first instant after the bucket.
    end: DateTime,
    /// People who registered within it.
    participants: i64,
    /// Views within it, as far as they were read from the channels.
    views: i64,
    /// Likes, comments and shares within it, as far as they were read from the channels.
    engagement: i64,
    /// Conversions within it, as far as they were read from the channels.
    conversions: i64,
    /// People who registered up to its end.
    cumulative_participants: i64,
    /// The bucket is not over yet.
    is_partial: bool,
    /// The bucket at the same place in the compared period; null where nothing is compared or there is no such place.
    compared: Option<Leaf<TimelineTotals>>,
}

impl Row for TimelinePoint {
    const AT_HAND: &'static [&'static str] = &[
        "start",
        "end",
        "participants",
        "views",
        "engagement",
        "conversions",
        "cumulativeParticipants",
        "isPartial",
        "compared",
    ];

    fn writer(field: &str) -> Option<fn(&Self, &mut Vec<u8>)> {
        Some(match field {
            "start" => |point, out| point.start.write(out),
            "end" => |point, out| point.end.write(out),
            "participants" => |point, out| json::write_plain(point.participants, out),
            "views" => |point, out| json::write_plain(point.views, out),
            "engagement" => |point, out| json::write_plain(point.engagement, out),
            "conversions" => |point, out| json::write_plain(point.conversions, out),
            "cumulativeParticipants" => |point, out| json::write_plain(point.cumulative_participants, out),
            "isPartial" => |point, out| json::write_plain(point.is_partial, out),
            _ => return None,
        })
    }
}

impl TimelinePoint {
    /// `now` is when the bucket was read.
    pub(crate) fn of(bucket: &Bucket, now: chrono::DateTime<Utc>, compared: Option<Counters>) -> Self {
        Self {
            start: bucket.start.into(),
            end: bucket.end.into(),
            participants: bucket.counters.participants,
            views: bucket.counters.views,
            engagement: bucket.counters.engagement,
            conversions: bucket.counters.conversions,
            cumulative_participants: bucket.cumulative_participants,
            is_partial: bucket.end > now,
            compared: compared.map(|compared| Leaf(compared.into())),
        }
    }
}

/// Sums over a period.
#[derive(Clone, SimpleObject)]
pub(crate) struct TimelineTotals {
    /// People who registered.
    participants: Long,
    /// Views.
    views: Long,
    /// Likes, comments and shares.
    engagement: Long,
    /// Conversions.
    conversions: Long,
}

impl From<Counters> for TimelineTotals {
    fn from(counters: Counters) -> Self {
        Self {
            participants: counters.participants.into(),
            views: counters.views.into(),
            engagement: counters.engagement.into(),
            conversions: counters.conversions.into(),
        }
    }
}
