//! Free loopback ports.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::unique;

/// Below the range that systems take for outgoing connections: a server that is killed and started again finds
/// its port free.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

const ATTEMPTS: usize = 200;

static TAKEN: LazyLock<Mutex<(StdRng, HashSet<u16>)>> =
    LazyLock::new(|| Mutex::new((StdRng::seed_from_u64(unique::number()), HashSet::new())));

/// A TCP port on which nobody listens and that this process gives out only once.
///
/// # Errors
/// None is free.
pub fn free() -> anyhow::Result<u16> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (random, given) = &mut *taken;
    std::iter::repeat_with(|| random.random_range(RANGE))
        .take(ATTEMPTS)
        .find(|port| given.insert(*port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free TCP port on the loopback interface")
}
