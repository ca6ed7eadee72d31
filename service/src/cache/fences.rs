//! What tells, within the process, whether something that was made of sources is still as they are.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::Source;

/// Sources share this many fences by hash. Two that share one only cost a read now and then.
const FENCES: usize = 1 << 14;

/// One number for each source, which every commit that touches it raises. Nothing is believed while commits are not
/// heard of.
pub(crate) struct Fences {
    numbers: Box<[AtomicU64]>,
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
            hasher: RandomState::new(),
            trusted: AtomicBool::new(false),
        }
    }

    /// Whoever stops hearing of commits must not believe what it holds, nor what it kept before it hears again.
    pub(super) fn trust(&self, trusted: bool) {
        if !trusted {
            self.trusted.store(false, Ordering::SeqCst);
        }
        for fence in &self.numbers {
            fence.fetch_add(1, Ordering::SeqCst);
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

    /// A commit touched this source, and so everything that there is.
    pub(super) fn raise(&self, source: &Source) {
        for place in [self.place(source), self.place(&Source::Everything)] {
            if let Some(fence) = usize::try_from(place).ok().and_then(|place| self.numbers.get(place)) {
                fence.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}
