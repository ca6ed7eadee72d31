//! The three statistics tables of the ERD.

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

/// `described_at` and `described_by` are the (occurredAt, messageId) of the message that a row's descriptive fields
/// come from: the newest wins, in whatever order messages arrive. Message ids compare bytewise (collation C), as
/// they do in the service.
///
/// The fill factor leaves room on each page for the next version of a row, so that counting stays a heap-only update.
const UP: &str = r#"
CREATE TABLE event_stats (
    id                 BIGSERIAL      PRIMARY KEY,
    event_id           VARCHAR(36)    NOT NULL UNIQUE,
    event_title        VARCHAR(255)   NOT NULL,
    user_id            VARCHAR(36)    NOT NULL,
    total_participants INTEGER        NOT NULL DEFAULT 0 CHECK (total_participants >= 0),
    total_views        INTEGER        NOT NULL DEFAULT 0,
    estimated_roi      DECIMAL(10, 2) NOT NULL DEFAULT 0 CHECK (estimated_roi >= 0),
    target_roi         DECIMAL(10, 2) NOT NULL DEFAULT 0,
    sales_growth_rate  DECIMAL(10, 2) NOT NULL DEFAULT 0,
    total_investment   DECIMAL(15, 2) NOT NULL DEFAULT 0 CHECK (total_investment >= 0),
    expected_revenue   DECIMAL(15, 2) NOT NULL DEFAULT 0,
    status             VARCHAR(20)    NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'ENDED', 'ARCHIVED')),
    created_at         TIMESTAMP      NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at         TIMESTAMP      NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    revision           BIGINT         NOT NULL DEFAULT 0,
    described_at       TIMESTAMP      NOT NULL DEFAULT '-infinity',
    described_by       TEXT COLLATE "C" NOT NULL DEFAULT ''
) WITH (fillfactor = 70);
CREATE INDEX idx_event_stats_user_id ON event_stats (user_id);
CREATE INDEX idx_event_stats_status ON event_stats (status);
CREATE INDEX idx_event_stats_created_at ON event_stats (created_at);

CREATE TABLE channel_stats (
    id                BIGSERIAL      PRIMARY KEY,
    event_id          VARCHAR(36)    NOT NULL,
    channel_name      VARCHAR(50)    NOT NULL,
    channel_type      VARCHAR(20)    NOT NULL CHECK (channel_type IN ('TV', 'SNS', 'VOICE')),
    impressions       INTEGER        NOT NULL DEFAULT 0,
    views             INTEGER        NOT NULL DEFAULT 0,
    clicks            INTEGER        NOT NULL DEFAULT 0,
    participants      INTEGER        NOT NULL DEFAULT 0,
    conversions       INTEGER        NOT NULL DEFAULT 0,
    distribution_cost DECIMAL(15, 2) NOT NULL DEFAULT 0,
    likes             INTEGER        NOT NULL DEFAULT 0,
    comments          INTEGER        NOT NULL DEFAULT 0,
    shares            INTEGER        NOT NULL DEFAULT 0,
    total_calls       INTEGER        NOT NULL DEFAULT 0,
    completed_calls   INTEGER        NOT NULL DEFAULT 0,
    average_duration  INTEGER        NOT NULL DEFAULT 0,
    created_at        TIMESTAMP      NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at        TIMESTAMP      NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    from_distribution BOOLEAN        NOT NULL DEFAULT FALSE,
    described_at      TIMESTAMP      NOT NULL DEFAULT '-infinity',
    described_by      TEXT COLLATE "C" NOT NULL DEFAULT '',
    CONSTRAINT channel_stats_event_id_channel_name_key UNIQUE (event_id, channel_name),
    CONSTRAINT channel_stats_completed_calls_check CHECK (completed_calls <= total_calls)
) WITH (fillfactor = 70);
CREATE INDEX idx_channel_stats_event_id ON channel_stats (event_id);
CREATE INDEX idx_channel_stats_channel_type ON channel_stats (channel_type);
CREATE INDEX idx_channel_stats_participants ON channel_stats (participants);

CREATE TABLE timeline_data (
    id                      BIGSERIAL   NOT NULL,
    event_id                VARCHAR(36) NOT NULL,
    "timestamp"             TIMESTAMP   NOT NULL,
    participants            INTEGER     NOT NULL DEFAULT 0,
    views                   INTEGER     NOT NULL DEFAULT 0,
    engagement              INTEGER     NOT NULL DEFAULT 0,
    conversions             INTEGER     NOT NULL DEFAULT 0,
    cumulative_participants INTEGER     NOT NULL DEFAULT 0,
    created_at              TIMESTAMP   NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at              TIMESTAMP   NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    PRIMARY KEY (id, "timestamp"),
    -- The B-tree index (event_id, timestamp) of the ERD: unique, so one index does both.
    CONSTRAINT timeline_data_event_id_timestamp_key UNIQUE (event_id, "timestamp")
) PARTITION BY RANGE ("timestamp");
CREATE INDEX idx_timeline_data_timestamp ON timeline_data USING BRIN ("timestamp");

CREATE TABLE timeline_data_default PARTITION OF timeline_data DEFAULT WITH (fillfactor = 70);

-- Makes the partition of the month that holds `day`, and moves what the DEFAULT partition caught of it. True where it
-- was made now. Takes no lock where the partition is there.
CREATE FUNCTION ensure_timeline_partition(day DATE) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
DECLARE
    first_day DATE := date_trunc('month', day)::date;
    next_month DATE := (date_trunc('month', day) + INTERVAL '1 month')::date;
    partition_name TEXT := 'timeline_data_' || to_char(first_day, 'YYYY_MM');
BEGIN
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    LOCK TABLE timeline_data_default IN ACCESS EXCLUSIVE MODE;
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE timeline_data INCLUDING DEFAULTS) WITH (fillfactor = 70)', partition_name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM timeline_data_default WHERE "timestamp" >= %L AND "timestamp" < %L RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', first_day, next_month, partition_name);
    EXECUTE format(
        'ALTER TABLE timeline_data ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition_name, first_day, next_month);
    RETURN TRUE;
END
$$;

SELECT ensure_timeline_partition(((now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date)
FROM generate_series(0, 3) AS ahead;
"#;

const DOWN: &str = "
DROP FUNCTION ensure_timeline_partition(DATE);
DROP TABLE timeline_data;
DROP TABLE channel_stats;
DROP TABLE event_stats;
";
