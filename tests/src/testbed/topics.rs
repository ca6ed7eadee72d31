//! A test's topics.

/// The names of the three topics that are read, and of the one for what can't be applied.
#[derive(Clone, Debug)]
pub struct Topics {
    /// `EventCreated`.
    pub event_created: String,
    /// `ParticipantRegistered`.
    pub participant_registered: String,
    /// `DistributionCompleted`.
    pub distribution_completed: String,
    /// What can't be applied.
    pub dead_letter: String,
}

impl Topics {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            event_created: format!("{prefix}.event.created"),
            participant_registered: format!("{prefix}.participant.registered"),
            distribution_completed: format!("{prefix}.distribution.completed"),
            dead_letter: format!("{prefix}.analytics.dead-letter"),
        }
    }

    /// The topics that are read.
    #[must_use]
    pub fn sources(&self) -> [&str; 3] {
        [&self.event_created, &self.participant_registered, &self.distribution_completed]
    }

    pub(super) fn all(&self) -> [&str; 4] {
        let [event, participant, distribution] = self.sources();
        [event, participant, distribution, &self.dead_letter]
    }

    pub(super) fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("KAFKA_TOPIC_EVENT_CREATED", self.event_created.clone()),
            ("KAFKA_TOPIC_PARTICIPANT_REGISTERED", self.participant_registered.clone()),
            ("KAFKA_TOPIC_DISTRIBUTION_COMPLETED", self.distribution_completed.clone()),
            ("KAFKA_TOPIC_DEAD_LETTER", self.dead_letter.clone()),
        ]
    }
}
