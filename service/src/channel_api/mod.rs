//! Reading channels' metrics from the external APIs.
//!
//! Each base URL stands behind a circuit breaker: after some failures in a row nobody calls it for a while, and what is
//! stored is shown as it is, marked stale. The events to read are a queue in the database that any number of processes
//! share.

mod breaker;
mod client;
mod flight;
mod freshness;
mod metrics;
mod queue;
mod reading;
mod refresh;
mod state;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use rand::{RngCore as _, SeedableRng as _, rngs::SmallRng};

pub use self::{
    client::ReadError,
    flight::RefreshError,
    freshness::{Breakers, DataSource, Freshness},
    metrics::describe as describe_metrics,
    reading::Reading,
    refresh::Refreshed,
};
pub(crate) use self::{
    flight::Flights, metrics::kept_out, queue::slowness, reading::COUNTERS, refresh::fresh_for, state::Known,
};
use crate::domain::ChannelType;
use client::Api;

/// Where an API answers; it may hold a password, so it is not shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaseUrl(reqwest::Url);

impl BaseUrl {
    /// Checks `text`.
    ///
    /// # Errors
    /// What is allowed instead, without the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str = "is no base URL; allowed: http:// or https:// with a host, without ? and #";
        let url = reqwest::Url::parse(text).map_err(|_| ALLOWED)?;
        let fits = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        if fits { Ok(Self(url)) } else { Err(ALLOWED) }
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaseUrl")
    }
}

/// Which APIs there are, and how they are called.
#[derive(Clone, Debug)]
pub struct Settings {
    /// By the type of the channels that they know.
    pub bases: BTreeMap<ChannelType, BaseUrl>,
    /// From one reading of an event to the next; events in which nothing changes are read less often.
    pub interval: Duration,
    /// How long one reading may take, with all its tries.
    pub timeout: Duration,
    /// Failed calls in a row that open a breaker, at least 1.
    pub breaker_failures: u32,
    /// How long a breaker stays open.
    pub breaker_open: Duration,
}

/// The APIs that this process may call.
pub(crate) struct ChannelApis {
    by_type: BTreeMap<ChannelType, Arc<Api>>,
    interval: Duration,
}

impl ChannelApis {
    fn new(settings: &Settings, seed: u64) -> Result<Self, reqwest::Error> {
        let mut random = SmallRng::seed_from_u64(seed);
        let http = client::http(settings.timeout)?;
        let mut by_base: BTreeMap<&BaseUrl, Vec<ChannelType>> = BTreeMap::new();
        for (kind, base) in &settings.bases {
            by_base.entry(base).or_default().push(*kind);
        }
        let mut by_type = BTreeMap::new();
        for (base, kinds) in by_base {
            let api = Api::new(http.clone(), base.0.clone(), kinds.clone(), settings, random.next_u64());
            let api = Arc::new(api);
            by_type.extend(kinds.into_iter().map(|kind| (kind, Arc::clone(&api))));
        }
        Ok(Self { by_type, interval: settings.interval })
    }

    fn of(&self, kind: ChannelType) -> Option<&Arc<Api>> {
        self.by_type.get(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for url in ["http://127.0.0.1:8090", "https://api.example/v1/", "http://user:word@host/tv"] {
            assert!(BaseUrl::parse(url).is_ok(), "{url}");
        }
        for url in ["", "localhost:80", "ftp://host", "http://", "http://host/?a=b", "http://host/#a", "/v1"]
        {
            assert!(BaseUrl::parse(url).is_err(), "{url}");
        }
        assert_eq!(format!("{:?}", BaseUrl::parse("http://user:word@host").unwrap()), "BaseUrl");
    }
}
