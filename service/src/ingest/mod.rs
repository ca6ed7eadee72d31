//! Writing: what other services say becomes rows, exactly once in effect.
//!
//! One transaction per batch holds the partitions' positions, the ids of the messages and all effects. Publication
//! comes after the commit and is at least once.

mod apply;
mod closed_days;
mod commit;
mod dedup;
mod delta;
mod fact;
mod fold;
mod merge;
mod overfull;
mod position;
mod readings;
mod rows;

pub(crate) use closed_days::ClosedDays;
pub use commit::Commit;
#[cfg(test)]
pub(crate) use delta::ChannelDelta;
pub use delta::Delta;
pub use fact::{
    Applied, Batch, Distribution, DistributionCompleted, EventCreated, Fact, Message, ParticipantRegistered,
    Place, Position,
};
pub(crate) use readings::{ReadChannel, Sent};
