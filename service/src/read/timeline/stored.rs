//! A window's numbers as the tables hold them.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Service, cache,
    domain::{Counters, EventId, Granularity, Revision},
    read::{EventEntry, columns::Columns},
    readers::{KeyedRead, Readers},
    timeline::{BucketRow, Extent, Series, Window, boundaries},
};

/// Some instant of a bucket, its counters, the cumulative count after it.
pub(super) type StoredBucket = (DateTime<Utc>, Counters, i64);

/// A window's numbers as they are stored, before gaps are filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSeries {
    /// The event's revision before the numbers were read: they are at least as new.
    revision: Revision,
    /// The cumulative count at the window's first instant.
    base: i64,
    /// Of each bucket with numbers.
    rows: Arc<[StoredBucket]>,
}

/// What an event has stored, and the revision before that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredExtent {
    revision: Revision,
    bounds: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// An event, and the revision that an answer about it must not fall behind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::read) struct Asked {
    pub(super) id: EventId,
    pub(super) revision: Revision,
}

impl Asked {
    pub(in crate::read) fn of(entry: &EventEntry) -> Self {
        Self { id: entry.event.event_id.clone(), revision: entry.event.revision }
    }
}

impl StoredSeries {
    /// Of several events together, which have no revision.
    pub(super) fn summed(base: i64, rows: Vec<StoredBucket>) -> Self {
        Self { revision: 0, base, rows: rows.into() }
    }

    /// Reads what stands in a row behind the event's id.
    fn read(columns: &mut Columns<'_>) -> Result<Self, Error> {
        let base: Option<i32> = columns.next()?;
        let instants: Vec<NaiveDateTime> = columns.next()?;
        let (participants, views): (Vec<i64>, Vec<i64>) = (columns.next()?, columns.next()?);
        let (engagement, conversions): (Vec<i64>, Vec<i64>) = (columns.next()?, columns.next()?);
        let cumulative: Vec<i32> = columns.next()?;
        let counters = zipped(participants, views, engagement, conversions);
        let rows = instants.into_iter().zip(counters).zip(cumulative);
        let rows = rows.map(|((instant, counters), count)| (instant.and_utc(), counters, count.into()));
        let mut rows: Vec<_> = rows.collect();
        // The database puts them together as it finds them.
        rows.sort_unstable_by_key(|(instant, ..)| *instant);
        Ok(Self { revision: 0, base: base.unwrap_or_default().into(), rows: rows.into() })
    }

    pub(in crate::read) fn assemble(&self, window: &Window, fill_gaps: bool) -> Series {
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

fn zipped(
    participants: Vec<i64>,
    views: Vec<i64>,
    engagement: Vec<i64>,
    conversions: Vec<i64>,
) -> impl Iterator<Item = Counters> {
    let pairs = participants.into_iter().zip(views).zip(engagement.into_iter().zip(conversions));
    pairs.map(|((participants, views), (engagement, conversions))| Counters {
        participants,
        views,
        engagement,
        conversions,
    })
}

/// The numbers of each event's window, one row for each event: sending and reading a row for each bucket takes longer than
/// finding them.
macro_rules! series {
    ($buckets:literal) => {
        concat!(
            r#"
SELECT asked.event_id, before.cumulative, found.*
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[]) AS asked (event_id, starts, ends)
LEFT JOIN LATERAL (
    SELECT cumulative_participants AS cumulative FROM timeline_data
    WHERE event_id = asked.event_id AND "timestamp" < asked.starts
    ORDER BY "timestamp" DESC LIMIT 1
) AS before ON true
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(instant), '{}'), coalesce(array_agg(participants), '{}'), coalesce(array_agg(views), '{}'),
           coalesce(array_agg(engagement), '{}'), coalesce(array_agg(conversions), '{}'),
           coalesce(array_agg(cumulative), '{}')
    FROM ("#,
            $buckets,
            ") AS buckets) AS found"
        )
    };
}

/// Sums per bucket. The bounds are those of all windows together: windows of one granularity and zone share them.
const SERIES: &str = series!(
    r#"SELECT min("timestamp") AS instant, sum(participants) AS participants, sum(views) AS views,
           sum(engagement) AS engagement, sum(conversions) AS conversions, max(cumulative_participants) AS cumulative
    FROM timeline_data
    WHERE event_id = asked.event_id AND "timestamp" >= asked.starts AND "timestamp" < asked.ends
    GROUP BY width_bucket("timestamp", $4::timestamp[])"#
);

/// Where a bucket is a row.
const MINUTES: &str = series!(
    r#"SELECT "timestamp" AS instant, participants::bigint, views::bigint, engagement::bigint, conversions::bigint,
           cumulative_participants AS cumulative
    FROM timeline_data
    WHERE event_id = asked.event_id AND "timestamp" >= asked.starts AND "timestamp" < asked.ends"#
);

/// Looks up the first and the last stored minute of events; one without any is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadExtents;

impl KeyedRead for ReadExtents {
    type Key = EventId;
    type Value = Extent;

