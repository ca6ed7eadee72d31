//! What the database itself takes: the statements of an answer, sent by PostgreSQL's own load generator.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use ::tests::servers::postgres::Source;
use ::tests::system::scratch::Scratch;
use ::tests::testbed::{Role, Testbed};
use anyhow::{Context as _, ensure};
use sea_orm::sqlx::{self, AssertSqlSafe, PgPool};
use serde_json::Value;
use tokio::process::Command;

use crate::data::Size;
use crate::load::Client;
use crate::question::Question;
use crate::server::address_of;

/// The one that the statements are caught about.
const SUBJECT: usize = 77;

/// A script with the statements that the gateway sends for a question.
#[derive(Debug)]
pub(crate) struct Script {
    text: String,
    pub(crate) statements: usize,
    /// Those of them that were prepared under a name, to be executed again.
    pub(crate) prepared: usize,
    directory: Scratch,
}

/// One statement, as PostgreSQL logged it.
struct Sent {
    prepared: bool,
    sql: String,
    parameters: Vec<Option<String>>,
}

impl Script {
    /// Catches the statements from the server's log while the gateway, without a cache, answers: a copy of them in this
    /// program would drift from them.
    pub(crate) async fn catch(testbed: &Testbed, question: Question, size: Size) -> anyhow::Result<Self> {
        let database = testbed.database();
        let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(database).await?;
        let alter = async |what: &str| {
            let statement = format!("ALTER DATABASE \"{name}\" {what}");
            sqlx::query(AssertSqlSafe(statement)).execute(database).await
        };
        alter("SET log_statement = 'all'").await?;
        let mut gateway = testbed.start_with(Role::Serve, &[("CACHE", "off")]).await?;
        let mut client = Client::connect(address_of(&gateway)?).await?;
        let subject = SUBJECT % question.subjects(size);
        // What is read once in a process's life is read now.
        client.ask(&question.request(subject)).await?;
        let before = log(database).await?.len();
        client.ask(&question.request(subject)).await?;
        gateway.terminate()?;
        alter("RESET log_statement").await?;
        let log = log(database).await?;
        let sent = log.get(before..).unwrap_or_default().lines().filter_map(|line| sent(line, &name));
        let sent: Vec<Sent> = sent.collect();
        ensure!(!sent.is_empty(), "the gateway sent no statement for {question:?}");

        let variables = question.variables(subject, size);
        let mut text = String::new();
        for (name, _, expression) in &variables {
            writeln!(text, "\\set {name} {expression}")?;
        }
        let names: BTreeMap<&str, &str> =
            variables.iter().map(|(name, id, _)| (id.as_str(), name.as_str())).collect();
        for statement in &sent {
            text.push_str(&statement.written(&names));
            text.push_str(";\n");
        }
        let prepared = sent.iter().filter(|sent| sent.prepared).count();
        Ok(Self { text, statements: sent.len(), prepared, directory: Scratch::new()? })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Transactions per second, and the milliseconds that half and 99 of 100 of them took at most.
    pub(crate) async fn run(
        &self,
        url: &str,
        connections: usize,
        time: Duration,
    ) -> anyhow::Result<Transactions> {
        let script = self.directory.path().join("script.sql");
        fs::write(&script, &self.text)?;
        let log = self.directory.path().join("log");
        let output = Command::new(program()?)
            .args(["-M", "prepared", "-n", "-j", "2", "-l", "--sampling-rate=0.2", "--log-prefix"])
            .arg(&log)
            .args(["-c", &connections.to_string(), "-T", &time.as_secs().max(1).to_string(), "-f"])
            .arg(&script)
            // Without the driver's own options.
            .arg(url.split('?').next().unwrap_or(url))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let (told, complaint) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success() && !complaint.contains("ERROR"), "pgbench: {complaint}");
        let value = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.split_whitespace().next());
            value.with_context(|| format!("pgbench told no {name:?}: {told}"))
        };
        let mut micros = Vec::new();
        for file in fs::read_dir(self.directory.path())? {
            let path = file?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log.")) {
                let text = fs::read_to_string(&path)?;
                micros.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u32>().ok()));
                fs::remove_file(&path)?;
            }
        }
        micros.sort_unstable();
        let percentile = |percent: usize| {
            let micros = micros.get(micros.len().saturating_sub(1) * percent / 100);
            micros.map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        Ok(Transactions {
            per_second: value("tps = ")?.parse()?,
            count: value("number of transactions actually processed: ")?.parse()?,
            p50: percentile(50),
            p99: percentile(99),
        })
    }
}

