//! `pulsegate dlq`.

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use consumer::{dead_letter::Place, message::Code};

use super::{configured, switch};
use crate::config::variable::KAFKA;

/// What is to be done with the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dlq {
    /// Shows the newest `limit` in a line each, the newest last.
    List {
        limit: usize,
        chosen: Filter,
        json: bool,
    },
    Show(Place),
    Retry(Choice),
}

/// Which letters are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The topic that they came from.
    pub(crate) topic: Option<String>,
    /// Why they could not be applied.
    pub(crate) code: Option<String>,
}

/// Which letters are sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Places(Vec<Place>),
    All(Filter),
}

const EXAMPLES: &str = "\
Examples:
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq list
      the newest dead letters
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq show 0:17
      the one at offset 17 of partition 0, whole
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq retry 0:17
      sends it back to where it came from";

const LIST_EXAMPLES: &str = "\
Examples:
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq list --limit 20
      the newest twenty
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq list --topic event.created --code TOO_LONG
      those of one topic that failed for one reason
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq list --limit 100000 --json > letters.jsonl
      for other programs, a JSON object a line";

const SHOW_EXAMPLES: &str = "\
Examples:
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq show 0:17
      what `dlq list` shows at the place 0:17";

const RETRY_EXAMPLES: &str = "\
Examples:
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq retry 0:17 0:18
      sends two messages back
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq retry --code NOT_APPLICABLE
      sends back all that failed for one reason
  KAFKA_BROKERS=127.0.0.1:9092 pulsegate dlq retry --all
      sends everything back

The letters stay where they are. A message that was sent back twice is counted once; one that still can't be applied
becomes a new letter.";

pub(super) fn command() -> Command {
    Command::new("dlq")
        .about("Looks into the dead-letter topic and sends messages back")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(EXAMPLES)
        .subcommand(
            configured(Command::new("list"), &[KAFKA])
                .about("Lists the dead letters, the newest last")
                .arg(
                    Arg::new("limit")
                        .long("limit")
                        .value_name("N")
                        .default_value("50")
                        .value_parser(value_parser!(u32).range(1..))
                        .help("How many at most, the newest"),
                )
                .arg(
                    Arg::new("topic")
                        .long("topic")
                        .value_name("NAME")
                        .help("Those that came from this topic"),
                )
                .arg(code("Those that failed for this reason"))
                .arg(switch("json", "A JSON object a line"))
                .after_help(LIST_EXAMPLES),
        )
        .subcommand(
            configured(Command::new("show"), &[KAFKA])
                .about("Shows a dead letter: why it failed, its headers and its payload, whole")
                .arg(place().required(true))
                .after_help(SHOW_EXAMPLES),
        )
        .subcommand(
            configured(Command::new("retry"), &[KAFKA])
                .about("Sends messages back to the topics that they came from")
                .arg(place().action(ArgAction::Append).num_args(1..))
                .arg(code("All that failed for this reason"))
                .arg(switch("all", "All"))
                .group(ArgGroup::new("choice").args(["place", "code", "all"]).required(true))
                .after_help(RETRY_EXAMPLES),
        )
}

fn place() -> Arg {
    let parse = |text: &str| text.parse::<Place>();
    Arg::new("place").value_name("PLACE").value_parser(parse).help("partition:offset, as `dlq list` shows it")
}

fn code(help: &'static str) -> Arg {
    let codes = PossibleValuesParser::new(Code::ALL.map(Code::as_str));
    Arg::new("code").long("code").value_name("CODE").value_parser(codes).hide_possible_values(true).help(help)
}

/// The task, and the matches that hold its settings. Without a subcommand clap has refused the command line.
pub(super) fn task(matches: &ArgMatches) -> Option<(Dlq, &ArgMatches)> {
    let (name, matches) = matches.subcommand()?;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let place = || matches.get_one::<Place>("place").copied();
    let task = match name {
        "list" => Dlq::List {
            limit: matches.get_one::<u32>("limit").map_or(usize::MAX, |limit| *limit as usize),
            chosen: Filter { topic: text("topic"), code: text("code") },
            json: matches.get_flag("json"),
        },
        "show" => Dlq::Show(place()?),
        _ => Dlq::Retry(match matches.get_many::<Place>("place") {
            Some(places) => Choice::Places(places.copied().collect()),
            None => Choice::All(Filter { topic: None, code: text("code") }),
        }),
    };
    Some((task, matches))
}
