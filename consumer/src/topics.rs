//! Making the topics that are not there.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use tokio_util::sync::CancellationToken;

use crate::{Settings, backoff::Backoff, client};

const PARTITIONS: i32 = 12;
/// Few messages, and one place to look for them in the order of their failure.
const DEAD_LETTER_PARTITIONS: i32 = 1;
const PATIENCE: Duration = Duration::from_secs(10);

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

async fn create(settings: &Settings) -> Result<(), KafkaError> {
    let config = client::admin(settings);
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let topics = &settings.topics;
    let wanted = [
        (&topics.event_created, PARTITIONS),
        (&topics.participant_registered, PARTITIONS),
        (&topics.distribution_completed, PARTITIONS),
        (&topics.dead_letter, DEAD_LETTER_PARTITIONS),
    ]
    .map(|(name, partitions)| NewTopic::new(name, partitions, TopicReplication::Fixed(-1)));
    let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
    let answer = admin.create_topics(&wanted, &options).await;
    // Waits for its thread, which may take a while.
    let dropped = tokio::task::spawn_blocking(move || drop(admin)).await;
    if let Err(fault) = dropped {
        tracing::debug!(%fault, "the admin client could not be dropped");
    }
    match answer {
        Ok(results) => {
            for result in results {
                match result {
                    Ok(topic) => tracing::info!(topic, "made a topic"),
                    Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                    Err((topic, fault)) => tracing::warn!(topic, %fault, "a topic could not be made"),
                }
            }
            Ok(())
        }
        Err(KafkaError::AdminOp(RDKafkaErrorCode::UnsupportedFeature)) => {
            tracing::debug!("the cluster makes no topics on request");
            Ok(())
        }
        Err(fault) => Err(fault),
    }
}
