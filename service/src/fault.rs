//! Boundaries between the steps of a message's way, at which tests let the process crash or stand still.
//!
//! Debug builds do what the variable `PULSEGATE_FAULT` says; in release builds passing a boundary is nothing at all.

/// A boundary between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// A record was taken from Kafka; nothing was done about it.
    Fetched,
    /// Dead letters are acknowledged; nothing else of their batch is done.
    DeadLettered,
    /// A batch is about to be applied.
    BeforeApply,
    /// All of a batch is written; the transaction is open.
    BeforeCommit,
    /// The transaction is committed; nobody knows.
    AfterCommit,
    /// The commits are about to be published.
    BeforePublication,
    /// The cache was told; the other processes were not.
    InPublication,
    /// All were told; Kafka's position was not moved.
    AfterPublication,
    /// Kafka is about to be told positions.
    BeforeOffsetCommit,
    /// Where to begin with new partitions is known; they are not taken on.
    TakingOn,
    /// Partitions have to be given up; work on them may be under way.
    GivingUp,
    /// Work on them is finished and Kafka was told; they are not given up.
    GivenUp,
}

impl Boundary {
    /// All of them, in the order in which a message meets them.
    pub const ALL: [Self; 12] = [
        Self::TakingOn,
        Self::Fetched,
        Self::DeadLettered,
        Self::BeforeApply,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforePublication,
        Self::InPublication,
        Self::AfterPublication,
        Self::BeforeOffsetCommit,
        Self::GivingUp,
        Self::GivenUp,
    ];

    /// The name that the variable knows it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::DeadLettered => "dead-lettered",
            Self::BeforeApply => "before-apply",
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::BeforePublication => "before-publication",
            Self::InPublication => "in-publication",
            Self::AfterPublication => "after-publication",
            Self::BeforeOffsetCommit => "before-offset-commit",
            Self::TakingOn => "taking-on",
            Self::GivingUp => "giving-up",
            Self::GivenUp => "given-up",
        }
    }
}

/// Passes a boundary.
#[inline]
pub fn pass(boundary: Boundary) {
    #[cfg(debug_assertions)]
    debug::pass(boundary);
    #[cfg(not(debug_assertions))]
    let _ = boundary;
}

#[cfg(debug_assertions)]
mod debug {
    use std::{
        sync::{
            LazyLock,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use super::Boundary;

    const VARIABLE: &str = "PULSEGATE_FAULT";
    /// Long enough for whoever is told of it to freeze the process.
    const HALT: Duration = Duration::from_secs(1);

    /// What to do at which passage of a boundary: `crash:before-commit:3`, `halt:fetched:1`.
    struct Order {
        crash: bool,
        boundary: Boundary,
        left: AtomicU32,
    }

    static ORDER: LazyLock<Option<Order>> =
        LazyLock::new(|| std::env::var(VARIABLE).ok().and_then(|text| parse(&text)));

    fn parse(text: &str) -> Option<Order> {
        let mut parts = text.split(':');
        let crash = match parts.next()? {
            "crash" => true,
            "halt" => false,
            _ => return None,
        };
        let name = parts.next()?;
        let boundary = Boundary::ALL.into_iter().find(|boundary| boundary.name() == name)?;
        Some(Order { crash, boundary, left: AtomicU32::new(parts.next()?.parse().ok()?) })
    }

    pub(super) fn pass(boundary: Boundary) {
        let Some(order) = ORDER.as_ref().filter(|order| order.boundary == boundary) else { return };
        let counted = order.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if counted != Ok(1) {
            return;
        }
        if order.crash {
            tracing::warn!(boundary = boundary.name(), "crashing, as {VARIABLE} says");
            std::process::abort();
        }
        tracing::warn!(boundary = boundary.name(), "standing still, as {VARIABLE} says");
        std::thread::sleep(HALT);
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn orders_name_a_deed_a_boundary_and_a_passage() {
            for boundary in Boundary::ALL {
                let order = parse(&format!("halt:{}:3", boundary.name())).unwrap();
                assert!(!order.crash && order.boundary == boundary);
            }
            for text in ["", "crash", "crash:before-commit", "crash:nowhere:1", "burn:fetched:1"] {
                assert!(parse(text).is_none(), "{text}");
            }
        }
    }
}
