//! An order of events that is an index: the best by ROI without sorting all of them.

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

/// The expression and the order are those of the service's statements, to the letter. A participant changes none of the
/// columns, so counting stays a heap-only update.
const UP: &str = "
CREATE INDEX idx_event_stats_roi ON event_stats (
    ((expected_revenue - total_investment) * 100 / nullif(total_investment, 0)) DESC NULLS LAST, event_id);
CREATE INDEX idx_event_stats_estimated_roi ON event_stats (estimated_roi DESC, event_id);
";

const DOWN: &str = "
DROP INDEX idx_event_stats_estimated_roi;
DROP INDEX idx_event_stats_roi;
";
