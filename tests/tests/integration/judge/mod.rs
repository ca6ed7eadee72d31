//! Whether the tables hold what was said: a fold in plain code, and what is stored.

pub(crate) mod reference;
pub(crate) mod tables;

/// What a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    EventCreated,
    ParticipantRegistered,
    DistributionCompleted,
}

impl Topic {
    pub(crate) const ALL: [Self; 3] =
        [Self::EventCreated, Self::ParticipantRegistered, Self::DistributionCompleted];

    /// As in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EventCreated => "event.created",
            Self::ParticipantRegistered => "participant.registered",
            Self::DistributionCompleted => "distribution.completed",
        }
    }

    /// The topic of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}
