//! The published schemas and the decoder say the same: a message that a schema takes is decoded, and one that it
//! refuses is rejected.

use serde_json::{Value, json};

use super::{Kind, decode};

fn schema(text: &str) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(&serde_json::from_str(text).unwrap()).unwrap()
}

/// Whether the decoder takes `body`, after asserting that the schema is of the same opinion.
fn agree(validator: &jsonschema::Validator, kind: Kind, body: &Value) -> bool {
    let text = body.to_string();
    let headers: &[(&str, &[u8])] = &[];
    let decoded = decode(kind, Some(text.as_bytes()), headers);
    assert_eq!(
        validator.is_valid(body),
        decoded.is_ok(),
        "{text}: decoder {decoded:?}, schema {:?}",
        validator.iter_errors(body).map(|fault| fault.to_string()).collect::<Vec<_>>()
    );
    decoded.is_ok()
}

/// Every field in turn is absent and takes every value of a list that crosses each limit.
fn check(text: &str, kind: Kind, bodies: &[Value], fields: &[&str], place: fn(&mut Value) -> &mut Value) {
    let validator = schema(text);
    let mut accepted = 0;
    let mut refused = 0;
    let mut count = |body: &Value| if agree(&validator, kind, body) { accepted += 1 } else { refused += 1 };
    for body in bodies {
        assert!(agree(&validator, kind, body), "{body}");
        for field in fields {
            let mut absent = body.clone();
            place(&mut absent).as_object_mut().unwrap().remove(*field);
            count(&absent);
            for value in values() {
                let mut changed = body.clone();
                place(&mut changed)[*field] = value;
                count(&changed);
            }
        }
    }
    assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused");
}

fn values() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!(0),
        json!(-0.0),
        json!(-1),
        json!(-0.004),
        json!(-0.006),
        json!(0.5),
        json!(12.0),
        json!(1.5e6),
        json!(2_147_483_647_i64),
        json!(2_147_483_648_i64),
        json!(99_999_999.99),
        json!(100_000_000),
        json!(-99_999_999.99),
        json!(-100_000_000),
        json!(9_999_999_999_999_i64),
        json!(10_000_000_000_000_i64),
        json!(-10_000_000_000_000_i64),
        json!(1e300),
    ];
    for text in [
        "",
        " ",
        "a",
        "evt-1",
        "새해 경품 이벤트",
        "a\u{0}b",
        "0",
        "-0",
        "-0.0",
        "-0.00",
        "-0.004",
        "-0.005",
        "-0.0050",
        "-0.0051",
        "-0.006",
        "-0.01",
        "-1",
        "1500000.00",
        "1.5e6",
        "1.5E+6",
        "01",
        "+1",
        ".5",
        "5.",
        "1,000",
        "NaN",
        "99999999.99",
        "99999999.994",
        "99999999.995",
        "100000000",
        "-99999999.995",
        "9999999999999.99",
        "9999999999999.9949",
        "9999999999999.995",
        "10000000000000",
        "-9999999999999.995",
        "TV",
        "SNS",
        "VOICE",
        "tv",
        "ACTIVE",
        "ENDED",
        "ARCHIVED",
        "GONE",
        "2026-01-05T00:00:00Z",
        "2026-01-05T00:00:00.123456789+09:00",
        "2026-01-05",
        "2026-02-30T00:00:00Z",
        "2026-01-05T00:00:00",
    ] {
        values.push(json!(text));
    }
    for length in [36, 37, 50, 51, 255, 256] {
        values.push(json!("가".repeat(length)));
    }
    values
}

fn body(value: &mut Value) -> &mut Value {
    value
}

fn first_channel(value: &mut Value) -> &mut Value {
    &mut value["channels"][0]
}

#[test]
fn event_created() {
    check(
        include_str!("../../schemas/event-created.json"),
        Kind::EventCreated,
        &[json!({
            "messageId": "m", "occurredAt": "2026-01-05T00:00:00Z", "eventId": "evt-1", "eventTitle": "새해",
            "userId": "user-01", "totalInvestment": "1500000.00", "expectedRevenue": 4_200_000.5, "targetRoi": "150.00",
            "estimatedRoi": "180.00", "salesGrowthRate": "12.50", "status": "ACTIVE",
        })],
        &[
            "messageId",
            "occurredAt",
            "eventId",
            "eventTitle",
            "userId",
            "totalInvestment",
            "expectedRevenue",
            "targetRoi",
            "estimatedRoi",
            "salesGrowthRate",
            "status",
            "unknown",
        ],
        body,
    );
}

#[test]
fn participant_registered() {
    check(
        include_str!("../../schemas/participant-registered.json"),
        Kind::ParticipantRegistered,
        &[
            json!({"messageId": "m", "occurredAt": "2026-01-05T09:31:12Z", "eventId": "evt-1", "participantId": "p-1",
                   "channelName": "우리동네TV", "channelType": "TV"}),
            json!({"occurredAt": "2026-01-05T09:31:12Z", "eventId": "evt-1"}),
        ],
        &["messageId", "occurredAt", "eventId", "participantId", "channelName", "channelType", "unknown"],
        body,
    );
}

#[test]
fn distribution_completed() {
    let text = include_str!("../../schemas/distribution-completed.json");
    let bodies = [json!({
        "messageId": "m", "occurredAt": "2026-01-05T01:00:00Z", "eventId": "evt-0001", "channels": [
            {"channelName": "링고비즈", "channelType": "VOICE", "distributionCost": "120000.00", "impressions": 1,
             "views": 1, "clicks": 1, "conversions": 1, "likes": 1, "comments": 1, "shares": 1,
             "totalCalls": 2_147_483_647, "completedCalls": 0, "averageDuration": 42},
        ],
    })];
    check(
        text,
        Kind::DistributionCompleted,
        &bodies,
        &["messageId", "occurredAt", "eventId", "channels"],
        body,
    );
    check(
        text,
        Kind::DistributionCompleted,
        &bodies,
        &[
            "channelName",
            "channelType",
            "distributionCost",
            "impressions",
            "views",
            "clicks",
            "conversions",
            "likes",
            "comments",
            "shares",
            "completedCalls",
            "averageDuration",
            "unknown",
        ],
        first_channel,
    );
}

/// What the schemas' comments name is refused by the decoder alone.
#[test]
fn beyond_the_schemas() {
    let headers: &[(&str, &[u8])] = &[];
    let event = json!({
        "occurredAt": "2026-01-05T00:00:00Z", "eventId": "evt-1", "eventTitle": "새해", "userId": "user-01",
        "totalInvestment": "1e13", "expectedRevenue": "1",
    });
    assert!(schema(include_str!("../../schemas/event-created.json")).is_valid(&event));
    assert!(decode(Kind::EventCreated, Some(event.to_string().as_bytes()), headers).is_err());
    let distribution = json!({
        "occurredAt": "2026-01-05T01:00:00Z", "eventId": "evt-0001",
        "channels": [{"channelName": "링고비즈", "channelType": "VOICE", "totalCalls": 1, "completedCalls": 2}],
    });
    assert!(schema(include_str!("../../schemas/distribution-completed.json")).is_valid(&distribution));
    assert!(decode(Kind::DistributionCompleted, Some(distribution.to_string().as_bytes()), headers).is_err());
}
