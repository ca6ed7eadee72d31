//! The command line.

mod demo;
pub(crate) mod dlq;
mod examples;
mod rebuild;
pub(crate) mod revoke;

use std::{collections::HashMap, ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use consumer::rebuild::Plan;
use service::domain::UserId;

use crate::config::{
    File, Layers, Mistakes,
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

/// The whole command line.
pub(crate) fn command() -> Command {
    serve_options(Command::new("pulsegate"))
        .about(ABOUT)
        .long_about(format!("{ABOUT}\n\nWithout a command it does `serve`."))
        .version(env!("CARGO_PKG_VERSION"))
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .max_term_width(120)
        .after_help(examples::SERVE)
        .subcommand(
            serve_options(Command::new("serve"))
                .about("The GraphQL gateway; with nothing configured, everything (the default)")
                .after_help(examples::SERVE),
        )
        .subcommand(
            configured(
                Command::new("consume"),
                &[DATABASE, REDIS, KAFKA, CHANNELS, UPKEEP, PROBES, CONNECTIONS],
            )
            .about("The Kafka consumer, and the refresh of channels from their external APIs")
            .arg(switch("migrate", "Bring a configured database to this version's schema first"))
            .after_help(examples::CONSUME),
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
                .after_help(examples::MIGRATE),
        )
        .subcommand(Command::new("schema").about("Prints the GraphQL schema").after_help(examples::SCHEMA))
        .subcommand(
            configured(
                Command::new("check"),
                &[GATEWAY, CONNECTIONS, DATABASE, REPLICA, REDIS, KAFKA, UPKEEP, PROBES, LIMITS],
            )
            .about("Checks all settings and what they name, and says what would be done")
            .after_help(examples::CHECK),
        )
        .subcommand(demo::command())
        .subcommand(rebuild::command())
        .subcommand(dlq::command())
        .subcommand(revoke::command())
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
        "demo" => demo::task(matches),
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
