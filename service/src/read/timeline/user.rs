//! Each user's events together.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx;

use super::stored::{StoredBucket, StoredSeries, bounds, naive};
use crate::{
    Error, Service,
    domain::{Counters, UserId, Viewer},
    timeline::{Extent, Window},
};

/// Over all of a user's events. The cumulative count is made of the base, which has no instant, and the sums.
const USER_SERIES: &str = r#"
SELECT asked.user_id, found.instant, found.participants, found.views, found.engagement, found.conversions
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[]) AS asked (user_id, starts, ends)
CROSS JOIN LATERAL (
    SELECT NULL::timestamp AS instant,
           coalesce(sum((SELECT before.cumulative_participants FROM timeline_data AS before
                         WHERE before.event_id = event_stats.event_id AND before."timestamp" < asked.starts
                         ORDER BY before."timestamp" DESC LIMIT 1)), 0)::bigint AS participants,
           0::bigint AS views, 0::bigint AS engagement, 0::bigint AS conversions
    FROM event_stats WHERE event_stats.user_id = asked.user_id
    UNION ALL
    (SELECT min(counted."timestamp"), sum(counted.participants)::bigint, sum(counted.views)::bigint,
            sum(counted.engagement)::bigint, sum(counted.conversions)::bigint
     FROM event_stats JOIN timeline_data AS counted USING (event_id)
     WHERE event_stats.user_id = asked.user_id
       AND counted."timestamp" >= asked.starts AND counted."timestamp" < asked.ends
     GROUP BY width_bucket(counted."timestamp", $4::timestamp[])
     ORDER BY 1)
) AS found"#;

type SeriesRow = (String, Option<NaiveDateTime>, i64, i64, i64, i64);

impl Service {
    /// The first and the last stored minute of all events of each of these users.
    pub(super) async fn user_extents(&self, of: &[&UserId]) -> Result<HashMap<UserId, Extent>, Error> {
        let users: Vec<&str> = of.iter().map(|user| user.as_str()).collect();
        let rows: Vec<(String, NaiveDateTime, NaiveDateTime)> = self
            .readers()
            .all(|| {
                sqlx::query(
            r#"SELECT user_id, min(bounds.first), max(bounds.last) FROM event_stats CROSS JOIN LATERAL (
                   SELECT min("timestamp") AS first, max("timestamp") AS last
                   FROM timeline_data WHERE timeline_data.event_id = event_stats.event_id
               ) AS bounds
               WHERE user_id = ANY($1) AND user_id <> '' AND bounds.first IS NOT NULL GROUP BY user_id"#,
        )
        .bind(&users)
            })
            .await?;
        let extent = |first: NaiveDateTime, last: NaiveDateTime| Extent {
            first: first.and_utc(),
            last: last.and_utc(),
        };
        Ok(rows
            .into_iter()
            .map(|(user, first, last)| (UserId::trusted(&user), extent(first, last)))
            .collect())
    }

    /// The stored numbers of each user's window, in one statement; of a user whom the viewer may not see, nothing.
    pub(super) async fn user_series(
        &self,
        viewer: &Viewer,
        windows: &[(UserId, Window)],
    ) -> Result<HashMap<UserId, StoredSeries>, Error> {
        let windows: Vec<&(UserId, Window)> =
            windows.iter().filter(|(user, window)| viewer.may_see(user) && !window.is_empty()).collect();
        if windows.is_empty() {
            return Ok(HashMap::new());
        }
        let users: Vec<&str> = windows.iter().map(|(user, _)| user.as_str()).collect();
        let instants = |of: fn(&Window) -> DateTime<Utc>| {
            windows.iter().map(|(_, window)| of(window).naive_utc()).collect::<Vec<_>>()
        };
        let all: Vec<&Window> = windows.iter().map(|(_, window)| window).collect();
        let (starts, ends, bounds) = (instants(Window::from), instants(Window::to), naive(&bounds(&all)));
        let rows: Vec<SeriesRow> = self
            .readers()
            .all(|| sqlx::query(USER_SERIES).bind(&users).bind(&starts).bind(&ends).bind(&bounds))
            .await?;
        let mut by_user: HashMap<UserId, (i64, Vec<StoredBucket>)> = HashMap::with_capacity(windows.len());
        for (user, instant, participants, views, engagement, conversions) in rows {
            let (base, rows) = by_user.entry(UserId::trusted(&user)).or_default();
            match instant {
                None => *base = participants,
                Some(instant) => {
                    let before = rows.last().map_or(*base, |(_, _, cumulative)| *cumulative);
                    let counters = Counters { participants, views, engagement, conversions };
                    rows.push((instant.and_utc(), counters, before + participants));
                }
            }
        }
        let series = by_user.into_iter().map(|(user, (base, rows))| (user, StoredSeries::summed(base, rows)));
        Ok(series.collect())
    }
}
