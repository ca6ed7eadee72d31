use async_graphql::{SDLExportOptions, SchemaBuilder};

use super::{mutation::Mutation, node::Node, query::Query, subscription::Subscription};
use crate::settings::Settings;

pub(crate) type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

type Builder = SchemaBuilder<Query, Mutation, Subscription>;

fn unlimited() -> Builder {
    Schema::build(Query, Mutation, Subscription).register_output_type::<Node>()
}

/// The schema for documents that the scan in front of the parser has let pass.
pub(crate) fn builder(settings: &Settings) -> Builder {
    let depth = usize::try_from(settings.limits.depth).unwrap_or(usize::MAX).saturating_add(1);
    // The scan has looked at depth already, and says what is wrong.
    let builder = unlimited().limit_recursive_depth(depth);
    if settings.introspection { builder } else { builder.disable_introspection() }
}

/// The schema in the schema definition language.
pub(crate) fn sdl() -> String {
    let options = SDLExportOptions::new().use_space_ident().include_specified_by();
    unlimited().finish().sdl_with_options(options)
}
