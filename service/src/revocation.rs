//! Tokens that no longer count: those of a user that were issued before an instant. The database holds which; every
//! process that checks tokens has a copy, reads it anew when the bus says that it has changed, and now and then in any case.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{Error, Service, domain::UserId};

/// How late a process hears of a revocation where the bus does not tell it.
const REFRESH: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(1);

/// The instants by the users.
type Revoked = HashMap<UserId, DateTime<Utc>>;

/// Whether a token counts, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// Its user's tokens of that time were revoked.
    Revoked,
    /// What was revoked was not read yet.
    NotKnown,
}

#[derive(Debug, Default)]
enum Known {
    /// Nobody checks tokens here.
    #[default]
    Unasked,
    NotYet,
    These(Revoked),
}

impl Known {
    fn standing(&self, user: &UserId, issued_at: Option<DateTime<Utc>>) -> Standing {
        match self {
            Self::Unasked => Standing::Good,
            Self::NotYet => Standing::NotKnown,
            Self::These(revoked) => match revoked.get(user) {
                // A token that does not say when it was issued may be as old as any.
                Some(before) if issued_at.is_none_or(|issued_at| issued_at < *before) => Standing::Revoked,
                _ => Standing::Good,
            },
        }
    }
}

/// What this process knows of revocations.
#[derive(Debug, Default)]
pub struct Revocations {
    known: watch::Sender<Known>,
    doubted: Notify,
}

impl Revocations {
    /// Whether a user's token counts that was issued then.
    #[must_use]
    pub fn standing(&self, user: &UserId, issued_at: Option<DateTime<Utc>>) -> Standing {
        self.known.borrow().standing(user, issued_at)
    }

    /// Returns when a user's token that was issued then is revoked.
    pub async fn revoked(self: Arc<Self>, user: UserId, issued_at: Option<DateTime<Utc>>) {
        let mut known = self.known.subscribe();
        // Its sender is here, so it does not end.
        let _ = known.wait_for(|known| known.standing(&user, issued_at) == Standing::Revoked).await;
    }

    /// What is known may have changed.
    pub(crate) fn doubt(&self) {
        self.doubted.notify_one();
    }
}

impl Service {
    /// Reads what was revoked, now and again, until `stop`. From this call on no token counts before it is known what was.
    pub fn follow_revocations(self: &Arc<Self>, stop: CancellationToken) {
        self.revocations().known.send_replace(Known::NotYet);
        let service = Arc::clone(self);
        let read = async move {
            loop {
                let pause = match service.read_revocations().await {
                    Ok(()) => REFRESH,
                    Err(error) => {
                        tracing::debug!(%error, "what was revoked could not be read");
                        RETRY
                    }
                };
                let _ = timeout(pause, service.revocations().doubted.notified()).await;
            }
        };
        tokio::spawn(async move { stop.run_until_cancelled(read).await });
    }

    async fn read_revocations(&self) -> Result<(), Error> {
        let rows: Vec<(String, NaiveDateTime)> =
            sqlx::query_as("SELECT user_id, issued_before FROM revocation").fetch_all(self.pool()).await?;
        let revoked: Revoked =
            rows.into_iter().map(|(user, before)| (UserId::trusted(&user), before.and_utc())).collect();
        // Whoever waits is only woken for news.
        self.revocations().known.send_if_modified(|known| {
            let is_news = !matches!(known, Known::These(before) if *before == revoked);
            *known = Known::These(revoked);
            is_news
        });
        Ok(())
    }

    /// Revokes a user's tokens that were issued before an instant; an earlier one than that which stands changes nothing.
    /// True where the other processes were told; else they see it by themselves within seconds.
    ///
    /// # Errors
    /// What the database says.
    pub async fn revoke(&self, user: &UserId, before: DateTime<Utc>) -> Result<bool, Error> {
        sqlx::query(
            "INSERT INTO revocation AS stored (user_id, issued_before) VALUES ($1, $2) ON CONFLICT (user_id) \
             DO UPDATE SET issued_before = greatest(stored.issued_before, excluded.issued_before)",
        )
        .bind(user.as_str())
        .bind(before.naive_utc())
        .execute(self.pool())
        .await?;
        Ok(self.announce_revocations().await)
    }

    /// Lets a user's tokens count again, whenever they were issued. True where the other processes were told.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lift_revocation(&self, user: &UserId) -> Result<bool, Error> {
        sqlx::query("DELETE FROM revocation WHERE user_id = $1")
            .bind(user.as_str())
            .execute(self.pool())
            .await?;
        Ok(self.announce_revocations().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_where_its_users_were_not_revoked_after_it_was_issued() {
        let (user, other) = (UserId::trusted("user-01"), UserId::trusted("user-02"));
        let at = |second| DateTime::from_timestamp(second, 0);
        let known = Known::These(HashMap::from([(user.clone(), at(100).unwrap())]));
        for (who, issued_at, standing) in [
            (&user, at(99), Standing::Revoked),
            (&user, None, Standing::Revoked),
            (&user, at(100), Standing::Good),
            (&other, at(1), Standing::Good),
            (&other, None, Standing::Good),
        ] {
            assert_eq!(known.standing(who, issued_at), standing, "{who} {issued_at:?}");
        }
        assert_eq!(Known::NotYet.standing(&user, at(200)), Standing::NotKnown);
        assert_eq!(Known::Unasked.standing(&user, None), Standing::Good);
    }

    #[tokio::test]
    async fn who_waits_is_told() {
        let revocations = Arc::<Revocations>::default();
        let user = UserId::trusted("user-01");
        let waiting = tokio::spawn(Arc::clone(&revocations).revoked(user.clone(), None));
        let now = DateTime::UNIX_EPOCH;
        for other in ["user-02", "user-03", "user-01"] {
            assert!(!waiting.is_finished());
            let revoked = HashMap::from([(UserId::trusted(other), now)]);
            revocations.known.send_replace(Known::These(revoked));
            tokio::task::yield_now().await;
        }
        waiting.await.unwrap();
        assert_eq!(revocations.standing(&user, None), Standing::Revoked);
    }
}
