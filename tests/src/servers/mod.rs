//! The real servers, each in a private directory on a free loopback port.

pub mod channel_api;
pub mod jars;
pub mod kafka;
pub mod mock;
pub mod nginx;
pub mod postgres;
pub mod redis;
pub mod redis_cluster;
