use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use service::{
    domain::{ChannelType, EventStatus},
    ingest::{DistributionCompleted, EventCreated, Fact, ParticipantRegistered},
};

use super::{Code, Decoded, Kind, Rejection, decode};

type Header = (&'static str, &'static [u8]);
const NONE: &[Header] = &[];

fn read(kind: Kind, body: &str) -> Result<Decoded, Rejection> {
    decode(kind, Some(body.as_bytes()), NONE)
}

fn event(body: &str) -> Result<EventCreated, Rejection> {
    match read(Kind::EventCreated, body)?.fact {
        Fact::EventCreated(fact) => Ok(*fact),
        other => panic!("{other:?}"),
    }
}

fn participant(body: &str) -> Result<ParticipantRegistered, Rejection> {
    match read(Kind::ParticipantRegistered, body)?.fact {
        Fact::ParticipantRegistered(fact) => Ok(fact),
        other => panic!("{other:?}"),
    }
}

fn distribution(body: &str) -> Result<DistributionCompleted, Rejection> {
    match read(Kind::DistributionCompleted, body)?.fact {
        Fact::DistributionCompleted(fact) => Ok(fact),
        other => panic!("{other:?}"),
    }
}

fn created() -> Value {
    json!({
        "messageId": "m-1", "occurredAt": "2026-01-05T00:00:00Z", "eventId": "evt-0001",
        "eventTitle": "새해 경품 이벤트", "userId": "user-01", "totalInvestment": "1500000.00",
        "expectedRevenue": "4200000.00", "targetRoi": "150.00", "estimatedRoi": "180.00",
        "salesGrowthRate": "12.50", "status": "ACTIVE",
    })
}

fn with(mut body: Value, field: &str, value: Value) -> String {
    body[field] = value;
    body.to_string()
}

fn without(mut body: Value, field: &str) -> String {
    body.as_object_mut().unwrap().remove(field);
    body.to_string()
}

