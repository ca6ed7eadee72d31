use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use rdkafka::{
    error::KafkaError,
    producer::{FutureProducer, FutureRecord, Producer as _},
    types::RDKafkaErrorCode,
};

use super::headers;
use crate::{
    Settings, client,
    message::Rejection,
    record::{Header, Record},
};

/// How long the local queue may stay full.
const QUEUE: Duration = Duration::from_secs(5);
/// The longest key, in bytes, of a letter whose message is too large for its topic.
const LONGEST_KEY: usize = 1024;

/// Sends records and waits until all replicas have them.
pub(crate) struct Sender {
    settings: Settings,
    topic: Arc<str>,
    /// Made for the first letter: most consumers never send one, and a producer costs a connection and a thread.
    producer: Mutex<Option<FutureProducer>>,
}

impl Sender {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            topic: settings.topics.dead_letter.as_str().into(),
            producer: Mutex::new(None),
        }
    }

    /// Sends the dead letter of `record`. It is safe once this returns.
    pub(crate) async fn dead_letter(
        &self,
        record: &Record,
        rejection: &Rejection,
        failed_at: DateTime<Utc>,
    ) -> Result<(), KafkaError> {
        let headers = headers::of(record, rejection, failed_at);
        let sent =
            self.send(&self.topic, None, record.key.as_deref(), record.payload.as_deref(), &headers).await;
        let Err(fault) = sent else { return Ok(()) };
        if fault.rdkafka_error_code() != Some(RDKafkaErrorCode::MessageSizeTooLarge) {
            return Err(fault);
        }
        // With what is told about it the message is larger than the topic allows. Waiting would hold its partition up
        // for ever; the letter says where the message lies.
        let payload = record.payload.as_ref().map_or(0, Vec::len);
        tracing::warn!(
            topic = record.topic.as_ref(),
            partition = record.partition,
            offset = record.offset,
            bytes = payload,
            "the dead-letter topic takes no message of that size: its letter goes without it"
        );
        let key = record.key.as_deref().filter(|key| key.len() <= LONGEST_KEY);
        self.send(&self.topic, None, key, None, &headers::without_message(&headers, payload)).await
    }

    /// Sends one record, to that partition or to the one of its key.
    pub(super) async fn send(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
        headers: &[Header],
    ) -> Result<(), KafkaError> {
        let producer = self.producer()?;
        let mut record: FutureRecord<'_, [u8], [u8]> =
            FutureRecord::to(topic).headers(headers::native(headers));
        record.partition = partition;
        record.key = key;
        record.payload = payload;
        match producer.send(record, QUEUE).await {
            Ok(_) => Ok(()),
            Err((fault, _)) => {
                // An idempotent producer that has met a fatal error sends nothing any more.
                if producer.client().fatal_error().is_some() {
                    *self.producer.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                Err(fault)
            }
        }
    }

    fn producer(&self) -> Result<FutureProducer, KafkaError> {
        let mut made = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*made {
            return Ok(producer.clone());
        }
        let producer: FutureProducer = client::producer(&self.settings).create()?;
        *made = Some(producer.clone());
        Ok(producer)
    }
}
