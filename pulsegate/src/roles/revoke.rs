use chrono::{DateTime, SecondsFormat, Utc};
use service::domain::UserId;

use super::{base::DatabaseAt, print};
use crate::{cli::revoke::Revoke, config::Revoker, failure::Failure};

/// Revokes a user's tokens, or lets them count again.
pub(super) async fn revoke(config: Revoker, user: &UserId, what: Revoke) -> Result<(), Failure> {
    let database = DatabaseAt::start(&config.database).await?;
    let service = database.service(config.redis_url, true)?;
    let (outcome, done) = match what {
        Revoke::Before(instant) => {
            let before = instant.unwrap_or_else(|| service.clock().now());
            let done = format!("{user}: tokens issued before {} are refused", text(before));
            (service.revoke(user, before).await, done)
        }
        Revoke::Lift => {
            (service.lift_revocation(user).await, format!("{user}: no tokens are refused any more"))
        }
    };
    database.stop().await?;
    let told = outcome.map_err(Failure::Revocation)?;
    let when = if told { "at once" } else { "within 5 s, as the bus is away" };
    Ok(print(&format!("{done}; gateways know {when}\n"))?)
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
