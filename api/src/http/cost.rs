use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::budget::{Bill, whole_seconds};

const COST: HeaderName = HeaderName::from_static("x-cost");
// As the IETF's draft "RateLimit header fields for HTTP" has them.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Tells what the operations of a request cost, and where there are budgets, what is left.
pub(super) fn tell<'a>(bills: impl IntoIterator<Item = &'a Bill>, headers: &mut HeaderMap) {
    let bills: Vec<&Bill> = bills.into_iter().collect();
    let charges = || bills.iter().map(|bill| &bill.charge);
    // Those of a batch are charged one after the other: the least that is left is left after all.
    let Some(last) = charges().min_by_key(|charge| charge.remaining) else { return };
    let cost: u64 = charges().map(|charge| charge.cost).sum();
    headers.insert(COST, cost.into());
    if last.is_budgeted {
        let mut text = |name, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        };
        text(POLICY, format!("\"cost\";q={};w=60", last.limit));
        text(LIMIT, format!("\"cost\";r={};t={}", last.remaining, whole_seconds(last.resets_in)));
    }
    if let Some(wait) = bills.iter().filter_map(|bill| bill.retry_in).max() {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
    }
}

/// The value of `Retry-After`, and the same for people.
pub(super) fn whole_seconds_header(wait: Duration) -> (HeaderValue, u64) {
    let seconds = whole_seconds(wait).max(1);
    (seconds.into(), seconds)
}
