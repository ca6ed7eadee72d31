use std::{sync::Arc, time::Duration};

use consumer::rebuild::{Plan, Progress, Summary, rebuild};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;
use service::{
    Service,
    clock::SystemClock,
    rebuild::{Change, Difference},
};
use tokio_util::sync::CancellationToken;

use super::{base::DatabaseAt, print, table::table};
use crate::{config, failure::Failure};

const POOL_SIZE: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Writing is done in batches, but events are compared whole.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(120);

/// Recomputes the tables, or says what differs.
pub(super) async fn run(
    config: config::Rebuild,
    plan: Plan,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let database = DatabaseAt::start(&config.database).await?;
    let settings = service::Settings {
        database_url: database.url.clone(),
        database_read_url: None,
        redis_url: config.redis_url.map(|url| url.expose_secret().to_owned()),
        cache: true,
        pool_size: POOL_SIZE,
        acquire_timeout: ACQUIRE_TIMEOUT,
        statement_timeout: STATEMENT_TIMEOUT,
    };
    let live = Service::new(&settings, Arc::new(SystemClock))?;
    let mut bar = Bar::new();
    let outcome = rebuild(live, &settings, &config.kafka, &config.upkeep, &plan, &mut bar, stop).await;
    bar.end();
    database.stop().await?;
    tell(&plan, &outcome?)
}

fn tell(plan: &Plan, summary: &Summary) -> Result<(), Failure> {
    if !summary.differences.is_empty() {
        print(&table(
            ["EVENT", "TABLE", "ROW", "COLUMN", "STORED", "REBUILT"],
            summary.differences.iter().map(row),
        ))?;
    }
    let more = summary.difference_count - summary.differences.len() as u64;
    if more > 0 {
        print(&format!("and {more} more\n"))?;
    }
    for event in &summary.kept {
        print(&format!("{event} is left as it is: Kafka no longer has all of it\n"))?;
    }
    let messages = summary.messages;
    if summary.difference_count == 0 {
        return Ok(print(&format!("nothing differs from what {messages} messages give\n"))?);
    }
    if plan.dry_run {
        return Err(Failure::Differs { events: summary.repaired + summary.kept.len() as u64 });
    }
    print(&format!("repaired {} events from {messages} messages\n", summary.repaired))?;
    if !summary.told {
        return Err(Failure::Untold);
    }
    if summary.kept.is_empty() { Ok(()) } else { Err(Failure::Differs { events: summary.kept.len() as u64 }) }
}

fn row(difference: &Difference) -> [String; 6] {
    let (column, stored, rebuilt) = match &difference.change {
        Change::Missing => ("(row)", "missing", "there"),
        Change::Surplus => ("(row)", "there", "missing"),
        Change::Column { name, stored, rebuilt } => (name.as_str(), stored.as_str(), rebuilt.as_str()),
    };
    [
        difference.event_id.to_string(),
        difference.table.as_str().to_owned(),
        difference.row.clone(),
        column.to_owned(),
        stored.to_owned(),
        rebuilt.to_owned(),
    ]
}

/// Shown on a terminal only.
struct Bar {
    reading: ProgressBar,
    comparing: ProgressBar,
}

impl Bar {
    fn new() -> Self {
        Self { reading: ProgressBar::hidden(), comparing: ProgressBar::hidden() }
    }

    fn end(&self) {
        self.reading.finish_and_clear();
        self.comparing.finish_and_clear();
    }
}

fn bar(template: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    // The templates are part of this file.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

impl Progress for Bar {
    fn reading(&mut self, more: u64) {
        if self.reading.is_hidden() || self.reading.is_finished() {
            self.reading = bar("reading {wide_bar} {human_pos} of {human_len} messages, {eta} left", 0);
        }
        self.reading.inc_length(more);
    }

    fn read(&mut self, messages: u64) {
        self.reading.inc(messages);
    }

    fn comparing(&mut self, events: u64) {
        self.reading.finish_and_clear();
        self.comparing = bar("comparing {wide_bar} {human_pos} of {human_len} events", events);
    }

    fn compared(&mut self, events: u64) {
        self.comparing.inc(events);
    }
}
