//! What reading the channels' external APIs needs to remember beside the statistics.

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

/// The two columns of `channel_stats` are the times of the newest readings that named a cost and a duration: of a message
/// and a reading, the newer one's stands. No index holds them, so counting stays a heap-only update; all that changes with
/// every reading lies in tables of its own.
const UP: &str = "
ALTER TABLE channel_stats
    ADD COLUMN cost_read_at     TIMESTAMP NOT NULL DEFAULT '-infinity',
    ADD COLUMN duration_read_at TIMESTAMP NOT NULL DEFAULT '-infinity';

-- The last reading of a channel: the next one's growth is what is beyond it.
CREATE TABLE channel_reading (
    event_id     VARCHAR(36) NOT NULL,
    channel_name VARCHAR(50) NOT NULL,
    -- Of the last answer with numbers; none where the API has only said that it does not know the channel.
    read_at      TIMESTAMP,
    -- Until when what is stored is as current as it is meant to be.
    fresh_until  TIMESTAMP NOT NULL,
    views        INTEGER,
    conversions  INTEGER,
    likes        INTEGER,
    comments     INTEGER,
    shares       INTEGER,
    PRIMARY KEY (event_id, channel_name)
) WITH (fillfactor = 70);

-- The queue of events to read; due_at goes by the database's clock, which all processes share.
CREATE TABLE event_refresh (
    event_id  VARCHAR(36) PRIMARY KEY,
    due_at    TIMESTAMP   NOT NULL,
    -- Readings in a row that changed nothing.
    unchanged SMALLINT    NOT NULL DEFAULT 0,
    -- The event's revision after its last reading: a later one comes from messages.
    revision  BIGINT      NOT NULL DEFAULT 0
);
CREATE INDEX idx_event_refresh_due_at ON event_refresh (due_at);

-- What the last process that called an API thinks of it, for those that don't call it themselves. No row: there is none.
CREATE TABLE channel_api (
    channel_type VARCHAR(20) PRIMARY KEY CHECK (channel_type IN ('TV', 'SNS', 'VOICE')),
    breaker      VARCHAR(20) NOT NULL CHECK (breaker IN ('CLOSED', 'OPEN', 'HALF_OPEN')),
    -- When an open breaker lets the next call through.
    open_until   TIMESTAMP
);
";

const DOWN: &str = "
DROP TABLE channel_api;
DROP TABLE event_refresh;
DROP TABLE channel_reading;
ALTER TABLE channel_stats DROP COLUMN cost_read_at, DROP COLUMN duration_read_at;
";
