//! From when to when an event has numbers.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx;
use serde::{Deserialize, Serialize};

use super::Asked;
use crate::{
    Error, Service, cache,
    domain::{EventId, Revision},
    readers::{KeyedRead, Readers},
    timeline::Extent,
};

/// What an event has stored, and the revision before that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredExtent {
    pub(in crate::read) revision: Revision,
    pub(in crate::read) bounds: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl StoredExtent {
    pub(super) fn extent(&self) -> Option<Extent> {
        self.bounds.map(|(first, last)| Extent { first, last })
    }
}

/// Looks up the first and the last stored minute of events; one without any is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadExtents;

impl KeyedRead for ReadExtents {
    type Key = EventId;
    type Value = Extent;

    fn most(&self) -> usize {
        16
    }

    async fn read(&self, readers: &Readers, ids: Vec<EventId>) -> Result<HashMap<EventId, Extent>, Error> {
        const EXTENTS: &str = r#"
SELECT asked.event_id, bounds.first, bounds.last
FROM unnest($1::text[]) AS asked (event_id) CROSS JOIN LATERAL (
    SELECT min("timestamp") AS first, max("timestamp") AS last
    FROM timeline_data WHERE timeline_data.event_id = asked.event_id
) AS bounds WHERE bounds.first IS NOT NULL"#;
        let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
        let rows: Vec<(String, NaiveDateTime, NaiveDateTime)> =
            readers.all(|| sqlx::query(EXTENTS).bind(&ids)).await?;
        let extents = rows.into_iter().map(|(id, first, last)| {
            (EventId::trusted(&id), Extent { first: first.and_utc(), last: last.and_utc() })
        });
        Ok(extents.collect())
    }
}

impl Service {
    /// The first and the last stored minute of each of these events that has any.
    pub(super) async fn extents(&self, of: &[Asked]) -> Result<HashMap<EventId, Extent>, Error> {
        let mut found = HashMap::with_capacity(of.len());
        let mut missing = HashMap::new();
        let keys: Vec<_> = of.iter().map(|asked| cache::extent(&asked.id)).collect();
        let carry = |place, former: &StoredExtent| self.carry_extent(of.get(place)?, former);
        for (asked, lookup) in of.iter().zip(self.cache().get_all_or_carry(&keys, carry).await) {
            match lookup.value.filter(|stored| self.is_current(asked, stored.revision)) {
                Some(stored) => {
                    if let Some(extent) = stored.extent() {
                        found.insert(asked.id.clone(), extent);
                    }
                }
                None => {
                    missing.insert(asked.id.clone(), (asked.revision, lookup.lease));
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let read = self.gathers().extents.ask(&ReadExtents, missing.keys().cloned().collect()).await?;
        for (id, (revision, lease)) in missing {
            let extent = read.get(&id).copied();
            let stored = StoredExtent { revision, bounds: extent.map(|extent| (extent.first, extent.last)) };
            self.cache().fill(&cache::extent(&id), lease, &Arc::new(stored)).await;
            if let Some(extent) = extent {
                found.insert(id, extent);
            }
        }
        Ok(found)
    }

    /// The same of one event where this process holds it, without waiting for anything.
    pub(super) fn held_extent(&self, asked: &Asked) -> Option<Arc<StoredExtent>> {
        let carry = |former: &StoredExtent| self.carry_extent(asked, former);
        let held = self.cache().held(&cache::extent(&asked.id), carry)?;
        self.is_current(asked, held.revision).then_some(held)
    }

    /// The first and the last stored minute as the database has them now.
    pub(crate) async fn extent_now(&self, id: &EventId) -> Result<Option<Extent>, Error> {
        Ok(self.gathers().extents.ask(&ReadExtents, vec![id.clone()]).await?.remove(id))
    }
}
