//! The command line.

pub(crate) mod dlq;
mod rebuild;
pub(crate) mod revoke;

use std::{collections::HashMap, ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    builder::{PossibleValuesParser, ValueParser},
    value_parser,
};
use consumer::rebuild::Plan;
use service::domain::UserId;

use crate::config::{
    File, Layers, Mistakes, parse,
    variable::{
        self, CHANNELS, CONNECTIONS, DATABASE, GATEWAY, Group, KAFKA, LIMITS, LOGGING, PROBES, REDIS,
        REPLICA, UPKEEP,
    },
};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Serve {
        demo: bool,
        with_consumer: bool,
        migrate: bool,
    },
    Consume {
        migrate: bool,
    },
    Migrate(Migrate),
    Schema,
    Check,
    Demo {
        users: u32,
        events: u32,
        days: u32,
        rate: u32,
        duration: Option<Duration>,
        channel_api: Option<SocketAddr>,
    },
    Dlq(dlq::Dlq),
    Rebuild(Plan),
    Revoke(UserId, revoke::Revoke),
}

/// What is to be done to the schema of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Migrate {
    Up,
    /// Takes back so many of the newest; `None`: all.
    Down {
        steps: Option<u32>,
    },
    Status,
}

const ABOUT: &str =
    "Follows promotional events from Kafka into PostgreSQL and answers dashboards over GraphQL.";

const SERVE_EXAMPLES: &str = "\
Examples:
  pulsegate
      the whole product at http://127.0.0.1:8080, with nothing else installed
  pulsegate serve --no-demo --http-addr 127.0.0.1:9000
      the same without demo data, at another address
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate serve --with-consumer --migrate
      with a database and a Kafka that are there, consuming too

Every option can be set by a variable of the same name (--http-addr: HTTP_ADDR) or by a key of the file that --config
names (http_addr). Flags go before variables, variables before the file.";

const CONSUME_EXAMPLES: &str = "\
Examples:
  DATABASE_URL=postgres://user:password@db/pulsegate KAFKA_BROKERS=kafka:9092 pulsegate consume
      reads the topics into the database
  KAFKA_SECURITY_PROTOCOL=sasl_ssl KAFKA_SASL_MECHANISM=SCRAM-SHA-512 pulsegate consume --config pulsegate.toml
      with settings of librdkafka, the rest in a file";

const MIGRATE_EXAMPLES: &str = "\
Examples:
  DATABASE_URL=postgres://user:password@db/pulsegate pulsegate migrate up
      brings the database to this version's schema
  pulsegate migrate status
      lists the migrations of the embedded database
  pulsegate migrate down --steps 1
      takes the newest migration back, and what it holds";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  pulsegate schema > schema.graphql";

const CHECK_EXAMPLES: &str = "\
Examples:
  pulsegate check --config pulsegate.toml
      reads all settings, asks everything that they name, and says what `serve` and `consume` would do
  pulsegate check && pulsegate migrate up
      migrates a database only where everything answers

It changes nothing. Its exit code is 2 where a setting is wrong, 1 where something does not answer as it should.";

const DEMO_EXAMPLES: &str = "\
Examples:
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo
      two weeks of history, then a minute live
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo --users 20 --events 200 --days 30 --rate 500 --duration 600
      more of everything
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo --days 0 --duration 0
      live only, until Ctrl-C
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate demo --duration 0 --channel-api 127.0.0.1:8090
      with channels to read, for a consumer with CHANNEL_API_TV_URL=http://127.0.0.1:8090/tv and the like

What it has said once it says under the same message ids again, so that going on later doubles nothing.";

