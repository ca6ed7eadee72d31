use std::{fmt, ops::ControlFlow, str::FromStr, sync::Arc, time::Duration};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use super::{Sender, headers};
use crate::{
    Error, Settings, client,
    message::Headers as _,
    record::{Header, Lookup, Record},
    watermarks::watermarks,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Where a dead letter lies: its partition and offset in the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(':').and_then(|(partition, offset)| {
            let place = Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? };
            (place.partition >= 0 && place.offset >= 0).then_some(place)
        });
        numbers.ok_or_else(|| format!("{text:?} is no place: partition:offset is allowed, such as 0:17"))
    }
}

/// A message that could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where it lies.
    pub place: Place,
    /// The topic that it came from.
    pub topic: Option<String>,
    /// Where in that topic it was.
    pub origin: Option<Place>,
    /// Why it could not be applied, as a name.
    pub code: Option<String>,
    /// The same for a human.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it failed last, RFC 3339.
    pub failed_at: Option<String>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its payload, whole.
    pub payload: Option<Vec<u8>>,
    /// How many bytes the payload has where the dead-letter topic did not take it: then it lies at its origin only.
    pub omitted: Option<u64>,
    /// The headers that it brought along itself.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Letter {
    fn read(record: Record) -> Self {
        let told = &record.headers;
        let origin = headers::number(told, headers::PARTITION)
            .zip(headers::number(told, headers::OFFSET))
            .map(|(partition, offset)| Place { partition, offset });
        Self {
            place: Place { partition: record.partition, offset: record.offset },
            topic: headers::text(told, headers::TOPIC),
            origin,
            code: headers::text(told, headers::ERROR_CODE),
            error: headers::text(told, headers::ERROR),
            attempts: headers::attempts(told),
            failed_at: headers::text(told, headers::FAILED_AT),
            omitted: headers::number(told, headers::PAYLOAD_OMITTED),
            headers: headers::original(told).cloned().collect(),
            key: record.key,
            payload: record.payload,
        }
    }

    /// The headers of the message on its way back. A message that was known by its place keeps that name, so that
    /// sending it back twice counts it once.
    fn headers_back(&self) -> Vec<Header> {
        let mut back = self.headers.clone();
        let named = ["messageId", "ce_id"]
            .iter()
            .any(|name| Lookup(&back).last(name).is_some_and(|value| !value.is_empty()));
        if let (false, Some(topic), Some(origin)) = (named, &self.topic, self.origin) {
            back.push(("messageId".to_owned(), Some(format!("{topic}:{origin}").into_bytes())));
        }
        let attempts = self.attempts.saturating_add(1);
        back.push((headers::ATTEMPTS.to_owned(), Some(attempts.to_string().into_bytes())));
        back
    }
}

/// The dead-letter topic, to look into and to send messages back from.
pub struct Letters {
    consumer: BaseConsumer,
    sender: Sender,
    settings: Settings,
}