/// `raw` stands for the field's value to the letter, so that a number keeps its text.
fn with_raw(body: Value, field: &str, raw: &str) -> String {
    with(body, field, json!("\u{1}")).replace("\"\\u0001\"", raw)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn code(result: Result<impl std::fmt::Debug, Rejection>) -> Code {
    result.unwrap_err().code
}

#[test]
fn an_event_is_read_whole() {
    let decoded = read(Kind::EventCreated, &created().to_string()).unwrap();
    assert_eq!(decoded.message_id.as_deref(), Some("m-1"));
    let Fact::EventCreated(fact) = decoded.fact else { panic!() };
    assert_eq!(fact.event_id.as_str(), "evt-0001");
    assert_eq!(fact.event_title, "새해 경품 이벤트");
    assert_eq!(fact.user_id.as_str(), "user-01");
    assert_eq!(fact.total_investment, decimal("1500000.00"));
    assert_eq!(fact.expected_revenue, decimal("4200000.00"));
    assert_eq!(fact.target_roi, decimal("150"));
    assert_eq!(fact.estimated_roi, Some(decimal("180")));
    assert_eq!(fact.sales_growth_rate, decimal("12.5"));
    assert_eq!(fact.status, EventStatus::Active);
    assert_eq!(fact.occurred_at, instant("2026-01-05T00:00:00Z"));
}

#[test]
fn what_may_be_absent_may_be_null() {
    for remove in [true, false] {
        let mut body = created();
        for field in ["messageId", "targetRoi", "estimatedRoi", "salesGrowthRate", "status"] {
            if remove {
                body.as_object_mut().unwrap().remove(field);
            } else {
                body[field] = Value::Null;
            }
        }
        let decoded = read(Kind::EventCreated, &body.to_string()).unwrap();
        assert_eq!(decoded.message_id, None);
        let Fact::EventCreated(fact) = decoded.fact else { panic!() };
        assert_eq!(
            (fact.target_roi, fact.estimated_roi, fact.sales_growth_rate, fact.status),
            (Decimal::ZERO, None, Decimal::ZERO, EventStatus::Active)
        );
    }
}

#[test]
fn what_is_required_is_named_where_it_is_missing() {
    for field in ["eventId", "eventTitle", "userId", "totalInvestment", "expectedRevenue", "occurredAt"] {
        for body in [without(created(), field), with(created(), field, Value::Null)] {
            let rejection = event(&body).unwrap_err();
            assert_eq!(rejection.code, Code::MissingField);
            assert_eq!(rejection.to_string(), format!("{field} is missing; it is required"));
        }
    }
}

#[test]
fn unknown_fields_are_ignored_but_a_known_one_counts_once() {
    assert!(event(&with(created(), "more", json!({"deep": [1, {"x": null}]}))).is_ok());
    let twice = created().to_string().replacen('{', r#"{"eventId":"evt-2","#, 1);
    assert_eq!(code(event(&twice)), Code::DuplicateField);
    let unknown = created().to_string().replacen('{', r#"{"x":1,"x":2,"#, 1);
    assert!(event(&unknown).is_ok());
}

#[test]
fn decimals_are_exact_as_numbers_and_as_strings() {
    for (raw, expected) in [
        ("1.5e6", "1500000.00"),
        (r#""1.5E+6""#, "1500000.00"),
        ("9999999999999.99", "9999999999999.99"),
        (r#""9999999999999.99""#, "9999999999999.99"),
        ("9999999999999.994999999999999999999999", "9999999999999.99"),
        ("0.1", "0.10"),
        ("0.125", "0.12"),
        ("0.135", "0.14"),
        ("2.675", "2.68"),
        ("-0.004", "0"),
        ("0", "0"),
    ] {
        let fact = event(&with_raw(created(), "totalInvestment", raw)).unwrap();
        assert_eq!(fact.total_investment, decimal(expected), "{raw}");
        assert_eq!(fact.total_investment.scale(), 2);
    }
}

#[test]
fn ranges_are_those_of_the_columns_after_rounding() {
    for raw in ["10000000000000", "9999999999999.995", "1e13", "1e400", r#""1e400""#, r#""99999999999999""#] {
        assert_eq!(code(event(&with_raw(created(), "totalInvestment", raw))), Code::OutOfRange, "{raw}");
        assert_eq!(code(event(&with_raw(created(), "expectedRevenue", raw))), Code::OutOfRange, "{raw}");
    }
    for field in ["targetRoi", "estimatedRoi", "salesGrowthRate"] {
        assert!(event(&with_raw(created(), field, "99999999.99")).is_ok(), "{field}");
        assert!(event(&with_raw(created(), field, "99999999.994")).is_ok(), "{field}");
        assert_eq!(code(event(&with_raw(created(), field, "99999999.995"))), Code::OutOfRange, "{field}");
    }
    assert_eq!(code(event(&with_raw(created(), "salesGrowthRate", "-1e8"))), Code::OutOfRange);
}

#[test]
fn what_may_be_negative() {
    for field in ["expectedRevenue", "salesGrowthRate"] {
        assert!(event(&with(created(), field, json!("-12.50"))).is_ok(), "{field}");
    }
    for field in ["totalInvestment", "targetRoi", "estimatedRoi"] {
        assert_eq!(code(event(&with(created(), field, json!("-0.01")))), Code::NegativeNumber, "{field}");
        assert_eq!(code(event(&with_raw(created(), field, "-3"))), Code::NegativeNumber, "{field}");
    }
}

#[test]
fn texts_that_are_no_decimals() {
    for raw in [r#""""#, r#""abc""#, r#""1,000""#, r#"" 1""#, r#""NaN""#, r#""+1""#, r#""0x1""#] {
        assert_eq!(code(event(&with_raw(created(), "totalInvestment", raw))), Code::InvalidNumber, "{raw}");
    }
    for raw in ["true", "[]", "{}"] {
        assert_eq!(code(event(&with_raw(created(), "totalInvestment", raw))), Code::WrongType, "{raw}");
    }
}

#[test]
fn texts_are_measured_in_characters() {
    for (field, limit) in [("eventId", 36), ("userId", 36), ("eventTitle", 255), ("messageId", 255)] {
        assert!(event(&with(created(), field, json!("가".repeat(limit)))).is_ok(), "{field}");
        let rejection = event(&with(created(), field, json!("가".repeat(limit + 1)))).unwrap_err();
        assert_eq!(rejection.code, Code::TooLong);
        assert_eq!(
            rejection.to_string(),
            format!("{field} is {} characters long; at most {limit} are allowed", limit + 1)
        );
        assert_eq!(code(event(&with(created(), field, json!("a\0b")))), Code::NulCharacter, "{field}");
        assert_eq!(code(event(&with(created(), field, json!(7)))), Code::WrongType, "{field}");
    }
    for field in ["eventId", "userId", "eventTitle"] {
        assert_eq!(code(event(&with(created(), field, json!("")))), Code::EmptyText, "{field}");
    }
}

#[test]
fn status_is_one_of_three() {
    assert_eq!(event(&with(created(), "status", json!("ENDED"))).unwrap().status, EventStatus::Ended);
    for name in ["active", "DELETED", ""] {
        assert_eq!(code(event(&with(created(), "status", json!(name)))), Code::UnknownStatus);
    }
    assert_eq!(code(event(&with(created(), "status", json!(1)))), Code::WrongType);
}

#[test]
fn instants_take_any_offset_and_keep_microseconds() {
    for (text, expected) in [
        ("2026-01-05T09:31:12Z", "2026-01-05T09:31:12Z"),
        ("2026-01-05T09:31:12+09:00", "2026-01-05T00:31:12Z"),
        ("2026-01-05T09:31:12.123456789-03:30", "2026-01-05T13:01:12.123456Z"),
        ("2026-01-05T09:31:12.9999999Z", "2026-01-05T09:31:12.999999Z"),
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
        ("2026-01-05t09:31:12z", "2026-01-05T09:31:12Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.25Z"),
    ] {
        let fact = event(&with(created(), "occurredAt", json!(text))).unwrap();
        assert_eq!(fact.occurred_at, instant(expected), "{text}");
    }
    for text in [
        "",
        "2026-01-05",
        "2026-01-05T09:31:12",
        "2026-13-05T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "now",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-00:01",
    ] {
        assert_eq!(
            code(event(&with(created(), "occurredAt", json!(text)))),
            Code::InvalidTimestamp,
            "{text}"
        );
    }
    assert_eq!(code(event(&with(created(), "occurredAt", json!(1_767_571_200)))), Code::WrongType);
}

#[test]
fn a_participant_may_come_without_a_channel() {
    let body = json!({"messageId": "m", "occurredAt": "2026-01-05T09:31:12Z", "eventId": "evt-1", "participantId": "p-1"});
    assert_eq!(participant(&body.to_string()).unwrap().channel, None);
    assert_eq!(participant(&with(body.clone(), "channelName", Value::Null)).unwrap().channel, None);
    assert_eq!(participant(&with(body.clone(), "channelType", json!("TV"))).unwrap().channel, None);
    assert_eq!(
        code(participant(&with(body.clone(), "channelType", json!("RADIO")))),
        Code::UnknownChannelType
    );
    assert_eq!(
        code(participant(&with(body.clone(), "channelName", json!("우리동네TV")))),
        Code::MissingField
    );
    assert_eq!(code(participant(&with(body.clone(), "channelName", json!("")))), Code::EmptyText);
    let body = json!({"occurredAt": "2026-01-05T09:31:12Z", "eventId": "evt-1", "channelName": "우리동네TV", "channelType": "TV"});
    let (name, kind) = participant(&body.to_string()).unwrap().channel.unwrap();
    assert_eq!((name.as_str(), kind), ("우리동네TV", ChannelType::Tv));
    assert_eq!(code(participant(&with(body, "channelName", json!("가".repeat(51))))), Code::TooLong);
}

fn distributed(channels: &Value) -> String {
    json!({"messageId": "m", "occurredAt": "2026-01-05T01:00:00Z", "eventId": "evt-0001", "channels": channels}).to_string()
}

#[test]
fn a_distribution_is_read_whole() {
    let fact = distribution(&distributed(&json!([
        {"channelName": "우리동네TV", "channelType": "TV", "distributionCost": "500000.00", "impressions": 12000},
        {"channelName": "링고비즈", "channelType": "VOICE", "distributionCost": 120_000, "totalCalls": 400,
         "completedCalls": 310, "averageDuration": 42},
        {"channelName": "인스타그램", "channelType": "SNS", "views": 1, "clicks": 2, "conversions": 3, "likes": 4,
         "comments": 5, "shares": 6},
    ])))
    .unwrap();
    let [tv, voice, sns] = &fact.channels[..] else { panic!() };
    assert_eq!(
        (tv.channel_type, tv.impressions, tv.distribution_cost),
        (ChannelType::Tv, 12_000, decimal("500000"))
    );
    assert_eq!((voice.total_calls, voice.completed_calls, voice.average_duration), (400, 310, 42));
    assert_eq!(voice.distribution_cost, decimal("120000"));
    assert_eq!(
        (sns.views, sns.clicks, sns.conversions, sns.likes, sns.comments, sns.shares, sns.distribution_cost),
        (1, 2, 3, 4, 5, 6, Decimal::ZERO)
    );
    assert!(distribution(&distributed(&json!([]))).unwrap().channels.is_empty());
}

#[test]
fn faults_of_a_channel_name_their_place() {
    let channel = |field: &str, value: Value| {
        let mut broken = json!({"channelName": "b", "channelType": "VOICE"});
        broken[field] = value;
        distribution(&distributed(&json!([{"channelName": "a", "channelType": "TV"}, broken]))).unwrap_err()
    };
    for field in [
        "impressions",
        "views",
        "clicks",
        "conversions",
        "likes",
        "comments",
        "shares",
        "totalCalls",
        "completedCalls",
        "averageDuration",
    ] {
        assert_eq!(channel(field, json!(-1)).code, Code::NegativeNumber);
        assert_eq!(channel(field, json!(2_147_483_648_i64)).code, Code::OutOfRange);
        assert_eq!(channel(field, json!(0.5)).code, Code::NotAnInteger);
        assert_eq!(channel(field, json!("1")).code, Code::WrongType);
        assert_eq!(
            channel(field, json!(-1)).to_string(),
            format!("channels[1].{field} is \"-1\"; it has to be at least 0")
        );
    }
    assert_eq!(channel("channelType", json!("tv")).code, Code::UnknownChannelType);
    assert_eq!(channel("channelType", Value::Null).code, Code::MissingField);
    assert_eq!(channel("channelName", json!("")).code, Code::EmptyText);
    assert_eq!(channel("distributionCost", json!("1e13")).code, Code::OutOfRange);
    let rejection = channel("completedCalls", json!(1));
    assert_eq!(rejection.code, Code::CompletedExceedsTotal);
    assert_eq!(
        rejection.to_string(),
        "channels[1].completedCalls is 1; at most 0, the totalCalls, are allowed"
    );
    assert_eq!(code(distribution(&distributed(&json!({})))), Code::WrongType);
    assert_eq!(code(distribution(&distributed(&json!([1])))), Code::WrongType);
    assert_eq!(
        code(distribution(r#"{"eventId":"e","occurredAt":"2026-01-05T01:00:00Z"}"#)),
        Code::MissingField
    );
}

#[test]
fn counts_are_whole_numbers_however_written() {
    let views = |raw: &str| {
        distribution(
            &distributed(&json!([{"channelName": "a", "channelType": "TV", "views": "\u{1}"}]))
                .replace("\"\\u0001\"", raw),
        )
        .map(|fact| fact.channels[0].views)
    };
    assert_eq!(views("2147483647").unwrap(), i32::MAX);
    assert_eq!(views("12.0").unwrap(), 12);
    assert_eq!(views("1.2e3").unwrap(), 1200);
    assert_eq!(code(views("99999999999999999999999")), Code::OutOfRange);
    assert_eq!(code(views("-99999999999999999999999")), Code::NegativeNumber);
    assert_eq!(code(views("true")), Code::WrongType);
}

#[test]
fn a_channel_named_twice_counts_as_two_messages_in_a_row() {
    let fact = distribution(&distributed(&json!([
        {"channelName": "a", "channelType": "TV", "distributionCost": "9", "impressions": 5, "views": 9,
         "totalCalls": 10, "completedCalls": 2, "averageDuration": 50},
        {"channelName": "b", "channelType": "SNS"},
        {"channelName": "a", "channelType": "VOICE", "distributionCost": "3", "impressions": 7, "views": 1,
         "totalCalls": 4, "completedCalls": 4, "averageDuration": 7},
    ])))
    .unwrap();
    let [a, b] = &fact.channels[..] else { panic!() };
    assert_eq!(b.channel_name.as_str(), "b");
    assert_eq!(
        (a.channel_type, a.distribution_cost, a.average_duration),
        (ChannelType::Voice, decimal("3"), 7)
    );
    assert_eq!((a.impressions, a.views, a.total_calls, a.completed_calls), (7, 9, 10, 4));
}

#[test]
fn payloads_that_are_no_json_object() {
    assert_eq!(code(decode(Kind::EventCreated, None, NONE)), Code::EmptyPayload);
    assert_eq!(code(decode(Kind::EventCreated, Some(b""), NONE)), Code::EmptyPayload);
    assert_eq!(code(decode(Kind::EventCreated, Some(b"{\"a\":\"\xff\"}"), NONE)), Code::InvalidUtf8);
    for body in ["{", "nonsense", "{}{}", "{\"a\":}", "[1", " ", "\u{feff}{}", "{'a':1}", "{\"a\":01}"] {
        assert_eq!(code(event(body)), Code::InvalidJson, "{body}");
    }
    for body in ["[]", "1", "\"text\"", "null", "true"] {
        assert_eq!(code(event(body)), Code::WrongType, "{body}");
    }
    assert_eq!(code(event(&with_raw(created(), "eventTitle", r#""\ud800""#))), Code::InvalidJson);
}

#[test]
fn deep_nesting_does_no_harm() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(event(&with_raw(created(), "more", &deep)).is_ok());
    assert_eq!(code(event(&with_raw(created(), "eventTitle", &deep))), Code::WrongType);
    assert_eq!(code(event(&deep)), Code::WrongType);
}

#[test]
fn texts_quoted_from_outside_are_short() {
    let rejection = event(&with(created(), "status", json!("x".repeat(100_000)))).unwrap_err();
    assert!(rejection.to_string().len() < 150, "{rejection}");
}

#[test]
fn the_id_comes_from_the_body_then_from_headers() {
    let id = |body: &str, headers: &[Header]| {
        decode(Kind::EventCreated, Some(body.as_bytes()), headers).map(|decoded| decoded.message_id)
    };
    let both: &[Header] = &[("ce_id", b"ce"), ("messageId", b"header")];
    let bare = without(created(), "messageId");
    assert_eq!(id(&created().to_string(), both).unwrap().as_deref(), Some("m-1"));
    assert_eq!(id(&bare, both).unwrap().as_deref(), Some("header"));
    assert_eq!(id(&with(created(), "messageId", json!("")), both).unwrap().as_deref(), Some("header"));
    assert_eq!(id(&bare, &both[..1]).unwrap().as_deref(), Some("ce"));
    assert_eq!(id(&bare, &[("messageId", b""), ("ce_id", b"ce")]).unwrap().as_deref(), Some("ce"));
    assert_eq!(id(&bare, NONE).unwrap(), None);
    assert_eq!(id(&bare, &[("messageId", b"old"), ("messageId", b"new")]).unwrap().as_deref(), Some("new"));
    assert_eq!(code(id(&bare, &[("messageId", b"\xff")])), Code::InvalidUtf8);
    assert_eq!(code(id(&bare, &[("ce_id", b"a\0b")])), Code::NulCharacter);
    assert_eq!(code(id(&bare, &[("ce_id", &[b'x'; 256])])), Code::TooLong);
}

#[test]
fn cloud_events_in_structured_mode() {
    let envelope = json!({
        "specversion": "1.0", "id": "ce-1", "source": "/events", "type": "EventCreated",
        "datacontenttype": "application/json", "data": without_id(),
    });
    let typed: &[Header] =
        &[("Content-Type", b"application/cloudevents+json; charset=UTF-8"), ("ce_id", b"header")];
    for headers in [NONE, typed] {
        let decoded = decode(Kind::EventCreated, Some(envelope.to_string().as_bytes()), headers).unwrap();
        assert_eq!(decoded.message_id.as_deref(), Some("ce-1"));
    }
    let mut own = envelope.clone();
    own["data"]["messageId"] = json!("own");
    assert_eq!(read(Kind::EventCreated, &own.to_string()).unwrap().message_id.as_deref(), Some("own"));
    let mut broken = envelope.clone();
    broken["data"]["eventId"] = Value::Null;
    assert_eq!(
        event(&broken.to_string()).unwrap_err().to_string(),
        "data.eventId is missing; it is required"
    );
    broken["data"] = json!("{}");
    assert_eq!(code(event(&broken.to_string())), Code::WrongType);
    let bare = json!({"specversion": "1.0", "id": "x"}).to_string();
    assert_eq!(
        decode(Kind::EventCreated, Some(bare.as_bytes()), typed).unwrap_err().to_string(),
        "data is missing; it is required"
    );
}

#[test]
fn cloud_events_may_bring_their_payload_as_bytes() {
    let envelope = |bytes: &str| json!({"specversion": "1.0", "id": "ce-1", "data_base64": bytes});
    let decoded = read(Kind::EventCreated, &envelope(&STANDARD.encode(without_id().to_string())).to_string());
    assert_eq!(decoded.unwrap().message_id.as_deref(), Some("ce-1"));
    for (bytes, expected) in [
        ("?", Code::InvalidJson),
        ("", Code::InvalidJson),
        ("/w==", Code::InvalidUtf8),
        ("e30", Code::InvalidJson),
        ("e30=", Code::MissingField),
        ("W10=", Code::WrongType),
    ] {
        assert_eq!(code(event(&envelope(bytes).to_string())), expected, "{bytes}");
    }
    let both = with(envelope("e30="), "data", without_id());
    assert_eq!(code(event(&both)), Code::DuplicateField);
    assert_eq!(code(event(&with(envelope("e30="), "data_base64", json!(7)))), Code::WrongType);
}

#[test]
fn a_message_with_fields_named_like_an_envelope_is_itself() {
    let named = with(with(created(), "specversion", json!("1.0")).parse().unwrap(), "data", json!("x"));
    assert_eq!(event(&named).unwrap().event_id.as_str(), "evt-0001");
}

fn without_id() -> Value {
    let mut body = created();
    body.as_object_mut().unwrap().remove("messageId");
    body
}

#[test]
fn cloud_events_in_binary_mode_are_plain_json() {
    let headers: &[Header] =
        &[("ce_specversion", b"1.0"), ("ce_id", b"ce-2"), ("content-type", b"application/json")];
    let decoded = decode(Kind::EventCreated, Some(without_id().to_string().as_bytes()), headers).unwrap();
    assert_eq!(decoded.message_id.as_deref(), Some("ce-2"));
}
