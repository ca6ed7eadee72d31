use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use service::ingest::Place;

/// The right to apply a partition's messages, from its assignment to its revocation.
///
/// Taking a hold and revoking exclude each other, so after a revocation no new work begins, and once nobody holds it,
/// none is under way.
///
/// It also knows what is stored of the partition, so that nothing is left out where that is less, whatever took it away.
#[derive(Debug, Default)]
pub(super) struct Lease(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    revoked: bool,
    holds: usize,
    /// At least that is stored.
    place: Place,
}

/// Work under way on a partition.
#[derive(Debug)]
pub(super) struct Hold(Arc<Lease>);

impl Lease {
    /// Of a partition of which this is stored.
    pub(super) fn at(place: Place) -> Self {
        Self(Mutex::new(Inner { place, ..Inner::default() }))
    }

    /// Begins work; `None` where the partition was given up.
    pub(super) fn hold(self: &Arc<Self>) -> Option<Hold> {
        let mut inner = self.lock();
        if inner.revoked {
            return None;
        }
        inner.holds += 1;
        Some(Hold(Arc::clone(self)))
    }

    pub(super) fn revoke(&self) {
        self.lock().revoked = true;
    }

    /// Whether no work is under way.
    pub(super) fn idle(&self) -> bool {
        self.lock().holds == 0
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Whether it was taken on `lease`.
    pub(super) fn is_of(&self, lease: &Arc<Lease>) -> bool {
        Arc::ptr_eq(&self.0, lease)
    }

    /// What has to be stored of the partition before anything that was read can be applied.
    pub(super) fn place(&self) -> Place {
        self.0.lock().place
    }

    /// Everything before this offset was applied.
    pub(super) fn applied(&self, next_offset: i64) {
        let place = &mut self.0.lock().place;
        place.next_offset = place.next_offset.max(next_offset);
    }

    /// Whether the partition was given up since.
    pub(super) fn revoked(&self) -> bool {
        self.0.lock().revoked
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.lock().holds -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_lease_is_idle_once_its_holds_are_gone() {
        let lease = Arc::new(Lease::default());
        let hold = lease.hold().unwrap();
        assert!(!hold.revoked() && !lease.idle());
        lease.revoke();
        assert!(hold.revoked() && !lease.idle());
        assert!(lease.hold().is_none());
        drop(hold);
        assert!(lease.idle());
    }
}
