use super::{base::DatabaseAt, print};
use crate::{cli::Migrate, config::Database, failure::Failure, migrations};

/// Changes the schema, or only tells how it is.
pub(super) async fn migrate(database: &Database, what: Migrate) -> Result<(), Failure> {
    let database = DatabaseAt::start(database).await?;
    let states = match what {
        Migrate::Up => migrations::up(&database.url).await,
        Migrate::Down { steps } => migrations::down(&database.url, steps).await,
        Migrate::Status => migrations::status(&database.url).await,
    };
    database.stop().await?;
    for (name, applied) in states? {
        print(&format!("{} {name}\n", if applied { "applied" } else { "pending" }))?;
    }
    Ok(())
}
