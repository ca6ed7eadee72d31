//! What is counted of readings. Types and outcomes are few, so the number of series is bounded.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::COUNTERS;
use crate::domain::{BreakerState, ChannelType};

const READINGS: &str = "pulsegate_channel_readings_total";
const KEPT_OUT: &str = "pulsegate_channel_readings_kept_out_total";
const CALLS: &str = "pulsegate_channel_api_call_duration_seconds";
const BREAKER: &str = "pulsegate_channel_api_breaker";

/// Names the metrics' meanings to the recorder; to be called once it is installed.
pub fn describe() {
    describe_counter!(READINGS, "Readings of channels, by the channel's type and by what became of them");
    describe_counter!(KEPT_OUT, "Values of readings that were lower than what is stored, by counter");
    describe_histogram!(CALLS, metrics::Unit::Seconds, "Time that a call of a channel API took, by type");
    describe_gauge!(BREAKER, "This process's breaker of a type's API: 0 closed, 1 half-open, 2 open");
    // What never happened is 0, not absent.
    for counter in COUNTERS {
        counter!(KEPT_OUT, "counter" => counter).increment(0);
    }
}

pub(super) fn read(kind: ChannelType, outcome: &'static str) {
    counter!(READINGS, "type" => kind.as_str(), "outcome" => outcome).increment(1);
}

pub(crate) fn kept_out(what: &'static str) {
    counter!(KEPT_OUT, "counter" => what).increment(1);
}

pub(super) fn called(kind: Option<ChannelType>, took: Duration) {
    let kind = kind.map_or("", ChannelType::as_str);
    histogram!(CALLS, "type" => kind).record(took);
}

pub(super) fn breaker(kind: ChannelType, state: BreakerState) {
    let value = match state {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 1.0,
        BreakerState::Open => 2.0,
    };
    gauge!(BREAKER, "type" => kind.as_str()).set(value);
}
