use std::sync::Arc;

use crate::{Error, client, message::Kind};

/// The names of the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// Where planned events are announced.
    pub event_created: String,
    /// Where participants are announced.
    pub participant_registered: String,
    /// Where distributions are announced.
    pub distribution_completed: String,
    /// Where messages go that can't be applied.
    pub dead_letter: String,
}

impl Topics {
    /// The topics that are read, and what they carry.
    pub(crate) fn sources(&self) -> [(Arc<str>, Kind); 3] {
        [
            (self.event_created.as_str().into(), Kind::EventCreated),
            (self.participant_registered.as_str().into(), Kind::ParticipantRegistered),
            (self.distribution_completed.as_str().into(), Kind::DistributionCompleted),
        ]
    }

    fn named(&self) -> [(&'static str, &str); 4] {
        [
            ("KAFKA_TOPIC_EVENT_CREATED", &self.event_created),
            ("KAFKA_TOPIC_PARTICIPANT_REGISTERED", &self.participant_registered),
            ("KAFKA_TOPIC_DISTRIBUTION_COMPLETED", &self.distribution_completed),
            ("KAFKA_TOPIC_DEAD_LETTER", &self.dead_letter),
        ]
    }
}

/// How to reach Kafka and what to read there.
#[derive(Clone)]
pub struct Settings {
    /// `host:port,…`.
    pub brokers: String,
    /// The consumer group.
    pub group_id: String,
    /// The topics.
    pub topics: Topics,
    /// Further settings of librdkafka by their own names, such as `security.protocol`. Those that the exactly-once
    /// protocol rests on are not taken from here.
    pub librdkafka: Vec<(String, String)>,
    /// Transactions under way at a time, at least 1.
    pub writers: usize,
    /// The most messages of a transaction while the consumer keeps up, at least 1. While it is behind, 2.5 times that.
    pub batch_max: usize,
}

impl Settings {
    /// Says what is wrong before anything is started.
    ///
    /// # Errors
    /// [`Error::Setting`] names the variable, what is wrong with it and what is allowed. It never holds a value that
    /// could be a secret.
    pub fn check(&self) -> Result<(), Error> {
        for (variable, name) in self.topics.named() {
            let legal = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
            if name.is_empty() || name.len() > 249 || !name.chars().all(legal) || matches!(name, "." | "..") {
                return Err(Error::setting(
                    variable,
                    "is no name of a topic: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-' are allowed",
                ));
            }
            if self.topics.named().iter().filter(|(_, other)| *other == name).count() > 1 {
                return Err(Error::setting(
                    variable,
                    "names the topic of another variable: each needs its own",
                ));
            }
        }
        for (variable, text) in [("KAFKA_BROKERS", &self.brokers), ("KAFKA_GROUP_ID", &self.group_id)] {
            if text.trim().is_empty() || text.contains('\0') {
                return Err(Error::setting(variable, "is empty: a value is required"));
            }
        }
        for (name, least) in [("writers", self.writers), ("batch_max", self.batch_max)] {
            if least == 0 {
                return Err(Error::setting(name, "is 0: at least 1 is required"));
            }
        }
        client::check(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            brokers: "127.0.0.1:9092".to_owned(),
            group_id: "pulsegate".to_owned(),
            topics: Topics {
                event_created: "event.created".to_owned(),
                participant_registered: "participant.registered".to_owned(),
                distribution_completed: "distribution.completed".to_owned(),
                dead_letter: "analytics.dead-letter".to_owned(),
            },
            librdkafka: Vec::new(),
            writers: 2,
            batch_max: 2000,
        }
    }

    #[test]
    fn good_settings_pass() {
        let mut settings = settings();
        settings.librdkafka =
            vec![("client.id".to_owned(), "x".to_owned()), ("linger.ms".to_owned(), "1".to_owned())];
        settings.check().unwrap();
    }

    #[test]
    fn topics_have_names_of_their_own() {
        let mut bad = settings();
        bad.topics.dead_letter = "event.created".to_owned();
        assert!(
            bad.check()
                .unwrap_err()
                .to_string()
                .starts_with("KAFKA_TOPIC_EVENT_CREATED names the topic of another")
        );
        for name in ["", "a b", "..", "한글"] {
            let mut bad = settings();
            bad.topics.dead_letter = name.to_owned();
            assert!(
                bad.check().unwrap_err().to_string().starts_with("KAFKA_TOPIC_DEAD_LETTER is no name"),
                "{name}"
            );
        }
    }

    #[test]
    fn librdkafka_settings_are_refused_by_variable_without_their_value() {
        let mut bad = settings();
        bad.librdkafka = vec![("sasl.pasword".to_owned(), "hunter2".to_owned())];
        let text = bad.check().unwrap_err().to_string();
        assert!(text.starts_with("KAFKA_SASL_PASWORD "), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        bad.librdkafka = vec![("security.protocol".to_owned(), "hunter2".to_owned())];
        let text = bad.check().unwrap_err().to_string();
        assert!(text.starts_with("KAFKA_SECURITY_PROTOCOL ") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn counts_are_at_least_one() {
        assert!(Settings { writers: 0, ..settings() }.check().is_err());
        assert!(Settings { batch_max: 0, ..settings() }.check().is_err());
        assert!(Settings { brokers: " ".to_owned(), ..settings() }.check().is_err());
    }
}
