//! Somebody whose charts are open all along.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};
use tests::clients::socket::{Frame, Socket};
use tests::testbed::Pulsegate;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::judge::reference::Tables;

const TIMELINE: &str = "subscription ($event: ID!, $range: TimeRangeInput!) {
  timelineUpdated(eventId: $event, granularity: MINUTE, range: $range) {
    kind revision totalParticipants
    points { start participants cumulativeParticipants }
  }
}";
const EVENT: &str = "subscription ($event: ID!) {
  eventUpdated(eventId: $event) {
    kind revision
    event { totalParticipants totalViews channels { channelName participants views } }
  }
}";

const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// What one event's charts show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Participants and cumulative participants of the minutes that have some.
    pub(super) minutes: BTreeMap<NaiveDateTime, (i64, i64)>,
    /// Of the timeline's update.
    pub(super) timeline_participants: i64,
    /// Of the event's update.
    pub(super) participants: i64,
    pub(super) views: i64,
    /// Participants and views.
    pub(super) channels: BTreeMap<String, (i64, i64)>,
    timeline_revision: i64,
    event_revision: i64,
}

/// The state of all charts by event, and whatever went down.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    pub(super) events: BTreeMap<String, Shown>,
    pub(super) complaints: Vec<String>,
    pub(super) updates: usize,
}

/// A connection that follows some events until it is dropped.
pub(super) struct Watcher {
    screen: watch::Receiver<Screen>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Opens the charts of `events`, each with the range of time that it shows.
    pub(super) async fn open(gateway: &Pulsegate, events: &[(String, DateTime<Utc>, DateTime<Utc>)]) -> Self {
        let mut socket = gateway.socket().await.unwrap();
        for (event, from, to) in events {
            let range = json!({ "from": from.to_rfc3339(), "to": to.to_rfc3339() });
            let variables = json!({ "event": event, "range": range });
            socket.subscribe(&format!("timeline {event}"), TIMELINE, variables).await.unwrap();
            socket.subscribe(&format!("event {event}"), EVENT, json!({ "event": event })).await.unwrap();
        }
        let (sender, screen) = watch::channel(Screen::default());
        let task = tokio::spawn(follow(socket, sender));
        let mut watcher = Self { screen, task };
        let operations = events.len() * 2;
        watcher.until("snapshots", |screen| screen.updates >= operations).await;
        watcher
    }

    /// What is shown now.
    pub(super) fn screen(&self) -> Screen {
        self.screen.borrow().clone()
    }

    /// Waits until the charts show what is wanted.
    pub(super) async fn until(&mut self, what: &str, wanted: impl FnMut(&Screen) -> bool) {
        let shown =
            timeout(SHOWN_WITHIN, self.screen.wait_for(wanted)).await.is_ok_and(|shown| shown.is_ok());
        assert!(shown, "waited in vain for {what}: {:?}", self.screen());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the charts of `event` must show in the end.
pub(super) fn expected(event: &str, tables: &Tables) -> Shown {
    let minutes = tables.buckets.iter().filter(|((id, _), _)| id == event);
    let channels = tables.channels.iter().filter(|((id, _), _)| id == event);
    let row = &tables.events[event];
    Shown {
        minutes: minutes
            .map(|((_, minute), bucket)| {
                (*minute, (bucket.participants.into(), bucket.cumulative_participants.into()))
            })
            .collect(),
        timeline_participants: row.participants.into(),
        participants: row.participants.into(),
        views: row.views.into(),
        channels: channels
            .map(|((_, name), channel)| (name.clone(), (channel.participants.into(), channel.views.into())))
            .collect(),
        ..Shown::default()
    }
}

impl Shown {
    /// Apart from revisions, which nothing but their order is laid down for.
    pub(super) fn without_revisions(&self) -> Self {
        Self { timeline_revision: 0, event_revision: 0, ..self.clone() }
    }
}

async fn follow(mut socket: Socket, sender: watch::Sender<Screen>) {
    loop {
        let frame = socket.next().await;
        sender.send_modify(|screen| match &frame {
            Ok(Frame::Next { id, payload }) if payload.get("errors").is_none() => {
                screen.updates += 1;
                let (kind, event) = id.split_once(' ').unwrap();
                let shown = screen.events.entry(event.to_owned()).or_default();
                let mut show = Show { which: id, complaints: &mut screen.complaints };
                if kind == "timeline" {
                    show.timeline(shown, &payload["data"]["timelineUpdated"]);
                } else {
                    show.event(shown, &payload["data"]["eventUpdated"]);
                }
            }
            other => screen.complaints.push(format!("{other:?}")),
        });
        if frame.is_err() {
            return;
        }
    }
}

/// Puts updates on the screen and notes what goes down.
struct Show<'a> {
    which: &'a str,
    complaints: &'a mut Vec<String>,
}

impl Show<'_> {
    fn timeline(&mut self, shown: &mut Shown, update: &Value) {
        self.kind(shown.timeline_revision == 0, update);
        self.rises("revision", &mut shown.timeline_revision, &update["revision"]);
        self.rises("totalParticipants", &mut shown.timeline_participants, &update["totalParticipants"]);
        for point in update["points"].as_array().into_iter().flatten() {
            let start = DateTime::parse_from_rfc3339(point["start"].as_str().unwrap()).unwrap().naive_utc();
            let known = shown.minutes.get(&start).copied();
            let (mut participants, mut cumulative) = known.unwrap_or_default();
            self.rises("participants of a minute", &mut participants, &point["participants"]);
            self.rises("cumulativeParticipants", &mut cumulative, &point["cumulativeParticipants"]);
            // A gap that is filled in shows nothing that a table would hold.
            if participants > 0 {
                shown.minutes.insert(start, (participants, cumulative));
            }
        }
    }

    fn event(&mut self, shown: &mut Shown, update: &Value) {
        self.kind(shown.event_revision == 0, update);
        self.rises("revision", &mut shown.event_revision, &update["revision"]);
        self.rises("totalParticipants", &mut shown.participants, &update["event"]["totalParticipants"]);
        self.rises("totalViews", &mut shown.views, &update["event"]["totalViews"]);
        for channel in update["event"]["channels"].as_array().into_iter().flatten() {
            let known =
                shown.channels.entry(channel["channelName"].as_str().unwrap().to_owned()).or_default();
            self.rises("participants of a channel", &mut known.0, &channel["participants"]);
            self.rises("views of a channel", &mut known.1, &channel["views"]);
        }
    }

    fn kind(&mut self, first: bool, update: &Value) {
        if first && update["kind"] != "SNAPSHOT" {
            self.complaints.push(format!("{}: the first update is no snapshot: {update}", self.which));
        }
    }

    fn rises(&mut self, what: &str, known: &mut i64, sent: &Value) {
        match sent.as_i64() {
            Some(sent) if sent >= *known => *known = sent,
            _ => self.complaints.push(format!("{}: {what} was {known}, then {sent}", self.which)),
        }
    }
}
