//! The three statistics tables as SeaORM entities, and nothing else.
//!
//! Columns beside the ones named in the ERD order the messages that describe a row; they have defaults, so that a
//! row can be written with the ERD's columns alone.

pub mod channel_stats;
pub mod event_stats;
pub mod timeline_data;