/// What pgbench came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transactions {
    pub(crate) per_second: f64,
    pub(crate) count: u64,
    /// Milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Sent {
    /// With the subject's ids as variables, and everything else as it was sent.
    fn written(&self, names: &BTreeMap<&str, &str>) -> String {
        let mut sql = self.sql.clone();
        // From the last, so that $1 is not found in $10.
        for (number, value) in self.parameters.iter().enumerate().rev() {
            let expression = match value {
                None => "NULL".to_owned(),
                Some(text) => expression(text, names),
            };
            sql = sql.replace(&format!("${}", number + 1), &expression);
        }
        sql
    }
}

fn expression(text: &str, names: &BTreeMap<&str, &str>) -> String {
    if let Some(name) = names.get(text) {
        return format!(":{name}");
    }
    let elements = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let elements = elements.map(|text| text.split(',').map(|one| names.get(one)).collect::<Option<Vec<_>>>());
    match elements {
        Some(Some(names)) => {
            let names: Vec<String> = names.into_iter().map(|name| format!(":{name}")).collect();
            format!("ARRAY[{}]::text[]", names.join(", "))
        }
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

async fn log(database: &PgPool) -> anyhow::Result<String> {
    // Its collector is another process: what was logged may be on the way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(sqlx::query_scalar("SELECT pg_read_file(pg_current_logfile('jsonlog'))").fetch_one(database).await?)
}

/// A line of the log, if it is a statement that the gateway executed.
fn sent(line: &str, database: &str) -> Option<Sent> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let ours = text("dbname") == Some(database) && text("application_name") == Some("pulsegate");
    let (name, sql) = text("message").filter(|_| ours)?.strip_prefix("execute ")?.split_once(": ")?;
    let parameters = text("detail").and_then(|detail| detail.strip_prefix("parameters: "));
    let parameters = parameters.map(values).unwrap_or_default();
    Some(Sent { prepared: name != "<unnamed>", sql: sql.trim().trim_end_matches(';').to_owned(), parameters })
}

/// `$1 = 'it''s', $2 = NULL`
fn values(detail: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = detail;
    while let Some((_, after)) = rest.split_once(" = ") {
        let Some(quoted) = after.strip_prefix('\'') else {
            values.push(None);
            rest = after;
            continue;
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character == '\'' && characters.next_if(|(_, next)| *next == '\'').is_none() {
                end = at;
                break;
            }
            value.push(character);
        }
        values.push(Some(value));
        rest = quoted.get(end..).unwrap_or_default();
    }
    values
}

/// Beside the server's programs, or on the PATH.
fn program() -> anyhow::Result<PathBuf> {
    Ok(match Source::find()? {
        Source::Binaries(directory) => Some(directory.join("pgbench")).filter(|path| path.is_file()),
        Source::Docker => None,
    }
    .unwrap_or_else(|| PathBuf::from("pgbench")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_as_the_log_has_them() {
        let expected = [Some("{7,8}"), None, Some("it's"), Some("")].map(|value| value.map(str::to_owned));
        assert_eq!(values("$1 = '{7,8}', $2 = NULL, $3 = 'it''s', $4 = ''"), expected);
    }

    #[test]
    fn ids_become_variables_and_the_rest_stays() {
        let names = BTreeMap::from([("7", "id"), ("8", "other")]);
        assert_eq!(expression("7", &names), ":id");
        assert_eq!(expression("{8,7}", &names), "ARRAY[:other, :id]::text[]");
        assert_eq!(expression("{9}", &names), "'{9}'");
        assert_eq!(expression("it's", &names), "'it''s'");
    }
}
