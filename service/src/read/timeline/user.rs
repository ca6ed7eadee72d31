//! One user's events together.

use chrono::NaiveDateTime;
use sea_orm::sqlx;

use super::stored::{StoredSeries, naive};
use crate::{
    Error, Service,
    domain::Counters,
    timeline::{Extent, Window},
};

/// Over all of one user's events. The cumulative count is made of the base and the sums.
const USER_SERIES: &str = r#"
SELECT NULL::timestamp AS instant,
       coalesce(sum((SELECT before.cumulative_participants FROM timeline_data AS before
                     WHERE before.event_id = event_stats.event_id AND before."timestamp" < $2
                     ORDER BY before."timestamp" DESC LIMIT 1)), 0)::bigint AS participants,
       0::bigint AS views, 0::bigint AS engagement, 0::bigint AS conversions
FROM event_stats WHERE user_id = $1
UNION ALL
(SELECT min(counted."timestamp"), sum(counted.participants)::bigint, sum(counted.views)::bigint,
        sum(counted.engagement)::bigint, sum(counted.conversions)::bigint
 FROM event_stats JOIN timeline_data AS counted USING (event_id)
 WHERE event_stats.user_id = $1 AND counted."timestamp" >= $2 AND counted."timestamp" < $3
 GROUP BY width_bucket(counted."timestamp", $4::timestamp[])
 ORDER BY 1)"#;

impl Service {
    pub(super) async fn user_extent(&self, owner: &str) -> Result<Option<Extent>, Error> {
        let (first, last): (Option<NaiveDateTime>, Option<NaiveDateTime>) = sqlx::query_as(
            r#"SELECT min(bounds.first), max(bounds.last) FROM event_stats CROSS JOIN LATERAL (
                   SELECT min("timestamp") AS first, max("timestamp") AS last
                   FROM timeline_data WHERE timeline_data.event_id = event_stats.event_id
               ) AS bounds WHERE event_stats.user_id = $1"#,
        )
        .bind(owner)
        .fetch_one(self.pool())
        .await?;
        Ok(first.zip(last).map(|(first, last)| Extent { first: first.and_utc(), last: last.and_utc() }))
    }

    pub(super) async fn user_series(&self, owner: &str, window: &Window) -> Result<StoredSeries, Error> {
        if owner.is_empty() || window.is_empty() {
            return Ok(StoredSeries::default());
        }
        let rows: Vec<(Option<NaiveDateTime>, i64, i64, i64, i64)> = sqlx::query_as(USER_SERIES)
            .bind(owner)
            .bind(window.from().naive_utc())
            .bind(window.to().naive_utc())
            .bind(naive(window.boundaries()))
            .fetch_all(self.pool())
            .await?;
        let mut series = StoredSeries::default();
        let mut cumulative = 0;
        for (instant, participants, views, engagement, conversions) in rows {
            cumulative += participants;
            match instant {
                None => series.base = participants,
                Some(instant) => series.rows.push((
                    instant.and_utc(),
                    Counters { participants, views, engagement, conversions },
                    cumulative,
                )),
            }
        }
        Ok(series)
    }
}
