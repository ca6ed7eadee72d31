//! Courses over time.

mod input;
mod point;
mod series;

pub(crate) use input::{Comparison, Granularity, TimeRangeInput, spec, timeline_cost};
pub(crate) use point::TimelinePoint;
pub(crate) use series::Timeline;