/// The whole command line.
pub(crate) fn command() -> Command {
    serve_options(Command::new("pulsegate"))
        .about(ABOUT)
        .long_about(format!("{ABOUT}\n\nWithout a command it does `serve`."))
        .version(env!("CARGO_PKG_VERSION"))
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .max_term_width(120)
        .after_help(SERVE_EXAMPLES)
        .subcommand(
            serve_options(Command::new("serve"))
                .about("The GraphQL gateway; with nothing configured, everything (the default)")
                .after_help(SERVE_EXAMPLES),
        )
        .subcommand(
            configured(
                Command::new("consume"),
                &[DATABASE, REDIS, KAFKA, CHANNELS, UPKEEP, PROBES, CONNECTIONS],
            )
            .about("The Kafka consumer, and the refresh of channels from their external APIs")
            .arg(switch("migrate", "Bring a configured database to this version's schema first"))
            .after_help(CONSUME_EXAMPLES),
        )
        .subcommand(
            configured(Command::new("migrate"), &[DATABASE])
                .about("Migrations of the database's schema")
                .arg(
                    Arg::new("direction")
                        .value_parser(PossibleValuesParser::new(["up", "down", "status"]))
                        .default_value("up")
                        .help("What to do"),
                )
                .arg(
                    Arg::new("steps")
                        .long("steps")
                        .value_name("N")
                        .value_parser(value_parser!(u32).range(1..))
                        .help("How many migrations `down` takes back [default: all]"),
                )
                .after_help(MIGRATE_EXAMPLES),
        )
        .subcommand(Command::new("schema").about("Prints the GraphQL schema").after_help(SCHEMA_EXAMPLES))
        .subcommand(
            configured(
                Command::new("check"),
                &[GATEWAY, CONNECTIONS, DATABASE, REPLICA, REDIS, KAFKA, UPKEEP, PROBES, LIMITS],
            )
            .about("Checks all settings and what they name, and says what would be done")
            .after_help(CHECK_EXAMPLES),
        )
        .subcommand(demo())
        .subcommand(rebuild::command())
        .subcommand(dlq::command())
        .subcommand(revoke::command())
}

fn demo() -> Command {
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
        .after_help(DEMO_EXAMPLES)
}

