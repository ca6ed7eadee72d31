//! Whatever bytes come from Kafka, the decoder answers: with a fact that fits its columns, or with a reason.

#![no_main]

#[path = "../../consumer/tests/promise/mod.rs"]
mod promise;

use consumer::message::{Kind, decode};
use libfuzzer_sys::fuzz_target;

// The first byte chooses the message and how it is wrapped, the second how many of the rest are a header.
fuzz_target!(|bytes: &[u8]| {
    let [choice, header, rest @ ..] = bytes else { return };
    let kind = [Kind::EventCreated, Kind::ParticipantRegistered, Kind::DistributionCompleted]
        [usize::from(choice % 3)];
    let (header, payload) = rest.split_at(usize::from(*header).min(rest.len()));
    let content_type: &[u8] =
        if choice & 0x80 == 0 { b"application/json" } else { b"application/cloudevents+json" };
    let name = if choice & 0x40 == 0 { "messageId" } else { "ce_id" };
    let headers: [(&str, &[u8]); 2] = [("content-type", content_type), (name, header)];
    promise::keep(&decode(kind, Some(payload), headers.as_slice()));
});
