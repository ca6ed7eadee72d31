//! What the database says in the end.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, NaiveDateTime, TimeDelta, Utc};
use sea_orm::sqlx::{self, PgPool};

#[derive(Debug)]
struct Event {
    user: String,
    participants: i64,
    revision: i64,
}

/// The tables, as far as charts show them.
#[derive(Debug)]
pub(super) struct Truth {
    events: BTreeMap<String, Event>,
    channels: BTreeMap<(String, String), i64>,
    minutes: BTreeMap<(String, DateTime<Utc>), i64>,
}

impl Truth {
    pub(super) async fn read(database: &PgPool) -> Self {
        let events: Vec<(String, String, i32, i64)> =
            sqlx::query_as("SELECT event_id, user_id, total_participants, revision FROM event_stats")
                .fetch_all(database)
                .await
                .unwrap();
        let channels: Vec<(String, String, i32)> =
            sqlx::query_as("SELECT event_id, channel_name, participants FROM channel_stats")
                .fetch_all(database)
                .await
                .unwrap();
        let minutes: Vec<(String, NaiveDateTime, i32)> =
            sqlx::query_as("SELECT event_id, timestamp, participants FROM timeline_data")
                .fetch_all(database)
                .await
                .unwrap();
        Self {
            events: events
                .into_iter()
                .map(|(event, user, participants, revision)| {
                    (event, Event { user, participants: participants.into(), revision })
                })
                .collect(),
            channels: channels
                .into_iter()
                .map(|(event, channel, participants)| ((event, channel), participants.into()))
                .collect(),
            minutes: minutes
                .into_iter()
                .map(|(event, minute, participants)| ((event, minute.and_utc()), participants.into()))
                .collect(),
        }
    }

    /// Participants and cumulative participants of the buckets that have some.
    pub(super) fn timeline(&self, event: &str, granularity: &str) -> BTreeMap<DateTime<Utc>, (i64, i64)> {
        let width = if granularity == "HOUR" { TimeDelta::hours(1) } else { TimeDelta::minutes(1) };
        let mut buckets: BTreeMap<DateTime<Utc>, (i64, i64)> = BTreeMap::new();
        let mut cumulative = 0;
        for ((_, minute), participants) in self.minutes.iter().filter(|((known, _), _)| known == event) {
            cumulative += participants;
            let bucket = buckets.entry(minute.duration_trunc(width).unwrap()).or_default();
            *bucket = (bucket.0 + participants, cumulative);
        }
        buckets
    }

    pub(super) fn participants(&self, event: &str) -> i64 {
        self.events[event].participants
    }

    pub(super) fn revision(&self, event: &str) -> i64 {
        self.events[event].revision
    }

    pub(super) fn channels(&self, event: &str) -> BTreeMap<String, i64> {
        let own = self.channels.iter().filter(|((known, _), _)| known == event);
        own.map(|((_, channel), participants)| (channel.clone(), *participants)).collect()
    }

    /// Participants of the user's events.
    pub(super) fn of_user(&self, user: &str) -> BTreeMap<String, i64> {
        let own = self.events.iter().filter(|(_, event)| event.user == user);
        own.map(|(id, event)| (id.clone(), event.participants)).collect()
    }

    pub(super) fn total(&self) -> i64 {
        self.events.values().map(|event| event.participants).sum()
    }
}
