//! What stands in for the services that are not configured.

pub(crate) mod kafka;
pub(crate) mod postgres;
