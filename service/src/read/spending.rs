use std::{collections::HashMap, sync::Arc};

use rust_decimal::Decimal;
use sea_orm::sqlx;
use serde::{Deserialize, Serialize};

use super::EventEntry;
use crate::{
    Error, Service,
    cache::{self, Labelled},
    domain::{Channel, EventId},
};

/// What ROI needs of an event's channels: sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Won.
    pub distribution_cost: Decimal,
    /// Conversions.
    pub conversions: i64,
}

impl Spending {
    fn of(channels: &[Channel]) -> Self {
        channels.iter().fold(Self::default(), |sum, channel| Self {
            distribution_cost: sum.distribution_cost + channel.distribution_cost,
            conversions: sum.conversions + i64::from(channel.conversions),
        })
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
            match &entry.channels {
                Some(channels) => {
                    found.insert(entry.event.event_id.clone(), Spending::of(channels));
                }
                None => unread.push((entry.event.event_id.clone(), entry.event.revision)),
            }
        }
        let keys: Vec<_> = unread.iter().map(|(id, _)| cache::roi(id)).collect();
        let lookups = self.cache().get_all(&keys).await;
        let mut missing = HashMap::new();
        for ((id, revision), lookup) in unread.into_iter().zip(lookups) {
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
        let ids: Vec<&str> = missing.keys().map(EventId::as_str).collect();
        let rows: Vec<(String, Decimal, i64)> = self
            .readers()
            .all(|| {
                sqlx::query(
                    "SELECT event_id, sum(distribution_cost), sum(conversions) FROM channel_stats \
             WHERE event_id = ANY($1) GROUP BY event_id",
                )
                .bind(&ids)
            })
            .await?;
        let mut read: HashMap<EventId, Spending> = rows
            .into_iter()
            .map(|(id, distribution_cost, conversions)| {
                (EventId::trusted(&id), Spending { distribution_cost, conversions })
            })
            .collect();
        for (id, (revision, lease)) in missing {
            let value = read.remove(&id).unwrap_or_default();
            self.cache().fill(&cache::roi(&id), lease, &Arc::new(Labelled { revision, value })).await;
            found.insert(id, value);
        }
        Ok(found)
    }
}
