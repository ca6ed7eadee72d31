//! The user that a server runs as.

use std::fs;

use anyhow::Context as _;
use rustix::process::geteuid;

/// A user of this system, by its numbers.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The user's number.
    pub id: u32,
    /// The number of its group.
    pub group: u32,
}

impl User {
    /// Whom PostgreSQL, which refuses root, is to run as: nobody else where this process isn't root, else
    /// the user `postgres`, else `nobody`.
    ///
    /// # Errors
    /// Neither of them exists.
    pub fn unprivileged() -> anyhow::Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let found = ["postgres", "nobody"].into_iter().find_map(|name| Self::named(name, &users));
        found
            .map(Some)
            .context("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`")
    }

    fn named(name: &str, users: &str) -> Option<Self> {
        let fields: Vec<&str> = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.first() == Some(&name))?;
        Some(Self { id: fields.get(2)?.parse().ok()?, group: fields.get(3)?.parse().ok()? })
    }
}
