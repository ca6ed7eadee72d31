use std::{collections::HashMap, sync::Arc};

use rust_decimal::Decimal;
use sea_orm::sqlx;

use crate::{
    Error, Service, cache,
    domain::{UserId, UserOverview, Viewer},
};

type OverviewRow = (String, i64, i64, i64, i64, Decimal, Decimal, i64);

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
        let mut read = self.read_users(missing.keys()).await?;
        for (id, lease) in missing {
            let overview = Arc::new(read.remove(&id).unwrap_or_else(|| UserOverview::none(id.clone())));
            self.cache().fill(&cache::user(&id), lease, &overview).await;
            found.insert(id, overview);
        }
        Ok(found)
    }

    /// One user as the database has them now, past every cache. The caller has asked whether the viewer may see them.
    pub(crate) async fn user_now(&self, id: &UserId) -> Result<Arc<UserOverview>, Error> {
        let overview = self.read_users([id]).await?.remove(id);
        Ok(Arc::new(overview.unwrap_or_else(|| UserOverview::none(id.clone()))))
    }

    async fn read_users(
        &self,
        ids: impl IntoIterator<Item = &UserId>,
    ) -> Result<HashMap<UserId, UserOverview>, Error> {
        let ids: Vec<&str> = ids.into_iter().map(UserId::as_str).collect();
        let rows: Vec<OverviewRow> = self
            .readers()
            .all(|| {
                sqlx::query(
            "SELECT user_id, count(*), count(*) FILTER (WHERE status = 'ACTIVE'), sum(total_participants), \
                    sum(total_views), sum(total_investment), sum(expected_revenue), \
                    sum(revision)::bigint \
             FROM event_stats WHERE user_id = ANY($1) AND user_id <> '' GROUP BY user_id",
        )
        .bind(&ids)
            })
            .await?;
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
