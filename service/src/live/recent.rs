use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    domain::Revision,
    ingest::{Commit, Delta},
};

/// Commits that are remembered of each event.
const COMMITS: usize = 32;

/// Of those, the ones of which all that they did is remembered: it takes more memory, and whoever is further behind reads.
const DELTAS: usize = 16;

/// What one commit did to its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    revision: Revision,
    committed_at: Option<DateTime<Utc>>,
    /// The start of the earliest bucket that changed, if any did.
    pub(crate) changed_from: Option<DateTime<Utc>>,
    /// All that it did, where that was told.
    pub(crate) delta: Option<Arc<Delta>>,
}

/// An event's latest commits.
#[derive(Debug, Default)]
pub(super) struct Recent {
    commits: VecDeque<Heard>,
    /// Up to this revision two different things were told of one: a database that has lost commits gives their revisions to
    /// others, so what was read at one of them may be of either history.
    retold: Option<Revision>,
}

impl Recent {
    /// Whether it is one of those that were heard of: those of this process come back over the bus. Two that say the same
    /// are two where it is not known when they took place.
    pub(super) fn knows(&self, commit: &Commit) -> bool {
        let is_known = |known: &Heard| {
            known.committed_at == commit.committed_at && known.changed_from == commit.changed_from
        };
        commit.committed_at.is_some() && self.of(commit.revision).is_some_and(is_known)
    }

    fn of(&self, revision: Revision) -> Option<&Heard> {
        self.commits.iter().find(|known| known.revision == revision)
    }

    /// False where it was known.
    pub(super) fn remember(&mut self, commit: &Commit) -> bool {
        if self.knows(commit) {
            return false;
        }
        let Commit { revision, changed_from, committed_at, delta, .. } = commit;
        let (revision, changed_from, committed_at) = (*revision, *changed_from, *committed_at);
        let heard = Heard { revision, committed_at, changed_from, delta: delta.clone() };
        match self.of(revision) {
            // Told of again, as after a kill.
            Some(known) if known.changed_from == changed_from && known.delta == heard.delta => return true,
            Some(_) => {
                let latest = self.commits.iter().map(|known| known.revision).max();
                self.retold = self.retold.max(latest);
                self.commits.clear();
            }
            None => {}
        }
        if self.commits.len() == COMMITS {
            self.commits.pop_front();
        }
        let too_far_back = self.commits.len().checked_sub(DELTAS);
        if let Some(known) = too_far_back.and_then(|place| self.commits.get_mut(place)) {
            known.delta = None;
        }
        self.commits.push_back(heard);
        true
    }

    /// The commits after one revision and up to another, in their order, if each single one was heard of.
    pub(super) fn between(&self, earlier: Revision, later: Revision) -> Option<Vec<Heard>> {
        let is_ambiguous = self.retold.is_some_and(|retold| earlier <= retold);
        if is_ambiguous || usize::try_from(later - earlier).ok()? > COMMITS {
            return None;
        }
        (earlier + 1..=later).map(|revision| self.of(revision).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EventId;

    fn commit(revision: Revision) -> Commit {
        Commit {
            event_id: EventId::trusted("evt-1"),
            owners: Vec::new(),
            revision,
            changed_from: DateTime::from_timestamp(60 * revision, 0),
            committed_at: None,
            delta: Some(Arc::new(Delta {
                after: revision - 1,
                participants: 1,
                total: 1,
                touched_at: DateTime::UNIX_EPOCH,
                channels: Vec::new(),
                minutes: Vec::new(),
            })),
        }
    }

    fn recent(revisions: impl IntoIterator<Item = Revision>) -> Recent {
        let mut recent = Recent::default();
        for revision in revisions {
            recent.remember(&commit(revision));
        }
        recent
    }

    fn revisions(recent: &Recent, earlier: Revision, later: Revision) -> Option<Vec<Revision>> {
        Some(recent.between(earlier, later)?.iter().map(|heard| heard.revision).collect())
    }

    #[test]
    fn each_single_commit_must_have_been_heard_of() {
        let recent = recent([5, 7, 6, 9, 6]);
        assert_eq!(revisions(&recent, 4, 7), Some(vec![5, 6, 7]));
        assert_eq!(revisions(&recent, 7, 7), Some(vec![]));
        assert_eq!(revisions(&recent, 7, 9), None, "the eighth was not");
        assert_eq!(revisions(&recent, 9, 10), None);
        assert_eq!(revisions(&recent, 3, 5), None);
        assert_eq!(revisions(&recent, 7, 6), None);
    }

    #[test]
    fn a_history_that_is_told_another_way_is_not_gone_on_with() {
        let mut recent = recent([5, 6, 7]);
        assert_eq!(revisions(&recent, 5, 7), Some(vec![6, 7]));
        // The sixth and the seventh were lost, and others took their place.
        recent.remember(&Commit { changed_from: None, ..commit(6) });
        for revision in [7, 8, 9] {
            recent.remember(&Commit { changed_from: None, ..commit(revision) });
        }
        assert_eq!(revisions(&recent, 5, 9), None);
        assert_eq!(revisions(&recent, 7, 9), None, "which of the two sevenths is not known");
        assert_eq!(revisions(&recent, 8, 9), Some(vec![9]));
    }

    #[test]
    fn what_comes_back_is_known_by_when_it_took_place() {
        let mut recent = Recent::default();
        let told = Commit { committed_at: Some(DateTime::UNIX_EPOCH), ..commit(5) };
        assert!(!recent.knows(&told) && recent.remember(&told));
        assert!(recent.knows(&told) && !recent.remember(&told));
        for other in
            [commit(5), Commit { changed_from: None, ..told.clone() }, Commit { revision: 6, ..told }]
        {
            assert!(!recent.knows(&other), "{other:?}");
        }
    }

    #[test]
    fn the_latest_are_remembered() {
        let recent = recent(1..=100);
        assert_eq!(revisions(&recent, 68, 100).map(|all| all.len()), Some(32));
        let deltas = recent.between(68, 100).unwrap().into_iter().filter_map(|heard| heard.delta);
        assert_eq!(deltas.map(|delta| delta.after).collect::<Vec<_>>(), (84..100).collect::<Vec<_>>());
        assert_eq!(revisions(&recent, 67, 99), None);
        assert_eq!(revisions(&recent, 60, 100), None);
    }
}
