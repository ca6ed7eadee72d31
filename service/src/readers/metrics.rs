//! What became of reads that might have gone to a replica.

use metrics::{counter, describe_counter};

const READS: &str = "pulsegate_replica_reads_total";

/// What became of a read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// The replica answered.
    Answered,
    /// The primary had to: the replica did not yet have what was committed before the read.
    Behind,
    /// The primary had to: the replica did not answer.
    Away,
    /// The primary had to: it is no replica of this database.
    Misfit,
    /// The primary had to: one of the three was so a moment before.
    Resting,
}

/// Describes the counter, for whoever reads the metrics.
pub fn describe() {
    describe_counter!(
        READS,
        "Reads that might go to the replica: answered by it, or by the primary because it was behind, away, a misfit, or resting after that"
    );
}

pub(super) fn count(outcome: Outcome) {
    let outcome = match outcome {
        Outcome::Answered => "answered",
        Outcome::Behind => "behind",
        Outcome::Away => "away",
        Outcome::Misfit => "misfit",
        Outcome::Resting => "resting",
    };
    counter!(READS, "outcome" => outcome).increment(1);
}
