//! The routes.

mod access;
mod assets;
mod body;
mod cost;
mod entity_tag;
mod export;
mod front;
mod graphql;
mod headers;
mod measured;
mod negotiation;
mod pages;
mod panics;
mod status;
mod stream;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get},
};
use tower::util::option_layer;
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, Predicate, SizeAbove},
};

pub use access::Peer;
pub(crate) use assets::documents;
pub use front::Front;

use crate::gateway::Gateway;

/// Below this, compressing costs more than it saves.
const WORTH_COMPRESSING: u16 = 1024;

/// For what is not encoded when it is made.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().compress_when(DefaultPredicate::new().and(SizeAbove::new(WORTH_COMPRESSING)))
}

/// All routes of the gateway.
pub fn router(gateway: Gateway) -> Router {
    let cors = access::cors(&gateway.0.settings.origins);
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/graphql/stream", get(stream::get).post(stream::post))
        .route("/export/events/{event_id}/timeline.csv", get(export::timeline))
        .route("/graphiql", get(pages::graphiql))
        .route("/", get(pages::dashboard))
        .route("/events/{*rest}", get(pages::dashboard))
        .route("/users/{*rest}", get(pages::dashboard))
        .route("/healthz", get(status::alive))
        .route("/readyz", get(status::ready))
        .route("/metrics", get(status::metrics))
        .route("/schema.graphql", get(status::sdl))
        .fallback(any(assets::asset))
        .layer(from_fn_with_state(gateway.clone(), access::admit))
        .layer(option_layer(cors))
        .layer(from_fn_with_state(gateway.clone(), panics::contain))
        .layer(compression())
        .layer(from_fn(measured::measure))
        .with_state(gateway)
}
