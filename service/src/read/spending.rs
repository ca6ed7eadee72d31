use std::{collections::HashMap, sync::Arc};

use rust_decimal::Decimal;
use sea_orm::sqlx;
use serde::{Deserialize, Serialize};

use super::{EventEntry, timeline::Asked};
use crate::{
    Error, Service,
    cache::{self, Labelled},
    domain::{Channel, EventId},
    readers::{KeyedRead, Readers},
};

/// What ROI needs of an event's channels: sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Won.
    pub distribution_cost: Decimal,
    /// Conversions.
    pub conversions: i64,
}

impl EventEntry {
    /// The sums over its channels; `None` where those are not read.
    #[must_use]
    pub fn spending(&self) -> Option<Spending> {
        let sum = |sum: Spending, channel: &Channel| Spending {
            distribution_cost: sum.distribution_cost + channel.distribution_cost,
            conversions: sum.conversions + i64::from(channel.conversions),
        };
        Some(self.channels.as_ref()?.iter().fold(Spending::default(), sum))
    }
}

/// Looks up the sums over the channels of events; an event without any is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadSpending;

impl KeyedRead for ReadSpending {
    type Key = EventId;
    type Value = Spending;

    fn most(&self) -> usize {
        48
    }

    async fn read(&self, readers: &Readers, ids: Vec<EventId>) -> Result<HashMap<EventId, Spending>, Error> {
        const SUMS: &str = "SELECT event_id, sum(distribution_cost), sum(conversions) FROM channel_stats \
                            WHERE event_id = ANY($1) GROUP BY event_id";
        let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
        let rows: Vec<(String, Decimal, i64)> = readers.all(|| sqlx::query(SUMS).bind(&ids)).await?;
        let sums = rows.into_iter().map(|(id, distribution_cost, conversions)| {
            (EventId::trusted(&id), Spending { distribution_cost, conversions })
        });
        Ok(sums.collect())
    }
}

impl Service {
    /// The sums over each event's channels; zero where it has none.
    ///
    /// # Errors
    /// What the database says.
    pub async fn spending(&self, of: &[Arc<EventEntry>]) -> Result<HashMap<EventId, Spending>, Error> {
        let mut found = HashMap::with_capacity(of.len());
        let mut unread = Vec::new();
        for entry in of {
            match entry.spending() {
                Some(spending) => {
                    found.insert(entry.event.event_id.clone(), spending);
                }
                None => unread.push(Asked::of(entry)),
            }
        }
        let keys: Vec<_> = unread.iter().map(|asked| cache::roi(&asked.id)).collect();
        let carry = |place, former: &_| self.carry_spending(unread.get(place)?, former);
        let lookups = self.cache().get_all_or_carry(&keys, carry).await;
        let mut missing = HashMap::new();
        for (Asked { id, revision }, lookup) in unread.into_iter().zip(lookups) {
            let known = revision.max(self.hub().latest(&id));
            match lookup.value.filter(|spending| spending.revision >= known) {
                Some(spending) => {
                    found.insert(id, spending.value);
                }
                None => {
                    missing.insert(id, (revision, lookup.lease));
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let mut read = self.gathers().spending.ask(&ReadSpending, missing.keys().cloned().collect()).await?;
        for (id, (revision, lease)) in missing {
            let value = read.remove(&id).unwrap_or_default();
            self.cache().fill(&cache::roi(&id), lease, &Arc::new(Labelled { revision, value })).await;
            found.insert(id, value);
        }
        Ok(found)
    }
}
