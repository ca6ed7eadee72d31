//! Apache Kafka: a broker in `KRaft` mode, or librdkafka's mock cluster where no broker can be had.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::MetadataTopic;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::jars::Jars;
use crate::system::container::{self, Container};
use crate::system::host::Host;
use crate::system::process::Process;
use crate::system::scratch::Scratch;
use crate::system::{ports, program};
use crate::{unique, wait};

const IMAGE: &str = "apache/kafka:4.1.1";
const STARTS_WITHIN: Duration = Duration::from_secs(120);
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What the broker is run from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The official image, on a Docker engine.
    Docker,
    /// The official artifacts of the project, on this machine's Java.
    Jars(Jars),
}

impl Source {
    /// The best that this machine has; fetches the artifacts where they are needed.
    ///
    /// # Errors
    /// It has neither an engine nor Java and Maven, or Maven can't fetch.
    pub fn obtain() -> anyhow::Result<Self> {
        if container::can_run(IMAGE) {
            return Ok(Self::Docker);
        }
        Ok(Self::Jars(Jars::obtain()?))
    }
}

/// A broker of this harness's own.
#[derive(Debug)]
pub struct Kafka {
    host: Host,
    port: u16,
    version: String,
    _directory: Option<Scratch>,
}

impl Kafka {
    /// Starts a new broker without topics.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn start(source: &Source) -> anyhow::Result<Self> {
        let port = ports::free()?;
        let controller = ports::free()?;
        let mut broker = match source {
            Source::Docker => {
                let everywhere = settings("", port, controller);
                let mut environment: Vec<(String, String)> =
                    everywhere.into_iter().map(|(name, value)| (variable(name), value)).collect();
                environment.push(("CLUSTER_ID".to_owned(), cluster_id()));
                let container = Container::new(IMAGE, port, port, &environment, &[]);
                let version = IMAGE.split(':').next_back().unwrap_or_default().to_owned();
                Self { host: Host::Container(container), port, version, _directory: None }
            }
            Source::Jars(jars) => {
                let directory = Scratch::new()?;
                let mut settings = settings("127.0.0.1", port, controller);
                settings.push(("log.dirs", directory.path().join("data").display().to_string()));
                let lines: Vec<String> =
                    settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
                let path = directory.path().join("server.properties");
                std::fs::write(&path, lines.concat())?;
                let mut format = jars.command("kafka.tools.StorageTool");
                program::output(format.args(["format", "-t", &cluster_id(), "-c"]).arg(&path))?;
                let mut command = jars.command("kafka.Kafka");
                command.arg(&path).current_dir(directory.path());
                let process = Process::new("Kafka", command, &directory.path().join("kafka.log"))?;
                let version = jars.version().to_owned();
                Self { host: Host::Process(Box::new(process)), port, version, _directory: Some(directory) }
            }
        };
        broker.restart().await?;
        Ok(broker)
    }

    /// `host:port`, for clients.
    #[must_use]
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `kill -9`, in the middle of whatever it does.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.host.kill()
    }

    /// Starts it again after [`Self::kill`], on the same port and data; returns when it answers.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.host.start()?;
        let brokers = self.brokers();
        wait::until("Kafka to answer", STARTS_WITHIN, async || {
            self.host.require_running()?;
            Ok(answers(&brokers).await)
        })
        .await
    }

    /// Makes it hang: connections stay open, nothing is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.host.freeze()
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.host.thaw()
    }
}

/// Creates topics on a real broker and waits until they can be used.
///
/// # Errors
/// The broker can't be reached, or has one of them already.
pub async fn create_topics(brokers: &str, topics: &[&str], partitions: u16) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = config(brokers).create()?;
    let wanted: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| NewTopic::new(topic, i32::from(partitions), TopicReplication::Fixed(1)))
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    for result in admin.create_topics(&wanted, &options).await? {
        result.map_err(|(topic, error)| anyhow!("topic {topic}: {error}"))?;
    }
    Ok(())
}

/// Whether a broker there answers a client's first question.
///
/// # Errors
/// It does not, within a few seconds.
pub async fn answers(brokers: &str) -> anyhow::Result<()> {
    let client: BaseConsumer = config(brokers).create()?;
    tokio::task::spawn_blocking(move || client.fetch_metadata(None, ANSWERS_WITHIN).map(drop))
        .await?
        .context("can't reach Kafka")
}

/// How many messages of `topics` the consumer group hasn't committed yet.
///
/// # Errors
/// The broker doesn't answer.
pub async fn lag(brokers: &str, group: &str, topics: &[&str]) -> anyhow::Result<i64> {
    let client: BaseConsumer = config(brokers).set("group.id", group).create()?;
    let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
    let lag = tokio::task::spawn_blocking(move || -> anyhow::Result<i64> {
        let mut wanted = TopicPartitionList::new();
        for topic in &topics {
            let metadata = client.fetch_metadata(Some(topic), ANSWERS_WITHIN)?;
            for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
                wanted.add_partition(topic, partition.id());
            }
        }
        let mut lag = 0;
        for partition in client.committed_offsets(wanted, ANSWERS_WITHIN)?.elements() {
            let (start, end) =
                client.fetch_watermarks(partition.topic(), partition.partition(), ANSWERS_WITHIN)?;
            let committed = match partition.offset() {
                Offset::Offset(offset) => offset,
                _ => start,
            };
            lag += end - committed;
        }
        Ok(lag)
    });
    lag.await?
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("reconnect.backoff.max.ms", "200");
    config
}

/// The properties of a broker that is its own controller; clients connect to `address`:`port`.
fn settings(address: &str, port: u16, controller: u16) -> Vec<(&'static str, String)> {
    vec![
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
        ("listeners", format!("PLAINTEXT://{address}:{port},CONTROLLER://127.0.0.1:{controller}")),
        ("advertised.listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // For tests of what a shorter session than the default brings.
        ("group.min.session.timeout.ms", "2000".to_owned()),
    ]
}

/// How the official image takes a property.
fn variable(property: &str) -> String {
    format!("KAFKA_{}", property.replace('.', "_").to_uppercase())
}

/// Sixteen bytes in base 64. Never the same twice: consumers tell clusters apart by it.
fn cluster_id() -> String {
    format!("{}AAAAAA", unique::name())
}
