//! Channels: one of an event, and rankings over many events.

mod analytics;
mod metric;
mod ranking;

pub(crate) use analytics::{CHANNELS, ChannelAnalytics, ChannelType};
pub(crate) use metric::{ChannelGrouping, ChannelMetric};
pub(crate) use ranking::{ChannelRanking, ranking_cost};
