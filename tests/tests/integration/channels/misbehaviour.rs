use std::sync::Arc;

use sea_orm::sqlx::{self, PgPool};
use serde_json::json;
use service::channel_api::ReadError;
use service::clock::SystemClock;
use tests::servers::channel_api::{Behaviour, ChannelApi};
use tests::testbed::Testbed;

use super::{INTERVAL, assert_sums, fill, refresh, service};

const SOUND: &str = r#"{"impressions":1000,"views":300,"clicks":20,"participants":77,"conversions":4,"likes":9,
    "totalCalls":50,"completedCalls":40,"averageDuration":33,"distributionCost":"120000.50"}"#;

type IsRight = fn(&ReadError) -> bool;

fn body(text: &str) -> Behaviour {
    Behaviour::Body(text.to_owned())
}

fn status(status: u16, head: &str) -> Behaviour {
    Behaviour::Status(status, head.to_owned(), SOUND.to_owned())
}

/// All numbers and times of all tables.
async fn everything(database: &PgPool) -> Vec<String> {
    let query = "SELECT to_jsonb(t)::text FROM event_stats AS t UNION ALL SELECT to_jsonb(t)::text FROM channel_stats AS t \
                 UNION ALL SELECT to_jsonb(t)::text FROM timeline_data AS t \
                 UNION ALL SELECT to_jsonb(t)::text FROM channel_reading AS t ORDER BY 1";
    sqlx::query_scalar(query).fetch_all(database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_api_does_wrong_changes_nothing() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let elsewhere = ChannelApi::start(|_| body(SOUND)).await.unwrap();
    let redirect = format!("Location: {}/events/x/channels/y\r\n", elsewhere.base());
    let api = ChannelApi::start(|_| body(SOUND)).await.unwrap();
    let service = service(&testbed, &api, Arc::new(SystemClock), 1_000, INTERVAL);
    let sound = refresh(&service, &event).await;
    assert!(sound.iter().all(|one| one.outcome.is_ok()), "{sound:?}");
    let before = everything(testbed.database()).await;

    let wrong: Vec<(&str, Behaviour, IsRight)> = vec![
        ("no JSON", body("<html>I am fine</html>"), |error| matches!(error, ReadError::Wrong(_))),
        ("an array", body("[1,2]"), |error| matches!(error, ReadError::Wrong(_))),
        ("half a body", body(&SOUND[..40]), |error| matches!(error, ReadError::Wrong(_))),
        ("negative", body(r#"{"views":-5}"#), |error| matches!(error, ReadError::Wrong(_))),
        ("too large", body(r#"{"views":2147483648}"#), |error| matches!(error, ReadError::Wrong(_))),
        ("calls", body(r#"{"totalCalls":60,"completedCalls":61}"#), |error| {
            matches!(error, ReadError::Wrong(_))
        }),
        ("10 MB", Behaviour::Flood(10 << 20), |error| matches!(error, ReadError::TooLarge)),
        ("10 MB as it says", body(&" ".repeat(10 << 20)), |error| matches!(error, ReadError::TooLarge)),
        ("a slow drip", Behaviour::Drip, |error| matches!(error, ReadError::Timeout)),
        ("silence", Behaviour::Silence, |error| matches!(error, ReadError::Timeout)),
        ("no word", Behaviour::HangUp, |error| matches!(error, ReadError::Unreachable)),
        ("a redirect", status(302, &redirect), |error| matches!(error, ReadError::Redirect)),
        ("a lasting redirect", status(308, &redirect), |error| matches!(error, ReadError::Redirect)),
        ("an error", status(500, ""), |error| matches!(error, ReadError::Status(500))),
        ("an outage", status(503, ""), |error| matches!(error, ReadError::Status(503))),
        ("no content", Behaviour::Status(204, String::new(), String::new()), |error| {
            matches!(error, ReadError::Status(204))
        }),
    ];
    for (what, behaviour, is_right) in wrong {
        api.behave(move |_| behaviour.clone());
        for one in refresh(&service, &event).await.iter() {
            let error = one.outcome.as_ref().expect_err(what);
            assert!(is_right(error), "{what}: {error:?}");
            assert!(!error.to_string().contains("127.0.0.1"), "{what}: {error}");
        }
        assert_eq!(everything(testbed.database()).await, before, "{what}");
    }
    assert_eq!(elsewhere.requests(), 0, "nobody is sent elsewhere");

    // Together the channels would pass the event's column, and a bucket's.
    api.behave(|_| body(r#"{"views":2000000000}"#));
    let outcomes = refresh(&service, &event).await;
    assert_eq!(outcomes.iter().filter(|one| one.outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_sums(testbed.database()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passing_failures_are_tried_again_and_unknown_channels_are_no_failures() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let api = ChannelApi::start(move |path| {
        if !path.ends_with("/%EC%A7%80%EB%8B%88TV") {
            return Behaviour::Status(404, String::new(), String::new());
        }
        match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Behaviour::Status(503, String::new(), String::new()),
            1 => Behaviour::HangUp,
            _ => body(&json!({ "views": 5 }).to_string()),
        }
    })
    .await
    .unwrap();
    let service = service(&testbed, &api, Arc::new(SystemClock), 3, INTERVAL);
    for _ in 0..3 {
        for one in refresh(&service, &event).await.iter() {
            if one.channel_name.as_str() == "지니TV" {
                assert_eq!(one.outcome, Ok(()));
            } else {
                assert_eq!(one.outcome, Err(ReadError::UnknownChannel));
            }
        }
    }
    assert_eq!(api.asked()[&format!("/events/{event}/channels/%EC%A7%80%EB%8B%88TV")], 5);
}
