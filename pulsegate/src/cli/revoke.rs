//! `pulsegate revoke`.

use chrono::{DateTime, Utc};
use clap::{Arg, ArgMatches, Command};
use service::domain::UserId;

use super::{configured, switch};
use crate::config::variable::{DATABASE, REDIS};

/// What is to become of a user's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoke {
    /// Those issued before then are refused; `None`: before now.
    Before(Option<DateTime<Utc>>),
    /// None is refused any more.
    Lift,
}

const EXAMPLES: &str = "\
Examples:
  DATABASE_URL=postgres://user:password@db/pulsegate REDIS_URL=redis://redis pulsegate revoke user-01
      refuses the tokens that user-01 has, and closes what was opened with them; new ones are taken
  DATABASE_URL=postgres://user:password@db/pulsegate REDIS_URL=redis://redis pulsegate revoke user-01 --before 2026-01-05T09:00:00Z
      refuses those that were issued before that instant; one that is yet to come keeps the user out until then
  DATABASE_URL=postgres://user:password@db/pulsegate REDIS_URL=redis://redis pulsegate revoke user-01 --lift
      takes it back

When a token was issued it says itself (`iat`); one that does not counts as issued before. Give it the gateways' own
DATABASE_URL and REDIS_URL, so that it can tell them.";

pub(super) fn command() -> Command {
    configured(Command::new("revoke"), &[DATABASE, REDIS])
        .about("Refuses a user's tokens that were issued before now")
        .arg(
            Arg::new("user")
                .required(true)
                .value_name("USER")
                .value_parser(|text: &str| UserId::parse(text))
                .help("Whose tokens, as their `sub` says it"),
        )
        .arg(
            Arg::new("before")
                .long("before")
                .value_name("INSTANT")
                .value_parser(instant)
                .conflicts_with("lift")
                .help("Refuse those that were issued before then [default: now]"),
        )
        .arg(switch("lift", "Refuse none of them any more"))
        .after_help(EXAMPLES)
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    instant.map_err(|_| "is no instant; allowed: 2026-01-05T09:00:00Z".to_owned())
}

/// The user and what is to be done; `None` only where the user is missing, which was refused before.
pub(super) fn task(matches: &ArgMatches) -> Option<(UserId, Revoke)> {
    let user = matches.get_one::<UserId>("user").cloned()?;
    let before = matches.get_one::<DateTime<Utc>>("before").copied();
    Some((user, if matches.get_flag("lift") { Revoke::Lift } else { Revoke::Before(before) }))
}
