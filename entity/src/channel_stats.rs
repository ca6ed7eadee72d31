//! Performance of one channel of one event.

use sea_orm::entity::prelude::*;

/// A row of `channel_stats`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_stats")]
pub struct Model {
    /// Surrogate key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique together with `channel_name`.
    pub event_id: String,
    /// Free text.
    pub channel_name: String,
    /// `TV`, `SNS` or `VOICE`.
    pub channel_type: String,
    /// Times shown.
    pub impressions: i32,
    /// Times viewed.
    pub views: i32,
    /// Clicks.
    pub clicks: i32,
    /// People registered through this channel.
    pub participants: i32,
    /// Conversions.
    pub conversions: i32,
    /// Won.
    pub distribution_cost: Decimal,
    /// SNS.
    pub likes: i32,
    /// SNS.
    pub comments: i32,
    /// SNS.
    pub shares: i32,
    /// VOICE.
    pub total_calls: i32,
    /// VOICE, at most `total_calls`.
    pub completed_calls: i32,
    /// VOICE, seconds.
    pub average_duration: i32,
    /// UTC.
    pub created_at: DateTime,
    /// UTC.
    pub updated_at: DateTime,
}

/// No foreign keys: the service refers to other services' data by name only.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
