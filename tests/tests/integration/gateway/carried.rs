//! What is kept of an event is carried on over its commits, and is what the database would say.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};
use tests::wait;

use super::fill;

const ROUNDS: usize = 30;

/// Another course of things.
const SEED: &str = "TEST_SEED";

/// Each is about one event, and reads something else of it.
const QUESTIONS: [&str; 7] = [
    "{ title totalParticipants totalViews updatedAt roi { roi netProfit distributionCost } funnel { steps { count } } }",
    "{ totalParticipants createdAt channels { channelName channelType participants participantShare views updatedAt } }",
    "{ totalParticipants channel(channelName: \"인스타그램\") { participants costPerParticipant } }",
    "{ timeline(granularity: HOUR, timeZone: \"Asia/Seoul\") { from to
       totals { participants } points { start participants cumulativeParticipants } } }",
    "{ timeline(granularity: DAY, timeZone: \"America/New_York\", fillGaps: false, compareTo: PREVIOUS_PERIOD,
                range: { from: \"2026-01-01T05:00:00Z\", to: \"2026-01-06T05:00:00Z\" }) {
       totals { participants views } comparison { participantsChange }
       points { start participants views cumulativeParticipants compared { participants } } } }",
    "{ timeline(granularity: MINUTE, range: { from: \"2026-01-05T01:00:00Z\", to: \"2026-01-05T04:00:00Z\" }) {
       points { start participants cumulativeParticipants } } }",
    "{ timeline(granularity: HOUR, range: { from: \"2026-01-05T02:00:00Z\", to: \"2026-01-05T03:00:00Z\" }) {
       totals { participants } points { start participants cumulativeParticipants } } }",
];

/// What the gateway says of an event, each question by itself.
async fn all(client: &GraphQl, event: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    for parts in QUESTIONS {
        let query = format!("query ($event: ID!) {{ event(eventId: $event) {parts} }}");
        answers.push(client.data(&query, json!({ "event": event })).await.unwrap());
    }
    answers
}

struct Shop<'a> {
    testbed: &'a Testbed,
    random: StdRng,
    sent: usize,
}

impl Shop<'_> {
    fn at(&mut self) -> DateTime<Utc> {
        let noon: DateTime<Utc> = "2026-01-05T02:30:00Z".parse().unwrap();
        let minutes = match self.random.random_range(0..4) {
            // Some share their minute with what is stored.
            0 => 60 * self.random.random_range(-1..=1),
            1 | 2 => self.random.random_range(-120..120),
            _ => self.random.random_range(-6_000..6_000),
        };
        noon + TimeDelta::minutes(minutes) + TimeDelta::seconds(self.random.random_range(0..60))
    }

    async fn say(&mut self, event: &str, what: &str, mut body: Value) {
        self.sent += 1;
        body["messageId"] = self.testbed.id("m", self.sent).into();
        body["occurredAt"] = self.at().to_rfc3339_opts(SecondsFormat::AutoSi, true).into();
        body["eventId"] = event.into();
        let topics = self.testbed.topics();
        let topic = match what {
            "created" => &topics.event_created,
            "distributed" => &topics.distribution_completed,
            _ => &topics.participant_registered,
        };
        self.testbed.kcat().produce(topic, event, &body.to_string()).await.unwrap();
    }

    /// Some come; now and then something else happens.
    async fn happens(&mut self, event: &str) {
        for _ in 0..self.random.random_range(1..=4) {
            let (name, kind) = *[
                ("우리동네TV", "TV"),
                ("우리동네TV", "TV"),
                ("인스타그램", "SNS"),
                ("인스타그램", "SNS"),
                ("인스타그램", "VOICE"),
                ("링고비즈", "VOICE"),
                ("", ""),
                ("", ""),
            ]
            .choose(&mut self.random)
            .unwrap();
            let body = match name {
                "" => json!({ "participantId": "p" }),
                _ => json!({ "participantId": "p", "channelName": name, "channelType": kind }),
            };
            self.say(event, "registered", body).await;
        }
        match self.random.random_range(0..12) {
            0 => {
                let body = json!({ "channels": [{ "channelName": "인스타그램", "channelType": "SNS",
                    "distributionCost": "99.50", "views": self.sent, "impressions": 500 }] });
                self.say(event, "distributed", body).await;
            }
            1 => {
                let body = json!({ "eventTitle": format!("경품 {}", self.sent), "userId": self.testbed.id("user", 0),
                    "totalInvestment": "1000.00", "expectedRevenue": "5000.00" });
                self.say(event, "created", body).await;
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_carried_on_is_what_the_database_says() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 3).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let direct = testbed.start_with(Role::Serve, &[("CACHE", "off")]).await.unwrap();
    let (client, reference) = (gateway.graphql().unwrap(), direct.graphql().unwrap());
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let seed = std::env::var(SEED).map_or(1, |seed| seed.parse().unwrap());
    let mut shop = Shop { testbed: &testbed, random: StdRng::seed_from_u64(seed), sent: 0 };
    for round in 0..ROUNDS {
        // Some commits pass while nobody asks.
        let event = ids.choose(&mut shop.random).unwrap();
        shop.happens(event).await;
        wait::until("everything to be applied", Duration::from_secs(30), async || {
            Ok(if testbed.lag().await? == 0 { Ok(()) } else { Err(anyhow::anyhow!("lag")) })
        })
        .await
        .unwrap();
        if shop.random.random_ratio(1, 4) {
            continue;
        }
        wait::until("the answers to be the same", Duration::from_secs(10), async || {
            for event in &ids {
                let (told, stored) = (all(&client, event).await, all(&reference, event).await);
                for (told, stored) in told.iter().zip(stored) {
                    if *told != stored {
                        let text = format!("seed {seed}, round {round}: {told} instead of {stored}");
                        return Ok(Err(anyhow::anyhow!(text)));
                    }
                }
            }
            Ok(Ok(()))
        })
        .await
        .unwrap();
    }
    let carried = gateway.metric("pulsegate_cache_lookups_total", "outcome=\"carried\"").await.unwrap();
    assert!(carried > 30, "only {carried} lookups were carried on");
}
