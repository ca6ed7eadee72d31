//! A window's numbers as the tables hold them.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Service, cache,
    domain::{Counters, EventId, Granularity, Revision},
    read::{EventEntry, columns::Columns, value::Elements},
    readers::{KeyedRead, Readers},
    timeline::{BucketRow, Series, Window, boundaries},
};

/// Some instant of a bucket, its counters, the cumulative count after it.
pub(super) type StoredBucket = (DateTime<Utc>, Counters, i64);

/// A window's numbers as they are stored, before gaps are filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSeries {
    /// The event's revision when the numbers were read; 0 for several events together.
    pub(in crate::read) revision: Revision,
    /// The cumulative count at the window's first instant.
    base: i64,
    /// Of each bucket with numbers.
    rows: Arc<[StoredBucket]>,
}

/// An event, and the revision that an answer about it must not fall behind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::read) struct Asked {
    pub(in crate::read) id: EventId,
    pub(in crate::read) revision: Revision,
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
        let revision: Option<Revision> = columns.next()?;
        let base: Option<i32> = columns.next()?;
        let mut instants: Elements<'_, NaiveDateTime> = columns.next()?;
        let mut counts: [Elements<'_, i64>; 4] =
            [columns.next()?, columns.next()?, columns.next()?, columns.next()?];
        let mut cumulative: Elements<'_, i32> = columns.next()?;
        let mut rows = Vec::with_capacity(cumulative.left());
        while cumulative.left() > 0 {
            let [participants, views, engagement, conversions] = &mut counts;
            let counters = Counters {
                participants: participants.next()?,
                views: views.next()?,
                engagement: engagement.next()?,
                conversions: conversions.next()?,
            };
            rows.push((instants.next()?.and_utc(), counters, cumulative.next()?.into()));
        }
        // The database puts them together as it finds them.
        rows.sort_unstable_by_key(|(instant, ..)| *instant);
        let (revision, base) = (revision.unwrap_or_default(), base.unwrap_or_default().into());
        Ok(Self { revision, base, rows: rows.into() })
    }

    /// Adds participants who registered in these minutes.
    pub(in crate::read) fn add(
        &mut self,
        window: &Window,
        minutes: impl IntoIterator<Item = (DateTime<Utc>, i64)>,
    ) {
        let mut rows = self.rows.to_vec();
        for (minute, count) in minutes.into_iter().filter(|(minute, _)| *minute < window.to()) {
            let bounds = window.index_of(minute).and_then(|index| window.boundaries().get(index..index + 2));
            let first_raised = if let Some([start, end]) = bounds {
                let place = rows.partition_point(|(instant, ..)| instant < start);
                let before = place.checked_sub(1).and_then(|place| rows.get(place));
                let cumulative = before.map_or(self.base, |(_, _, cumulative)| *cumulative);
                if let Some((_, counters, _)) = rows.get_mut(place).filter(|(instant, ..)| instant < end) {
                    counters.participants += count;
                } else {
                    let counters = Counters { participants: count, ..Counters::default() };
                    rows.insert(place, (minute, counters, cumulative));
                }
                place
            } else {
                self.base += count;
                0
            };
            rows.iter_mut().skip(first_raised).for_each(|(_, _, cumulative)| *cumulative += count);
        }
        self.rows = rows.into();
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

/// The numbers of each event's window, one row for each event: sending and reading a row for each bucket takes longer than
/// finding them.
macro_rules! series {
    ($buckets:literal) => {
        concat!(
            r#"
SELECT asked.event_id, (SELECT revision FROM event_stats WHERE event_stats.event_id = asked.event_id),
       before.cumulative, found.*
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[]) AS asked (event_id, starts, ends)
LEFT JOIN LATERAL (
    SELECT cumulative_participants AS cumulative FROM timeline_data
    WHERE event_id = asked.event_id AND "timestamp" < asked.starts
    ORDER BY "timestamp" DESC LIMIT 1
) AS before ON true
CROSS JOIN LATERAL (
    SELECT array_agg(instant), array_agg(participants), array_agg(views), array_agg(engagement), array_agg(conversions),
           array_agg(cumulative)
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
        .enumerate()
        .map(|(index, row)| {
            let columns = &mut Columns::from(row, 0, index > 0);
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
    pub(super) fn is_current(&self, asked: &Asked, revision: Revision) -> bool {
        revision >= asked.revision.max(self.hub().latest(&asked.id))
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
        let carry = |place: usize, former: &StoredSeries| {
            let (asked, window) = windows.get(place)?;
            self.carry_series(asked, window, former)
        };
        let lookups = self.cache().get_all_or_carry(&keys, carry).await;
        for (((asked, window), key), lookup) in windows.iter().zip(&keys).zip(lookups) {
            match lookup.value.filter(|stored| self.is_current(asked, stored.revision)) {
                Some(series) => {
                    found.insert(asked.id.clone(), StoredSeries::clone(&series));
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
            let series = Arc::new(read.remove(&asked.id).unwrap_or_default());
            self.cache().fill(key, lease, &series).await;
            found.insert(asked.id.clone(), StoredSeries::clone(&series));
        }
        Ok(found)
    }

    /// The same where this process holds all of it, without waiting for anything.
    pub(super) fn held_series(&self, windows: &[(Asked, Window)]) -> Option<HashMap<EventId, StoredSeries>> {
        let windows = windows.iter().filter(|(_, window)| !window.is_empty());
        let held = |(asked, window): &(Asked, Window)| {
            let carry = |former: &StoredSeries| self.carry_series(asked, window, former);
            let series = self.cache().held(&cache::timeline(&asked.id, window), carry)?;
            let entry = || (asked.id.clone(), StoredSeries::clone(&series));
            self.is_current(asked, series.revision).then(entry)
        };
        windows.map(held).collect()
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
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;
    use proptest::prelude::*;

    use super::*;
    use crate::timeline::RangeInput;

    fn minute(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(60 * number, 0).unwrap()
    }

    /// What the database says of minutes and how many registered in each.
    fn read(window: &Window, minutes: &[(i64, i64)]) -> StoredSeries {
        let before =
            |end| minutes.iter().filter(move |(at, _)| minute(*at) < end).map(|(_, count)| count).sum();
        let mut rows = Vec::new();
        for (start, end) in window.buckets() {
            let within = || minutes.iter().filter(|(at, _)| (start..end).contains(&minute(*at)));
            if let Some(first) = within().map(|(at, _)| *at).min() {
                let participants = within().map(|(_, count)| count).sum();
                let counters = Counters { participants, ..Counters::default() };
                rows.push((minute(first), counters, before(end)));
            }
        }
        StoredSeries { revision: 1, base: before(window.from()), rows: rows.into() }
    }

    proptest! {
        #[test]
        fn adding_later_is_as_good_as_having_read_it(
            stored in prop::collection::vec((-200_i64..500, 1_i64..5), 0..12),
            added in prop::collection::vec(prop::collection::vec((-200_i64..500, 1_i64..5), 0..5), 0..4),
            granularity in prop::sample::select(vec![Granularity::Hour, Granularity::Minute]),
        ) {
            let range = RangeInput { last: None, from: Some(minute(0)), to: Some(minute(300)) };
            let window = range.resolve(granularity, UTC, minute(1_000), None).unwrap();
            let mut series = read(&window, &stored);
            let mut all = stored;
            for minutes in added {
                series.add(&window, minutes.iter().map(|(at, count)| (minute(*at), *count)));
                all.extend(minutes);
            }
            prop_assert_eq!(series.assemble(&window, true), read(&window, &all).assemble(&window, true));
            prop_assert_eq!(series.base, read(&window, &all).base);
        }
    }
}
