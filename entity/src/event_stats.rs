//! Statistics of one event, one row per event.

use sea_orm::entity::prelude::*;

/// A row of `event_stats`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_stats")]
pub struct Model {
    /// Surrogate key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique.
    pub event_id: String,
    /// Empty until `EventCreated` has described the row.
    pub event_title: String,
    /// The owner; empty until `EventCreated` has described the row.
    pub user_id: String,
    /// People registered.
    pub total_participants: i32,
    /// The sum of the channels' views.
    pub total_views: i32,
    /// Percent.
    pub estimated_roi: Decimal,
    /// Percent.
    pub target_roi: Decimal,
    /// Percent.
    pub sales_growth_rate: Decimal,
    /// Won.
    pub total_investment: Decimal,
    /// Won.
    pub expected_revenue: Decimal,
    /// `ACTIVE`, `ENDED` or `ARCHIVED`.
    pub status: String,
    /// UTC.
    pub created_at: DateTime,
    /// UTC.
    pub updated_at: DateTime,
    /// Rises by one with each commit that touches the event.
    pub revision: i64,
}

/// No foreign keys: the service refers to other services' data by name only.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
