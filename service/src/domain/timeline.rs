use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is counted over time. Sums over many events pass 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// People registered.
    pub participants: i64,
    /// Views.
    pub views: i64,
    /// Likes, comments and shares.
    pub engagement: i64,
    /// Conversions.
    pub conversions: i64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.participants += other.participants;
        self.views += other.views;
        self.engagement += other.engagement;
        self.conversions += other.conversions;
    }
}

/// One bucket of a timeline: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its first instant.
    pub start: DateTime<Utc>,
    /// The first instant after it.
    pub end: DateTime<Utc>,
    /// What happened within it.
    pub counters: Counters,
    /// People registered up to and including it.
    pub cumulative_participants: i64,
}
