use std::fmt;

use serde::{Deserialize, Serialize};

/// The width of a timeline's bucket. Days, weeks (from Monday) and months are calendar units of a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Granularity {
    /// One minute, the width that is stored.
    Minute,
    /// One hour of the zone's clock; an hour that a clock change repeats is two buckets.
    Hour,
    /// One day of the zone, 23 to 25 hours long.
    Day,
    /// Monday to Sunday.
    Week,
    /// One calendar month.
    Month,
}

impl Granularity {
    /// From the finest to the coarsest.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The name as in GraphQL and in cache keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "MINUTE",
            Self::Hour => "HOUR",
            Self::Day => "DAY",
            Self::Week => "WEEK",
            Self::Month => "MONTH",
        }
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
