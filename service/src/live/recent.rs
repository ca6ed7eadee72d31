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
    /// The start of the earliest bucket that changed, if any did.
    pub(crate) changed_from: Option<DateTime<Utc>>,
    /// All that it did, where that was told.
    pub(crate) delta: Option<Arc<Delta>>,
}

/// An event's latest commits.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Heard>);

impl Recent {
    pub(super) fn remember(&mut self, commit: &Commit) {
        let Commit { revision, changed_from, delta, .. } = commit;
        if self.0.len() == COMMITS {
            self.0.pop_front();
        }
        let too_far_back = self.0.len().checked_sub(DELTAS);
        if let Some(heard) = too_far_back.and_then(|place| self.0.get_mut(place)) {
            heard.delta = None;
        }
        self.0.push_back(Heard { revision: *revision, changed_from: *changed_from, delta: delta.clone() });
    }

    /// The commits after one revision and up to another, in their order, if each single one was heard of.
    pub(super) fn between(&self, earlier: Revision, later: Revision) -> Option<Vec<Heard>> {
        if usize::try_from(later - earlier).ok()? > COMMITS {
            return None;
        }
        let of = |revision| {
            let mut told = self.0.iter().filter(move |heard| heard.revision == revision);
            // It may have been told again by somebody who knows less of it.
            let first = told.next()?;
            Some(if first.delta.is_some() {
                first
            } else {
                told.find(|heard| heard.delta.is_some()).unwrap_or(first)
            })
        };
        (earlier + 1..=later).map(|revision| of(revision).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EventId;

    fn recent(revisions: impl IntoIterator<Item = Revision>) -> Recent {
        let mut recent = Recent::default();
        for revision in revisions {
            recent.remember(&Commit {
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
            });
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
    fn the_latest_are_remembered() {
        let recent = recent(1..=100);
        assert_eq!(revisions(&recent, 68, 100).map(|all| all.len()), Some(32));
        let deltas = recent.between(68, 100).unwrap().into_iter().filter_map(|heard| heard.delta);
        assert_eq!(deltas.map(|delta| delta.after).collect::<Vec<_>>(), (84..100).collect::<Vec<_>>());
        assert_eq!(revisions(&recent, 67, 99), None);
        assert_eq!(revisions(&recent, 60, 100), None);
    }
}
