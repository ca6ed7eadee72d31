//! Schema migrations.
//!
//! Raw SQL, because the schema leans on what PostgreSQL has and a query builder can't say: declarative partitions,
//! BRIN indexes, fill factors and functions.

use sea_orm_migration::prelude::*;

mod m20260105_000001_statistics;
mod m20260105_000002_bookkeeping;
mod m20260105_000003_channel_readings;
mod m20260105_000004_ranking;
mod m20260105_000005_revocation;
mod m20260105_000006_ascending_roi;
mod m20260105_000007_months_in_one_step;

/// Runs the migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260105_000001_statistics::Migration),
            Box::new(m20260105_000002_bookkeeping::Migration),
            Box::new(m20260105_000003_channel_readings::Migration),
            Box::new(m20260105_000004_ranking::Migration),
            Box::new(m20260105_000005_revocation::Migration),
            Box::new(m20260105_000006_ascending_roi::Migration),
            Box::new(m20260105_000007_months_in_one_step::Migration),
        ]
    }
}

/// The names of all migrations, in order: what a database must have before it can be used.
#[must_use]
pub fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}