    fn most(&self) -> usize {
        16
    }

    async fn read(&self, readers: &Readers, ids: Vec<EventId>) -> Result<HashMap<EventId, Extent>, Error> {
        const EXTENTS: &str = r#"
SELECT asked.event_id, bounds.first, bounds.last
FROM unnest($1::text[]) AS asked (event_id) CROSS JOIN LATERAL (
    SELECT min("timestamp") AS first, max("timestamp") AS last
    FROM timeline_data WHERE timeline_data.event_id = asked.event_id
) AS bounds WHERE bounds.first IS NOT NULL"#;
        let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
        let rows: Vec<(String, NaiveDateTime, NaiveDateTime)> =
            readers.all(|| sqlx::query(EXTENTS).bind(&ids)).await?;
        let extents = rows.into_iter().map(|(id, first, last)| {
            (EventId::trusted(&id), Extent { first: first.and_utc(), last: last.and_utc() })
        });
        Ok(extents.collect())
    }
}

/// Looks up the numbers that events have in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadSeries(Window);

impl KeyedRead for ReadSeries {
    type Key = EventId;
    type Value = StoredSeries;

    fn most(&self) -> usize {
        const BUCKETS: usize = 1_024;
        (BUCKETS / self.0.len().max(1)).clamp(1, 8)
    }

    async fn read(
        &self,
        readers: &Readers,
        ids: Vec<EventId>,
    ) -> Result<HashMap<EventId, StoredSeries>, Error> {
        let windows: Vec<_> = ids.iter().map(|id| (id, &self.0)).collect();
        in_one_statement(readers, &windows).await
    }
}

/// The numbers of each event's window.
async fn in_one_statement(
    readers: &Readers,
    windows: &[(&EventId, &Window)],
) -> Result<HashMap<EventId, StoredSeries>, Error> {
    let ids: Vec<&str> = windows.iter().map(|(id, _)| id.as_str()).collect();
    let starts: Vec<NaiveDateTime> = windows.iter().map(|(_, window)| window.from().naive_utc()).collect();
    let ends: Vec<NaiveDateTime> = windows.iter().map(|(_, window)| window.to().naive_utc()).collect();
    let Some((_, first)) = windows.first() else { return Ok(HashMap::new()) };
    let rows = if first.granularity() == Granularity::Minute {
        readers.rows(|| sqlx::query(MINUTES).bind(&ids).bind(&starts).bind(&ends)).await?
    } else {
        let windows: Vec<&Window> = windows.iter().map(|(_, window)| *window).collect();
        let bounds = naive(&bounds(&windows));
        readers.rows(|| sqlx::query(SERIES).bind(&ids).bind(&starts).bind(&ends).bind(&bounds)).await?
    };
    rows.iter()
        .map(|row| {
            let columns = &mut Columns::from(row, 0);
            Ok((EventId::trusted(columns.next()?), StoredSeries::read(columns)?))
        })
        .collect()
}

pub(super) fn naive(instants: &[DateTime<Utc>]) -> Vec<NaiveDateTime> {
    instants.iter().map(DateTime::naive_utc).collect()
}

/// The bounds of all these windows together, which are of one granularity and zone.
pub(super) fn bounds<'a>(windows: &[&'a Window]) -> Cow<'a, [DateTime<Utc>]> {
    let from = windows.iter().map(|window| window.from()).min();
    let to = windows.iter().map(|window| window.to()).max();
    let (Some(first), Some(from), Some(to)) = (windows.first(), from, to) else { return Cow::default() };
    if first.from() == from && first.to() == to {
        Cow::Borrowed(first.boundaries())
    } else {
        // Each window is within its limit; so is a span that many of them share.
        Cow::Owned(boundaries(first.granularity(), first.zone(), from, to, usize::MAX).unwrap_or_default())
    }
}

