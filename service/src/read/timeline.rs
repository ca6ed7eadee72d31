use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use sea_orm::sqlx;
use serde::{Deserialize, Serialize};

use super::EventEntry;
use crate::{
    Error, Service, cache,
    domain::{Bucket, Counters, EventId, Granularity, Revision, UserId, Viewer},
    live,
    timeline::{
        Alignment, BucketRow, Comparison, Extent, RangeError, RangeInput, Series, Trend, Window, boundaries,
        compare, trend,
    },
};

/// Which timeline is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimelineSpec {
    /// Width of the buckets.
    pub granularity: Granularity,
    /// Whose calendar.
    pub zone: Tz,
    /// From when to when.
    pub range: RangeInput,
    /// Whether buckets in which nothing happened are there.
    pub fill_gaps: bool,
    /// Beside what.
    pub compare_to: Option<Comparison>,
}

/// A course over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The buckets that it is about.
    pub window: Window,
    /// Those with numbers, or all.
    pub buckets: Vec<Bucket>,
    /// Sums over the window.
    pub totals: Counters,
    /// The other period, where one was asked for.
    pub comparison: Option<ComparedTimeline>,
    /// Where it goes.
    pub trend: Trend,
    /// When it was read: a bucket that ends later is not over yet.
    pub now: DateTime<Utc>,
    /// To go on from here; `None` for a sum over several events.
    pub cursor: Option<String>,
}

/// The period beside a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTimeline {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// Sums over it.
    pub totals: Counters,
    /// For each of the timeline's buckets the counters at the same place; `None` where there is no such place.
    pub buckets: Vec<Option<Counters>>,
}

/// Why there is no timeline.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The range can't be answered.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The database.
    #[error(transparent)]
    Service(#[from] Error),
}

/// A window's numbers as they are stored, before gaps are filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSeries {
    /// The event's revision before the numbers were read: they are at least as new.
    revision: Revision,
    /// The cumulative count at the window's first instant.
    base: i64,
    /// Some instant of each bucket with numbers, the counters, the cumulative count after it.
    rows: Vec<(DateTime<Utc>, Counters, i64)>,
}

/// What an event has stored, and the revision before that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredExtent {
    revision: Revision,
    bounds: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// An event, and the revision that an answer about it must not fall behind.
#[derive(Clone)]
pub(super) struct Asked {
    id: EventId,
    revision: Revision,
}

impl Asked {
    pub(super) fn of(entry: &EventEntry) -> Self {
        Self { id: entry.event.event_id.clone(), revision: entry.event.revision }
    }
}

impl StoredSeries {
    pub(super) fn assemble(&self, window: &Window, fill_gaps: bool) -> Series {
        let rows: Vec<BucketRow> = self
            .rows
            .iter()
            .filter_map(|(instant, counters, cumulative)| {
                let index = window.index_of(*instant)?;
                Some(BucketRow { index, counters: *counters, cumulative_participants: *cumulative })
            })
            .collect();
        Series::assemble(window, &rows, self.base, fill_gaps)
    }
}

/// Sums per bucket. The first row of an event has no bucket and holds the cumulative count before the window. The
/// bounds are those of all windows together: windows of one granularity and zone share them.
const SERIES: &str = r#"
SELECT asked.event_id, found.instant, found.participants, found.views, found.engagement, found.conversions,
       found.cumulative
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[]) AS asked (event_id, starts, ends)
CROSS JOIN LATERAL (
    (SELECT NULL::timestamp AS instant, 0::bigint AS participants, 0::bigint AS views, 0::bigint AS engagement,
            0::bigint AS conversions, before.cumulative_participants AS cumulative
     FROM timeline_data AS before
     WHERE before.event_id = asked.event_id AND before."timestamp" < asked.starts
     ORDER BY before."timestamp" DESC LIMIT 1)
    UNION ALL
    (SELECT min("timestamp"), sum(participants), sum(views), sum(engagement), sum(conversions),
            max(cumulative_participants)
     FROM timeline_data
     WHERE event_id = asked.event_id AND "timestamp" >= asked.starts AND "timestamp" < asked.ends
     GROUP BY width_bucket("timestamp", $4::timestamp[])
     ORDER BY 1)
) AS found"#;

