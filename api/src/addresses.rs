//! How many requests each address may make in a minute.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::http::HeaderMap;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::networks::Networks;

/// After so many requests, addresses that were quiet are forgotten.
const SWEEP: u32 = 4_096;
const FORWARDED: &str = "x-forwarded-for";

/// The allowances of all addresses.
pub(crate) struct Addresses {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    /// Whose word is taken for whom they ask.
    proxies: Networks,
    clock: DefaultClock,
    requests: AtomicU32,
}

impl Addresses {
    pub(crate) fn new(per_minute: NonZeroU32, proxies: Networks) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
            proxies,
            clock: DefaultClock::default(),
            requests: AtomicU32::new(0),
        }
    }

    /// How long an address has to wait; `None` where it may ask now.
    pub(crate) fn refuse(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Duration> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        let not_until = self.limiter.check_key(&network(self.client(peer, headers))).err()?;
        Some(not_until.wait_time_from(self.clock.now()))
    }

    /// The first address from the right that is no proxy of ours: what stands left of it anybody could have written.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let forwarded = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok());
        let mut hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        while self.proxies.contain(client) {
            let Some(hop) = hops.pop().and_then(|hop| hop.parse::<IpAddr>().ok()) else { break };
            client = hop.to_canonical();
        }
        client
    }
}

/// Whoever has one address of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(proxies: &[&str]) -> Addresses {
        let proxies = Networks::new(proxies.iter().map(|network| network.parse().unwrap()).collect());
        Addresses::new(NonZeroU32::new(2).unwrap(), proxies)
    }

    fn forwarded(by: &[&str]) -> HeaderMap {
        by.iter().map(|hops| (FORWARDED.parse().unwrap(), hops.parse().unwrap())).collect()
    }

    #[test]
    fn each_address_has_its_own_allowance() {
        let addresses = addresses(&[]);
        let refused = |address: &str| addresses.refuse(address.parse().unwrap(), &HeaderMap::new());
        assert_eq!([refused("192.0.2.1"), refused("192.0.2.1")], [None, None]);
        assert!((29..=30).contains(&refused("192.0.2.1").unwrap().as_secs()));
        assert_eq!(refused("192.0.2.2"), None);
        assert!(refused("::ffff:192.0.2.1").is_some(), "the same address in other clothes");
        assert_eq!([refused("2001:db8::1"), refused("2001:db8::2")], [None, None]);
        assert!(refused("2001:db8:0:0:ffff::3").is_some(), "the same network");
        assert_eq!(refused("2001:db8:0:1::1"), None);
    }

    #[test]
    fn only_our_proxies_are_believed() {
        let told = |proxies: &[&str], peer: &str, hops: &[&str]| {
            addresses(proxies).client(peer.parse().unwrap(), &forwarded(hops)).to_string()
        };
        assert_eq!(told(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(told(&["192.0.2.0/24"], "192.0.2.1", &["198.51.100.7"]), "198.51.100.7");
        let through_two = ["203.0.113.9, 198.51.100.7", "192.0.2.2"];
        assert_eq!(told(&["192.0.2.0/24"], "192.0.2.1", &through_two), "198.51.100.7");
        assert_eq!(told(&["192.0.2.1/32"], "192.0.2.1", &["nonsense"]), "192.0.2.1");
        assert_eq!(told(&["192.0.2.1/32"], "192.0.2.1", &[]), "192.0.2.1");
    }
}
