//! Tokens that no longer count.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(UP).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE revocation;").await?;
        Ok(())
    }
}

/// A user's tokens that were issued before the instant are refused.
const UP: &str = "
CREATE TABLE revocation (
    user_id VARCHAR(36) PRIMARY KEY,
    issued_before TIMESTAMP NOT NULL
);
";