/// The same where a bucket is a row.
const MINUTES: &str = r#"
SELECT asked.event_id, found.instant, found.participants, found.views, found.engagement, found.conversions,
       found.cumulative
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[]) AS asked (event_id, starts, ends)
CROSS JOIN LATERAL (
    (SELECT NULL::timestamp AS instant, 0::bigint AS participants, 0::bigint AS views, 0::bigint AS engagement,
            0::bigint AS conversions, before.cumulative_participants AS cumulative
     FROM timeline_data AS before
     WHERE before.event_id = asked.event_id AND before."timestamp" < asked.starts
     ORDER BY before."timestamp" DESC LIMIT 1)
    UNION ALL
    (SELECT "timestamp", participants::bigint, views::bigint, engagement::bigint, conversions::bigint,
            cumulative_participants
     FROM timeline_data
     WHERE event_id = asked.event_id AND "timestamp" >= asked.starts AND "timestamp" < asked.ends
     ORDER BY 1)
) AS found"#;

type SeriesRow = (String, Option<NaiveDateTime>, i64, i64, i64, i64, i32);

/// Over all of one user's events. The cumulative count is made of the base and the sums.
const USER_SERIES: &str = r#"
SELECT NULL::timestamp AS instant,
       coalesce(sum((SELECT before.cumulative_participants FROM timeline_data AS before
                     WHERE before.event_id = event_stats.event_id AND before."timestamp" < $2
                     ORDER BY before."timestamp" DESC LIMIT 1)), 0)::bigint AS participants,
       0::bigint AS views, 0::bigint AS engagement, 0::bigint AS conversions
FROM event_stats WHERE user_id = $1
UNION ALL
(SELECT min(counted."timestamp"), sum(counted.participants)::bigint, sum(counted.views)::bigint,
        sum(counted.engagement)::bigint, sum(counted.conversions)::bigint
 FROM event_stats JOIN timeline_data AS counted USING (event_id)
 WHERE event_stats.user_id = $1 AND counted."timestamp" >= $2 AND counted."timestamp" < $3
 GROUP BY width_bucket(counted."timestamp", $4::timestamp[])
 ORDER BY 1)"#;

fn naive(instants: &[DateTime<Utc>]) -> Vec<NaiveDateTime> {
    instants.iter().map(DateTime::naive_utc).collect()
}

/// Puts a window's numbers and those of the compared one together.
fn timeline(
    window: Window,
    series: Series,
    compared: Option<(Window, Alignment, Series)>,
    now: DateTime<Utc>,
    cursor: Option<String>,
) -> Timeline {
    let comparison = compared.map(|(other, alignment, other_series)| ComparedTimeline {
        from: other.from(),
        to: other.to(),
        totals: other_series.totals,
        buckets: series
            .buckets
            .iter()
            .map(|bucket| {
                let place = alignment.compared(window.index_of(bucket.start)?)?;
                other_series.buckets.get(place).map(|bucket| bucket.counters)
            })
            .collect(),
    });
    let trend = trend(&series.buckets, now);
    Timeline { window, buckets: series.buckets, totals: series.totals, comparison, trend, now, cursor }
}

