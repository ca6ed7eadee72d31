//! What the numbers mean: every formula as a pure function over exact decimals. Nothing is rounded but by [`round2`],
//! which is for the edge.

mod channel;
mod formulas;
mod funnel;
mod number;
mod ranking;
mod roi;

pub use channel::{ChannelMetric, ChannelSums};
pub use formulas::*;
pub use funnel::{FunnelStep, FunnelStepName, funnel};
pub use number::round2;
pub use ranking::{ChannelGroup, OTHERS, Ranking, RankingRow};
pub use roi::Roi;
