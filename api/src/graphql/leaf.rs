//! Objects whose fields are resolved in place. The GraphQL library makes a task of each field of each object, which
//! costs more than most fields themselves: a timeline of a week has more than a thousand. What is resolved so is written
//! in place, too, so that no tree of values is made, put in order, walked and taken down again.
//!
//! What can be told of a type (its name, its fields, its descriptions) is that of the object itself.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, ContextSelectionSet, Lookahead, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection},
    registry::Registry,
    resolver_utils::resolve_list,
};
use futures_util::{FutureExt, StreamExt as _, stream::FuturesUnordered};

use crate::json;

/// An object whose fields are resolved one after the other: nearly all of them are there already.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<T>(pub(crate) T);

/// An object some of whose fields wait for something: those do so at the same time, so that what they need is read
/// together. The others are resolved in between.
#[derive(Clone, Debug)]
pub(crate) struct Branch<T>(pub(crate) T);

/// A list of objects, written in place where nothing is asked for that is not at hand. Else it is left to the library:
/// objects one after the other would have their loaders asked one after the other, too.
#[derive(Clone, Debug)]
pub(crate) struct Table<T>(pub(crate) Vec<T>);

/// An object of which some fields are at hand: resolving them waits for nothing and never fails.
pub(crate) trait Row: ContainerType {
    /// Those that always are.
    const AT_HAND: &'static [&'static str];

    /// Whether a field is that is not always so. Asked of the first row for all of them.
    fn has(&self, _field: &Lookahead<'_>, _name: &str) -> bool {
        false
    }

    /// How a field that takes no arguments and has no parts is written faster than it is resolved, where it matters.
    fn writer(_field: &str) -> Option<fn(&Self, &mut Vec<u8>)> {
        None
    }
}

impl<T: Row> Row for &T {
    const AT_HAND: &'static [&'static str] = T::AT_HAND;

    fn has(&self, field: &Lookahead<'_>, name: &str) -> bool {
        T::has(self, field, name)
    }
}

/// Says of an operation that no two of its fields are to be merged into one, so that each may be written where it is
/// resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unmerged;

macro_rules! like {
    ($wrapper:ident<T: $bound:ident>, $inner:ty, |$this:ident, $ctx:ident, $field:ident| $resolve:expr) => {
        impl<T: $bound> OutputType for $wrapper<T> {
            fn type_name() -> Cow<'static, str> {
                <$inner>::type_name()
            }

            fn qualified_type_name() -> String {
                <$inner>::qualified_type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <$inner>::create_type_info(registry)
            }

            async fn resolve(
                &self,
                $ctx: &ContextSelectionSet<'_>,
                $field: &Positioned<Field>,
            ) -> ServerResult<Value> {
                let $this = self;
                $resolve
            }
        }
    };
}

like!(Leaf<T: ContainerType>, T, |this, ctx, _field| Ok(in_turn(ctx, &this.0, &fields(ctx, &this.0)).await));
like!(Branch<T: Row>, T, |this, ctx, _field| Ok(at_once(ctx, &this.0, &fields(ctx, &this.0)).await));
like!(Table<T: Row>, Vec<T>, |this, ctx, field| {
    match write(ctx, &this.0) {
        Some(written) => Ok(Value::Binary(written.into())),
        None => resolve_list(ctx, field, this.0.iter().map(Branch), Some(this.0.len())).await,
    }
});

const TYPE_NAME: &str = "__typename";

type Outcome = ServerResult<Option<Value>>;

/// How a column of a table is written.
enum Column<'a, T> {
    /// The same in all rows.
    Constant(Vec<u8>),
    Written(fn(&T, &mut Vec<u8>)),
    Resolved(&'a Positioned<Field>),
}

