use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection};

use crate::{Error, domain::EventId};

/// One of the three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `event_stats`
    Events,
    /// `channel_stats`
    Channels,
    /// `timeline_data`
    Timeline,
}

impl Table {
    const ALL: [Self; 3] = [Self::Events, Self::Channels, Self::Timeline];

    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "event_stats",
            Self::Channels => "channel_stats",
            Self::Timeline => "timeline_data",
        }
    }

    /// The name of its views, what tells the rows of an event apart, and that as a text.
    const fn view(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Events => ("event", "event_id", "''"),
            Self::Channels => ("channel", "event_id, channel_name", "channel_name"),
            Self::Timeline => ("bucket", "event_id, start", r#"to_char(start, 'YYYY-MM-DD"T"HH24:MI"Z"')"#),
        }
    }
}

/// How a row differs from what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is not there.
    Missing,
    /// No message is the reason for it.
    Surplus,
    /// A column holds something else.
    Column {
        /// The column.
        name: String,
        /// What it holds.
        stored: String,
        /// What its messages give.
        rebuilt: String,
    },
}

/// A place where the tables are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The event.
    pub event_id: EventId,
    /// The table.
    pub table: Table,
    /// The channel's name or the bucket's start; empty for `event_stats`.
    pub row: String,
    /// How.
    pub change: Change,
}

impl Difference {
    /// Whether making the row what it should be takes something away: right where Kafka has all messages, not to be
    /// risked where it has not.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        let Change::Column { name, stored, rebuilt } = &self.change else {
            return self.change == Change::Surplus;
        };
        let number = |text: &str| text.parse::<i64>().unwrap_or(i64::MIN);
        match name.as_str() {
            "total_participants" | "participants" | "cumulative_participants" => {
                number(rebuilt) < number(stored)
            }
            // ISO 8601, where -infinity comes first: texts are in the order of instants.
            "described_at" => rebuilt < stored,
            "created_at" => rebuilt > stored,
            _ => false,
        }
    }
}

type Row = (String, String, bool, bool, Option<String>, Option<String>, Option<String>);

/// Compares these events' rows in all three tables.
pub(super) async fn find(
    connection: &mut PgConnection,
    events: &[EventId],
) -> Result<Vec<Difference>, Error> {
    let ids: Vec<&str> = events.iter().map(EventId::as_str).collect();
    let mut differences = Vec::new();
    for table in Table::ALL {
        let (view, key, row) = table.view();
        // Rows are taken apart only where they differ, which few do.
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT event_id, {row}, held.event_id IS NULL, due.event_id IS NULL,
                    columns.name, columns.stored, columns.expected
             FROM (SELECT * FROM pulsegate_rebuild.expected_{view} WHERE event_id = ANY($1)) AS due
             FULL JOIN (SELECT * FROM pulsegate_rebuild.stored_{view} WHERE event_id = ANY($1)) AS held USING ({key})
             LEFT JOIN LATERAL (
                 SELECT key AS name, stored.value AS stored, expected.value AS expected
                 FROM jsonb_each_text(to_jsonb(held)) AS stored
                 JOIN jsonb_each_text(to_jsonb(due)) AS expected USING (key)
                 WHERE stored.value IS DISTINCT FROM expected.value
             ) AS columns ON TRUE
             WHERE due.* IS DISTINCT FROM held.*
             ORDER BY {key}, columns.name"
        )))
        .bind(&ids)
        .fetch_all(&mut *connection)
        .await?;
        differences.extend(rows.into_iter().map(|(event, row, missing, surplus, name, stored, rebuilt)| {
            let change = match (missing, surplus) {
                (true, _) => Change::Missing,
                (_, true) => Change::Surplus,
                _ => Change::Column {
                    name: name.unwrap_or_default(),
                    stored: stored.unwrap_or_default(),
                    rebuilt: rebuilt.unwrap_or_default(),
                },
            };
            Difference { event_id: EventId::trusted(&event), table, row, change }
        }));
    }
    differences.sort_by(|a, b| (&a.event_id, a.table).cmp(&(&b.event_id, b.table)));
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, stored: &str, rebuilt: &str) -> Difference {
        Difference {
            event_id: EventId::trusted("evt-1"),
            table: Table::Events,
            row: String::new(),
            change: Change::Column {
                name: name.to_owned(),
                stored: stored.to_owned(),
                rebuilt: rebuilt.to_owned(),
            },
        }
    }

    #[test]
    fn what_lowers_or_forgets_takes_away() {
        assert!(column("total_participants", "10", "9").takes_away());
        assert!(!column("total_participants", "9", "10").takes_away());
        assert!(column("described_at", "2026-01-05T00:00:00", "-infinity").takes_away());
        assert!(!column("described_at", "-infinity", "2026-01-05T00:00:00").takes_away());
        assert!(column("created_at", "2026-01-05T00:00:00", "2026-01-06T00:00:00").takes_away());
        assert!(!column("event_title", "b", "a").takes_away());
        assert!(Difference { change: Change::Surplus, ..column("", "", "") }.takes_away());
        assert!(!Difference { change: Change::Missing, ..column("", "", "") }.takes_away());
    }
}
