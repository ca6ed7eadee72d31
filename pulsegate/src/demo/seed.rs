use rand::{RngCore, SeedableRng as _, rngs::StdRng};
use uuid::{Builder, Uuid};

/// What the demo's numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// The nature of a campaign.
    Campaign,
    /// The participants of a campaign on a day.
    Day,
    /// The distributions of a campaign on a day.
    Distribution,
    /// The changes of a campaign's description.
    Description,
    /// How much happens around a minute.
    Wave,
    /// What happens in a second.
    Second,
}

/// A generator for one thing, independent of all others.
pub(super) fn generator(seed: u64, stream: Stream, one: i64, other: i64) -> StdRng {
    let mut bytes = [0; 32];
    let parts = [seed.to_le_bytes(), (stream as u64).to_le_bytes(), one.to_le_bytes(), other.to_le_bytes()];
    for (place, part) in bytes.chunks_exact_mut(8).zip(parts) {
        place.copy_from_slice(&part);
    }
    StdRng::from_seed(bytes)
}

/// The next message's id.
pub(super) fn message_id(generator: &mut impl RngCore) -> Uuid {
    let mut bytes = [0; 16];
    generator.fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}
