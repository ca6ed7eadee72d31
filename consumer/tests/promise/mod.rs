//! What the decoder promises of whatever it is given.

use chrono::{Datelike as _, Timelike as _};
use consumer::message::{Decoded, MESSAGE_ID_MAX_CHARS, Rejection};
use rust_decimal::Decimal;
use service::ingest::Fact;

/// Panics where the promise is broken.
pub(crate) fn keep(outcome: &Result<Decoded, Rejection>) {
    match outcome {
        Ok(decoded) => {
            if let Some(id) = &decoded.message_id {
                text(id, MESSAGE_ID_MAX_CHARS);
            }
            fits(&decoded.fact);
        }
        Err(rejection) => {
            let said = &rejection.message;
            assert!((1..=400).contains(&said.chars().count()), "{said}");
            assert!(!said.contains(char::is_control), "{said:?}");
        }
    }
}

/// Every value fits its column.
fn fits(fact: &Fact) {
    text(fact.event_id().as_str(), 36);
    let at = fact.occurred_at();
    assert!((0..=9_999).contains(&at.year()) && at.nanosecond().is_multiple_of(1_000), "{at}");
    assert!(at.nanosecond() < 1_000_000_000, "{at}");
    match fact {
        Fact::EventCreated(fact) => {
            text(&fact.event_title, 255);
            text(fact.user_id.as_str(), 36);
            amount(fact.total_investment, 15, false);
            amount(fact.expected_revenue, 15, true);
            amount(fact.target_roi, 10, false);
            amount(fact.sales_growth_rate, 10, true);
            if let Some(roi) = fact.estimated_roi {
                amount(roi, 10, false);
            }
        }
        Fact::ParticipantRegistered(fact) => {
            if let Some((name, _)) = &fact.channel {
                text(name.as_str(), 50);
            }
        }
        Fact::DistributionCompleted(fact) => {
            let mut names: Vec<&str> =
                fact.channels.iter().map(|channel| channel.channel_name.as_str()).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a channel is there twice: {names:?}");
            for channel in &fact.channels {
                text(channel.channel_name.as_str(), 50);
                amount(channel.distribution_cost, 15, true);
                let counters = [
                    channel.impressions,
                    channel.views,
                    channel.clicks,
                    channel.conversions,
                    channel.likes,
                    channel.comments,
                    channel.shares,
                    channel.total_calls,
                    channel.completed_calls,
                    channel.average_duration,
                ];
                assert!(counters.iter().all(|counter| *counter >= 0), "{channel:?}");
                assert!(channel.completed_calls <= channel.total_calls, "{channel:?}");
            }
        }
    }
}

fn text(text: &str, limit: usize) {
    assert!((1..=limit).contains(&text.chars().count()), "{text:?}");
    assert!(!text.contains('\0'), "{text:?}");
}

fn amount(amount: Decimal, digits: u32, negative: bool) {
    assert_eq!(amount.scale(), 2, "{amount}");
    assert!(amount.abs() < Decimal::from(10_i64.pow(digits - 2)), "{amount}");
    assert!(negative || !amount.is_sign_negative() || amount.is_zero(), "{amount}");
}
