//! `pulsegate rebuild`.

use clap::{Arg, ArgMatches, Command};
use consumer::rebuild::Plan;
use service::domain::EventId;

use super::{configured, switch};
use crate::config::variable::{DATABASE, KAFKA, REDIS, UPKEEP};

const EXAMPLES: &str = "\
Examples:
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate rebuild --dry-run
      says where the tables differ from what Kafka's messages give, by event and column; exit code 1 where they do
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate rebuild --event evt-0001
      makes one event right
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate rebuild
      makes all of them right

Consumers may go on meanwhile; they wait for a moment at the end. Give it their TIMELINE_ variables. It works in a schema
of its own, pulsegate_rebuild, which needs as much room as the tables and is dropped afterwards.

What is in no message is kept: of the counters of a channel the larger of stored and rebuilt counts, and the timeline's
views, engagement and conversions stay as they are.

Where Kafka no longer has all messages it refuses, unless --partial is given. Then an event is repaired only where that
takes nothing away: no count is lowered, no row removed, no description replaced by an older one. The others are named.";

pub(super) fn command() -> Command {
    configured(Command::new("rebuild"), &[DATABASE, REDIS, KAFKA, UPKEEP])
        .about("Recomputes the tables from Kafka's beginning")
        .arg(
            Arg::new("event")
                .long("event")
                .value_name("ID")
                .value_parser(|text: &str| EventId::parse(text))
                .help("Only this event"),
        )
        .arg(switch("dry-run", "Only say what differs"))
        .arg(switch("partial", "Go on where Kafka no longer has all messages, and take nothing away"))
        .after_help(EXAMPLES)
}

pub(super) fn plan(matches: &ArgMatches) -> Plan {
    Plan {
        event: matches.get_one::<EventId>("event").cloned(),
        dry_run: matches.get_flag("dry-run"),
        partial: matches.get_flag("partial"),
    }
}