/// A list as JSON; `None` where something is asked for that is not at hand.
fn write<T: Row>(ctx: &ContextSelectionSet<'_>, rows: &[T]) -> Option<Vec<u8>> {
    /// Bytes of a value, with its key.
    const USUAL: usize = 32;
    ctx.data_opt::<Unmerged>()?;
    let Some(first) = rows.first() else { return Some(b"[]".to_vec()) };
    let columns = columns(ctx, first)?;
    let mut out = Vec::with_capacity(rows.len() * columns.len() * USUAL);
    out.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        for (key, column) in &columns {
            out.extend_from_slice(key);
            match column {
                Column::Constant(written) => out.extend_from_slice(written),
                Column::Written(write) => write(row, &mut out),
                Column::Resolved(field) => {
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

/// The columns, each after what stands before its value.
fn columns<'a, T: Row>(ctx: &ContextSelectionSet<'a>, first: &T) -> Option<Vec<(Vec<u8>, Column<'a, T>)>> {
    let mut columns: Vec<(Vec<u8>, Column<'a, T>)> = Vec::new();
    let mut keys: Vec<&Name> = Vec::new();
    for field in fields(ctx, first) {
        let key = &field.node.response_key().node;
        if keys.contains(&key) {
            continue;
        }
        keys.push(key);
        let name = field.node.name.node.as_str();
        let column = if name == TYPE_NAME {
            let mut written = Vec::new();
            json::write_plain(first.introspection_type_name(), &mut written);
            Column::Constant(written)
        } else if !T::AT_HAND.contains(&name) && !first.has(&ctx.with_field(field).look_ahead(), name) {
            return None;
        } else {
            T::writer(name).map_or(Column::Resolved(field), Column::Written)
        };
        let mut before = if columns.is_empty() { b"{".to_vec() } else { b",".to_vec() };
        json::write_plain(key.as_str(), &mut before);
        before.push(b':');
        columns.push((before, column));
    }
    // An object has a field at least.
    (!columns.is_empty()).then_some(columns)
}

async fn in_turn<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    object: &T,
    fields: &[&Positioned<Field>],
) -> Value {
    let mut outcomes = Vec::with_capacity(fields.len());
    for field in fields {
        outcomes.push(resolve(ctx, object, field).await);
    }
    put_together(ctx, fields, outcomes)
}

async fn at_once<T: Row>(ctx: &ContextSelectionSet<'_>, object: &T, fields: &[&Positioned<Field>]) -> Value {
    let mut outcomes = Vec::with_capacity(fields.len());
    let mut waiting = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let name = field.node.name.node.as_str();
        let is_at_hand = name == TYPE_NAME
            || T::AT_HAND.contains(&name)
            || object.has(&ctx.with_field(field).look_ahead(), name);
        let resolved = if is_at_hand { resolve(ctx, object, field).now_or_never() } else { None };
        if resolved.is_none() {
            waiting.push((place, *field));
        }
        outcomes.push(resolved.unwrap_or(Ok(None)));
    }
    let resolve = async |(place, field)| (place, resolve(ctx, object, field).await);
    let mut note = |(place, outcome): (usize, Outcome)| {
        if let Some(unknown) = outcomes.get_mut(place) {
            *unknown = outcome;
        }
    };
    if let [alone] = waiting.as_slice() {
        note(resolve(*alone).await);
    } else {
        let mut waiting: FuturesUnordered<_> = waiting.into_iter().map(resolve).collect();
        while let Some(resolved) = waiting.next().await {
            note(resolved);
        }
    }
    put_together(ctx, fields, outcomes)
}

/// The fields that are asked for, in their order.
fn fields<'a, T: ContainerType>(ctx: &ContextSelectionSet<'a>, object: &T) -> Vec<&'a Positioned<Field>> {
    let mut found = Vec::with_capacity(ctx.item.node.items.len());
    collect(&ctx.item.node.items, ctx, &object.introspection_type_name(), &mut found);
    found
}

/// Fragments on other types say nothing about this one. What spreads unknown fragments was refused.
fn collect<'a>(
    items: &'a [Positioned<Selection>],
    ctx: &ContextSelectionSet<'a>,
    name: &str,
    found: &mut Vec<&'a Positioned<Field>>,
) {
    let applies = |condition: &str| {
        let implements = || ctx.schema_env.registry.implements.get(name);
        condition == name || implements().is_some_and(|interfaces| interfaces.contains(condition))
    };
    for item in items {
        match &item.node {
            Selection::Field(field) => found.push(field),
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                    collect(&fragment.node.selection_set.node.items, ctx, name, found);
                }
            }
            Selection::FragmentSpread(spread) => {
                let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
                if let Some(fragment) = fragment
                    && applies(&fragment.node.type_condition.node.on.node)
                {
                    collect(&fragment.node.selection_set.node.items, ctx, name, found);
                }
            }
        }
    }
}

