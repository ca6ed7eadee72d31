//! The other end of the order by ROI: events without one come last there, too, so it is no index read backward.

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
        manager.get_connection().execute_unprepared(DOWN).await?;
        Ok(())
    }
}

const UP: &str = "
CREATE INDEX idx_event_stats_roi_ascending ON event_stats (
    ((expected_revenue - total_investment) * 100 / nullif(total_investment, 0)), event_id);
";

const DOWN: &str = "DROP INDEX idx_event_stats_roi_ascending;";