impl Service {
    /// The timelines of these events.
    ///
    /// # Errors
    /// A range that can't be answered, or what the database says.
    pub async fn timelines(
        &self,
        of: &[Arc<EventEntry>],
        spec: &TimelineSpec,
    ) -> Result<HashMap<EventId, Arc<Timeline>>, TimelineError> {
        let installation = self.installation().await?;
        let now = self.clock().now();
        let asked: Vec<Asked> = of.iter().map(|entry| Asked::of(entry)).collect();
        let extents = if spec.range.needs_extent() { self.extents(&asked).await? } else { HashMap::new() };
        // Where nothing stored decides, all events share one window; its bounds are computed once.
        let shared = if spec.range.needs_extent() {
            None
        } else {
            Some(spec.range.resolve(spec.granularity, spec.zone, now, None)?)
        };
        let shared_comparison = shared.as_ref().zip(spec.compare_to).map(|(window, to)| compare(window, to));
        let windows = asked
            .into_iter()
            .map(|asked| {
                let window = match &shared {
                    Some(window) => window.clone(),
                    None => spec.range.resolve(
                        spec.granularity,
                        spec.zone,
                        now,
                        extents.get(&asked.id).copied(),
                    )?,
                };
                Ok((asked, window))
            })
            .collect::<Result<Vec<_>, RangeError>>()?;
        let mut compared = HashMap::new();
        if let Some(comparison) = spec.compare_to {
            let (others, alignments): (Vec<_>, Vec<_>) = windows
                .iter()
                .map(|(asked, window)| {
                    let (other, alignment) =
                        shared_comparison.clone().unwrap_or_else(|| compare(window, comparison));
                    ((asked.clone(), other), alignment)
                })
                .unzip();
            let mut stored = self.series(&others).await?;
            for ((asked, other), alignment) in others.into_iter().zip(alignments) {
                let series = stored.remove(&asked.id).unwrap_or_default().assemble(&other, true);
                compared.insert(asked.id, (other, alignment, series));
            }
        }
        let mut stored = self.series(&windows).await?;
        Ok(windows
            .into_iter()
            .map(|(Asked { id, revision }, window)| {
                let cursor = live::timeline_cursor(
                    &installation.cursors,
                    &id,
                    spec.granularity,
                    spec.zone,
                    revision,
                    now,
                );
                // A trend is over whole buckets, empty ones included.
                let series = stored.remove(&id).unwrap_or_default().assemble(&window, true);
                let mut timeline = timeline(window, series, compared.remove(&id), now, Some(cursor));
                if !spec.fill_gaps {
                    leave_gaps(&mut timeline);
                }
                (id, Arc::new(timeline))
            })
            .collect())
    }

    /// One user's events together; of a user whom the viewer may not see, nothing.
    ///
    /// # Errors
    /// A range that can't be answered, or what the database says.
    pub async fn user_timeline(
        &self,
        viewer: &Viewer,
        user: &UserId,
        spec: &TimelineSpec,
    ) -> Result<Arc<Timeline>, TimelineError> {
        let now = self.clock().now();
        // Nobody's rows have an empty owner that is asked for by name: undescribed events stay out.
        let owner = if viewer.may_see(user) { user.as_str() } else { "" };
        let extent = if spec.range.needs_extent() && !owner.is_empty() {
            self.user_extent(owner).await?
        } else {
            None
        };
        let window = spec.range.resolve(spec.granularity, spec.zone, now, extent)?;
        let compared = match spec.compare_to.map(|comparison| compare(&window, comparison)) {
            Some((other, alignment)) => {
                let series = self.user_series(owner, &other).await?.assemble(&other, true);
                Some((other, alignment, series))
            }
            None => None,
        };
        let series = self.user_series(owner, &window).await?.assemble(&window, true);
        let mut timeline = timeline(window, series, compared, now, None);
        if !spec.fill_gaps {
            leave_gaps(&mut timeline);
        }
        Ok(Arc::new(timeline))
    }

