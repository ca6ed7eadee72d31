use std::{collections::HashMap, hash::Hash};

use chrono::{DateTime, Utc};

use super::TimelineSpec;
use crate::timeline::{Alignment, Extent, RangeError, Window, compare};

/// Which windows have to be read for a timeline of each of several things.
pub(super) struct Plan<K> {
    pub(super) windows: Vec<(K, Window)>,
    /// The compared windows, in the same order.
    pub(super) others: Vec<(K, Window)>,
    alignments: Vec<Alignment>,
    /// Those whose range can't be answered. That of one does not keep the others from theirs.
    pub(super) refused: Vec<(K, RangeError)>,
}

impl<K: Clone + Eq + Hash> Plan<K> {
    pub(super) fn new(
        of: Vec<K>,
        spec: &TimelineSpec,
        now: DateTime<Utc>,
        extent: impl Fn(&K) -> Option<Extent>,
    ) -> Self {
        // Where nothing stored decides, all share one window; its bounds are computed once.
        let resolve = |extent| spec.range.resolve(spec.granularity, spec.zone, now, extent);
        let shared = (!spec.range.needs_extent()).then(|| resolve(None));
        let beside = |window: &Window| spec.compare_to.map(|comparison| compare(window, comparison));
        let shared_beside = shared.as_ref().and_then(|window| beside(window.as_ref().ok()?));
        let mut plan =
            Self { windows: Vec::new(), others: Vec::new(), alignments: Vec::new(), refused: Vec::new() };
        for key in of {
            match shared.clone().unwrap_or_else(|| resolve(extent(&key))) {
                Ok(window) => {
                    if let Some((other, alignment)) = shared_beside.clone().or_else(|| beside(&window)) {
                        plan.others.push((key.clone(), other));
                        plan.alignments.push(alignment);
                    }
                    plan.windows.push((key, window));
                }
                Err(error) => plan.refused.push((key, error)),
            }
        }
        plan
    }

    /// The compared windows by what they are of.
    pub(super) fn take_others(&mut self) -> HashMap<K, (Window, Alignment)> {
        let others = std::mem::take(&mut self.others).into_iter().zip(std::mem::take(&mut self.alignments));
        others.map(|((key, window), alignment)| (key, (window, alignment))).collect()
    }
}
