//! The settings of librdkafka: defaults below what is configured, and what the protocol rests on above it.

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError, types::RDKafkaConfRes};

use crate::{Error, Settings};

/// Changes that a user may overrule.
const CONSUMER_DEFAULTS: &[(&str, &str)] = &[
    ("client.id", "pulsegate"),
    // The least that brokers allow by default: partitions of a killed member are taken over soon. Heartbeats come from
    // librdkafka's own thread, so a slow database does not cost the membership. Members learn from the answer to one
    // that the group changes, so each half second between them is half a second in which partitions wait.
    ("session.timeout.ms", "6000"),
    ("heartbeat.interval.ms", "500"),
    // A real broker answers as soon as there is a message; the embedded one only when this time is over.
    ("fetch.wait.max.ms", "50"),
    // How long a full local queue keeps fetching off. The default of a second starves a writer in between.
    ("fetch.queue.backoff.ms", "20"),
    // What lies ready of one partition is handed out before what came later of another: in short runs, then.
    ("queued.min.messages", "5000"),
    ("queued.max.messages.kbytes", "16384"),
    // How soon a topic is noticed that is created later.
    ("topic.metadata.refresh.interval.ms", "5000"),
    ("statistics.interval.ms", "5000"),
    ("reconnect.backoff.max.ms", "2000"),
    ("allow.auto.create.topics", "false"),
];

/// What correctness rests on.
const CONSUMER_FIXED: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // An offset that is gone is answered by looking, saying so and starting over, never by a silent jump.
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("enable.partition.eof", "false"),
];

const PRODUCER_DEFAULTS: &[(&str, &str)] = &[
    ("client.id", "pulsegate"),
    ("linger.ms", "2"),
    ("compression.type", "lz4"),
    // Headers come on top of a payload that may be as large as the source topic allows.
    ("message.max.bytes", "16000000"),
    ("message.timeout.ms", "10000"),
    ("reconnect.backoff.max.ms", "2000"),
];

const PRODUCER_FIXED: &[(&str, &str)] = &[("acks", "all"), ("enable.idempotence", "true")];

/// For the group's consumer.
pub(crate) fn consumer(settings: &Settings) -> ClientConfig {
    let mut config = layered(settings, CONSUMER_DEFAULTS, CONSUMER_FIXED);
    config.set("group.id", &settings.group_id);
    config
}

/// For the dead letters' producer.
pub(crate) fn producer(settings: &Settings) -> ClientConfig {
    layered(settings, PRODUCER_DEFAULTS, PRODUCER_FIXED)
}

/// For administration: nothing beyond how to reach the brokers.
pub(crate) fn admin(settings: &Settings) -> ClientConfig {
    layered(settings, &[], &[])
}

fn layered(settings: &Settings, defaults: &[(&str, &str)], fixed: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    for (name, value) in defaults {
        config.set(*name, *value);
    }
    for (name, value) in &settings.librdkafka {
        config.set(name, value);
    }
    for (name, value) in fixed {
        config.set(*name, *value);
    }
    config.set("bootstrap.servers", &settings.brokers);
    config
}

/// Whether librdkafka takes the settings.
pub(crate) fn check(settings: &Settings) -> Result<(), Error> {
    for config in [consumer(settings), producer(settings)] {
        config.create_native_config().map_err(|error| match error {
            KafkaError::ClientConfig(what, _, name, _) => Error::setting(
                format!("KAFKA_{}", name.to_uppercase().replace('.', "_")),
                if what == RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN {
                    "names no setting of librdkafka: see its CONFIGURATION.md for those that are allowed"
                } else {
                    "has a value that librdkafka does not allow: see its CONFIGURATION.md"
                },
            ),
            other => Error::Kafka(other),
        })?;
    }
    Ok(())
}
