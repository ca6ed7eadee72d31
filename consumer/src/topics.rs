//! Looking for the topics, and making those that are not there.

use std::{collections::HashSet, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use tokio_util::sync::CancellationToken;

use crate::{Error, Settings, backoff::Backoff, client};

const PARTITIONS: i32 = 12;
/// Few messages, and one place to look for them in the order of their failure.
const DEAD_LETTER_PARTITIONS: i32 = 1;
/// The largest message of the dead-letter topic, in bytes: twice what brokers take by default, because a letter is its
/// message and more.
const DEAD_LETTER_BYTES: &str = "2097152";
const PATIENCE: Duration = Duration::from_secs(10);

/// What the cluster says about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Its name.
    pub name: String,
    /// Its partitions; `None` where there is no such topic.
    pub partitions: Option<usize>,
}

/// Asks the cluster about the topics of the settings, and changes nothing.
///
/// # Errors
/// The cluster does not answer, or the settings can't be used.
pub async fn look(settings: Settings) -> Result<Vec<TopicState>, Error> {
    let asked = tokio::task::spawn_blocking(move || {
        let admin: AdminClient<DefaultClientContext> = client::admin(&settings).create()?;
        let metadata = admin.inner().fetch_metadata(None, PATIENCE)?;
        let topics = &settings.topics;
        let wanted = [
            &topics.event_created,
            &topics.participant_registered,
            &topics.distribution_completed,
            &topics.dead_letter,
        ];
        let state = |name: &String| {
            let known = metadata.topics().iter().find(|topic| topic.name() == name);
            TopicState { name: name.clone(), partitions: known.map(|topic| topic.partitions().len()) }
        };
        Ok::<_, KafkaError>(wanted.into_iter().map(state).collect())
    });
    Ok(asked.await.map_err(|_| KafkaError::Canceled)??)
}

/// Asks the cluster to make the topics, with its own default of replicas; those that exist stay as they are. Tries until
/// the cluster has answered. A refusal is no fault: the topics may be made by somebody else, and the consumer notices.
pub(crate) async fn ensure(settings: Settings, seed: u64, stop: CancellationToken) {
    let mut backoff = Backoff::new(seed);
    loop {
        match stop.run_until_cancelled(create(&settings)).await {
            None | Some(Ok(())) => return,
            Some(Err(fault)) => tracing::debug!(%fault, "the topics could not be looked after yet"),
        }
        if stop.run_until_cancelled(tokio::time::sleep(backoff.pause())).await.is_none() {
            return;
        }
    }
}

/// What is there is asked first: making topics is a right that not everybody has, and a question that not every cluster
/// answers.
async fn create(settings: &Settings) -> Result<(), KafkaError> {
    let topics = &settings.topics;
    let wanted = [
        (topics.event_created.as_str(), PARTITIONS),
        (&topics.participant_registered, PARTITIONS),
        (&topics.distribution_completed, PARTITIONS),
        (&topics.dead_letter, DEAD_LETTER_PARTITIONS),
    ];
    let config = client::admin(settings);
    let asked = tokio::task::spawn_blocking(move || {
        let admin: AdminClient<DefaultClientContext> = config.create()?;
        let metadata = admin.inner().fetch_metadata(None, PATIENCE)?;
        let known: HashSet<String> = metadata.topics().iter().map(|topic| topic.name().to_owned()).collect();
        Ok::<_, KafkaError>((admin, known))
    });
    let (admin, known) = asked.await.map_err(|_| KafkaError::Canceled)??;
    let missing: Vec<NewTopic<'_>> = wanted
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(name, partitions)| {
            let topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(-1));
            if *name == topics.dead_letter {
                topic.set("max.message.bytes", DEAD_LETTER_BYTES)
            } else {
                topic
            }
        })
        .collect();
    let answer = if missing.is_empty() {
        Ok(Vec::new())
    } else {
        let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        admin.create_topics(&missing, &options).await
    };
    // Dropping waits for the client's threads.
    let dropped = tokio::task::spawn_blocking(move || drop(admin)).await;
    if let Err(fault) = dropped {
        tracing::debug!(%fault, "the admin client could not be dropped");
    }
    for result in answer? {
        match result {
            Ok(topic) => tracing::info!(topic, "made a topic"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, fault)) => tracing::warn!(topic, %fault, "a topic could not be made"),
        }
    }
    Ok(())
}
