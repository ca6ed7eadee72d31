use super::Window;
use crate::domain::{Bucket, Counters};

/// What is stored about one bucket of a window, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRow {
    /// The bucket's place in the window, from 0.
    pub index: usize,
    /// What happened within it.
    pub counters: Counters,
    /// People registered up to and including it.
    pub cumulative_participants: i64,
}

/// The buckets of a window with their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The buckets in order: all of the window's, or those with something in them.
    pub buckets: Vec<Bucket>,
    /// The sums over the window.
    pub totals: Counters,
}

impl Series {
    /// Lays the rows, which come in order of their buckets and at most one for each, into the window. With `fill_gaps`
    /// a bucket without a row is there too, with nothing in it and the cumulative count of the bucket before it; `base`
    /// is that of the instant at which the window begins. Rows outside the window are left out.
    #[must_use]
    pub fn assemble(window: &Window, rows: &[BucketRow], base: i64, fill_gaps: bool) -> Self {
        let mut totals = Counters::default();
        let mut buckets = Vec::with_capacity(if fill_gaps { window.len() } else { rows.len() });
        let mut cumulative = base;
        let mut rows = rows.iter().peekable();
        for (index, (start, end)) in window.buckets().enumerate() {
            let row = rows.next_if(|row| row.index == index);
            if let Some(row) = row {
                totals += row.counters;
                cumulative = row.cumulative_participants;
            } else if !fill_gaps {
                continue;
            }
            let counters = row.map(|row| row.counters).unwrap_or_default();
            buckets.push(Bucket { start, end, counters, cumulative_participants: cumulative });
        }
        Self { buckets, totals }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;
    use crate::{domain::Granularity, timeline::RangeInput};

    fn window() -> Window {
        RangeInput {
            last: None,
            from: "2026-01-05T00:00:00Z".parse().ok(),
            to: "2026-01-05T05:00:00Z".parse().ok(),
        }
        .resolve(Granularity::Hour, UTC, chrono::DateTime::UNIX_EPOCH, None)
        .unwrap()
    }

    fn row(index: usize, participants: i64, cumulative_participants: i64) -> BucketRow {
        BucketRow {
            index,
            counters: Counters { participants, views: 1, ..Counters::default() },
            cumulative_participants,
        }
    }

    fn shown(series: &Series) -> Vec<(String, i64, i64)> {
        series
            .buckets
            .iter()
            .map(|bucket| {
                assert_eq!((bucket.end - bucket.start).num_hours(), 1);
                (
                    bucket.start.format("%H").to_string(),
                    bucket.counters.participants,
                    bucket.cumulative_participants,
                )
            })
            .collect()
    }

    #[test]
    fn gaps_carry_the_cumulative_count() {
        let series = Series::assemble(&window(), &[row(1, 3, 10), row(3, 2, 12)], 7, true);
        let expected = [("00", 0, 7), ("01", 3, 10), ("02", 0, 10), ("03", 2, 12), ("04", 0, 12)];
        assert_eq!(shown(&series), expected.map(|(hour, count, sum)| (hour.to_owned(), count, sum)));
        assert_eq!(series.totals, Counters { participants: 5, views: 2, ..Counters::default() });
    }

    #[test]
    fn without_filling_only_what_is_stored_is_there() {
        let series = Series::assemble(&window(), &[row(1, 3, 10), row(3, 2, 12)], 7, false);
        assert_eq!(shown(&series), [("01".to_owned(), 3, 10), ("03".to_owned(), 2, 12)]);
        assert_eq!(series.totals.participants, 5);
    }

    #[test]
    fn rows_outside_the_window_do_not_count() {
        let series = Series::assemble(&window(), &[row(4, 1, 1), row(5, 9, 10)], 0, true);
        assert_eq!(series.buckets.len(), 5);
        assert_eq!(series.totals.participants, 1);
    }
}
