//! kcat: a Kafka client that is not our own code.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

/// Between a message's key and its body, in files and in what is read.
pub const SEPARATOR: char = '\t';

/// A message as kcat shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Empty where the message has none.
    pub key: String,
    /// `name=value` each, in the message's order.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

/// kcat, for one cluster.
#[derive(Clone, Debug)]
pub struct Kcat {
    brokers: String,
}

impl Kcat {
    /// For the cluster behind `brokers`.
    #[must_use]
    pub fn new(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned() }
    }

    /// Produces each line of `file`, `key<TAB>body`, and waits until the brokers have them all.
    ///
    /// # Errors
    /// kcat isn't here, or a message could not be delivered.
    pub async fn produce_file(&self, topic: &str, file: &Path) -> anyhow::Result<()> {
        let mut command = self.command("-P", topic);
        command.args(["-K", &SEPARATOR.to_string(), "-l"]).arg(file);
        run(&mut command).await.map(drop)
    }

    /// Produces one message.
    ///
    /// # Errors
    /// As for [`Self::produce_file`].
    pub async fn produce(&self, topic: &str, key: &str, body: &str) -> anyhow::Result<()> {
        self.produce_with(topic, key, body, &[]).await
    }

    /// Produces one message with headers, `name=value` each.
    ///
    /// # Errors
    /// As for [`Self::produce_file`].
    pub async fn produce_with(
        &self,
        topic: &str,
        key: &str,
        body: &str,
        headers: &[&str],
    ) -> anyhow::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        tokio::fs::write(file.path(), format!("{key}{SEPARATOR}{body}\n")).await?;
        let mut command = self.command("-P", topic);
        command.args(headers.iter().flat_map(|header| ["-H", *header]));
        command.args(["-K", &SEPARATOR.to_string(), "-l"]).arg(file.path());
        run(&mut command).await.map(drop)
    }

    /// Produces one message to a partition of the caller's choice.
    ///
    /// # Errors
    /// As for [`Self::produce_file`].
    pub async fn produce_to(&self, topic: &str, partition: u16, key: &str, body: &str) -> anyhow::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        tokio::fs::write(file.path(), format!("{key}{SEPARATOR}{body}\n")).await?;
        let mut command = self.command("-P", topic);
        command.args(["-p", &partition.to_string(), "-K", &SEPARATOR.to_string(), "-l"]).arg(file.path());
        run(&mut command).await.map(drop)
    }

    /// Reads all that is in `topic` now. Bodies hold no line breaks.
    ///
    /// # Errors
    /// kcat isn't here, or the brokers don't answer.
    pub async fn read(&self, topic: &str) -> anyhow::Result<Vec<Message>> {
        let mut command = self.command("-C", topic);
        command.args(["-o", "beginning", "-e", "-q", "-f", r"%k\t%h\t%s\n"]);
        let printed = run(&mut command).await?;
        let message = |line: &str| {
            let mut parts = line.splitn(3, SEPARATOR).map(str::to_owned);
            let (key, headers, body) = (parts.next()?, parts.next()?, parts.next()?);
            let headers = headers.split(',').filter(|header| !header.is_empty()).map(str::to_owned).collect();
            Some(Message { key, headers, body })
        };
        printed.lines().map(|line| message(line).with_context(|| format!("kcat printed {line:?}"))).collect()
    }

    fn command(&self, mode: &str, topic: &str) -> Command {
        let mut command = Command::new("kcat");
        command.args([
            mode,
            "-b",
            &self.brokers,
            "-t",
            topic,
            "-X",
            "topic.metadata.refresh.fast.interval.ms=50",
        ]);
        command
    }
}

async fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("can't run kcat (the Debian package kcat)")?;
    if !output.status.success() {
        bail!("kcat failed: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
