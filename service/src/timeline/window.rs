use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::Granularity;

/// The buckets that an answer is about: neighbouring ones, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    granularity: Granularity,
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    boundaries: Arc<[DateTime<Utc>]>,
}

impl Window {
    /// The window of those bounds: strictly rising bucket bounds of the zone, at least one.
    pub(super) fn new(granularity: Granularity, zone: Tz, boundaries: Vec<DateTime<Utc>>) -> Self {
        let from = boundaries.first().copied().unwrap_or_default();
        let to = boundaries.last().copied().unwrap_or_default();
        Self { granularity, zone, from, to, boundaries: boundaries.into() }
    }

    /// The window of no buckets at a bucket's start.
    pub(super) fn empty(granularity: Granularity, zone: Tz, at: DateTime<Utc>) -> Self {
        Self::new(granularity, zone, vec![at])
    }

    /// The width of its buckets.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The zone whose clock the buckets follow.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// The first instant of the first bucket.
    #[must_use]
    pub const fn from(&self) -> DateTime<Utc> {
        self.from
    }

    /// The first instant after the last bucket; [`Window::from`] where there is none.
    #[must_use]
    pub const fn to(&self) -> DateTime<Utc> {
        self.to
    }

    /// The bounds of the buckets, strictly rising, one more than there are buckets.
    #[must_use]
    pub fn boundaries(&self) -> &[DateTime<Utc>] {
        &self.boundaries
    }

    /// How many buckets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.boundaries.len().saturating_sub(1)
    }

    /// Whether there is no bucket.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buckets in order, each with its first instant and the first one after it.
    pub fn buckets(&self) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        self.boundaries.iter().copied().zip(self.boundaries.iter().copied().skip(1))
    }

    /// The bucket that holds the instant.
    #[must_use]
    pub fn index_of(&self, instant: DateTime<Utc>) -> Option<usize> {
        let after = self.boundaries.partition_point(|bound| *bound <= instant);
        if after == self.boundaries.len() { None } else { after.checked_sub(1) }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_instant_belongs_to_the_bucket_that_it_begins() {
        let bounds = vec![at("2026-01-05T00:00:00Z"), at("2026-01-05T01:00:00Z"), at("2026-01-05T02:00:00Z")];
        let window = Window::new(Granularity::Hour, UTC, bounds);
        assert_eq!(window.index_of(at("2026-01-04T23:59:59Z")), None);
        assert_eq!(window.index_of(at("2026-01-05T00:00:00Z")), Some(0));
        assert_eq!(window.index_of(at("2026-01-05T00:59:59.999Z")), Some(0));
        assert_eq!(window.index_of(at("2026-01-05T01:00:00Z")), Some(1));
        assert_eq!(window.index_of(at("2026-01-05T02:00:00Z")), None);
    }

    #[test]
    fn an_empty_window_holds_nothing() {
        let window = Window::empty(Granularity::Hour, UTC, at("2026-01-05T00:00:00Z"));
        assert!(window.is_empty());
        assert_eq!((window.from(), window.to()), (at("2026-01-05T00:00:00Z"), at("2026-01-05T00:00:00Z")));
        assert_eq!(window.index_of(at("2026-01-05T00:00:00Z")), None);
    }
}
