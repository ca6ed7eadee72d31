use std::{convert::Infallible, sync::Arc};

use axum::body::{Body, Bytes};
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use csv::{Terminator, WriterBuilder};
use futures_util::stream;
use service::{
    domain::{Bucket, Counters, Event},
    read::Timeline,
};

/// A byte order mark: without it, Excel takes the file for the system's old code page, and Korean for noise. Everything
/// else that reads UTF-8 leaves it out.
const MARK: &[u8] = "\u{feff}".as_bytes();
/// Rows that are written at a time.
const PIECE: usize = 512;

const COLUMNS: [&str; 12] = [
    "eventId",
    "title",
    "start",
    "end",
    "startUtc",
    "endUtc",
    "participants",
    "views",
    "engagement",
    "conversions",
    "cumulativeParticipants",
    "isPartial",
];
const COMPARED: [&str; 4] =
    ["comparedParticipants", "comparedViews", "comparedEngagement", "comparedConversions"];

/// A timeline as comma-separated values (RFC 4180), a bucket in each row. `start` and `end` are the time on the clock of
/// the time zone with its offset, so an hour that a clock change repeats is told apart.
pub(crate) struct Table {
    event_id: String,
    title: String,
    timeline: Arc<Timeline>,
}

impl Table {
    pub(crate) fn new(event: &Event, timeline: Arc<Timeline>) -> Self {
        Self { event_id: harmless(event.event_id.as_str()), title: harmless(&event.title), timeline }
    }

    /// Written piece by piece, as fast as the client takes it.
    pub(crate) fn into_body(self) -> Body {
        let pieces = stream::iter((0..=self.timeline.buckets.len()).step_by(PIECE));
        let table = Arc::new(self);
        Body::from_stream(futures_util::StreamExt::map(pieces, move |from| {
            Ok::<_, Infallible>(Bytes::from(table.piece(from)))
        }))
    }

    fn piece(&self, from: usize) -> Vec<u8> {
        let mut bytes = if from == 0 { MARK.to_vec() } else { Vec::new() };
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(&mut bytes);
        // Writing to memory does not fail.
        if from == 0 {
            let compared = if self.timeline.comparison.is_some() { COMPARED.as_slice() } else { &[] };
            let _ = writer.write_record(COLUMNS.iter().chain(compared));
        }
        for (index, bucket) in self.timeline.buckets.iter().enumerate().skip(from).take(PIECE) {
            let _ = writer.write_record(self.row(index, bucket));
        }
        drop(writer);
        bytes
    }

    fn row(&self, index: usize, bucket: &Bucket) -> Vec<String> {
        let zone = self.timeline.window.zone();
        let mut row = vec![
            self.event_id.clone(),
            self.title.clone(),
            local(bucket.start, zone),
            local(bucket.end, zone),
            utc(bucket.start),
            utc(bucket.end),
        ];
        row.extend(counters(bucket.counters));
        row.push(bucket.cumulative_participants.to_string());
        row.push((bucket.end > self.timeline.now).to_string());
        if let Some(other) = &self.timeline.comparison {
            match other.buckets.get(index).copied().flatten() {
                Some(compared) => row.extend(counters(compared)),
                None => row.extend(COMPARED.map(|_| String::new())),
            }
        }
        row
    }
}

fn counters(counters: Counters) -> [String; 4] {
    [counters.participants, counters.views, counters.engagement, counters.conversions]
        .map(|count| count.to_string())
}

fn local(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn utc(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A spreadsheet takes a cell that begins so for a formula, and would run what somebody wrote into a title.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        for start in ["=", "+", "-", "@", "\t", "\r"] {
            let text = format!("{start}HYPERLINK(\"x\")");
            assert_eq!(harmless(&text), format!("'{text}"));
        }
        assert_eq!(harmless("새해 = 경품"), "새해 = 경품");
    }

    #[test]
    fn a_repeated_hour_is_told_apart_by_its_offset() {
        let at = |text: &str| text.parse().unwrap();
        let zone = chrono_tz::America::New_York;
        assert_eq!(local(at("2026-11-01T05:00:00Z"), zone), "2026-11-01T01:00:00-04:00");
        assert_eq!(local(at("2026-11-01T06:00:00Z"), zone), "2026-11-01T01:00:00-05:00");
        assert_eq!(local(at("2026-11-01T06:00:00Z"), Tz::UTC), "2026-11-01T06:00:00+00:00");
    }
}
