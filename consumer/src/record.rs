use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rdkafka::{
    Message as _,
    message::{BorrowedHeaders, BorrowedMessage, Headers as _},
};

use crate::message::Headers;

/// A header: its name, and its value where it is not null.
pub(crate) type Header = (String, Option<Vec<u8>>);

/// A record as it was read, kept whole for the case that it has to be dead-lettered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) headers: Vec<Header>,
}

impl Record {
    pub(crate) fn copy(topic: Arc<str>, message: &BorrowedMessage<'_>) -> Self {
        Self {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: message.headers().map(headers).unwrap_or_default(),
        }
    }

    /// Memory that the record's content takes.
    pub(crate) fn bytes(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len)).sum();
        self.key.as_ref().map_or(0, Vec::len) + self.payload.as_ref().map_or(0, Vec::len) + headers
    }
}

/// A record must not bring the consumer down, but the client library panics on a header's name that is not UTF-8: such a
/// header is left out.
fn headers(headers: &BorrowedHeaders) -> Vec<Header> {
    (0..headers.count())
        .filter_map(|index| {
            catch_unwind(AssertUnwindSafe(|| {
                headers.try_get(index).map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            }))
            .ok()
            .flatten()
        })
        .collect()
}

/// A record's headers, for the decoder.
pub(crate) struct Lookup<'a>(pub(crate) &'a [Header]);

impl Headers for Lookup<'_> {
    fn last(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.as_deref())
    }
}
