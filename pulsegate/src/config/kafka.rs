use consumer::Topics;

use super::{mistake::Mistake, parse, reader::Reader, variable as v};

/// Where the messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    /// A broker within this process.
    Embedded,
    /// `host:port,…`
    At(String),
}

/// How Kafka is reached and what is read there.
#[derive(Clone)]
pub(crate) struct Kafka {
    pub(crate) broker: Broker,
    pub(crate) group_id: String,
    pub(crate) topics: Topics,
    /// Settings that are passed on, by librdkafka's names.
    pub(crate) librdkafka: Vec<(String, String)>,
}

/// Transactions under way at a time: two on disjoint events are a third faster than one, more gain little.
const WRITERS: usize = 2;
const BATCH_MAX: usize = 2_000;
/// Stands for the embedded broker's address before there is one.
const SOMEWHERE: &str = "127.0.0.1:9092";
/// Other names for what `KAFKA_BROKERS` says.
const BROKERS_ALIASES: [&str; 2] = ["bootstrap.servers", "metadata.broker.list"];

impl Kafka {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let broker = reader.read(&v::KAFKA_BROKERS, parse::brokers).map_or(Broker::Embedded, Broker::At);
        let mut name = |variable, default: &str| {
            reader.read(variable, parse::text).unwrap_or_else(|| default.to_owned())
        };
        let kafka = Self {
            broker,
            group_id: name(&v::KAFKA_GROUP_ID, "pulsegate"),
            topics: Topics {
                event_created: name(&v::KAFKA_TOPIC_EVENT_CREATED, "event.created"),
                participant_registered: name(
                    &v::KAFKA_TOPIC_PARTICIPANT_REGISTERED,
                    "participant.registered",
                ),
                distribution_completed: name(
                    &v::KAFKA_TOPIC_DISTRIBUTION_COMPLETED,
                    "distribution.completed",
                ),
                dead_letter: name(&v::KAFKA_TOPIC_DEAD_LETTER, "analytics.dead-letter"),
            },
            librdkafka: reader.layers.librdkafka(),
        };
        for (setting, _) in &kafka.librdkafka {
            if BROKERS_ALIASES.contains(&setting.as_str()) {
                let variable = format!("KAFKA_{}", setting.to_uppercase().replace('.', "_"));
                reader
                    .note(Mistake::new(variable, "can't be set; allowed: KAFKA_BROKERS says where Kafka is"));
            }
        }
        if let Err(fault) = kafka.consumer(SOMEWHERE).check() {
            reader.note(mistake(fault));
        }
        kafka
    }

    /// The consumer's settings for the brokers at `address`.
    pub(crate) fn consumer(&self, address: &str) -> consumer::Settings {
        consumer::Settings {
            brokers: address.to_owned(),
            group_id: self.group_id.clone(),
            topics: self.topics.clone(),
            librdkafka: self.librdkafka.clone(),
            writers: WRITERS,
            batch_max: BATCH_MAX,
        }
    }
}

fn mistake(fault: consumer::Error) -> Mistake {
    match fault {
        consumer::Error::Setting { name, reason } if needs_tls(&name) => Mistake::new(
            name,
            format!("{reason} (this build speaks to Kafka without TLS: build it with the feature kafka-tls)"),
        ),
        consumer::Error::Setting { name, reason } => Mistake::new(name, reason),
        other => Mistake::new("KAFKA_BROKERS", other.to_string()),
    }
}

fn needs_tls(variable: &str) -> bool {
    cfg!(not(feature = "kafka-tls"))
        && ["KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_", "KAFKA_SSL_"]
            .iter()
            .any(|name| variable.starts_with(name))
}
