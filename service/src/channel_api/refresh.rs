use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures_util::future::join_all;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use sea_orm::sqlx;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{ChannelApis, ReadError, Settings, client::Answer, metrics};
use crate::{
    Error, ErrorKind, Service,
    domain::{ChannelName, ChannelType, EventId},
    ingest::{ReadChannel, Sent},
    read::EventEntry,
};

use super::RefreshError;

/// Events that one process reads at a time.
const AT_A_TIME: usize = 32;
/// How often the queue is looked at, and how often it is brought up to the events that there are.
const GLANCE: Duration = Duration::from_secs(1);
const ENROL_EVERY: Duration = Duration::from_secs(5);
/// How long to wait after the database could not be asked.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A reading counts as fresh for so many of its intervals.
const FRESH_INTERVALS: u32 = 3;

/// What became of one channel when its event was refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The channel.
    pub channel_name: ChannelName,
    /// Whether its numbers are now those of its API; else why not.
    pub outcome: Result<(), ReadError>,
}

impl Service {
    /// Lets this process call channels' APIs. To be said once, before anything is read.
    ///
    /// # Errors
    /// [`Error::Http`] where the HTTP client can't be made.
    pub fn use_channel_apis(&self, settings: &Settings, seed: u64) -> Result<(), Error> {
        let apis = ChannelApis::new(settings, seed).map_err(Error::Http)?;
        self.set_channel_apis(apis);
        Ok(())
    }

    /// Reads an event's channels from their APIs now, stores what they say and publishes it. Who asks while it is being
    /// read gets the same outcome.
    ///
    /// # Errors
    /// What the database says. A channel that can't be read is no error.
    pub async fn refresh_event(self: &Arc<Self>, of: &EventEntry) -> Result<Arc<[Refreshed]>, RefreshError> {
        self.refresh_once(&of.event.event_id).await
    }

