//! Some events, told over Kafka.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::clients::kcat::SEPARATOR;
use tests::system::scratch::Scratch;
use tests::testbed::Testbed;
use tests::wait;

use crate::judge::Topic;
use crate::judge::reference::{Said, Tables, recompute};

const CONSUMED_WITHIN: Duration = Duration::from_secs(60);
const CHANNELS: [(&str, &str); 2] = [("우리동네TV", "TV"), ("인스타그램", "SNS")];

/// What was said so far.
pub(super) struct Story<'a> {
    testbed: &'a Testbed,
    said: Vec<(Topic, String, Value)>,
    /// Of `said`, what Kafka has.
    told: usize,
}

impl<'a> Story<'a> {
    pub(super) fn new(testbed: &'a Testbed) -> Self {
        Self { testbed, said: Vec::new(), told: 0 }
    }

    pub(super) fn event(&self, number: usize) -> String {
        self.testbed.id("evt", number)
    }

    /// Describes an event and its two channels.
    pub(super) fn begin(&mut self, number: usize, at: DateTime<Utc>) {
        self.say(
            Topic::EventCreated,
            number,
            at,
            json!({
                "eventTitle": format!("새해 경품 이벤트 {number}"), "userId": self.testbed.id("user", number),
                "totalInvestment": "1500000.00", "expectedRevenue": "4200000.00", "targetRoi": "150.00",
            }),
        );
        let channels: Vec<Value> = CHANNELS
            .iter()
            .map(|(name, kind)| {
                json!({
                    "channelName": name, "channelType": kind, "distributionCost": "500000.00",
                    "impressions": 1200, "views": 340, "clicks": 56, "conversions": 7, "likes": 11,
                })
            })
            .collect();
        self.say(Topic::DistributionCompleted, number, at, json!({ "channels": channels }));
    }

    /// One participant of an event in each of so many minutes.
    pub(super) fn participants(&mut self, number: usize, from: DateTime<Utc>, minutes: i64) {
        for minute in 0..minutes {
            let (name, kind) = CHANNELS[usize::try_from(minute).unwrap() % 2];
            let id = self.testbed.id("p", self.said.len());
            let body = json!({ "participantId": id, "channelName": name, "channelType": kind });
            self.say(Topic::ParticipantRegistered, number, from + TimeDelta::minutes(minute), body);
        }
    }

    fn say(&mut self, topic: Topic, number: usize, at: DateTime<Utc>, mut body: Value) {
        body["messageId"] = self.testbed.id("m", self.said.len()).into();
        body["occurredAt"] = at.to_rfc3339_opts(SecondsFormat::Micros, true).into();
        body["eventId"] = self.event(number).into();
        self.said.push((topic, self.event(number), body));
    }

    /// Hands Kafka what was said since.
    pub(super) async fn tell(&mut self) {
        let kcat = self.testbed.kcat();
        let topics = self.testbed.topics();
        let scratch = Scratch::new().unwrap();
        for (topic, name) in Topic::ALL.into_iter().zip(topics.sources()) {
            let mut file = String::new();
            for (_, key, body) in self.said[self.told..].iter().filter(|(of, ..)| *of == topic) {
                writeln!(file, "{key}{SEPARATOR}{body}").unwrap();
            }
            if !file.is_empty() {
                let path = scratch.path().join(name);
                tokio::fs::write(&path, file).await.unwrap();
                kcat.produce_file(name, &path).await.unwrap();
            }
        }
        self.told = self.said.len();
    }

    /// Waits until the consumer has applied what Kafka has.
    pub(super) async fn applied(&self) {
        wait::until("the consumer to be through", CONSUMED_WITHIN, async || {
            Ok(match self.testbed.lag().await? {
                0 => Ok(()),
                lag => Err(anyhow!("{lag} messages are left")),
            })
        })
        .await
        .unwrap();
    }

    /// What the tables must hold.
    pub(super) fn expected(&self) -> Tables {
        let bodies: Vec<(Topic, String, String)> = self
            .said
            .iter()
            .map(|(topic, _, body)| {
                (*topic, body["messageId"].as_str().unwrap().to_owned(), body.to_string())
            })
            .collect();
        recompute(bodies.iter().map(|(topic, id, body)| Said { topic: *topic, id, body }))
    }
}
