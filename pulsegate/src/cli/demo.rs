//! The command line of `pulsegate demo`.

use std::{net::SocketAddr, time::Duration};

use clap::{Arg, ArgMatches, Command, builder::ValueParser, value_parser};

use super::{Task, configured, examples};
use crate::config::{parse, variable::KAFKA};

pub(super) fn command() -> Command {
    let number = |name: &'static str, default: &'static str, parser: ValueParser, help: &'static str| {
        Arg::new(name).long(name).value_name("N").default_value(default).value_parser(parser).help(help)
    };
    let range =
        |range: std::ops::RangeInclusive<i64>| -> ValueParser { value_parser!(u32).range(range).into() };
    configured(Command::new("demo"), &[KAFKA])
        .about("Produces believable events to the configured Kafka")
        .arg(number("users", "3", range(1..=10_000), "Owners of events"))
        .arg(number("events", "9", range(1..=1_000), "Events at a time; those that ended lately come on top"))
        .arg(number(
            "days",
            "14",
            range(0..=365),
            "Days of history; campaigns of that time are told from their launch",
        ))
        .arg(
            number("rate", "2", range(1..=10_000), "Messages a second after the history")
                .value_name("EVENTS_PER_S"),
        )
        .arg(
            number(
                "duration",
                "60",
                value_parser!(u32).into(),
                "Seconds to go on after the history; 0: until Ctrl-C",
            )
            .value_name("S"),
        )
        .arg(
            Arg::new("channel-api")
                .long("channel-api")
                .value_name("IP:PORT")
                .value_parser(parse::address)
                .help("Answer there as the external API of the demo's channels, with a failure now and then"),
        )
        .after_help(examples::DEMO)
}

pub(super) fn task(matches: &ArgMatches) -> Task {
    let number = |name: &str| matches.get_one::<u32>(name).copied();
    Task::Demo {
        users: number("users").unwrap_or_default(),
        events: number("events").unwrap_or_default(),
        days: number("days").unwrap_or_default(),
        rate: number("rate").unwrap_or_default(),
        duration: number("duration").filter(|seconds| *seconds > 0).map(|s| Duration::from_secs(s.into())),
        channel_api: matches.get_one::<SocketAddr>("channel-api").copied(),
    }
}