fn serve_options(command: Command) -> Command {
    configured(command, &[GATEWAY, CONNECTIONS, DATABASE, REPLICA, REDIS, KAFKA, CHANNELS, UPKEEP, LIMITS])
        .arg(switch("no-demo", "Leave the embedded broker without demo data"))
        .arg(switch("with-consumer", "Consume too (the embedded broker is consumed always)"))
        .arg(switch("migrate", "Bring a configured database to this version's schema first"))
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// Adds an option for each variable of the groups, and the file.
fn configured(mut command: Command, groups: &[Group]) -> Command {
    command = command.arg(
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("A TOML file with keys like http_addr"),
    );
    for (heading, variables) in groups.iter().chain([&LOGGING]) {
        for variable in *variables {
            command = command.arg(
                Arg::new(variable.name)
                    .long(variable.flag())
                    .value_name(variable.value)
                    .help(variable.help)
                    .help_heading(*heading),
            );
        }
    }
    command
}

/// What the command line says, and what is configured around it.
pub(crate) fn read(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Result<(Task, Layers), Mistakes>, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    let (name, matches) = matches.subcommand().unwrap_or(("serve", &matches));
    let (task, matches) = match name {
        "dlq" => dlq::task(matches).map(|(task, matches)| (Task::Dlq(task), matches)),
        "revoke" => revoke::task(matches).map(|(user, what)| (Task::Revoke(user, what), matches)),
        _ => None,
    }
    .unwrap_or_else(|| (task(name, matches), matches));
    Ok(layers(matches, environment).map(|layers| (task, layers)))
}

fn task(name: &str, matches: &ArgMatches) -> Task {
    let flag = |name: &str| matches.get_flag(name);
    let number = |name: &str| matches.get_one::<u32>(name).copied();
    match name {
        "consume" => Task::Consume { migrate: flag("migrate") },
        "migrate" => Task::Migrate(match matches.get_one::<String>("direction").map(String::as_str) {
            Some("down") => Migrate::Down { steps: number("steps") },
            Some("status") => Migrate::Status,
            _ => Migrate::Up,
        }),
        "schema" => Task::Schema,
        "check" => Task::Check,
        "rebuild" => Task::Rebuild(rebuild::plan(matches)),
        "demo" => Task::Demo {
            users: number("users").unwrap_or_default(),
            events: number("events").unwrap_or_default(),
            days: number("days").unwrap_or_default(),
            rate: number("rate").unwrap_or_default(),
            duration: number("duration")
                .filter(|seconds| *seconds > 0)
                .map(|s| Duration::from_secs(s.into())),
            channel_api: matches.get_one::<SocketAddr>("channel-api").copied(),
        },
        _ => Task::Serve {
            demo: !flag("no-demo"),
            with_consumer: flag("with-consumer"),
            migrate: flag("migrate"),
        },
    }
}

fn layers(
    matches: &ArgMatches,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Layers, Mistakes> {
    let flags: HashMap<&'static str, String> = variable::ALL
        .iter()
        .filter_map(|variable| {
            // A command without the option does not know its name.
            let value = matches.try_get_one::<String>(variable.name).ok().flatten()?;
            Some((variable.name, value.clone()))
        })
        .collect();
    let environment = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect();
    let file = matches.try_get_one::<PathBuf>("config").ok().flatten();
    Ok(Layers { flags, environment, file: file.map(|path| File::read(path)).transpose()? })
}

/// A refusal of the command line in one line.
pub(crate) fn one_line(refusal: &clap::Error) -> String {
    let text = refusal.to_string();
    let first = text.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    // The allowed values stand on a line of their own.
    let allowed = text.lines().map(str::trim).find(|line| line.starts_with("[possible values"));
    let allowed = allowed.map(|line| format!(" {line}")).unwrap_or_default();
    format!("pulsegate: {first}{allowed}; `pulsegate --help` tells what is allowed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::variable::HTTP_ADDR;

    fn read_line(line: &str) -> Result<(Task, Layers), String> {
        let arguments = line.split_whitespace().map(OsString::from);
        let read = read(arguments, []).map_err(|refusal| one_line(&refusal))?;
        read.map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in command().get_subcommands().chain([&command()]) {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.starts_with("Examples:\n"), "{}", command.get_name());
        }
    }

    #[test]
    fn without_a_command_it_serves() {
        let serve = Task::Serve { demo: true, with_consumer: false, migrate: false };
        assert_eq!(read_line("pulsegate").unwrap().0, serve);
        assert_eq!(read_line("pulsegate serve").unwrap().0, serve);
        let (task, layers) = read_line("pulsegate --no-demo --http-addr 127.0.0.1:1").unwrap();
        assert_eq!(task, Task::Serve { demo: false, with_consumer: false, migrate: false });
        assert_eq!(layers.find(&HTTP_ADDR).unwrap().place, "--http-addr");
    }

    #[test]
    fn migrations_go_up_by_default() {
        assert_eq!(read_line("pulsegate migrate").unwrap().0, Task::Migrate(Migrate::Up));
        assert_eq!(
            read_line("pulsegate migrate down").unwrap().0,
            Task::Migrate(Migrate::Down { steps: None })
        );
        assert_eq!(
            read_line("pulsegate migrate down --steps 2").unwrap().0,
            Task::Migrate(Migrate::Down { steps: Some(2) })
        );
        assert_eq!(read_line("pulsegate migrate status").unwrap().0, Task::Migrate(Migrate::Status));
    }

    #[test]
    fn the_demo_is_sized() {
        let expected = Task::Demo {
            users: 3,
            events: 2,
            days: 0,
            rate: 7,
            duration: None,
            channel_api: "127.0.0.1:8090".parse().ok(),
        };
        assert_eq!(
            read_line(
                "pulsegate demo --events 2 --days 0 --rate 7 --duration 0 --channel-api localhost:8090"
            )
            .unwrap()
            .0,
            expected
        );
    }

    #[test]
    fn refusals_are_one_line() {
        for line in [
            "pulsegate --no-such-thing",
            "pulsegate no-such-thing",
            "pulsegate migrate sideways",
            "pulsegate demo --users 0",
            "pulsegate demo --http-addr 127.0.0.1:1",
            "pulsegate --config /no/such/file.toml",
        ] {
            let Err(text) = read_line(line) else { panic!("{line} was taken") };
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        let Err(text) = read_line("pulsegate migrate sideways") else { panic!("taken") };
        assert!(
            text.contains("'sideways'") && text.contains("[possible values: up, down, status]"),
            "{text}"
        );
        let Err(text) = read_line("pulsegate demo --users 0") else { panic!("taken") };
        assert!(text.contains("--users") && text.contains("1..=10000"), "{text}");
    }
}
