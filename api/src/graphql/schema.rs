use async_graphql::{EmptyMutation, SDLExportOptions, SchemaBuilder};

use super::{node::Node, query::Query, subscription::Subscription};
use crate::settings::Settings;

pub(crate) type Schema = async_graphql::Schema<Query, EmptyMutation, Subscription>;

fn builder() -> SchemaBuilder<Query, EmptyMutation, Subscription> {
    Schema::build(Query, EmptyMutation, Subscription).register_output_type::<Node>()
}

/// The schema as it is served. Without extensions, because each of them would be called for every field.
pub(crate) fn build(settings: &Settings) -> Schema {
    let limit = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    let mut builder = builder()
        .limit_complexity(limit(settings.limits.cost))
        // The scan in front of the parser has looked at depth already, and says what is wrong.
        .limit_recursive_depth(limit(settings.limits.depth).saturating_add(1));
    if !settings.introspection {
        // A suggestion for a wrong name would tell the schema bit by bit.
        builder = builder.disable_introspection().disable_suggestions();
    }
    builder.finish()
}

/// The schema in the schema definition language.
pub(crate) fn sdl() -> String {
    let options = SDLExportOptions::new().use_space_ident().include_specified_by();
    builder().finish().sdl_with_options(options)
}
