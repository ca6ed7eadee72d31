use std::ops::Range;

use async_graphql::{ContextSelectionSet, Name, Positioned, parser::types::Field};
use futures_util::FutureExt as _;

use super::{Row, TYPE_NAME, Unmerged, fields, is_at_hand};
use crate::json;

/// A field of each row.
struct Column<'a, T> {
    key: &'a Name,
    /// What stands before its value, in the texts of all columns.
    before: Range<usize>,
    values: Values<'a, T>,
}

/// How a column's values are written.
enum Values<'a, T> {
    /// The name of the type.
    Type,
    Written(fn(&T, &mut Vec<u8>)),
    Resolved(&'a Positioned<Field>),
}

/// Room to begin with, so that it need not grow step by step: keys, and a row's values beyond as much again.
const KEYS_BYTES: usize = 256;
const ROW_BYTES: usize = 64;

/// A list as JSON; `None` where something is asked for that is not at hand.
pub(super) fn write<T: Row>(ctx: &ContextSelectionSet<'_>, rows: &[T]) -> Option<Vec<u8>> {
    ctx.data_opt::<Unmerged>()?;
    let Some(first) = rows.first() else { return Some(b"[]".to_vec()) };
    let mut texts = Vec::with_capacity(KEYS_BYTES);
    let columns = columns(ctx, first, &mut texts)?;
    let mut out = Vec::with_capacity(2 * texts.len() + ROW_BYTES);
    out.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        if index == 1 {
            // The others are about as long.
            out.reserve(out.len() * rows.len());
        }
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        for Column { before, values, .. } in &columns {
            out.extend_from_slice(texts.get(before.clone())?);
            match values {
                Values::Type => json::write_plain(row.introspection_type_name(), &mut out),
                Values::Written(write) => write(row, &mut out),
                Values::Resolved(field) => {
                    let resolved = row.resolve_field(&ctx.with_field(field)).now_or_never()?.ok()?;
                    json::write(&resolved.unwrap_or_default(), &mut out);
                }
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    Some(out)
}

/// The columns; what stands before their values goes to `texts`.
fn columns<'a, T: Row>(
    ctx: &ContextSelectionSet<'a>,
    first: &T,
    texts: &mut Vec<u8>,
) -> Option<Vec<Column<'a, T>>> {
    let fields = fields(ctx, first);
    let mut columns: Vec<Column<'a, T>> = Vec::with_capacity(fields.len());
    for field in fields {
        let key = &field.node.response_key().node;
        if columns.iter().any(|column| column.key == key) {
            continue;
        }
        let name = field.node.name.node.as_str();
        let values = match T::writer(name) {
            Some(write) => Values::Written(write),
            None if name == TYPE_NAME => Values::Type,
            None if is_at_hand(ctx, first, field) => Values::Resolved(field),
            None => return None,
        };
        let begin = texts.len();
        texts.push(if columns.is_empty() { b'{' } else { b',' });
        json::write_plain(key.as_str(), texts);
        texts.push(b':');
        columns.push(Column { key, before: begin..texts.len(), values });
    }
    // An object has a field at least.
    (!columns.is_empty()).then_some(columns)
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, Value};
    use serde_json::json;
    use service::read::EventEntry;

    use super::*;
    use crate::graphql::{
        channel::ChannelAnalytics,
        event::EventAnalytics,
        leaf::{Branch, Table},
    };

    struct Rows;

    fn entry() -> EventEntry {
        let channel = |name: &str, kind: &str, number: i32| {
            json!({
                "event_id": "evt-\"1\"", "channel_name": name, "channel_type": kind, "impressions": 10 * number,
                "views": 9 * number, "clicks": 8 * number, "participants": 7 * number, "conversions": number,
                "distribution_cost": "1000000.5", "likes": 1, "comments": 2, "shares": 3, "total_calls": 5,
                "completed_calls": 4, "average_duration": 61, "created_at": "2026-01-05T09:00:00Z",
                "updated_at": "2026-01-05T09:00:00.123456Z"
            })
        };
        let channels =
            json!([channel("우리동네TV", "TV", 0), channel("a", "SNS", 2), channel("b", "VOICE", -3)]);
        let event = json!({
            "event_id": "evt-\"1\"", "title": "가\n\"나\"", "user_id": "user-1", "status": "ENDED",
            "total_participants": 12, "total_views": 0, "total_investment": "0", "expected_revenue": "3.005",
            "estimated_roi": "1", "target_roi": "2", "sales_growth_rate": "-0.004", "revision": 3,
            "created_at": "2026-01-05T09:00:00Z", "updated_at": "2026-01-05T09:00:00.5Z"
        });
        EventEntry {
            event: serde_json::from_value(event).unwrap(),
            channels: Some(serde_json::from_value(channels).unwrap()),
            is_one_look: true,
        }
    }

    #[Object]
    impl Rows {
        async fn channels(&self) -> Table<ChannelAnalytics> {
            let EventEntry { event, channels, .. } = entry();
            let channels = channels.unwrap();
            Table(channels.iter().map(|channel| ChannelAnalytics::new(channel.clone(), &event)).collect())
        }

        async fn events(&self) -> Table<EventAnalytics> {
            Table(vec![EventAnalytics(entry().into())])
        }

        async fn event(&self) -> Branch<EventAnalytics> {
            Branch(EventAnalytics(entry().into()))
        }
    }

    fn answered<const IN_PLACE: bool>(query: &str) -> String {
        let schema = Schema::new(Rows, EmptyMutation, EmptySubscription);
        let request = if IN_PLACE { Request::new(query).data(Unmerged) } else { Request::new(query) };
        let response = schema.execute(request).now_or_never().unwrap();
        assert_eq!(response.errors, []);
        let Value::Object(rows) = &response.data else { panic!() };
        assert!(rows.values().all(|rows| matches!(rows, Value::Binary(_)) == IN_PLACE));
        let mut out = Vec::new();
        json::write(&response.data, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_is_written_as_it_is_resolved() {
        let query = format!(
            "{{ channels {{ __typename {} }} events {{ {event} }} event {{ {event} roi {{ roi netProfit }} }} }}",
            ChannelAnalytics::AT_HAND.join(" "),
            event = EventAnalytics::AT_HAND.join(" ")
        );
        assert_eq!(answered::<true>(&query), answered::<false>(&query));
    }
}
