//! Time series of one event: one row per minute in which something happened.

use sea_orm::entity::prelude::*;

/// A row of `timeline_data`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline_data")]
pub struct Model {
    /// Surrogate key, unique together with the partition key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique together with `timestamp`.
    pub event_id: String,
    /// Start of the bucket, UTC; the partition key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub timestamp: DateTime,
    /// Within the bucket.
    pub participants: i32,
    /// Within the bucket.
    pub views: i32,
    /// Likes, comments and shares within the bucket.
    pub engagement: i32,
    /// Within the bucket.
    pub conversions: i32,
    /// Up to and including the bucket.
    pub cumulative_participants: i32,
    /// UTC.
    pub created_at: DateTime,
    /// UTC.
    pub updated_at: DateTime,
}

/// No foreign keys: the service refers to other services' data by name only.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