    /// Keeps the channels of all active events current, until `stop`. Does nothing where no API is configured.
    pub async fn refresh_channels(self: Arc<Self>, seed: u64, stop: CancellationToken) {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut pause = GLANCE;
        loop {
            let Some(error) =
                stop.run_until_cancelled(self.refresh_until_lost(&mut random, &mut pause)).await
            else {
                return;
            };
            if error.kind() == ErrorKind::Transient {
                tracing::warn!(%error, "the queue of channels can't be read; trying again");
            } else {
                tracing::error!(%error, "the queue of channels can't be read; trying again");
            }
            let jittered = random.random_range(pause / 2..=pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            if stop.run_until_cancelled(tokio::time::sleep(jittered)).await.is_none() {
                return;
            }
        }
    }

    async fn refresh_until_lost(self: &Arc<Self>, random: &mut SmallRng, pause: &mut Duration) -> Error {
        match self.work_off(random, pause).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    /// Works the queue off for ever. Events that are being read are finished by themselves, whatever becomes of this.
    async fn work_off(
        self: &Arc<Self>,
        random: &mut SmallRng,
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, Error> {
        self.tell_apis().await?;
        let Some(apis) = self.channel_apis() else { return std::future::pending().await };
        let kinds: Vec<ChannelType> = apis.by_type.keys().copied().collect();
        if kinds.is_empty() {
            return std::future::pending().await;
        }
        let (glance, enrol_every) = (GLANCE.min(apis.interval / 4), ENROL_EVERY.min(apis.interval));
        let mut enrolled: Option<Instant> = None;
        let mut under_way = JoinSet::new();
        loop {
            if enrolled.is_none_or(|at| at.elapsed() >= enrol_every) {
                self.enrol(&kinds, apis.interval, random.random()).await?;
                enrolled = Some(Instant::now());
            }
            let free = AT_A_TIME - under_way.len();
            let claimed = self.claim(apis.interval, free, random.random()).await?;
            *pause = GLANCE;
            let is_full = claimed.len() == free;
            for id in claimed {
                let service = Arc::clone(self);
                under_way.spawn(async move {
                    if let Err(error) = service.refresh_once(&id).await {
                        tracing::warn!(%error, event_id = %id, "an event's channels could not be read");
                    }
                });
            }
            if is_full {
                under_way.join_next().await;
            } else {
                tokio::time::sleep(glance).await;
            }
            while under_way.try_join_next().is_some() {}
        }
    }

    /// Reads an event's channels, stores and publishes what they say.
    pub(super) async fn refresh_now(self: &Arc<Self>, id: &EventId) -> Result<Vec<Refreshed>, Error> {
        self.installation().await?;
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT channel_name, channel_type FROM channel_stats WHERE event_id = $1 \
             ORDER BY channel_name COLLATE \"C\"",
        )
        .bind(id.as_str())
        .fetch_all(self.pool())
        .await?;
        let mut channels = Vec::with_capacity(rows.len());
        for (name, kind) in rows {
            let kind = ChannelType::parse(&kind).ok_or(Error::Unknown { column: "channel_type" })?;
            channels.push((ChannelName::trusted(&name), kind));
        }
        let answers = join_all(channels.iter().map(|(name, kind)| self.ask(id, name, *kind))).await;
        let mut called: Vec<ChannelType> = channels
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| {
                !matches!(answer, Err(ReadError::NotConfigured(_) | ReadError::BreakerOpen))
            })
            .map(|((_, kind), _)| *kind)
            .collect();
        called.sort_unstable();
        called.dedup();
        if let Err(error) = self.tell_breakers(&called).await {
            tracing::debug!(%error, "the breakers' states could not be told");
        }
        self.store(id, channels, answers).await
    }

    async fn ask(&self, id: &EventId, name: &ChannelName, kind: ChannelType) -> Result<Answer, ReadError> {
        let api = self.channel_apis().and_then(|apis| apis.of(kind)).ok_or(ReadError::NotConfigured(kind))?;
        api.read(id, name).await
    }

    async fn store(
        self: &Arc<Self>,
        id: &EventId,
        channels: Vec<(ChannelName, ChannelType)>,
        answers: Vec<Result<Answer, ReadError>>,
    ) -> Result<Vec<Refreshed>, Error> {
        let read: Vec<ReadChannel> = channels
            .iter()
            .zip(&answers)
            .filter_map(|((name, _), answer)| {
                let sent = match answer.as_ref().ok()? {
                    Answer::Metrics(reading) => Sent::Reading(reading.clone()),
                    Answer::Unknown => Sent::Unknown,
                };
                Some(ReadChannel { channel_name: name.clone(), sent })
            })
            .collect();
        let refused = self.store_all(id, &read).await?;
        Ok(channels
            .into_iter()
            .zip(answers)
            .map(|((channel_name, kind), answer)| {
                let outcome = match answer {
                    Err(error) => Err(error),
                    Ok(Answer::Unknown) => Err(ReadError::UnknownChannel),
                    Ok(Answer::Metrics(_)) => match refused.iter().find(|(name, _)| *name == channel_name) {
                        Some((_, what)) => Err(ReadError::Wrong(what)),
                        None => Ok(()),
                    },
                };
                metrics::read(kind, outcome.as_ref().map_or_else(ReadError::outcome, |()| "read"));
                if let Err(error) = &outcome {
                    tracing::debug!(event_id = %id, channel_name = %channel_name, "{error}");
                }
                Refreshed { channel_name, outcome }
            })
            .collect())
    }

    /// Stores what can be stored; tells what can't, and why.
    async fn store_all(
        self: &Arc<Self>,
        id: &EventId,
        read: &[ReadChannel],
    ) -> Result<Vec<(ChannelName, &'static str)>, Error> {
        let mut refused = Vec::new();
        match self.store_together(id, read, &mut refused).await {
            // Together they pass what a column holds: each by itself may not.
            Err(error) if error.kind() == ErrorKind::Data => {
                for one in read {
                    match self.store_together(id, std::slice::from_ref(one), &mut refused).await {
                        Err(error) if error.kind() == ErrorKind::Data => {
                            refused.push((one.channel_name.clone(), "a number that is too large"));
                        }
                        outcome => outcome?,
                    }
                }
                Ok(refused)
            }
            outcome => outcome.map(|()| refused),
        }
    }

    async fn store_together(
        self: &Arc<Self>,
        id: &EventId,
        read: &[ReadChannel],
        refused: &mut Vec<(ChannelName, &'static str)>,
    ) -> Result<(), Error> {
        if read.is_empty() {
            return Ok(());
        }
        let interval = self.channel_apis().map_or(Duration::ZERO, |apis| apis.interval);
        let stored = self.apply_readings(id, read, interval).await?;
        refused.extend(stored.refused);
        if let Some(commit) = stored.commit {
            self.publish(&[commit]).await;
        }
        Ok(())
    }
}

/// How long a reading counts as fresh where `slowness` intervals pass to the next.
pub(crate) fn fresh_for(interval: Duration, slowness: u32) -> TimeDelta {
    TimeDelta::from_std(interval * FRESH_INTERVALS * slowness).unwrap_or(TimeDelta::MAX)
}
