//! From an API to a dashboard, over real processes.

use std::time::Duration;

use anyhow::anyhow;
use sea_orm::sqlx;
use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::clients::graphql::GraphQl;
use tests::clients::socket::Frame;
use tests::servers::channel_api::{self, Behaviour, ChannelApi};
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

use super::{assert_sums, fill};

const SHOWS_WITHIN: Duration = Duration::from_secs(30);

const EVENT: &str = "
query ($event: ID!) {
  event(eventId: $event) {
    totalViews freshness { asOf source isStale breaker }
    timeline(granularity: DAY) { totals { views engagement conversions } }
    channels { channelName views distributionCost freshness { source isStale breaker } }
  }
}";

const REFRESH: &str = "
mutation ($event: ID!) {
  refreshEvent(eventId: $event) {
    event { totalViews channel(channelName: \"지니TV\") { views } }
    channels { channelName refreshed error freshness { source isStale breaker } }
  }
}";

const FOLLOW: &str = "subscription ($event: ID!) { eventUpdated(eventId: $event, minInterval: \"PT0.05S\") { revision event { totalViews } } }";

fn views(views: i32) -> impl Fn(&str) -> Behaviour {
    move |_| Behaviour::Body(json!({ "views": views, "likes": 2, "conversions": 1 }).to_string())
}

fn down(_: &str) -> Behaviour {
    Behaviour::Status(503, String::new(), String::new())
}

async fn shows(client: &GraphQl, event: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    wait::until(what, SHOWS_WITHIN, async || {
        let answer = client.data(EVENT, json!({ "event": event })).await?["event"].take();
        Ok(if is_it(&answer) { Ok(answer) } else { Err(anyhow!("{answer}")) })
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_apis_say_shows_on_a_gateway_that_knows_none_of_them_until_they_fail() {
    let testbed = Testbed::new().await.unwrap();
    let event = testbed.id("evt", 0);
    let api = ChannelApi::start(views(120)).await.unwrap();
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let _consumer = testbed
        .start_with(
            Role::Consume,
            &[
                ("CHANNEL_API_TV_URL", &format!("{}/tv/", api.base())),
                ("CHANNEL_REFRESH_INTERVAL", "300ms"),
                ("CHANNEL_API_TIMEOUT", "500ms"),
                ("CHANNEL_BREAKER_FAILURES", "3"),
                ("CHANNEL_BREAKER_OPEN", "4s"),
            ],
        )
        .await
        .unwrap();
    let now = SystemClock.now();
    let created = json!({ "messageId": testbed.id("m", 0), "occurredAt": now, "eventId": event, "eventTitle": "개업 1주년",
                          "userId": testbed.id("user", 0), "totalInvestment": "1", "expectedRevenue": "2" });
    testbed.kcat().produce(&testbed.topics().event_created, &event, &created.to_string()).await.unwrap();
    let distributed = json!({ "messageId": testbed.id("m", 1), "occurredAt": now, "eventId": event, "channels": [
        { "channelName": "지니TV", "channelType": "TV", "distributionCost": "70.00", "views": 100 },
        { "channelName": "인스타그램", "channelType": "SNS", "distributionCost": "30.00", "views": 7 }] });
    testbed
        .kcat()
        .produce(&testbed.topics().distribution_completed, &event, &distributed.to_string())
        .await
        .unwrap();

    let read = shows(&client, &event, "the reading to show", |event| event["totalViews"] == 127).await;
    assert_eq!(read["timeline"]["totals"], json!({ "views": 20, "engagement": 2, "conversions": 1 }));
    let of = |event: &Value, name: &str| {
        let channels = event["channels"].as_array().unwrap();
        channels.iter().find(|channel| channel["channelName"] == name).unwrap().clone()
    };
    let fresh = json!({ "source": "EXTERNAL_API", "isStale": false, "breaker": "CLOSED" });
    let (tv, sns) = (of(&read, "지니TV"), of(&read, "인스타그램"));
    assert_eq!((&tv["freshness"], &tv["distributionCost"]), (&fresh, &json!("70.00")));
    assert_eq!(sns["freshness"], json!({ "source": "KAFKA", "isStale": false, "breaker": null }));
    assert!(api.asked().keys().all(|path| path.starts_with("/tv/events/")), "{:?}", api.asked());

    api.behave(down);
    let stale = |event: &Value| event["freshness"]["breaker"] == "OPEN";
    let failing = shows(&client, &event, "the breaker to open", stale).await;
    assert_eq!(failing["totalViews"], 127);
    assert_eq!(
        (&failing["freshness"]["isStale"], &failing["freshness"]["source"]),
        (&json!(true), &json!("STORED"))
    );
    let calls = api.requests();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(api.requests() <= calls + 1, "an open breaker lets nobody through, but for a trial");

    api.behave(views(150));
    let again = |event: &Value| event["totalViews"] == 157 && event["freshness"]["breaker"] == "CLOSED";
    let again = shows(&client, &event, "the API to be called again", again).await;
    assert_eq!(
        (&again["freshness"]["isStale"], &again["freshness"]["source"]),
        (&json!(false), &json!("EXTERNAL_API"))
    );
    assert_sums(testbed.database()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_reads_now_and_says_of_each_channel_what_happened() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let api =
        ChannelApi::start(
            |path| {
                if path.contains("%EC%A7%80%EB%8B%88TV") { views(40)(path) } else { down(path) }
            },
        )
        .await
        .unwrap();
    let gateway = testbed
        .start_with(Role::Serve, &[("CHANNEL_API_TV_URL", api.base()), ("CHANNEL_BREAKER_FAILURES", "100")])
        .await
        .unwrap();
    let client = gateway.graphql().unwrap();
    let mut follower = gateway.socket().await.unwrap();
    follower.subscribe("event", FOLLOW, json!({ "event": event })).await.unwrap();
    let mut update = async || match follower.next().await.unwrap() {
        Frame::Next { payload, .. } => payload["data"]["eventUpdated"].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(update().await, json!({ "revision": 1, "event": { "totalViews": 0 } }));
    // Known before, so that it has to be taken back.
    client.data(EVENT, json!({ "event": event })).await.unwrap();

    let answer = client.data(REFRESH, json!({ "event": event })).await.unwrap()["refreshEvent"].take();
    assert_eq!(answer["event"], json!({ "totalViews": 40, "channel": { "views": 40 } }));
    let of = |name: &str| {
        let channels = answer["channels"].as_array().unwrap();
        channels.iter().find(|channel| channel["channelName"] == name).unwrap()
    };
    assert_eq!(answer["channels"].as_array().unwrap().len(), 4);
    let fresh = json!({ "source": "EXTERNAL_API", "isStale": false, "breaker": "CLOSED" });
    assert_eq!(
        of("지니TV"),
        &json!({ "channelName": "지니TV", "refreshed": true, "error": null, "freshness": fresh })
    );
    let failed = of("우리동네TV");
    assert_eq!(failed["refreshed"], false);
    assert_eq!(failed["error"], "The external API answered with status 503.");
    assert_eq!(of("인스타그램")["error"], "No external API is configured for channels of type SNS.");
    assert_eq!(of("인스타그램")["freshness"]["breaker"], Value::Null);
    assert_eq!(update().await, json!({ "revision": 2, "event": { "totalViews": 40 } }));

    let calls = api.requests();
    let unknown = client.data(REFRESH, json!({ "event": testbed.id("evt", 9) })).await.unwrap();
    assert_eq!(unknown["refreshEvent"], json!({ "event": null, "channels": [] }));
    assert_eq!(api.requests(), calls);
    let (_, refused) = client.answer(REFRESH, json!({ "event": "" })).await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");

    // Those who ask at the same time share one reading.
    api.behave(|_| Behaviour::Later(Duration::from_millis(500), json!({ "views": 50 }).to_string()));
    let calls = api.requests();
    let (first, second) = tokio::join!(
        client.data(REFRESH, json!({ "event": event })),
        client.data(REFRESH, json!({ "event": event }))
    );
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(api.requests(), calls + 2, "two channels have an API");
    let revision: i64 = sqlx::query_scalar("SELECT revision FROM event_stats WHERE event_id = $1")
        .bind(&event)
        .fetch_one(testbed.database())
        .await
        .unwrap();
    assert_eq!(revision, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_with_a_certificate_of_a_private_authority_is_read_where_that_is_trusted() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let api = ChannelApi::start_with_tls(views(40)).await.unwrap();
    let authority = channel_api::authority().display().to_string();
    let url = ("CHANNEL_API_TV_URL", api.base());
    let tv = async |gateway: &Pulsegate| {
        let client = gateway.graphql().unwrap();
        let answer = client.data(REFRESH, json!({ "event": event })).await.unwrap();
        let channels = answer["refreshEvent"]["channels"].as_array().unwrap();
        channels.iter().find(|channel| channel["channelName"] == "지니TV").unwrap().clone()
    };

    let stranger = testbed.start_with(Role::Serve, &[url, ("CHANNEL_BREAKER_FAILURES", "1")]).await.unwrap();
    let refused = tv(&stranger).await;
    assert_eq!(refused["error"], "The external API can't be reached.");
    assert_eq!(api.requests(), 0);
    // Whoever runs it is told why.
    let log = stranger.log().unwrap();
    let line =
        log.lines().find(|line| line.contains("its breaker is open")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("UnknownIssuer"), "{line}");

    let trusting = testbed.start_with(Role::Serve, &[url, ("SSL_CERT_FILE", &authority)]).await.unwrap();
    assert_eq!(tv(&trusting).await["refreshed"], true);
    assert_eq!(api.requests(), 2);
}
