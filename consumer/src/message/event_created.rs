use rust_decimal::Decimal;
use service::{domain::EventStatus, ingest::EventCreated};

use super::{fields::Fields, rejection::Rejection, value::Column};

const TITLE_MAX_CHARS: usize = 255;

/// Revenue and growth may be negative: an event may be planned at a loss, and sales may fall.
pub(super) fn read(fields: &Fields<'_>) -> Result<EventCreated, Rejection> {
    let percent = |name, column| match fields.optional(name)? {
        Some(value) => value.decimal(column),
        None => Ok(Decimal::new(0, 2)),
    };
    Ok(EventCreated {
        event_id: fields.required("eventId")?.event_id()?,
        event_title: fields.required("eventTitle")?.title(TITLE_MAX_CHARS)?,
        user_id: fields.required("userId")?.user_id()?,
        total_investment: fields.required("totalInvestment")?.decimal(Column::INVESTMENT)?,
        expected_revenue: fields.required("expectedRevenue")?.decimal(Column::MONEY)?,
        target_roi: percent("targetRoi", Column::ROI)?,
        estimated_roi: fields
            .optional("estimatedRoi")?
            .map(|value| value.decimal(Column::ROI))
            .transpose()?,
        sales_growth_rate: percent("salesGrowthRate", Column::PERCENT)?,
        status: match fields.optional("status")? {
            Some(value) => value.status()?,
            None => EventStatus::Active,
        },
        occurred_at: fields.required("occurredAt")?.instant()?,
    })
}
