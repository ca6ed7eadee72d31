//! What exactly-once, cursors and caches need to remember beside the statistics.

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

/// `processed_message` is partitioned by the day on which a message was first seen, so that old days are dropped, not
/// deleted. A unique index can't span partitions; `installation.seen_on` makes up for it: the day moves on only under
/// an exclusive lock that every writing transaction holds shared, so whoever writes on a day sees all of the days
/// before it.
const UP: &str = "
CREATE TABLE consumer_position (
    cluster_id  TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    -- Counts how often the topic was made anew or cut: offsets of one generation say nothing of another's.
    generation  INTEGER NOT NULL DEFAULT 0,
    next_offset BIGINT  NOT NULL,
    PRIMARY KEY (cluster_id, topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE processed_message (
    hash    UUID NOT NULL,
    seen_on DATE NOT NULL,
    PRIMARY KEY (hash, seen_on)
) PARTITION BY LIST (seen_on);

CREATE TABLE installation (
    singleton  BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (singleton),
    -- Tells this database's entries in a shared Redis from another's.
    id         UUID NOT NULL DEFAULT gen_random_uuid(),
    -- Signs cursors, so that any replica can open them and nobody can make one up.
    cursor_key BYTEA NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    seen_on    DATE NOT NULL
);

CREATE FUNCTION ensure_processed_partition(day DATE) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    partition_name TEXT := 'processed_message_' || to_char(day, 'YYYY_MM_DD');
BEGIN
    IF to_regclass(partition_name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF processed_message FOR VALUES IN (%L)', partition_name, day);
    END IF;
END
$$;

INSERT INTO installation (seen_on) VALUES ((now() AT TIME ZONE 'UTC')::date);
SELECT ensure_processed_partition(seen_on) FROM installation;
";

const DOWN: &str = "
DROP FUNCTION ensure_processed_partition(DATE);
DROP TABLE installation;
DROP TABLE processed_message;
DROP TABLE consumer_position;
";
