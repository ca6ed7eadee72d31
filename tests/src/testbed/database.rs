//! A database for each test.

use std::str::FromStr as _;

use anyhow::Context as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::{
    self, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool,
};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::pulsegate::binary;
use crate::unique;

/// Migrated once, then copied, which is quicker. It stays on a server that isn't ours.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A database, dropped with this value.
#[derive(Debug)]
pub(super) struct Database {
    server: PgConnectOptions,
    name: String,
    url: String,
    pool: PgPool,
}

impl Database {
    /// A copy of the migrated template on the shared server behind `url`.
    pub(super) async fn copied(url: &str, name: &str) -> anyhow::Result<Self> {
        let template = TEMPLATE
            .get_or_try_init(async || {
                let template = format!("pulsegate_template_{}", unique::name());
                let server = PgConnectOptions::from_str(url)?;
                create(&server, &template, "").await?;
                migrate(&url_of(&server, &template)).await?;
                anyhow::Ok(template)
            })
            .await?;
        Self::new(url, name, &format!(r#" TEMPLATE "{template}""#)).await
    }

    /// A new database without tables.
    pub(super) async fn empty(url: &str, name: &str) -> anyhow::Result<Self> {
        Self::new(url, name, "").await
    }

    /// A new database, migrated on the spot.
    pub(super) async fn migrated(url: &str, name: &str) -> anyhow::Result<Self> {
        let database = Self::empty(url, name).await?;
        migrate(&database.url).await?;
        Ok(database)
    }

    async fn new(url: &str, name: &str, options: &str) -> anyhow::Result<Self> {
        let server = PgConnectOptions::from_str(url)?;
        let name = format!("pulsegate_{name}");
        create(&server, &name, options).await?;
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(server.clone().database(&name));
        Ok(Self { url: url_of(&server, &name), server, name, pool })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A destructor can't await, and the test's own runtime may be ending.
        let dropped = std::thread::spawn(move || -> anyhow::Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect_with(&server).await?;
                let statement = format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#);
                connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
                Ok(connection.close().await?)
            })
        });
        // Where its server is gone, so is the database.
        let _ = dropped.join();
    }
}

async fn create(server: &PgConnectOptions, name: &str, options: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(server).await.context("can't reach PostgreSQL")?;
    let statement = format!(r#"CREATE DATABASE "{name}"{options}"#);
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
    Ok(connection.close().await?)
}

async fn migrate(url: &str) -> anyhow::Result<()> {
    let output = Command::new(binary()?).args(["migrate", "up"]).env("DATABASE_URL", url).output().await?;
    anyhow::ensure!(
        output.status.success(),
        "pulsegate migrate up: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn url_of(server: &PgConnectOptions, database: &str) -> String {
    server.clone().database(database).to_url_lossy().to_string()
}
