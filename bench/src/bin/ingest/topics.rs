//! Topics of a real broker, filled before anything is measured.

use anyhow::Context as _;
use consumer::message::Kind;
use futures_util::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use tests::services::Services;
use tests::unique;

use crate::workload::Message;

/// Records whose acknowledgement is awaited at a time.
const CHUNK: usize = 10_000;

/// Three topics and how many messages are in them.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    names: [String; 3],
    pub(crate) messages: usize,
}

impl Filled {
    /// The variables by which the consumer finds them.
    pub(crate) fn variables(&self) -> [(&str, &str); 3] {
        let [created, registered, completed] = &self.names;
        [
            ("KAFKA_TOPIC_EVENT_CREATED", created),
            ("KAFKA_TOPIC_PARTICIPANT_REGISTERED", registered),
            ("KAFKA_TOPIC_DISTRIBUTION_COMPLETED", completed),
        ]
    }

    fn of(&self, kind: Kind) -> &str {
        let [created, registered, completed] = &self.names;
        match kind {
            Kind::EventCreated => created,
            Kind::ParticipantRegistered => registered,
            Kind::DistributionCompleted => completed,
        }
    }
}

/// Makes topics and puts all messages there.
pub(crate) async fn fill(
    services: &Services,
    messages: &[Message],
    partitions: u16,
) -> anyhow::Result<Filled> {
    let prefix = unique::name();
    let names = ["created", "registered", "completed"].map(|name| format!("{prefix}.{name}"));
    let topics: Vec<&str> = names.iter().map(String::as_str).collect();
    services.create_topics(&topics, partitions).await?;
    let filled = Filled { names, messages: messages.len() };
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", services.kafka_brokers())
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .create()?;
    for chunk in messages.chunks(CHUNK) {
        let sent = chunk.iter().map(|message| {
            let record = FutureRecord::to(filled.of(message.kind))
                .partition(i32::from(message.partition))
                .key(&message.key)
                .payload(&message.body);
            producer.send(record, Timeout::Never)
        });
        try_join_all(sent).await.map_err(|(error, _)| error).context("Kafka did not take a message")?;
    }
    Ok(filled)
}
