//! The schema. Types wrap the service's and hold no logic; their documentation is what clients read.

mod channel;
mod context;
mod event;
mod faults;
mod freshness;
mod global_id;
mod leaf;
mod loaders;
mod metric;
mod mutation;
mod node;
mod query;
mod rate_limit;
pub(crate) mod scalar;
mod schema;
mod subscription;
mod timeline;
mod user;

pub(crate) use context::LoaderSlot;
pub(crate) use faults::{event_id, range_fault};
pub(crate) use leaf::Unmerged;
pub(crate) use loaders::Reader;
pub(crate) use schema::{Schema, builder, sdl};
pub(crate) use subscription::{Step, Turn, Update};
pub(crate) use timeline::from_texts as timeline_arguments;
