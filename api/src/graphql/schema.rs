use std::sync::Arc;

use async_graphql::{EmptyMutation, SDLExportOptions, SchemaBuilder};
use service::Service;

use super::{context::FreshLoaders, cost::CostLimit, node::Node, query::Query, subscription::Subscription};
use crate::{error::Reporter, settings::Settings};

pub(crate) type Schema = async_graphql::Schema<Query, EmptyMutation, Subscription>;

fn builder() -> SchemaBuilder<Query, EmptyMutation, Subscription> {
    Schema::build(Query, EmptyMutation, Subscription).register_output_type::<Node>()
}

/// The schema as it is served.
pub(crate) fn build(service: Arc<Service>, reporter: Reporter, settings: &Settings) -> Schema {
    let depth = usize::try_from(settings.limits.depth).unwrap_or(usize::MAX);
    let mut builder = builder()
        .extension(CostLimit { limit: settings.limits.cost })
        .extension(FreshLoaders)
        .data(service)
        .data(reporter)
        // The scan in front of the parser has looked at depth already, and says what is wrong.
        .limit_recursive_depth(depth.saturating_add(1));
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
