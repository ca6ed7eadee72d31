use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use sea_orm::sqlx::{self, PgConnection};

use super::{Applied, Batch, Commit, Fact, Message, dedup, fold, position, position::Missing, rows};
use crate::{
    Error, Service,
    domain::EventId,
    fault::{self, Boundary},
};

impl Service {
    /// Applies a batch in one transaction: positions, message ids and effects together, or nothing.
    ///
    /// Applying it again, here or elsewhere, has no further effect; the answer then holds the commits that may still
    /// have to be published.
    ///
    /// # Errors
    /// Of kind `Transient` where trying the same batch again is right, also when it is not known whether the
    /// transaction took place. Of kind `Data` where some message in it can't be stored: applied alone, each of the
    /// others can. Of kind `Stale` where the batch does not follow on what is stored.
    pub async fn apply(&self, cluster_id: &str, batch: &Batch) -> Result<Applied, Error> {
        let today = self.clock().now().date_naive();
        self.installation().await?;
        self.make_partitions_for(batch).await?;
        // A place is an id in one generation of one cluster's topic only, which its mark would not tell. Marks are set
        // and not believed: rows go back with a restored backup or to a standby that lagged, marks don't.
        let given = || batch.messages.iter().filter_map(|message| message.message_id.clone());
        let mut missing = Missing::Notice;
        loop {
            let mut tx = self.pool().begin().await?;
            let epoch = dedup::join_day(&mut tx).await?;
            if epoch.seen_on < today {
                tx.rollback().await?;
                self.begin_day(today).await?;
                continue;
            }
            let Some(places) = position::lock(&mut tx, cluster_id, &batch.positions, missing).await? else {
                tx.rollback().await?;
                missing = Missing::Make;
                continue;
            };
            position::check(&places, &batch.expected)?;
            let place = |message: &Message| places.get(&(message.topic.clone(), message.partition)).copied();
            let (ahead, behind): (Vec<&Message>, Vec<&Message>) = batch
                .messages
                .iter()
                .partition(|message| place(message).is_none_or(|place| message.offset >= place.next_offset));

            let hashes: Vec<_> = ahead
                .iter()
                .map(|message| {
                    dedup::hash(message, cluster_id, place(message).map_or(0, |place| place.generation))
                })
                .collect();
            let suspected = self.closed_days().suspects(self.pool(), &epoch, &hashes);
            let sent = hashes.iter().copied().zip(suspected).collect();
            let mut unseen = dedup::keep_new(&mut tx, epoch.seen_on, sent).await?;
            // Taken out as it is used: of two messages with one id in one batch, one counts.
            let fresh: Vec<&Message> = ahead
                .iter()
                .zip(&hashes)
                .filter(|(_, hash)| unseen.remove(hash))
                .map(|(message, _)| *message)
                .collect();

            let changes = fold::fold(fresh.iter().copied());
            let mut commits = rows::write(&mut tx, &changes).await?;
            position::advance(&mut tx, cluster_id, &batch.positions).await?;
            let new = commits.len();
            earlier_commits(&mut tx, &behind, &mut commits).await?;
            fault::pass(Boundary::BeforeCommit);
            tx.commit().await?;
            fault::pass(Boundary::AfterCommit);
            let now = self.clock().now();
            commits.iter_mut().take(new).for_each(|commit| commit.committed_at = Some(now));
            self.cache().mark_processed(given().collect());
            return Ok(Applied {
                fresh: fresh.len(),
                duplicates: ahead.len() - fresh.len(),
                replayed: behind.len(),
                commits,
            });
        }
    }
}

/// Adds the commits of messages that an earlier transaction applied: it may have ended before it could publish.
async fn earlier_commits(
    tx: &mut PgConnection,
    messages: &[&Message],
    commits: &mut Vec<Commit>,
) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut changed_from: BTreeMap<&EventId, Option<NaiveDateTime>> = BTreeMap::new();
    for message in messages {
        let earliest = changed_from.entry(message.fact.event_id()).or_default();
        if let Fact::ParticipantRegistered(fact) = &message.fact {
            let bucket = fold::minute(fact.occurred_at);
            *earliest = Some(earliest.map_or(bucket, |earliest| earliest.min(bucket)));
        }
    }
    let ids: Vec<&str> = changed_from.keys().map(|event_id| event_id.as_str()).collect();
    let stored: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT event_id, user_id, revision FROM event_stats WHERE event_id = ANY($1)")
            .bind(ids)
            .fetch_all(tx)
            .await?;
    let mut by_event: HashMap<EventId, usize> =
        commits.iter().enumerate().map(|(index, commit)| (commit.event_id.clone(), index)).collect();
    for (event, user, revision) in stored {
        let mut commit = rows::commit(&event, &user, revision);
        commit.changed_from = changed_from.get(&commit.event_id).copied().flatten().map(|at| at.and_utc());
        if let Some(index) = by_event.get(&commit.event_id) {
            commits[*index].merge(commit);
        } else {
            by_event.insert(commit.event_id.clone(), commits.len());
            commits.push(commit);
        }
    }
    Ok(())
}
