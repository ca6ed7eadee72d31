//! Live charts over real servers: who shares what, who may leave and come back, and what holds under fire.

mod chart;
mod churn;
mod client;
mod cluster;
mod fire;
mod lifecycle;
mod sharing;
mod truth;

use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::clients::socket::{Frame, Socket};
use tests::testbed::Testbed;

/// The next update of a field.
async fn update_of(socket: &mut Socket, field: &str) -> Value {
    match socket.next().await.unwrap() {
        Frame::Next { mut payload, .. } if payload.get("errors").is_none() => payload["data"][field].take(),
        other => panic!("{other:?}"),
    }
}

/// The code of the error with which an operation ends.
async fn refusal(socket: &mut Socket) -> String {
    let frame = socket.next().await.unwrap();
    let code = match &frame {
        Frame::Next { payload, .. } => payload["errors"][0]["extensions"]["code"].as_str(),
        Frame::Error { payload, .. } => payload[0]["extensions"]["code"].as_str(),
        Frame::Complete { .. } => None,
    };
    code.unwrap_or_else(|| panic!("no error: {frame:?}")).to_owned()
}

pub(crate) async fn register(testbed: &Testbed, event: &str, number: usize) {
    let line =
        json!({ "messageId": testbed.id("m", number), "occurredAt": SystemClock.now(), "eventId": event });
    testbed.kcat().produce(&testbed.topics().participant_registered, event, &line.to_string()).await.unwrap();
}

async fn describe(testbed: &Testbed, event: &str, user: &str) {
    let line = json!({
        "messageId": format!("{event}-created"), "occurredAt": SystemClock.now(), "eventId": event, "userId": user,
        "eventTitle": "개업 축하 추첨", "totalInvestment": "1500000.00", "expectedRevenue": "4200000.00",
    });
    testbed.kcat().produce(&testbed.topics().event_created, event, &line.to_string()).await.unwrap();
}

/// The sum of all values of a metric.
async fn metric(base: &str, name: &str) -> f64 {
    let text = reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap();
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
    });
    values.sum()
}