impl Letters {
    /// Prepares to read.
    ///
    /// # Errors
    /// Where a setting can't be used.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let mut config = client::consumer(settings);
        // It reads what it is told to and joins no group; the client library just wants a name.
        config.set("group.id", format!("{}-dead-letters", settings.group_id));
        config.set("enable.partition.eof", "true");
        Ok(Self { consumer: config.create()?, sender: Sender::new(settings), settings: settings.clone() })
    }

    /// Hands out every letter that is there now, partition by partition, the oldest first, until `each` breaks off.
    /// Letters that come meanwhile are not handed out: sending back the ones may bring the others. Blocks.
    ///
    /// # Errors
    /// Where Kafka does not answer.
    pub fn list(&self, mut each: impl FnMut(Letter) -> ControlFlow<()>) -> Result<(), Error> {
        let topic = &self.settings.topics.dead_letter;
        let metadata = self.consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let partitions: Vec<i32> = metadata
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions().iter().map(rdkafka::metadata::MetadataPartition::id))
            .collect();
        for partition in partitions {
            let (earliest, end) = watermarks(&self.consumer, topic, partition, PATIENCE)?;
            if earliest < end && self.read(Place { partition, offset: earliest }, end, &mut each)?.is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// The letter at `place`, where there is one. Blocks.
    ///
    /// # Errors
    /// Where Kafka does not answer.
    pub fn show(&self, place: Place) -> Result<Option<Letter>, Error> {
        let topic = &self.settings.topics.dead_letter;
        let metadata = self.consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let known = metadata
            .topics()
            .iter()
            .any(|topic| topic.partitions().iter().any(|partition| partition.id() == place.partition));
        if !known {
            return Ok(None);
        }
        let (earliest, end) = watermarks(&self.consumer, topic, place.partition, PATIENCE)?;
        if !(earliest..end).contains(&place.offset) {
            return Ok(None);
        }
        let mut found = None;
        let _ = self.read(place, end, &mut |letter| {
            found = Some(letter).filter(|letter| letter.place == place);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Sends the message back to where it came from, for another try; it is there once this returns. Producers differ in
    /// which partition they choose for a key, so it goes to its own, or where there is none of that number any more, to one
    /// by its key. The letter stays in the dead-letter topic. Sending a message back twice counts it once.
    ///
    /// # Errors
    /// Where the letter does not say where it came from, or Kafka does not take it.
    pub async fn retry(&self, letter: &Letter) -> Result<(), Error> {
        let known = self.settings.topics.sources();
        let topic =
            letter.topic.as_deref().filter(|topic| known.iter().any(|(source, _)| **source == **topic));
        let Some(topic) = topic else {
            return Err(Error::setting(
                format!("the letter {}", letter.place),
                format!(
                    "can't be sent back: its header x-topic has to name one of {}",
                    known.map(|(source, _)| source.to_string()).join(", ")
                ),
            ));
        };
        if let (Some(_), Some(origin)) = (letter.omitted, letter.origin) {
            return Err(Error::setting(
                format!("the letter {}", letter.place),
                format!(
                    "can't be sent back: its message was too large for the dead-letter topic and lies at {topic}:{origin} only"
                ),
            ));
        }
        let back = letter.headers_back();
        let send = async |partition| {
            self.sender.send(topic, partition, letter.key.as_deref(), letter.payload.as_deref(), &back).await
        };
        let own = letter.origin.map(|origin| origin.partition);
        match send(own).await {
            Err(fault) if fault.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownPartition) => {
                send(None).await?;
            }
            outcome => outcome?,
        }
        Ok(())
    }

    /// Reads a partition from `place` to `end`, or to where there is nothing more to read.
    fn read(
        &self,
        place: Place,
        end: i64,
        each: &mut impl FnMut(Letter) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let topic: Arc<str> = self.settings.topics.dead_letter.as_str().into();
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&topic, place.partition, Offset::Offset(place.offset))?;
        self.consumer.assign(&list)?;
        let result = loop {
            match self.consumer.poll(PATIENCE) {
                Some(Ok(message)) => {
                    if message.offset() >= end {
                        break Ok(ControlFlow::Continue(()));
                    }
                    if each(Letter::read(Record::copy(topic.clone(), &message))).is_break() {
                        break Ok(ControlFlow::Break(()));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break Ok(ControlFlow::Continue(())),
                Some(Err(fault)) => break Err(fault.into()),
                None => break Err(KafkaError::NoMessageReceived.into()),
            }
        };
        self.consumer.unassign()?;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(headers: &[(&str, &str)]) -> Letter {
        Letter::read(Record {
            topic: "analytics.dead-letter".into(),
            partition: 0,
            offset: 17,
            key: Some(b"evt-1".to_vec()),
            payload: Some(b"{}".to_vec()),
            headers: headers
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Some(value.as_bytes().to_vec())))
                .collect(),
        })
    }

    fn back(letter: &Letter) -> Vec<(String, String)> {
        let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap()).unwrap();
        letter.headers_back().into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    #[test]
    fn a_message_goes_back_with_its_own_headers_and_keeps_its_name() {
        let told = [
            ("trace", "t"),
            ("x-topic", "event.created"),
            ("x-partition", "3"),
            ("x-offset", "41"),
            ("x-error-code", "TOO_LONG"),
            ("x-attempts", "1"),
        ];
        let plain = letter(&told);
        assert_eq!(plain.origin, Some(Place { partition: 3, offset: 41 }));
        let expected = [("trace", "t"), ("messageId", "event.created:3:41"), ("x-attempts", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(back(&plain), expected);
        let named: Vec<_> = told.iter().copied().chain([("ce_id", "7")]).collect();
        assert!(!back(&letter(&named)).iter().any(|(name, _)| name == "messageId"));
    }

    #[test]
    fn places_are_read_as_they_are_shown() {
        let place = Place { partition: 0, offset: 17 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "17", "a:b", "-1:3", "0:-1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
