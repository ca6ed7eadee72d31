use std::{collections::HashMap, sync::Arc};

use rust_decimal::Decimal;
use sea_orm::sqlx;

use crate::{
    Error, Service,
    cache::{self, Source},
    domain::{UserId, UserOverview, Viewer},
    readers::{KeyedRead, Readers},
};

type OverviewRow = (String, i64, i64, i64, i64, Decimal, Decimal, i64);

/// Looks up users' sums, whoever may see them; a user without events is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadOverviews;

impl KeyedRead for ReadOverviews {
    type Key = UserId;
    type Value = UserOverview;

    fn most(&self) -> usize {
        8
    }

    async fn read(
        &self,
        readers: &Readers,
        ids: Vec<UserId>,
    ) -> Result<HashMap<UserId, UserOverview>, Error> {
        const SUMS: &str = "SELECT user_id, count(*), count(*) FILTER (WHERE status = 'ACTIVE'), sum(total_participants), \
                    sum(total_views), sum(total_investment), sum(expected_revenue), sum(revision)::bigint \
             FROM event_stats WHERE user_id = ANY($1) AND user_id <> '' GROUP BY user_id";
        let ids: Vec<&str> = ids.iter().map(UserId::as_str).collect();
        let rows: Vec<OverviewRow> = readers.all(|| sqlx::query(SUMS).bind(&ids)).await?;
        Ok(rows
            .into_iter()
            .map(|(id, event_count, active, participants, views, investment, revenue, revisions)| {
                let user_id = UserId::trusted(&id);
                let overview = UserOverview {
                    user_id: user_id.clone(),
                    event_count,
                    active_event_count: active,
                    total_participants: participants,
                    total_views: views,
                    total_investment: investment,
                    expected_revenue: revenue,
                    revisions,
                };
                (user_id, overview)
            })
            .collect())
    }
}

impl Service {
    /// The overviews of those of these users whom the viewer may see. A user without events has zeros.
    ///
    /// # Errors
    /// What the database says.
    pub async fn users(
        &self,
        viewer: &Viewer,
        ids: &[UserId],
    ) -> Result<HashMap<UserId, Arc<UserOverview>>, Error> {
        self.installation().await?;
        let visible: Vec<&UserId> = ids.iter().filter(|id| viewer.may_see(id)).collect();
        let keys: Vec<_> = visible.iter().map(|id| cache::user(id)).collect();
        let mut found = HashMap::with_capacity(visible.len());
        let mut missing = HashMap::new();
        for (id, lookup) in visible.into_iter().zip(self.cache().get_all(&keys).await) {
            match lookup.value {
                Some(overview) => {
                    found.insert(id.clone(), overview);
                }
                None => {
                    missing.insert(id.clone(), lookup.lease);
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let mut read = self.read_users(missing.keys().cloned().collect()).await?;
        for (id, lease) in missing {
            let overview = Arc::new(read.remove(&id).unwrap_or_else(|| UserOverview::none(id.clone())));
            self.cache().fill(&cache::user(&id), lease, &overview).await;
            found.insert(id, overview);
        }
        Ok(found)
    }

    /// One user as the database has them now, past every cache. The caller has asked whether the viewer may see them.
    pub(crate) async fn user_now(&self, id: &UserId) -> Result<Arc<UserOverview>, Error> {
        let overview = self.read_users(vec![id.clone()]).await?.remove(id);
        Ok(Arc::new(overview.unwrap_or_else(|| UserOverview::none(id.clone()))))
    }

    async fn read_users(&self, ids: Vec<UserId>) -> Result<HashMap<UserId, UserOverview>, Error> {
        let overviews = self.gathers().users.ask(&ReadOverviews, ids).await?;
        for (id, overview) in &overviews {
            self.note_overview(id, overview.revisions);
        }
        Ok(overviews)
    }

    /// Takes in what was read of a user, as [`Self::note_read`] does for events: where others have read something else,
    /// nothing is kept of either. Which of the two is newer can't be told where an event has changed hands.
    fn note_overview(&self, user: &UserId, revisions: i64) {
        if !self.cache().keeps() {
            return;
        }
        let end = || self.cache().invalidate_memory(&[Source::User(user.clone())]);
        let known = self.hub().overview(user);
        if known == Some(revisions) {
            return;
        }
        if known.is_some() {
            // Before it is known here: nobody who reads the same may be ahead of it.
            end();
        }
        let before = self.hub().note_overview(user, revisions);
        if before != known && before.is_some_and(|before| before != revisions) {
            end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::EventId, ingest::Commit, service::away};

    async fn is_kept(service: &Service, lease: cache::Lease) -> bool {
        let user = UserId::trusted("user-1");
        let key = cache::user(&user);
        service.cache().fill(&key, lease, &Arc::new(UserOverview::none(user))).await;
        service.cache().get(&key).await.value.is_some()
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_user_of_whom_two_have_read_different_things() {
        let service = away();
        let user = UserId::trusted("user-1");
        let lease = async || service.cache().get(&cache::user(&user)).await.lease;
        let (early, same) = (lease().await, lease().await);
        service.note_overview(&user, 7);
        assert!(is_kept(&service, same).await);
        service.note_overview(&user, 8);
        assert!(!is_kept(&service, early).await, "somebody has seen more");
        let late = lease().await;
        service.note_overview(&user, 7);
        assert!(!is_kept(&service, late).await, "a replica showed less");
    }

    #[tokio::test]
    async fn the_first_to_read_after_a_commit_keeps_it() {
        let service = away();
        let user = UserId::trusted("user-1");
        service.note_overview(&user, 7);
        let commit = Commit {
            event_id: EventId::trusted("evt-1"),
            owners: vec![user.clone()],
            revision: 2,
            changed_from: None,
            committed_at: None,
            delta: None,
        };
        service.deliver(&[commit]);
        let lease = service.cache().get(&cache::user(&user)).await.lease;
        service.note_overview(&user, 8);
        assert!(is_kept(&service, lease).await);
    }
}
