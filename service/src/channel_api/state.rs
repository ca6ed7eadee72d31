//! What processes tell each other of their breakers: whoever called an API last says what it thinks of it. So a gateway
//! that calls none itself shows a true state, too.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx;
use tokio::{sync::Mutex, time::Instant};

use super::Breakers;
use crate::{
    Error, Service,
    domain::{BreakerState, ChannelType},
};

impl Breakers {
    /// How long what is told of breakers may be passed on.
    pub const MAX_AGE: Duration = Duration::from_secs(2);
}

/// What was read last. It is read anew when somebody says that it has changed; while nobody can be heard, after a while.
/// One reads at a time.
#[derive(Default)]
pub(crate) struct Known {
    copy: Mutex<Copy>,
    /// Counts the reasons to doubt what was read.
    doubts: AtomicU64,
}

#[derive(Default)]
struct Copy {
    /// When, and how many doubts there were before.
    read: Option<(Instant, u64)>,
    /// Whether the database answered.
    is_sure: bool,
    told: [Option<Told>; 3],
}

impl Known {
    /// What was read may be another now.
    pub(crate) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::SeqCst);
    }
}

/// A row of `channel_api`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    breaker: BreakerState,
    open_until: Option<DateTime<Utc>>,
}

impl Told {
    /// An open breaker is half-open when its time is over, though nobody has called yet.
    fn at(self, now: DateTime<Utc>) -> BreakerState {
        match self.open_until {
            Some(until) if self.breaker == BreakerState::Open && until <= now => BreakerState::HalfOpen,
            _ => self.breaker,
        }
    }
}

impl Service {
    /// The state of all APIs' breakers. Where the database is away, it is what was known.
    pub async fn breakers(&self) -> Breakers {
        let mut known = self.known_breakers().copy.lock().await;
        let doubts = self.known_breakers().doubts.load(Ordering::SeqCst);
        let is_believed = known.read.is_some_and(|(at, before)| {
            let is_told_of_changes = known.is_sure && self.is_listening();
            before == doubts && (is_told_of_changes || at.elapsed() <= Breakers::MAX_AGE)
        });
        if !is_believed {
            let told = self.told_breakers().await;
            known.is_sure = told.is_ok();
            known.read = Some((Instant::now(), doubts));
            match told {
                Ok(told) => known.told = told,
                Err(error) => tracing::debug!(%error, "the breakers' states are not known"),
            }
        }
        let now = self.clock().now();
        Breakers(ChannelType::ALL.map(|kind| {
            let told = known.told[kind as usize].map(|told| told.at(now));
            told.or_else(|| Some(self.channel_apis()?.of(kind)?.breaker().state(Instant::now())))
        }))
    }

    async fn told_breakers(&self) -> Result<[Option<Told>; 3], Error> {
        let rows: Vec<(String, String, Option<NaiveDateTime>)> =
            sqlx::query_as("SELECT channel_type, breaker, open_until FROM channel_api")
                .fetch_all(self.pool())
                .await?;
        let mut told = [None; 3];
        for (kind, breaker, open_until) in rows {
            let kind = ChannelType::parse(&kind).ok_or(Error::Unknown { column: "channel_type" })?;
            let breaker = BreakerState::parse(&breaker).ok_or(Error::Unknown { column: "breaker" })?;
            told[kind as usize] = Some(Told { breaker, open_until: open_until.map(|at| at.and_utc()) });
        }
        Ok(told)
    }

    /// Tells what this process thinks of the APIs that it has just called, where others know something else.
    pub(super) async fn tell_breakers(&self, called: &[ChannelType]) -> Result<(), Error> {
        let Some(apis) = self.channel_apis() else { return Ok(()) };
        let mut known = self.known_breakers().copy.lock().await;
        for kind in called {
            let Some(api) = apis.of(*kind) else { continue };
            let now = Instant::now();
            let told = Told {
                breaker: api.breaker().state(now),
                open_until: api.breaker().open_for(now).map(|left| self.clock().now() + left),
            };
            // How long it stays open is told once.
            if known.told[*kind as usize].is_some_and(|known| known.at(self.clock().now()) == told.breaker) {
                continue;
            }
            sqlx::query(
                "INSERT INTO channel_api (channel_type, breaker, open_until) VALUES ($1, $2, $3) \
                 ON CONFLICT (channel_type) DO UPDATE \
                 SET breaker = excluded.breaker, open_until = excluded.open_until",
            )
            .bind(kind.as_str())
            .bind(told.breaker.as_str())
            .bind(told.open_until.map(|at| at.naive_utc()))
            .execute(self.pool())
            .await?;
            // Else it is told again after the next call.
            if self.announce_breakers().await {
                known.told[*kind as usize] = Some(told);
            }
        }
        Ok(())
    }

    /// Tells which APIs there are, before any was called, and which there are no more.
    pub(super) async fn tell_apis(&self) -> Result<(), Error> {
        let kinds: Vec<&str> = ChannelType::ALL
            .into_iter()
            .filter(|kind| self.channel_apis().is_some_and(|apis| apis.of(*kind).is_some()))
            .map(ChannelType::as_str)
            .collect();
        let gone = sqlx::query("DELETE FROM channel_api WHERE channel_type <> ALL($1)")
            .bind(&kinds)
            .execute(self.pool())
            .await?;
        let new = sqlx::query(
            "INSERT INTO channel_api (channel_type, breaker) \
             SELECT kind, 'CLOSED' FROM unnest($1::text[]) AS kind ORDER BY 1 ON CONFLICT DO NOTHING",
        )
        .bind(&kinds)
        .execute(self.pool())
        .await?;
        self.known_breakers().doubt();
        if gone.rows_affected() + new.rows_affected() > 0 {
            self.announce_breakers().await;
        }
        Ok(())
    }
}
