use std::collections::HashMap;

use rust_decimal::Decimal;
use service::{
    domain::ChannelName,
    ingest::{Distribution, DistributionCompleted},
};

use super::{
    fields::{Fields, Place},
    rejection::{Code, Rejection},
    value::Column,
};

/// A channel that is named twice counts as if its entries had come one after the other: type, cost and average
/// duration are those of the last, and of each counter the larger is taken.
pub(super) fn read(fields: &Fields<'_>) -> Result<DistributionCompleted, Rejection> {
    let event_id = fields.required("eventId")?.event_id()?;
    let entries = fields.required("channels")?.array()?;
    let mut channels: Vec<Distribution> = Vec::with_capacity(entries.len());
    let mut places: HashMap<ChannelName, usize> = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let channel = channel(&Fields::parse(entry.get(), Place::Channel(index))?, Place::Channel(index))?;
        if let Some(&place) = places.get(&channel.channel_name) {
            channels[place] = later(&channels[place], channel);
        } else {
            places.insert(channel.channel_name.clone(), channels.len());
            channels.push(channel);
        }
    }
    Ok(DistributionCompleted { event_id, channels, occurred_at: fields.required("occurredAt")?.instant()? })
}

fn channel(fields: &Fields<'_>, place: Place) -> Result<Distribution, Rejection> {
    let count = |name| match fields.optional(name)? {
        Some(value) => value.count(),
        None => Ok(0),
    };
    let channel = Distribution {
        channel_name: fields.required("channelName")?.channel_name()?,
        channel_type: fields.required("channelType")?.channel_type()?,
        distribution_cost: match fields.optional("distributionCost")? {
            Some(value) => value.decimal(Column::MONEY)?,
            None => Decimal::new(0, 2),
        },
        impressions: count("impressions")?,
        views: count("views")?,
        clicks: count("clicks")?,
        conversions: count("conversions")?,
        likes: count("likes")?,
        comments: count("comments")?,
        shares: count("shares")?,
        total_calls: count("totalCalls")?,
        completed_calls: count("completedCalls")?,
        average_duration: count("averageDuration")?,
    };
    if channel.completed_calls > channel.total_calls {
        return Err(Rejection::new(
            Code::CompletedExceedsTotal,
            format!(
                "{} is {}; at most {}, the totalCalls, are allowed",
                place.name("completedCalls"),
                channel.completed_calls,
                channel.total_calls
            ),
        ));
    }
    Ok(channel)
}

/// The larger of each pair keeps completed calls within total calls, because both pairs do.
fn later(earlier: &Distribution, last: Distribution) -> Distribution {
    Distribution {
        impressions: last.impressions.max(earlier.impressions),
        views: last.views.max(earlier.views),
        clicks: last.clicks.max(earlier.clicks),
        conversions: last.conversions.max(earlier.conversions),
        likes: last.likes.max(earlier.likes),
        comments: last.comments.max(earlier.comments),
        shares: last.shares.max(earlier.shares),
        total_calls: last.total_calls.max(earlier.total_calls),
        completed_calls: last.completed_calls.max(earlier.completed_calls),
        ..last
    }
}