    async fn user_extent(&self, owner: &str) -> Result<Option<Extent>, Error> {
        let (first, last): (Option<NaiveDateTime>, Option<NaiveDateTime>) = sqlx::query_as(
            r#"SELECT min(bounds.first), max(bounds.last) FROM event_stats CROSS JOIN LATERAL (
                   SELECT min("timestamp") AS first, max("timestamp") AS last
                   FROM timeline_data WHERE timeline_data.event_id = event_stats.event_id
               ) AS bounds WHERE event_stats.user_id = $1"#,
        )
        .bind(owner)
        .fetch_one(self.pool())
        .await?;
        Ok(first.zip(last).map(|(first, last)| Extent { first: first.and_utc(), last: last.and_utc() }))
    }

    async fn user_series(&self, owner: &str, window: &Window) -> Result<StoredSeries, Error> {
        if owner.is_empty() || window.is_empty() {
            return Ok(StoredSeries::default());
        }
        let rows: Vec<(Option<NaiveDateTime>, i64, i64, i64, i64)> = sqlx::query_as(USER_SERIES)
            .bind(owner)
            .bind(window.from().naive_utc())
            .bind(window.to().naive_utc())
            .bind(naive(window.boundaries()))
            .fetch_all(self.pool())
            .await?;
        let mut series = StoredSeries::default();
        let mut cumulative = 0;
        for (instant, participants, views, engagement, conversions) in rows {
            cumulative += participants;
            match instant {
                None => series.base = participants,
                Some(instant) => series.rows.push((
                    instant.and_utc(),
                    Counters { participants, views, engagement, conversions },
                    cumulative,
                )),
            }
        }
        Ok(series)
    }

    /// The first and the last stored minute of each of these events that has any.
    async fn extents(&self, of: &[Asked]) -> Result<HashMap<EventId, Extent>, Error> {
        let mut found = HashMap::with_capacity(of.len());
        let mut missing = HashMap::new();
        let keys: Vec<_> = of.iter().map(|asked| cache::extent(&asked.id)).collect();
        for (asked, lookup) in of.iter().zip(self.cache().get_all(&keys).await) {
            match lookup.value.filter(|stored| self.is_current(asked, stored.revision)) {
                Some(stored) => {
                    if let Some((first, last)) = stored.bounds {
                        found.insert(asked.id.clone(), Extent { first, last });
                    }
                }
                None => {
                    missing.insert(asked.id.clone(), (asked.revision, lookup.lease));
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let read = self.read_extents(missing.keys()).await?;
        for (id, (revision, lease)) in missing {
            let extent = read.get(&id).copied();
            let stored = StoredExtent { revision, bounds: extent.map(|extent| (extent.first, extent.last)) };
            self.cache().fill(&cache::extent(&id), lease, &Arc::new(stored)).await;
            if let Some(extent) = extent {
                found.insert(id, extent);
            }
        }
        Ok(found)
    }

    async fn read_extents(
        &self,
        ids: impl Iterator<Item = &EventId>,
    ) -> Result<HashMap<EventId, Extent>, Error> {
        let ids: Vec<&str> = ids.map(EventId::as_str).collect();
        let rows: Vec<(String, NaiveDateTime, NaiveDateTime)> = sqlx::query_as(
            r#"SELECT asked.event_id, bounds.first, bounds.last
               FROM unnest($1::text[]) AS asked (event_id) CROSS JOIN LATERAL (
                   SELECT min("timestamp") AS first, max("timestamp") AS last
                   FROM timeline_data WHERE timeline_data.event_id = asked.event_id
               ) AS bounds WHERE bounds.first IS NOT NULL"#,
        )
        .bind(ids)
        .fetch_all(self.pool())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, first, last)| {
                (EventId::trusted(&id), Extent { first: first.and_utc(), last: last.and_utc() })
            })
            .collect())
    }

    fn is_current(&self, asked: &Asked, revision: Revision) -> bool {
        revision >= asked.revision.max(self.hub().latest(&asked.id))
    }

    /// The stored numbers of each event's window, in one statement.
    pub(super) async fn series(
        &self,
        windows: &[(Asked, Window)],
    ) -> Result<HashMap<EventId, StoredSeries>, Error> {
        let mut found = HashMap::with_capacity(windows.len());
        let windows: Vec<&(Asked, Window)> =
            windows.iter().filter(|(_, window)| !window.is_empty()).collect();
        let keys: Vec<_> = windows.iter().map(|(asked, window)| cache::timeline(&asked.id, window)).collect();
        let mut missing = Vec::new();
        for (((asked, window), key), lookup) in
            windows.into_iter().zip(&keys).zip(self.cache().get_all(&keys).await)
        {
            match lookup.value.filter(|stored| self.is_current(asked, stored.revision)) {
                Some(series) => {
                    found.insert(asked.id.clone(), series.as_ref().clone());
                }
                None => missing.push((asked, window, key, lookup.lease)),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let windows: Vec<(&EventId, &Window)> =
            missing.iter().map(|(asked, window, ..)| (&asked.id, *window)).collect();
        let mut read = self.read_series(&windows).await?;
        for (asked, _, key, lease) in missing {
            let mut series = read.remove(&asked.id).unwrap_or_default();
            series.revision = asked.revision;
            let series = Arc::new(series);
            self.cache().fill(key, lease, &series).await;
            found.insert(asked.id.clone(), series.as_ref().clone());
        }
        Ok(found)
    }

    async fn read_series(
        &self,
        windows: &[(&EventId, &Window)],
    ) -> Result<HashMap<EventId, StoredSeries>, Error> {
        let ids: Vec<&str> = windows.iter().map(|(id, _)| id.as_str()).collect();
        let starts: Vec<NaiveDateTime> =
            windows.iter().map(|(_, window)| window.from().naive_utc()).collect();
        let ends: Vec<NaiveDateTime> = windows.iter().map(|(_, window)| window.to().naive_utc()).collect();
        let (Some((_, first)), Some(from), Some(to)) = (
            windows.first(),
            windows.iter().map(|(_, window)| window.from()).min(),
            windows.iter().map(|(_, window)| window.to()).max(),
        ) else {
            return Ok(HashMap::new());
        };
        let (granularity, zone) = (first.granularity(), first.zone());
        let rows: Vec<SeriesRow> = if granularity == Granularity::Minute {
            sqlx::query_as(MINUTES).bind(ids).bind(starts).bind(ends).fetch_all(self.pool()).await?
        } else {
            let shared;
            let bounds = if first.from() == from && first.to() == to {
                first.boundaries()
            } else {
                // Each window is within its bound; so is a span that many of them share.
                shared = boundaries(granularity, zone, from, to, usize::MAX).unwrap_or_default();
                &shared
            };
            sqlx::query_as(SERIES)
                .bind(ids)
                .bind(starts)
                .bind(ends)
                .bind(naive(bounds))
                .fetch_all(self.pool())
                .await?
        };
        let mut by_event: HashMap<EventId, StoredSeries> = HashMap::with_capacity(windows.len());
        for (id, instant, participants, views, engagement, conversions, cumulative) in rows {
            let series = by_event.entry(EventId::trusted(&id)).or_default();
            match instant {
                None => series.base = i64::from(cumulative),
                Some(instant) => series.rows.push((
                    instant.and_utc(),
                    Counters { participants, views, engagement, conversions },
                    i64::from(cumulative),
                )),
            }
        }
        Ok(by_event)
    }

    /// A window as the database has it now, past every cache, gaps filled.
    pub(crate) async fn series_now(&self, id: &EventId, window: &Window) -> Result<Series, Error> {
        if window.is_empty() {
            return Ok(StoredSeries::default().assemble(window, true));
        }
        Ok(self.read_series(&[(id, window)]).await?.remove(id).unwrap_or_default().assemble(window, true))
    }

    /// The first and the last stored minute as the database has them now.
    pub(crate) async fn extent_now(&self, id: &EventId) -> Result<Option<Extent>, Error> {
        Ok(self.read_extents([id].into_iter()).await?.remove(id))
    }
}

/// Takes the buckets in which nothing happened out, and what stands beside them.
fn leave_gaps(timeline: &mut Timeline) {
    let kept: Vec<bool> =
        timeline.buckets.iter().map(|bucket| bucket.counters != Counters::default()).collect();
    let mut keep = kept.iter().copied();
    timeline.buckets.retain(|_| keep.next().unwrap_or(true));
    if let Some(comparison) = &mut timeline.comparison {
        let mut keep = kept.iter().copied();
        comparison.buckets.retain(|_| keep.next().unwrap_or(true));
    }
}
