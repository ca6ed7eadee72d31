//! What tells, within the process, whether something that was made of sources is still as they are.

use std::{
    hash::BuildHasher,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use foldhash::quality::RandomState;
use tokio::time::Instant;

use super::Source;

/// Sources share this many fences by hash. Two that share one only cost a read now and then.
const FENCES: usize = 1 << 14;

/// What changes as often as this is read from the database by each process: an entry in Redis would be worthless before
/// anybody found it there.
const RESTLESS: Duration = Duration::from_secs(2);

/// A fence's lower bits count those who are moving it, the others how often it was raised.
const RAISE: u64 = 1 << 16;

/// One number for each source, which every commit that touches it raises. Nothing is believed while commits are not
/// heard of.
///
/// While what is known of a source moves on, its fence is in motion: then nothing is kept under it, and nothing that is
/// kept is carried on. Else somebody could keep what was known before under a fence that says what is known after.
pub(crate) struct Fences {
    numbers: Box<[AtomicU64]>,
    /// When each was raised last, in milliseconds after the beginning; 0 for never.
    raised: Box<[AtomicU64]>,
    beginning: Instant,
    hasher: RandomState,
    trusted: AtomicBool,
}

/// The place of a source among the fences.
pub(crate) type Place = u32;

/// The place of [`Source::Everything`], behind all others.
const EVERYTHING: usize = FENCES;

impl Fences {
    pub(super) fn new() -> Self {
        Self {
            numbers: (0..=EVERYTHING).map(|_| AtomicU64::new(0)).collect(),
            raised: (0..=EVERYTHING).map(|_| AtomicU64::new(0)).collect(),
            beginning: Instant::now(),
            hasher: RandomState::default(),
            trusted: AtomicBool::new(false),
        }
    }

    /// Whoever stops hearing of commits must not believe what it holds, nor what it kept before it hears again.
    pub(super) fn trust(&self, trusted: bool) {
        if !trusted {
            self.trusted.store(false, Ordering::SeqCst);
        }
        for fence in &self.numbers {
            fence.fetch_add(RAISE, Ordering::SeqCst);
        }
        if trusted {
            self.trusted.store(true, Ordering::SeqCst);
        }
    }

    pub(crate) fn are_trusted(&self) -> bool {
        self.trusted.load(Ordering::SeqCst)
    }

    pub(crate) fn place(&self, source: &Source) -> Place {
        let place = match source {
            Source::Everything => EVERYTHING as u64,
            source => self.hasher.hash_one(source) % FENCES as u64,
        };
        // Lossless: there are not so many.
        Place::try_from(place).unwrap_or(0)
    }

    /// The fence at a place as it stands.
    pub(crate) fn at(&self, place: Place) -> u64 {
        let fence = usize::try_from(place).ok().and_then(|place| self.numbers.get(place));
        fence.map_or(0, |fence| fence.load(Ordering::SeqCst))
    }

    /// Whether what was kept under a fence at that place holds.
    pub(crate) fn holds(&self, place: Place, stood: u64) -> bool {
        is_settled(stood) && self.at(place) == stood
    }

    /// Milliseconds since the beginning, from 1 on.
    fn now(&self) -> u64 {
        u64::try_from(self.beginning.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Whether a commit touched this source just now.
    pub(super) fn is_restless(&self, source: &Source) -> bool {
        let raised = usize::try_from(self.place(source)).ok().and_then(|place| self.raised.get(place));
        let raised = raised.map_or(0, |raised| raised.load(Ordering::Relaxed));
        raised > 0 && Duration::from_millis(self.now().saturating_sub(raised)) < RESTLESS
    }

    /// A commit touched this source, and so everything that there is.
    pub(super) fn raise(&self, source: &Source) {
        self.change(source, RAISE);
    }

    /// The fences of these sources are in motion meanwhile, and raised before and after.
    pub(super) fn while_moving<T>(&self, sources: &[Source], what: impl FnOnce() -> T) -> T {
        let _motion = Motion::begin(self, sources);
        what()
    }

    fn change(&self, source: &Source, by: u64) {
        let now = self.now();
        for place in [self.place(source), self.place(&Source::Everything)] {
            let Ok(place) = usize::try_from(place) else { continue };
            if let (Some(fence), Some(raised)) = (self.numbers.get(place), self.raised.get(place)) {
                fence.fetch_add(by, Ordering::SeqCst);
                raised.store(now, Ordering::Relaxed);
            }
        }
    }
}

/// Whether nobody was moving the fence as it stood so.
pub(super) const fn is_settled(fence: u64) -> bool {
    fence.is_multiple_of(RAISE)
}

struct Motion<'a> {
    fences: &'a Fences,
    sources: &'a [Source],
}

impl<'a> Motion<'a> {
    fn begin(fences: &'a Fences, sources: &'a [Source]) -> Self {
        for source in sources {
            fences.change(source, RAISE + 1);
        }
        Self { fences, sources }
    }
}

impl Drop for Motion<'_> {
    fn drop(&mut self) {
        for source in self.sources {
            self.fences.change(source, RAISE - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventId, UserId};

    #[test]
    fn nothing_is_kept_under_a_fence_in_motion() {
        let fences = Fences::new();
        let sources = [Source::Event(EventId::trusted("e")), Source::User(UserId::trusted("u"))];
        let places = [&sources[0], &sources[1], &Source::Everything].map(|source| fences.place(source));
        let all =
            |stood: [u64; 3]| places.iter().zip(stood).filter(|(at, it)| fences.holds(**at, *it)).count();
        let before = places.map(|place| fences.at(place));
        let (outer, inner) = fences.while_moving(&sources, || {
            let inner = fences.while_moving(&sources[..1], || places.map(|place| fences.at(place)));
            (places.map(|place| fences.at(place)), inner)
        });
        let after = places.map(|place| fences.at(place));
        assert_eq!([before, outer, inner, after].map(all), [0, 0, 0, 3]);
        assert!(before.iter().zip(after).all(|(before, after)| *before < after));
    }
}
