//! A month that is split off the DEFAULT partition shuts the whole timeline meanwhile.
//!
//! A statement finds out which partitions there are, and then locks each. Where only the DEFAULT partition was shut, a
//! statement that was being planned knew the partitions from before, and found the month's rows in neither place.

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
ALTER FUNCTION ensure_timeline_partition(DATE) RENAME TO split_off_timeline_partition;

-- Makes the partition of the month that holds `day`, and moves what the DEFAULT partition caught of it. True where it
-- was made now. Takes no lock where the partition is there.
CREATE FUNCTION ensure_timeline_partition(day DATE) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('timeline_data_' || to_char(day, 'YYYY_MM')) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    LOCK TABLE ONLY timeline_data IN ACCESS EXCLUSIVE MODE;
    RETURN split_off_timeline_partition(day);
END
$$;
";

const DOWN: &str = "
DROP FUNCTION ensure_timeline_partition(DATE);
ALTER FUNCTION split_off_timeline_partition(DATE) RENAME TO ensure_timeline_partition;
";
