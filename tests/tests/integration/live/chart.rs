//! What one client of a live stream shows, and whether what it is told fits together.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::truth::Truth;

/// What a client follows.
#[derive(Clone, Debug)]
pub(super) enum Follows {
    Timeline { event: String, granularity: &'static str, from: DateTime<Utc>, to: DateTime<Utc> },
    Event(String),
    User(String),
}

const TIMELINE: &str = "
subscription ($event: ID!, $granularity: Granularity!, $range: TimeRangeInput, $after: String) {
  timelineUpdated(eventId: $event, granularity: $granularity, range: $range, after: $after, minInterval: \"PT0.1S\") {
    kind revision coalesced totalParticipants cursor points { start end participants cumulativeParticipants isPartial }
  }
}";
const EVENT: &str = "
subscription ($event: ID!, $after: String) {
  eventUpdated(eventId: $event, after: $after, minInterval: \"PT0.1S\") {
    kind revision coalesced cursor event { totalParticipants channels { channelName participants } }
  }
}";
const USER: &str = "
subscription ($user: ID!, $after: String) {
  userUpdated(userId: $user, after: $after, minInterval: \"PT0.2S\") {
    kind coalesced cursor user { totalParticipants events(first: 100) { nodes { eventId totalParticipants } } }
  }
}";

impl Follows {
    pub(super) fn document(&self) -> &'static str {
        match self {
            Self::Timeline { .. } => TIMELINE,
            Self::Event(_) => EVENT,
            Self::User(_) => USER,
        }
    }

    pub(super) fn variables(&self, after: Option<&str>) -> Value {
        match self {
            Self::Timeline { event, granularity, from, to } => {
                let range = json!({ "from": from.to_rfc3339(), "to": to.to_rfc3339() });
                json!({ "event": event, "granularity": granularity, "range": range, "after": after })
            }
            Self::Event(event) => json!({ "event": event, "after": after }),
            Self::User(user) => json!({ "user": user, "after": after }),
        }
    }
}

/// Participants, cumulative participants, end, and whether it is told to be over.
type Point = (i64, i64, DateTime<Utc>, bool);

/// What is shown.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) follows: Follows,
    points: BTreeMap<DateTime<Utc>, Point>,
    participants: i64,
    /// Of a channel or of an event.
    parts: BTreeMap<String, i64>,
    revision: i64,
    /// The last cursor, to go on from.
    pub(super) cursor: Option<String>,
    /// Updates so far.
    pub(super) updates: usize,
}

impl Chart {
    pub(super) fn new(follows: Follows) -> Self {
        Self {
            follows,
            points: BTreeMap::new(),
            participants: 0,
            parts: BTreeMap::new(),
            revision: 0,
            cursor: None,
            updates: 0,
        }
    }

    /// Takes an update in, as a client would, and complains about what does not fit.
    pub(super) fn take(&mut self, update: &Value) -> anyhow::Result<()> {
        let is_snapshot = match update["kind"].as_str() {
            Some("SNAPSHOT") => true,
            Some("DELTA") => false,
            _ => anyhow::bail!("no kind"),
        };
        ensure!(is_snapshot == self.cursor.is_none(), "a snapshot begins, and a delta goes on");
        let coalesced = number(&update["coalesced"])?;
        if let Some(revision) = update["revision"].as_i64() {
            ensure!(revision >= self.revision, "the revision goes back from {}", self.revision);
            let stands_for = if is_snapshot { 1 } else { revision - self.revision };
            ensure!(coalesced == stands_for, "stands for {stands_for} commits since {}", self.revision);
            self.revision = revision;
        }
        if is_snapshot {
            self.points.clear();
        }
        match &self.follows {
            Follows::Timeline { .. } => {
                self.participants = number(&update["totalParticipants"])?;
                for point in update["points"].as_array().context("no points")? {
                    let end = instant(&point["end"])?;
                    let is_over = point["isPartial"] == false;
                    let shown = (
                        number(&point["participants"])?,
                        number(&point["cumulativeParticipants"])?,
                        end,
                        is_over,
                    );
                    self.points.insert(instant(&point["start"])?, shown);
                }
                let mut sum = 0;
                for (start, (participants, cumulative, ..)) in &self.points {
                    sum += participants;
                    ensure!(
                        sum == *cumulative,
                        "an update is missing: {sum} up to {start}, not {cumulative}"
                    );
                }
            }
            Follows::Event(_) => {
                let event = &update["event"];
                self.participants = number(&event["totalParticipants"])?;
                self.parts = parts(&event["channels"], "channelName", "participants")?;
            }
            Follows::User(_) => {
                let user = &update["user"];
                self.participants = number(&user["totalParticipants"])?;
                self.parts = parts(&user["events"]["nodes"], "eventId", "totalParticipants")?;
            }
        }
        self.cursor = Some(update["cursor"].as_str().context("no cursor")?.to_owned());
        self.updates += 1;
        Ok(())
    }

    /// What is told to be resumed from no more is begun anew.
    pub(super) fn forget(&mut self) {
        *self = Self { updates: self.updates, ..Self::new(self.follows.clone()) };
    }

    /// What it shows otherwise than it is; `None` where it is right.
    pub(super) fn differs(&self, truth: &Truth, now: DateTime<Utc>) -> Option<String> {
        let (participants, parts, revision) = match &self.follows {
            Follows::Timeline { event, granularity, .. } => {
                let expected = truth.timeline(event, granularity);
                let shown: BTreeMap<_, _> = self
                    .points
                    .iter()
                    .filter(|(_, (participants, ..))| *participants > 0)
                    .map(|(start, (participants, cumulative, ..))| (*start, (*participants, *cumulative)))
                    .collect();
                if shown != expected {
                    return Some(format!("points {shown:?} instead of {expected:?}"));
                }
                let running = self.points.iter().find(|(_, (_, _, end, is_over))| *end <= now && !is_over);
                if let Some((start, _)) = running {
                    return Some(format!("{start} is over"));
                }
                (truth.participants(event), BTreeMap::new(), Some(truth.revision(event)))
            }
            Follows::Event(event) => {
                (truth.participants(event), truth.channels(event), Some(truth.revision(event)))
            }
            Follows::User(user) => (truth.of_user(user).values().sum(), truth.of_user(user), None),
        };
        let shown = (self.participants, &self.parts, revision.map(|_| self.revision));
        let expected = (participants, &parts, revision);
        (shown != expected).then(|| format!("{shown:?} instead of {expected:?}"))
    }
}

fn number(value: &Value) -> anyhow::Result<i64> {
    value.as_i64().with_context(|| format!("{value} is no number"))
}

fn instant(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    Ok(value.as_str().context("no instant")?.parse()?)
}

fn parts(list: &Value, name: &str, count: &str) -> anyhow::Result<BTreeMap<String, i64>> {
    let parts = list.as_array().context("no list")?.iter();
    parts
        .map(|part| Ok((part[name].as_str().context("no name")?.to_owned(), number(&part[count])?)))
        .collect()
}
