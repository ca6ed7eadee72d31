//! The decoder answers whatever comes, and what it takes fits the columns.

mod promise;

use consumer::message::{Kind, decode};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    prop_oneof,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

const KINDS: [Kind; 3] = [Kind::EventCreated, Kind::ParticipantRegistered, Kind::DistributionCompleted];

const GOOD: [(Kind, &str); 4] = [
    (
        Kind::EventCreated,
        r#"{"messageId":"7b0c","occurredAt":"2026-01-05T00:00:00Z","eventId":"evt-0001","eventTitle":"새해 경품 이벤트","userId":"user-01","totalInvestment":"1500000.00","expectedRevenue":4200000.005,"targetRoi":"1.5e2","estimatedRoi":180.00,"salesGrowthRate":"-12.50","status":"ENDED"}"#,
    ),
    (
        Kind::ParticipantRegistered,
        r#"{"messageId":"7b0d","occurredAt":"2026-01-05T09:31:12.123456789+09:00","eventId":"evt-0001","participantId":"p-1","channelName":"우리동네TV","channelType":"TV"}"#,
    ),
    (
        Kind::DistributionCompleted,
        r#"{"messageId":"7b0e","occurredAt":"2026-01-05T01:00:00Z","eventId":"evt-0001","channels":[{"channelName":"우리동네TV","channelType":"TV","distributionCost":"500000.00","impressions":12000},{"channelName":"링고비즈","channelType":"VOICE","distributionCost":1.2e5,"totalCalls":400,"completedCalls":310,"averageDuration":42}]}"#,
    ),
    (
        Kind::ParticipantRegistered,
        r#"{"specversion":"1.0","id":"ce-1","source":"/registrations","data":{"occurredAt":"2026-01-05T09:31:12Z","eventId":"evt-0001"}}"#,
    ),
];

/// What a byte or two of JSON become when somebody breaks it.
const PIECES: [&str; 24] = [
    "",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "-",
    "1e",
    "e999999999",
    "0",
    ".5",
    "\0",
    "\\u0000",
    "\\ud800",
    "가",
    "\u{feff}",
    " ",
    "2147483648",
    "99999999999999.99",
    "true",
];

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn hold(kind: Kind, payload: &[u8], id: &[u8], structured: bool) {
    let content_type: &[u8] = if structured { b"application/cloudevents+json" } else { b"application/json" };
    let headers: [(&str, &[u8]); 2] = [("content-type", content_type), ("ce_id", id)];
    let outcome = decode(kind, Some(payload), headers.as_slice());
    promise::keep(&outcome);
    assert_eq!(outcome, decode(kind, Some(payload), headers.as_slice()));
}

#[test]
fn what_is_broken_next_is_whole() {
    for (kind, good) in GOOD {
        let headers: [(&str, &[u8]); 0] = [];
        decode(kind, Some(good.as_bytes()), headers.as_slice()).unwrap();
    }
}

#[test]
fn any_bytes_are_answered() {
    let bytes = (select(&KINDS[..]), vec(any::<u8>(), 0..200), vec(any::<u8>(), 0..20), any::<bool>());
    runner(4_000)
        .run(&bytes, |(kind, payload, id, structured)| {
            hold(kind, &payload, &id, structured);
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_damage_to_a_good_message_is_answered() {
    let cut = (
        any::<Index>(),
        0_usize..12,
        prop_oneof![select(&PIECES[..]).prop_map(str::to_owned), any::<String>()],
    );
    let damaged = (select(&GOOD[..]), vec(cut, 1..4), prop_oneof![3 => Just(false), 1 => Just(true)]);
    runner(8_000)
        .run(&damaged, |((kind, good), cuts, structured)| {
            let mut payload = good.as_bytes().to_vec();
            for (at, length, piece) in cuts {
                let at = at.index(payload.len() + 1);
                let end = (at + length).min(payload.len());
                payload.splice(at..end, piece.bytes());
            }
            hold(kind, &payload, b"", structured);
            Ok(())
        })
        .unwrap();
}
