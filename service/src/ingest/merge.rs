use std::{iter::Sum, ops::Add};

use rust_decimal::Decimal;

use crate::channel_api::Reading;

/// Of the counters of a reading, those that the timeline shows the growth of: views, conversions, likes, comments, shares.
pub(super) const LAST: [usize; 5] = [1, 3, 4, 5, 6];
const TOTAL_CALLS: usize = 7;
const COMPLETED_CALLS: usize = 8;

/// A channel as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// In the order of a reading's.
    pub counters: [i32; 9],
    /// What the last readings said of the counters in [`LAST`].
    pub last: [Option<i32>; 5],
    pub average_duration: i32,
    pub distribution_cost: Decimal,
    /// Whether nothing newer than the reading says how long calls are.
    pub takes_duration: bool,
    /// Whether nothing newer than the reading says what the channel costs.
    pub takes_cost: bool,
}

/// What a reading makes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    pub counters: [i32; 9],
    /// What to remember of this reading; `None`: what is known.
    pub last: [Option<i32>; 5],
    /// Where the reading decides it.
    pub average_duration: Option<i32>,
    /// Where the reading decides it.
    pub distribution_cost: Option<Decimal>,
    pub growth: Growth,
    /// Whether it changes any number.
    pub is_change: bool,
    /// The places of counters that it says less of than is stored.
    pub kept_out: Vec<usize>,
}

impl Merged {
    /// Whether there is anything to write.
    pub(super) const fn has_effect(&self) -> bool {
        self.is_change || self.average_duration.is_some() || self.distribution_cost.is_some()
    }
}

/// What a reading adds to a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth {
    pub views: i64,
    pub engagement: i64,
    pub conversions: i64,
}

impl Add for Growth {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            views: self.views + other.views,
            engagement: self.engagement + other.engagement,
            conversions: self.conversions + other.conversions,
        }
    }
}

impl Sum for Growth {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

/// Puts a reading over what is stored. A counter that was never read before grows from what is stored: that is a starting
/// value, which has no time of its own.
///
/// # Errors
/// What the reading says, where together with what is stored it makes no sense.
pub(super) fn merge(stored: &Stored, reading: &Reading) -> Result<Merged, &'static str> {
    let mut merged = Merged { counters: stored.counters, ..Merged::default() };
    for (counter, sent) in reading.counters.iter().enumerate() {
        let Some(sent) = *sent else { continue };
        let value = stored.counters[counter];
        let place = LAST.iter().position(|place| *place == counter);
        let before = place.map(|place| stored.last[place].unwrap_or(value));
        if sent < value {
            merged.kept_out.push(counter);
            if let Some(place) = place {
                merged.last[place] = before;
            }
            continue;
        }
        merged.counters[counter] = sent;
        merged.is_change |= sent > value;
        if let (Some(place), Some(before)) = (place, before) {
            merged.last[place] = Some(sent);
            let growth = i64::from(sent) - i64::from(before);
            match counter {
                1 => merged.growth.views += growth,
                3 => merged.growth.conversions += growth,
                _ => merged.growth.engagement += growth,
            }
        }
    }
    if merged.counters[COMPLETED_CALLS] > merged.counters[TOTAL_CALLS] {
        return Err("more completed calls than calls");
    }
    merged.average_duration = reading.average_duration.filter(|_| stored.takes_duration);
    merged.distribution_cost = reading.distribution_cost.filter(|_| stored.takes_cost);
    merged.is_change |= merged.average_duration.is_some_and(|value| value != stored.average_duration)
        || merged.distribution_cost.is_some_and(|value| value != stored.distribution_cost);
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(views: i32, last: Option<i32>) -> Stored {
        let mut counters = [0; 9];
        counters[1] = views;
        Stored {
            counters,
            last: [last, None, None, None, None],
            average_duration: 40,
            distribution_cost: Decimal::new(500, 2),
            takes_duration: true,
            takes_cost: true,
        }
    }

    fn reading(counters: &[(usize, i32)]) -> Reading {
        let mut reading = Reading::default();
        for (counter, value) in counters {
            reading.counters[*counter] = Some(*value);
        }
        reading
    }

    /// The stored views, the growth and what is remembered after a reading of views.
    fn views(views: i32, last: Option<i32>, sent: i32) -> (i32, i64, Option<i32>, bool) {
        let merged = merge(&stored(views, last), &reading(&[(1, sent)])).unwrap();
        (merged.counters[1], merged.growth.views, merged.last[0], !merged.kept_out.is_empty())
    }

    #[test]
    fn growth_is_what_lies_beyond_the_last_reading() {
        assert_eq!(
            views(100, None, 150),
            (150, 50, Some(150), false),
            "the first goes on from the starting value"
        );
        assert_eq!(views(150, Some(150), 180), (180, 30, Some(180), false));
        assert_eq!(
            views(200, Some(150), 210),
            (210, 60, Some(210), false),
            "a message has raised it meanwhile"
        );
        assert_eq!(views(210, Some(210), 210), (210, 0, Some(210), false));
    }

    #[test]
    fn what_is_lower_is_kept_out() {
        assert_eq!(views(200, Some(150), 180), (200, 0, Some(150), true));
        assert_eq!(views(200, None, 180), (200, 0, Some(200), true), "it begins at the starting value");
    }

    #[test]
    fn engagement_is_the_sum_of_its_parts() {
        let merged = merge(&stored(0, None), &reading(&[(4, 5), (5, 2), (6, 1), (3, 7), (0, 1000)])).unwrap();
        assert_eq!(merged.growth, Growth { views: 0, engagement: 8, conversions: 7 });
        assert_eq!(merged.last, [None, Some(7), Some(5), Some(2), Some(1)]);
    }

    #[test]
    fn completed_calls_never_pass_the_stored_calls() {
        assert!(merge(&stored(0, None), &reading(&[(8, 1)])).is_err());
        assert!(merge(&stored(0, None), &reading(&[(7, 1), (8, 1)])).is_ok());
    }

    #[test]
    fn the_cost_is_that_of_the_newest() {
        let newer = Reading { distribution_cost: Some(Decimal::new(300, 2)), ..Reading::default() };
        let merged = merge(&stored(0, None), &newer).unwrap();
        assert_eq!((merged.distribution_cost, merged.is_change), (newer.distribution_cost, true));
        let older = Stored { takes_cost: false, ..stored(0, None) };
        let merged = merge(&older, &newer).unwrap();
        assert_eq!((merged.distribution_cost, merged.is_change, merged.has_effect()), (None, false, false));
    }
}