async fn resolve<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    object: &T,
    field: &Positioned<Field>,
) -> Outcome {
    if field.node.name.node == TYPE_NAME {
        return Ok(Some(Value::String(object.introspection_type_name().into_owned())));
    }
    object.resolve_field(&ctx.with_field(field)).await
}

/// The object that its fields make: written, where nothing can come to it any more. A field that failed is left out:
/// what is null because of it is found out when all is done.
fn put_together(
    ctx: &ContextSelectionSet<'_>,
    fields: &[&Positioned<Field>],
    outcomes: Vec<Outcome>,
) -> Value {
    let fields = || fields.iter().map(|field| &field.node);
    let is_final = |(field, outcome): (&Field, &Outcome)| {
        outcome.as_ref().is_ok_and(|value| is_final(field, value.as_ref()))
    };
    if ctx.data_opt::<Unmerged>().is_some() && fields().zip(&outcomes).all(is_final) {
        return Value::Binary(written(fields().zip(outcomes.iter().flatten().map(Option::as_ref))).into());
    }
    let mut values = IndexMap::with_capacity(outcomes.len());
    for (field, outcome) in fields().zip(outcomes) {
        match outcome {
            Ok(value) => merge(&mut values, field.response_key().node.clone(), value.unwrap_or_default()),
            Err(error) => ctx.add_error(error),
        }
    }
    // An object all of whose fields failed is null, as the library has it.
    if values.is_empty() { Value::Null } else { Value::Object(values) }
}

/// Whether a value stays as it is. Parts of it may have failed where it is an object, or null instead of one.
fn is_final(field: &Field, value: Option<&Value>) -> bool {
    match value {
        Some(Value::Object(_)) => false,
        Some(Value::List(items)) if items.iter().all(|item| matches!(item, Value::Binary(_))) => true,
        None | Some(Value::Null | Value::List(_)) => field.selection_set.node.items.is_empty(),
        Some(_) => true,
    }
}

/// An object as JSON.
fn written<'a>(fields: impl Iterator<Item = (&'a Field, Option<&'a Value>)>) -> Vec<u8> {
    let mut keys: Vec<&Name> = Vec::new();
    let mut out = Vec::new();
    for (field, value) in fields {
        let key = &field.response_key().node;
        if keys.contains(&key) {
            continue;
        }
        out.push(if keys.is_empty() { b'{' } else { b',' });
        json::write_plain(key.as_str(), &mut out);
        out.push(b':');
        json::write(value.unwrap_or(&Value::Null), &mut out);
        keys.push(key);
    }
    out.push(b'}');
    out
}

/// Fields under the same key were asked for several times, with different parts of the same.
fn merge(values: &mut IndexMap<Name, Value>, key: Name, value: Value) {
    let Some(known) = values.get_mut(&key) else {
        values.insert(key, value);
        return;
    };
    match (known, value) {
        (Value::Object(known), Value::Object(more)) => {
            for (key, value) in more {
                merge(known, key, value);
            }
        }
        (Value::List(known), Value::List(more)) => {
            for (known, more) in known.iter_mut().zip(more) {
                if let (Value::Object(known), Value::Object(more)) = (known, more) {
                    for (key, value) in more {
                        merge(known, key, value);
                    }
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};
    use serde_json::json;
    use service::read::EventEntry;

    use super::*;
    use crate::graphql::{channel::ChannelAnalytics, event::EventAnalytics};

    struct Rows;

    fn entry() -> EventEntry {
        let channel = |name: &str, kind: &str, number: i32| {
            json!({
                "event_id": "evt-\"1\"", "channel_name": name, "channel_type": kind, "impressions": 10 * number,
                "views": 9 * number, "clicks": 8 * number, "participants": 7 * number, "conversions": number,
                "distribution_cost": "1000000.5", "likes": 1, "comments": 2, "shares": 3, "total_calls": 5,
                "completed_calls": 4, "average_duration": 61, "created_at": "2026-01-05T09:00:00Z",
                "updated_at": "2026-01-05T09:00:00.123456Z", "read_at": null
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
            "{{ channels {{ __typename {} }} events {{ {} }} }}",
            ChannelAnalytics::AT_HAND.join(" "),
            EventAnalytics::AT_HAND.join(" ")
        );
        assert_eq!(answered::<true>(&query), answered::<false>(&query));
    }
}
