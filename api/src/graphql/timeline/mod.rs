//! Courses over time.

mod input;
mod point;
mod series;
mod texts;

pub(crate) use input::{Comparison, Granularity, TimeRangeInput, spec, timeline_cost};
pub(crate) use point::TimelinePoint;
pub(crate) use series::Timeline;
pub(crate) use texts::from_texts;
