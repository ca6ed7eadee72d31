//! Time series: the buckets of every granularity in every zone, the ranges that clients ask for, and what is made of
//! the numbers in them. Pure: no database, no clock.

mod calendar;
mod compare;
mod duration;
mod forecast;
mod range;
mod series;
mod trend;
mod window;
mod zone;

pub use calendar::{TooManyBuckets, boundaries, bucket_end, bucket_start};
pub use compare::{Alignment, Comparison, compare};
pub use duration::{InvalidDuration, IsoDuration};
pub use forecast::{Forecast, forecast};
pub use range::{Extent, LIVE_BUCKETS, MAX_BUCKETS, RangeError, RangeInput, live_default};
pub use series::{BucketRow, Series};
pub use trend::{Trend, TrendDirection, trend};
pub use window::Window;
