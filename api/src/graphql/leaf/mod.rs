//! Objects whose fields are resolved in place. The GraphQL library makes a task of each field of each object, which
//! costs more than most fields themselves: a timeline of a week has more than a thousand. What is resolved so is written
//! in place, too, so that no tree of values is made, put in order, walked and taken down again.
//!
//! What can be told of a type (its name, its fields, its descriptions) is that of the object itself.

mod object;
mod table;

use std::borrow::Cow;

use self::{
    object::{at_once, in_turn},
    table::write,
};
use async_graphql::{
    ContainerType, ContextSelectionSet, Lookahead, OutputType, Positioned, ServerResult, Value,
    parser::types::{Field, Selection},
    registry::Registry,
    resolver_utils::resolve_list,
};

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

    /// How a field that is always at hand, takes no arguments and has no parts is written faster than it is resolved, where
    /// it matters.
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

/// Whether a field can be resolved without waiting.
fn is_at_hand<T: Row>(ctx: &ContextSelectionSet<'_>, object: &T, field: &Positioned<Field>) -> bool {
    let name = field.node.name.node.as_str();
    name == TYPE_NAME || T::AT_HAND.contains(&name) || object.has(&ctx.with_field(field).look_ahead(), name)
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