impl Service {
    /// The first and the last stored minute of each of these events that has any.
    pub(super) async fn extents(&self, of: &[Asked]) -> Result<HashMap<EventId, Extent>, Error> {
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
        let read = self.gathers().extents.ask(&ReadExtents, missing.keys().cloned().collect()).await?;
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

    fn is_current(&self, asked: &Asked, revision: Revision) -> bool {
        revision >= asked.revision.max(self.hub().latest(&asked.id))
    }

    /// The numbers of a window that no later commit has changed: while an event runs, most windows lie behind what
    /// changes.
    fn untouched(
        &self,
        asked: &Asked,
        window: &Window,
        key: &cache::Key<StoredSeries>,
    ) -> Option<Arc<StoredSeries>> {
        let former = self.cache().former(key)?;
        let revision = asked.revision.max(self.hub().latest(&asked.id));
        let is_same = self.hub().is_same_before(&asked.id, window.to(), former.revision, revision);
        is_same.then(|| Arc::new(StoredSeries { revision, ..StoredSeries::clone(&former) }))
    }

    /// The stored numbers of each event's window, in one statement.
    pub(in crate::read) async fn series(
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
                    found.insert(asked.id.clone(), StoredSeries::clone(&series));
                }
                None => match self.untouched(asked, window, key) {
                    Some(series) => {
                        self.cache().fill(key, lookup.lease, &series).await;
                        found.insert(asked.id.clone(), StoredSeries::clone(&series));
                    }
                    None => missing.push((asked, window, key, lookup.lease)),
                },
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let windows: Vec<(&EventId, &Window)> =
            missing.iter().map(|(asked, window, ..)| (&asked.id, *window)).collect();
        let mut read = self.read_series(&windows).await?;
        for (asked, _, key, lease) in missing {
            let series = read.remove(&asked.id).unwrap_or_default();
            let series = Arc::new(StoredSeries { revision: asked.revision, ..series });
            self.cache().fill(key, lease, &series).await;
            found.insert(asked.id.clone(), StoredSeries::clone(&series));
        }
        Ok(found)
    }

    async fn read_series(
        &self,
        windows: &[(&EventId, &Window)],
    ) -> Result<HashMap<EventId, StoredSeries>, Error> {
        let Some((_, first)) = windows.first() else { return Ok(HashMap::new()) };
        if windows.iter().any(|(_, window)| window != first) {
            // Windows of what is stored: others hardly ask for the same ones.
            return in_one_statement(self.readers(), windows).await;
        }
        let ids = windows.iter().map(|(id, _)| EventId::clone(id)).collect();
        self.gathers().series.ask(&ReadSeries(Window::clone(first)), ids).await
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
        Ok(self.gathers().extents.ask(&ReadExtents, vec![id.clone()]).await?.remove(id))
    }
}
