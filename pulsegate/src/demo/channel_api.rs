//! The external APIs of the demo's channels: what they say goes on from what the distributions say, and now and then each
//! of them fails for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, TimeDelta, Utc};
use service::{clock::SharedClock, domain::ChannelType};

use super::{
    campaign::{Campaign, Plan},
    message::Channel,
};

/// From one failure of an API to its next, minutes.
const OUTAGE_EVERY: i64 = 12;

struct Campaigns {
    plan: Plan,
    clock: SharedClock,
    /// Those of a minute: they begin and end on whole ones.
    current: Mutex<(i64, HashMap<String, Campaign>)>,
}

/// Where a type's API is, below the server's address.
pub(crate) const fn path(kind: ChannelType) -> &'static str {
    match kind {
        ChannelType::Tv => "tv",
        ChannelType::Sns => "sns",
        ChannelType::Voice => "voice",
    }
}

/// Answers for the channels of a plan's events, below a path for each type.
pub(crate) fn router(plan: Plan, clock: SharedClock) -> Router {
    let campaigns = Campaigns { plan, clock, current: Mutex::new((i64::MIN, HashMap::new())) };
    Router::new()
        .route("/{kind}/events/{event}/channels/{channel}", get(answer))
        .with_state(Arc::new(campaigns))
}

async fn answer(
    State(campaigns): State<Arc<Campaigns>>,
    Path((path, event, channel)): Path<(String, String, String)>,
) -> Response {
    let now = campaigns.clock.now();
    let Some(kind) = ChannelType::ALL.into_iter().find(|kind| self::path(*kind) == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if is_out(kind, now) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    campaigns
        .channel(&event, &channel, kind, now)
        .map_or_else(|| StatusCode::NOT_FOUND.into_response(), |channel| Json(channel).into_response())
}

/// One after the other, so that there is always something to see.
fn is_out(kind: ChannelType, now: DateTime<Utc>) -> bool {
    let turn = (kind as i64 + 1) * (OUTAGE_EVERY / 3) - 1;
    now.timestamp().div_euclid(60).rem_euclid(OUTAGE_EVERY) == turn
}

impl Campaigns {
    fn channel(&self, event: &str, channel: &str, kind: ChannelType, now: DateTime<Utc>) -> Option<Channel> {
        let minute = now.timestamp().div_euclid(60);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != minute {
            let campaigns = self.plan.campaigns(now, now + TimeDelta::minutes(1));
            let by_id = campaigns.into_iter().map(|campaign| (campaign.event_id().to_owned(), campaign));
            *current = (minute, by_id.collect());
        }
        current.1.get(event)?.channel(channel, kind, now)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use service::clock::ManualClock;
    use tower::ServiceExt as _;

    use super::*;

    const PLAN: Plan = Plan { seed: 7, users: 3, events: 9, days: 14, rate: 5 };

    fn minute(minute: i64) -> DateTime<Utc> {
        // A minute in which nothing fails comes first.
        DateTime::from_timestamp(1_768_878_000 + minute * 60, 0).unwrap()
    }

    async fn ask(clock: &Arc<ManualClock>, path: &str) -> (StatusCode, serde_json::Value) {
        let router = router(PLAN, clock.clone());
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The path of some channel of a type.
    fn some(kind: ChannelType, now: DateTime<Utc>) -> String {
        let campaigns = PLAN.campaigns(now, now + TimeDelta::minutes(1));
        let found = campaigns.iter().filter(|campaign| campaign.is_active(now)).find_map(|campaign| {
            let name = campaign.channels().find(|(_, of)| *of == kind)?.0;
            Some(format!("/{}/events/{}/channels/{}", path(kind), campaign.event_id(), encoded(name)))
        });
        found.unwrap()
    }

    fn encoded(name: &str) -> String {
        name.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
    }

    #[tokio::test]
    async fn numbers_grow_and_go_with_the_type() {
        let clock = Arc::new(ManualClock::new(minute(0)));
        for kind in ChannelType::ALL {
            clock.set(minute(0));
            let path = some(kind, minute(0));
            let (status, before) = ask(&clock, &path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            clock.set(minute(12 * 60));
            let (_, after) = ask(&clock, &path).await;
            assert!(after["views"].as_i64() > before["views"].as_i64(), "{before} {after}");
            assert_eq!(after["totalCalls"].is_i64(), kind == ChannelType::Voice);
            assert_eq!(after["likes"].is_i64(), kind == ChannelType::Sns);
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let clock = Arc::new(ManualClock::new(minute(0)));
        let tv = some(ChannelType::Tv, minute(0));
        for path in [
            tv.replacen("/tv/", "/sns/", 1),
            tv.replacen("/tv/", "/radio/", 1),
            "/tv/events/evt-0001/channels/a".to_owned(),
        ] {
            assert_eq!(ask(&clock, &path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn each_fails_for_a_minute_now_and_then_and_never_two_at_a_time() {
        let mut failed = [0; 3];
        for at in 0..OUTAGE_EVERY {
            let out: Vec<_> = ChannelType::ALL.into_iter().filter(|kind| is_out(*kind, minute(at))).collect();
            assert!(out.len() <= 1, "{out:?}");
            for kind in out {
                failed[kind as usize] += 1;
            }
        }
        assert_eq!(failed, [1, 1, 1]);
    }
}
