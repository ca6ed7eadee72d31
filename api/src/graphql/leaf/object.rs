use async_graphql::{
    ContainerType, ContextSelectionSet, Name, Positioned, Value, indexmap::IndexMap, parser::types::Field,
};
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};

use super::{Outcome, Row, Unmerged, is_at_hand, resolve};
use crate::json;

pub(super) async fn in_turn<T: ContainerType>(
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

pub(super) async fn at_once<T: Row>(
    ctx: &ContextSelectionSet<'_>,
    object: &T,
    fields: &[&Positioned<Field>],
) -> Value {
    let mut outcomes = Vec::with_capacity(fields.len());
    let mut waiting = FuturesUnordered::new();
    for (place, field) in fields.iter().enumerate() {
        let resolved =
            if is_at_hand(ctx, object, field) { resolve(ctx, object, field).now_or_never() } else { None };
        if resolved.is_none() {
            waiting.push(async move { (place, resolve(ctx, object, field).await) });
        }
        outcomes.push(resolved.unwrap_or(Ok(None)));
    }
    while let Some((place, outcome)) = waiting.next().await {
        if let Some(unknown) = outcomes.get_mut(place) {
            *unknown = outcome;
        }
    }
    put_together(ctx, fields, outcomes)
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
fn written<'a>(fields: impl Iterator<Item = (&'a Field, Option<&'a Value>)> + Clone) -> Vec<u8> {
    let mut keys: Vec<&Name> = Vec::new();
    let values = fields.clone().map(|(_, value)| value.unwrap_or(&Value::Null));
    let mut out = Vec::with_capacity(json::room(values));
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
