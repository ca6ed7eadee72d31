//! What an answer was made of, so that whoever keeps it knows how long it holds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::{
    Service,
    cache::{Fences, Place, Source},
    domain::{EventId, UserId},
};

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// One event, with all that belongs to it.
    Event(EventId),
    /// All of one user's events.
    User(UserId),
    /// All events.
    Everything,
}

impl From<Origin> for Source {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Event(id) => Self::Event(id),
            Origin::User(id) => Self::User(id),
            Origin::Everything => Self::Everything,
        }
    }
}

/// Collects what an answer is made of while it is made.
pub struct Provenance {
    fences: Arc<Fences>,
    holds: Mutex<Option<Holds>>,
}

/// How long an answer holds: until a commit touches what it was made of, and no longer than its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Where the fences stood before anything behind them was read.
    fences: BTreeMap<Place, u64>,
    until: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Provenance").field(&*self.holds()).finish()
    }
}

impl Provenance {
    fn holds(&self) -> MutexGuard<'_, Option<Holds>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be told before anything of `origins` is read: a commit in between then ends what was read too early.
    pub fn reads(&self, origins: impl IntoIterator<Item = Origin>) {
        if let Some(holds) = &mut *self.holds() {
            for origin in origins {
                let place = self.fences.place(&origin.into());
                holds.fences.entry(place).or_insert_with(|| self.fences.at(place));
            }
        }
    }

    /// The answer is another one from this instant on.
    pub fn holds_until(&self, instant: DateTime<Utc>) {
        if let Some(holds) = &mut *self.holds() {
            holds.until = Some(holds.until.map_or(instant, |until| until.min(instant)));
        }
    }

    /// The answer is another one each time.
    pub fn holds_never(&self) {
        *self.holds() = None;
    }

    /// `None` where the answer holds for nobody but the one who asked.
    #[must_use]
    pub fn taken(&self) -> Option<Holds> {
        self.holds().take()
    }
}

impl Service {
    /// To go along with one answer.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        Provenance { fences: Arc::clone(self.cache().fences()), holds: Mutex::new(Some(Holds::default())) }
    }

    /// Whether what was made then would be made the same now, as far as this process has heard.
    #[must_use]
    pub fn still_holds(&self, holds: &Holds) -> bool {
        let fences = self.cache().fences();
        fences.are_trusted()
            && holds.until.is_none_or(|until| self.clock().now() < until)
            && holds.fences.iter().all(|(place, stood)| fences.holds(*place, *stood))
    }
}

#[cfg(test)]
mod tests {

    use chrono::TimeDelta;

    use super::*;
    use crate::service::away;

    fn event(name: &str) -> EventId {
        EventId::trusted(name)
    }

    fn made_of(service: &Service, origins: impl IntoIterator<Item = Origin>) -> Holds {
        let provenance = service.provenance();
        provenance.reads(origins);
        provenance.taken().unwrap()
    }

    #[tokio::test]
    async fn a_commit_ends_what_was_made_of_it_and_of_everything() {
        let service = away();
        let one = made_of(&service, [Origin::Event(event("a"))]);
        let other = made_of(&service, [Origin::User(UserId::trusted("u"))]);
        let all = made_of(&service, [Origin::Everything]);
        let nothing = made_of(&service, []);
        service.cache().invalidate_memory(&[Source::Event(event("a"))]);
        let held = [&one, &other, &all, &nothing].map(|holds| service.still_holds(holds));
        assert_eq!(held, [false, true, false, true]);
    }

    #[tokio::test]
    async fn a_commit_during_the_reading_ends_it_too() {
        let service = away();
        let provenance = service.provenance();
        provenance.reads([Origin::Event(event("a"))]);
        service.cache().invalidate_memory(&[Source::Event(event("a"))]);
        // Read again for another part of the answer: the first reading counts.
        provenance.reads([Origin::Event(event("a"))]);
        assert!(!service.still_holds(&provenance.taken().unwrap()));
    }

    #[tokio::test]
    async fn nothing_holds_while_commits_are_not_heard_of_nor_over_such_a_time() {
        let service = away();
        let holds = made_of(&service, [Origin::Event(event("a"))]);
        service.cache().trust(false);
        let blind = made_of(&service, [Origin::Event(event("a"))]);
        assert!(!service.still_holds(&holds) && !service.still_holds(&blind));
        service.cache().trust(true);
        assert!(!service.still_holds(&holds) && !service.still_holds(&blind));
    }

    #[tokio::test]
    async fn time_ends_it() {
        let service = away();
        let (past, future) =
            (service.clock().now() - TimeDelta::hours(1), service.clock().now() + TimeDelta::hours(1));
        for (instants, held) in
            [(vec![future], true), (vec![future, past], false), (vec![past, future], false)]
        {
            let provenance = service.provenance();
            for instant in instants {
                provenance.holds_until(instant);
            }
            assert_eq!(service.still_holds(&provenance.taken().unwrap()), held);
        }
        let provenance = service.provenance();
        provenance.holds_never();
        provenance.reads([Origin::Everything]);
        assert_eq!(provenance.taken(), None);
    }
}
